"""A week made into one digest, and the moments at which one is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.memory.digest import compose, last_due, pattern, thanks, week_of
from failbot.models import Digest, Feedback, Question, Schedule, Verdict
from tests.make import ANA, BEN, failure, public

SINCE = datetime(2026, 3, 2, tzinfo=UTC)
OLD = SINCE - timedelta(days=20)
NEW = SINCE + timedelta(days=1)


def question(
    id: int, *shown: int, verdict: Verdict = Verdict.KNOWN, user_id: str = BEN
) -> Question:
    return Question(
        id=id,
        place=public(),
        user_id=user_id,
        text="Seen this?",
        verdict=verdict,
        shown=shown,
        asked_at=NEW,
    )


def feedback(question_id: int, number: int, *, helped: bool) -> Feedback:
    return Feedback(question_id=question_id, number=number, user_id=BEN, helped=helped, at=NEW)


def composed(**more: object) -> Digest:
    parts = {"recent": [], "since": SINCE, "questions": [], "feedback": [], "failures": {}}
    return compose(week="2026-W10", **{**parts, **more})


def test_nothing_is_an_empty_digest() -> None:
    """A week without failures, questions or thanks has nothing to post."""
    assert composed().is_empty
    assert composed(recent=[failure(created_at=OLD)]).is_empty


def test_only_the_week_is_new() -> None:
    """Five lessons, those with a lesson first, newest first; the rest is counted."""
    recent = [failure(one, created_at=NEW + timedelta(hours=one)) for one in range(1, 7)]
    recent += [failure(7, created_at=NEW, lesson="Seed it."), failure(8, created_at=OLD)]
    digest = composed(recent=recent)
    assert [one.number for one in digest.lessons] == [7, 6, 5, 4, 3]
    assert digest.more == 2
    assert not digest.is_empty


def test_a_digest_is_of_its_seven_days() -> None:
    """From the first moment on, and what was logged before is no news; nothing is left over."""
    edge = failure(1, created_at=SINCE, modes=("infra",))
    before = failure(2, created_at=SINCE - timedelta(microseconds=1), modes=("infra",))
    older = failure(3, created_at=OLD, modes=("infra",))
    digest = composed(recent=[edge, before, older])
    assert (digest.week, digest.until) == ("2026-W10", SINCE + timedelta(days=7))
    assert [one.number for one in digest.lessons] == [1]
    assert digest.more == 0
    assert digest.pattern is not None
    assert [one.number for one in digest.pattern.failures] == [1, 2, 3]


def test_a_digest_thanks_whom_its_audience_sees() -> None:
    """By the words and the questions of the week."""
    digest = composed(questions=[question(1, 1)], failures={1: failure(1, author_id=ANA)})
    assert [one.author_id for one in digest.thanks] == [ANA]
    assert not digest.is_empty


def test_unanswered_questions_are_listed() -> None:
    """Known and related ones had their answer."""
    asked = [question(one, verdict=verdict) for one, verdict in enumerate(Verdict)]
    assert [one.verdict for one in composed(questions=asked).questions] == [Verdict.UNKNOWN]


def test_a_pattern_needs_three_and_a_new_one() -> None:
    """Failure modes come before tags; `unknown` is none."""
    old = [failure(one, created_at=OLD, modes=("infra",), tags=("nan",)) for one in (1, 2)]
    new = failure(3, created_at=NEW, modes=("infra",), tags=("nan",))
    found = pattern([new, *old], [new])
    assert found is not None
    assert (found.name, len(found.failures)) == ("infra", 3)
    assert found.meaning.startswith("hang, out of memory")
    assert pattern(old, []) is None
    assert pattern([new, old[0]], [new]) is None
    nobody = [failure(one, created_at=NEW, modes=("unknown",)) for one in (1, 2, 3)]
    assert pattern(nobody, nobody) is None


def test_a_tag_is_a_pattern_where_no_mode_is() -> None:
    """Of two tags with as many new failures the rarer tells more."""
    new = [failure(one, created_at=NEW, tags=("llm", "nan")) for one in (1, 2, 3)]
    old = failure(4, created_at=OLD, tags=("llm",))
    found = pattern([*new, old], new)
    assert found is not None
    assert found.name == "nan"


def test_the_pattern_is_what_the_week_added_most_to() -> None:
    """However often something else occurred before; a tag has no meaning but itself."""
    old = [failure(one, created_at=OLD, tags=("llm",)) for one in (1, 2, 3, 4)]
    new = [failure(one, created_at=NEW, tags=("nan",)) for one in (5, 6, 7)]
    one_more = failure(8, created_at=NEW, tags=("llm",))
    found = pattern([one_more, *new, *old], [one_more, *new])
    assert found is not None
    assert (found.name, found.meaning) == ("nan", "")
    assert found.failures == tuple(new)
    level = [failure(one, created_at=NEW, tags=("b", "a")) for one in (1, 2, 3)]
    tied = pattern(level, level)
    assert tied is not None
    assert tied.name == "a", "of two that are alike in all else the first by name"


def test_one_is_not_thanked_for_ones_own_question() -> None:
    """Neither by our opinion nor by one's own word."""
    mine = question(1, 1, user_id=ANA)
    failures = {1: failure(1, author_id=ANA)}
    assert thanks([mine], [], failures) == ()
    said = Feedback(question_id=2, number=1, user_id=ANA, helped=True, at=NEW)
    assert thanks([], [said], failures) == ()


def test_the_most_helpful_are_thanked_first() -> None:
    """By how often they helped, ties by who they are; each entry is named once."""
    failures = {1: failure(1, author_id="U0Z"), 2: failure(2, author_id="U0B")}
    failures |= {3: failure(3, author_id="U0A")}
    asked = [question(1, 1), question(2, 1), question(3, 2), question(4, 3)]
    assert [(one.author_id, one.numbers) for one in thanks(asked, [], failures)] == [
        ("U0Z", (1,)),
        ("U0A", (3,)),
        ("U0B", (2,)),
    ]


def test_authors_are_thanked_for_answers() -> None:
    """A known answer counts unless a reader said no; a reader's yes always counts; not oneself."""
    failures = {1: failure(1, author_id=ANA), 2: failure(2, author_id="U0CY")}
    asked = [question(1, 1), question(2, 2), question(3, 1, user_id=ANA)]
    said = [feedback(2, 2, helped=False)]
    assert [(one.author_id, one.numbers) for one in thanks(asked, said, failures)] == [(ANA, (1,))]
    related = question(4, 1, 2, verdict=Verdict.RELATED)
    helped = [feedback(4, 2, helped=True)]
    assert [one.author_id for one in thanks([related], helped, failures)] == ["U0CY"]


def test_what_the_audience_does_not_see_is_not_thanked_for() -> None:
    """An entry that is not among the failures given does not show."""
    assert thanks([question(1, 9)], [], {}) == ()


def schedule(zone: str, weekday: int = 0, hour: int = 9, minute: int = 0) -> Schedule:
    return Schedule(
        team_id="T1",
        channel_id="C1",
        weekday=weekday,
        hour=hour,
        minute=minute,
        zone=zone,
        created_by=ANA,
        created_at=datetime(2020, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("zone", "hour", "minute", "due"),
    [
        ("Europe/Berlin", 9, 0, "2026-03-29T07:00"),  # the morning after the clocks went on
        ("Europe/Berlin", 2, 30, "2026-03-29T01:30"),  # skipped: 02:30 is 03:30 summer time
        ("America/New_York", 1, 30, "2026-11-01T05:30"),  # twice: the first
        ("Asia/Kathmandu", 9, 0, "2026-03-29T03:15"),
        ("Pacific/Kiritimati", 0, 0, "2026-03-28T10:00"),
    ],
)
def test_local_time_is_kept_across_clock_changes(
    zone: str, hour: int, minute: int, due: str
) -> None:
    """A digest at nine is at nine, summer and winter."""
    expected = datetime.fromisoformat(due).replace(tzinfo=UTC)
    sunday = schedule(zone, weekday=6, hour=hour, minute=minute)
    assert last_due(sunday, expected + timedelta(days=3)) == expected
    assert last_due(sunday, expected) == expected


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])


@given(
    zone=ZONES,
    weekday=st.integers(0, 6),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    now=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),
)
def test_every_week_has_one_due_moment(
    zone: str, weekday: int, hour: int, minute: int, now: datetime
) -> None:
    """The last one is a week before its follower, in another ISO week, and is last until then."""
    plan = schedule(zone, weekday, hour, minute)
    last = last_due(plan, now.replace(tzinfo=UTC))
    assert last is not None
    assert last <= now.replace(tzinfo=UTC)
    following = last_due(plan, last + timedelta(days=7, hours=2))
    assert following is not None
    assert timedelta(days=6, hours=22) < following - last < timedelta(days=7, hours=2)
    assert last_due(plan, following - timedelta(microseconds=1)) == last
    assert last.astimezone(ZoneInfo(zone)).weekday() == weekday
    assert week_of(last, zone) < week_of(following, zone)


def test_nothing_is_due_before_the_schedule_was_made() -> None:
    """A digest asked for on Tuesday does not come for the Monday before."""
    made = datetime(2026, 3, 3, tzinfo=UTC)
    plan = Schedule(
        team_id="T1",
        channel_id="C1",
        weekday=0,
        hour=9,
        minute=0,
        zone="UTC",
        created_by=ANA,
        created_at=made,
    )
    assert last_due(plan, made) is None
    due = last_due(plan, made + timedelta(days=7))
    assert due == datetime(2026, 3, 9, 9, tzinfo=UTC)
    assert due.tzinfo is UTC
    assert last_due(replace(plan, created_at=due), due) == due, "made at that very moment"


def test_weeks_are_iso() -> None:
    """The week of a year's edge belongs to the year that ISO 8601 says, in the channel's zone."""
    edge = datetime(2027, 1, 3, 23, 30, tzinfo=UTC)
    assert week_of(edge, "UTC") == "2026-W53"
    assert week_of(edge, "Europe/Berlin") == "2027-W01"
