"""A week's failures, questions and feedback made into one digest; and when one is due."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from failbot.models import (
    Digest,
    Failure,
    Feedback,
    Pattern,
    Question,
    Schedule,
    Thanks,
    Verdict,
)
from failbot.taxonomy import MODES

WINDOW = timedelta(days=7)
PATTERN_WINDOW = timedelta(days=90)
LESSONS = 5
RECURRING = 3  # failures that share something before it is called a pattern


def compose(
    *,
    week: str,
    recent: Sequence[Failure],
    since: datetime,
    questions: Sequence[Question],
    feedback: Sequence[Feedback],
    failures: Mapping[int, Failure],
) -> Digest:
    """The digest of what happened from `since` on.

    `recent` are the failures of the pattern window, newest first; `questions` and `feedback` are
    the week's; `failures` holds those that questions and feedback speak of, by number. All of
    them are what the digest's audience sees.
    """
    new = [failure for failure in recent if failure.created_at >= since]
    told = sorted(new, key=lambda one: (not one.lesson, -one.created_at.timestamp(), one.number))
    return Digest(
        week=week,
        until=since + WINDOW,
        pattern=pattern(recent, new),
        lessons=tuple(told[:LESSONS]),
        questions=tuple(one for one in questions if one.verdict is Verdict.UNKNOWN),
        thanks=thanks(questions, feedback, failures),
        more=max(0, len(new) - LESSONS),
    )


def pattern(recent: Sequence[Failure], new: Sequence[Failure]) -> Pattern | None:
    """What at least three recent failures share, one of them new; failure modes before tags.

    Of several, the one that the week added most to, then the rarer: a tag on everything tells
    nothing.
    """
    for traits, meaning in ((_modes, MODES), (lambda one: one.tags, {})):
        shared: dict[str, list[Failure]] = defaultdict(list)
        for failure in recent:
            for trait in dict.fromkeys(traits(failure)):
                shared[trait].append(failure)
        weekly = Counter(trait for failure in new for trait in set(traits(failure)))
        found = [name for name in weekly if len(shared[name]) >= RECURRING]
        if found:
            best = min(found, key=lambda name: (-weekly[name], len(shared[name]), name))
            return Pattern(name=best, meaning=meaning.get(best, ""), failures=tuple(shared[best]))
    return None


def thanks(
    questions: Sequence[Question], feedback: Sequence[Feedback], failures: Mapping[int, Failure]
) -> tuple[Thanks, ...]:
    """The authors whose entries answered someone else's question, most helpful first.

    A reader's word counts over our own opinion: an entry counts when a reader said that it
    helped, or when it was the answer to a known question and nobody said that it was wrong.
    """
    word = {(one.question_id, one.number): one.helped for one in feedback}
    shown = {
        (one.id, one.shown[0])
        for one in questions
        if one.verdict is Verdict.KNOWN and one.shown and word.get((one.id, one.shown[0]), True)
    }
    helped = shown | {key for key, said in word.items() if said}
    askers = {one.id: one.user_id for one in questions} | {
        one.question_id: one.user_id for one in feedback
    }
    return _by_author(helped, askers, failures)


def _by_author(
    helped: Iterable[tuple[int, int]], askers: Mapping[int, str], failures: Mapping[int, Failure]
) -> tuple[Thanks, ...]:
    uses: dict[str, list[int]] = defaultdict(list)
    for question_id, number in sorted(helped):
        failure = failures.get(number)
        if failure and failure.author_id not in ("", askers.get(question_id)):
            uses[failure.author_id].append(number)
    ordered = sorted(uses, key=lambda author: (-len(uses[author]), author))
    return tuple(
        Thanks(author_id=author, numbers=tuple(sorted(set(uses[author])))) for author in ordered
    )


def _modes(failure: Failure) -> tuple[str, ...]:
    return tuple(mode for mode in failure.modes if mode != "unknown")


def week_of(moment: datetime, zone: str) -> str:
    """The ISO 8601 week of this moment in this zone, such as 2026-W47."""
    year, week, _ = moment.astimezone(ZoneInfo(zone)).isocalendar()
    return f"{year}-W{week:02}"


def last_due(schedule: Schedule, now: datetime) -> datetime | None:
    """The latest moment at or before `now` at which this digest was due; UTC.

    None when that lies before the schedule was made. After downtime it is the one digest to catch
    up with: older ones are not repeated.
    """
    today = now.astimezone(ZoneInfo(schedule.zone)).date()
    back = (today.weekday() - schedule.weekday) % 7
    due = _instant(schedule, today - timedelta(days=back))
    if due > now:
        due = _instant(schedule, today - timedelta(days=back + 7))
    return due if due >= schedule.created_at else None


def _instant(schedule: Schedule, day: date) -> datetime:
    """That local time as UTC: the first of two where clocks go back, an hour on where it is
    skipped (PEP 495: fold 0)."""
    wall = datetime.combine(day, time(schedule.hour, schedule.minute), ZoneInfo(schedule.zone))
    return wall.astimezone(UTC)
