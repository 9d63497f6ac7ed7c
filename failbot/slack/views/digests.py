"""A weekly digest as one message, with its details for the thread. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from failbot.models import Digest, Failure, Pattern, Schedule, Thanks
from failbot.slack.markup import clip, clip_line, person
from failbot.slack.views.blocks import Block, Links, Message, context, section, titled
from failbot.slack.views.cards import leading, why

PATTERN_AT_MOST = 6
QUESTIONS_AT_MOST = 5
THANKS_AT_MOST = 8
DETAIL_SIZE = 350
LESSON_SIZE = 200
QUESTION_SIZE = 180

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def digest_message(digest: Digest, *, links: Links) -> Message:
    """The digest itself; each lesson takes one line."""
    if digest.is_empty:
        words = "Nothing to tell of the last seven days: no new failures, questions or thanks."
        return Message(text=words, blocks=[section(words)])
    day = f"{digest.until.day} {digest.until:%B %Y}"
    heading = f"What we learned from what did not work, in the week to {day}"
    blocks = [section(f"*{heading}*"), *(section(part) for part in _parts(digest, links))]
    if digest.lessons:
        blocks.append(context("Details are in the thread."))
    count = len(digest.lessons) + digest.more
    text = f"{heading}: {count} new, {len(digest.questions)} unanswered questions."
    return Message(text=text, blocks=blocks)


def digest_details(digest: Digest, *, links: Links) -> Message | None:
    """The lessons at length, for the digest's thread; none where there are none."""
    if not digest.lessons:
        return None
    blocks: list[Block] = [section(_detail(one, links)) for one in digest.lessons]
    words = "The lessons at length:"
    return Message(text=words, blocks=[section(words), *blocks])


def schedule_words(schedule: Schedule) -> str:
    """When the digest comes, as a clause."""
    time = f"{schedule.hour:02}:{schedule.minute:02}"
    return f"every {DAYS[schedule.weekday]} at {time} ({schedule.zone})"


def _parts(digest: Digest, links: Links) -> Iterator[str]:
    if digest.pattern:
        yield _pattern(digest.pattern, links)
    if digest.lessons:
        more = f"\n… and {digest.more} more: `/failure list`" if digest.more else ""
        yield "\n".join(["*New lessons*", *(_lesson(one, links) for one in digest.lessons)]) + more
    if digest.questions:
        yield _questions(digest)
    if digest.thanks:
        yield "\n".join(["*Thanks*, your entries helped", *_thanks(digest.thanks)])


def _pattern(pattern: Pattern, links: Links) -> str:
    meaning = f": {clip_line(pattern.meaning, 120)}" if pattern.meaning else ""
    shown = ", ".join(_reference(one, links) for one in pattern.failures[:PATTERN_AT_MOST])
    count = len(pattern.failures)
    return f"*It keeps happening*: {clip_line(pattern.name, 60)}{meaning}\n{count} times: {shown}"


def _reference(failure: Failure, links: Links) -> str:
    url = links.get(failure.number)
    return f"<{url}|{failure.reference}>" if url else failure.reference


def _lesson(failure: Failure, links: Links) -> str:
    lesson = clip_line(failure.lesson or failure.name, LESSON_SIZE)
    return f"• {_reference(failure, links)} {lesson}"


def _questions(digest: Digest) -> str:
    lines = [f"• {clip_line(one.text, QUESTION_SIZE)}" for one in digest.questions]
    more = len(lines) - QUESTIONS_AT_MOST
    lines[QUESTIONS_AT_MOST:] = [f"… and {more} more"] if more > 0 else []
    return "\n".join(["*Asked, and nobody has recorded it*", *lines])


def _thanks(thanks: tuple[Thanks, ...]) -> Iterator[str]:
    for one in thanks[:THANKS_AT_MOST]:
        numbers = ", ".join(f"F-{number}" for number in one.numbers[:5])
        yield f"• {person(one.author_id)} ({numbers})"


def _detail(failure: Failure, links: Links) -> str:
    lines = [
        titled(failure, links),
        f"*Tried*: {clip_line(failure.tried, DETAIL_SIZE)}",
        f"*Happened*: {clip_line(failure.happened, DETAIL_SIZE)}",
    ]
    if failure.lesson:
        lines.append(f"*Lesson*: {clip(failure.lesson, DETAIL_SIZE)}")
    if explanation := leading(failure):
        lines.append(why(explanation))
    return "\n".join(lines)
