"""Which expected questions an entry keeps: what is merged, edited, and grown. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from failbot.models import (
    EXPECTED_LIMIT,
    EXPECTED_SIZE,
    ExpectedQuestion,
    Failure,
    Feedback,
    Hit,
    Place,
    Question,
    QuestionOrigin,
    Visibility,
)

Questions = tuple[ExpectedQuestion, ...]
# Whose go last where there are more than fit: people's words before a model's.
ORDER = (QuestionOrigin.AUTHOR, QuestionOrigin.ASKER, QuestionOrigin.MODEL)
# A first hit that leads by less is not sure of its place.
LEAST_LEAD = 0.1


def problems(texts: Collection[str]) -> dict[str, str]:
    """What keeps an author's questions from being kept, in words; empty if nothing does."""
    if len(texts) > EXPECTED_LIMIT:
        return {"questions": f"has {len(texts)} lines; at most {EXPECTED_LIMIT} fit"}
    long = next((one for one in texts if len(one) > EXPECTED_SIZE), "")
    if long:
        size = f"{len(long):,} characters; at most {EXPECTED_SIZE} fit"
        return {"questions": f"{long[:30]!r}… has {size}"}
    return {}


def merged(before: Questions, new: Iterable[ExpectedQuestion]) -> Questions:
    """`before` and then `new`, an equal text once, at most `EXPECTED_LIMIT`: the author's first."""
    once: dict[str, ExpectedQuestion] = {}
    for one in (*before, *new):
        once.setdefault(folded(one.text), one)
    kept = sorted(once.values(), key=lambda one: ORDER.index(one.origin))
    return tuple(kept[:EXPECTED_LIMIT])


def rewritten(before: Questions, new: Iterable[ExpectedQuestion]) -> Questions:
    """As `merged`, with what a model wrote earlier gone: it was of an older text."""
    return merged(tuple(one for one in before if one.origin is not QuestionOrigin.MODEL), new)


def edited(before: Questions, lines: Iterable[str], *, by: str, at: datetime) -> Questions:
    """What an edited list becomes: a line left as it was keeps its origin, others are `by`'s."""
    known = {folded(one.text): one for one in before}
    new = [
        known.get(folded(line))
        or ExpectedQuestion(text=line, origin=QuestionOrigin.AUTHOR, by=by, at=at)
        for line in lines
    ]
    return merged((), new)


def is_chosen(before: Questions, lines: Iterable[str]) -> bool:
    """Whether an edited list changes, or leaves out, what a model wrote: somebody has chosen."""
    left = {folded(line) for line in lines}
    return any(
        one.origin is QuestionOrigin.MODEL and folded(one.text) not in left for one in before
    )


def is_confirmed(question: Question, number: int, feedback: Sequence[Feedback]) -> bool:
    """Whether the asker, or two people, said that this failure was it, and the asker not "no"."""
    said = {
        one.user_id: one.helped
        for one in feedback
        if (one.question_id, one.number) == (question.id, number)
    }
    if question.user_id in said:
        return said[question.user_id]
    return sum(said.values()) >= 2


def may_join(place: Place, failure: Failure, *, asker_id: str) -> bool:
    """Whether all who see the failure may read what was asked there."""
    if place.team_id != failure.team_id:
        return False
    if place.visibility is Visibility.WORKSPACE:
        return True
    if failure.visibility is Visibility.AUTHOR:
        return bool(asker_id) and failure.author_id == asker_id
    return (
        place.visibility is failure.visibility is Visibility.CHANNEL
        and place.channel_id == failure.channel_id
    )


def helps(hits: Sequence[Hit], number: int) -> bool:
    """Whether the question would find this failure more surely if it stood beside it.

    It would not where the failure is first for it already, and leads by `LEAST_LEAD` or more: then
    it adds nothing, and matches what others ask all the same. :param hits: of the question as it
    is now, best first, by score.
    """
    if not hits or hits[0].failure.number != number:
        return True
    return len(hits) > 1 and hits[0].score - hits[1].score < LEAST_LEAD


def folded(text: str) -> str:
    """What two questions have in common that count as one: case and spaces aside, the text."""
    return " ".join(text.split()).casefold()
