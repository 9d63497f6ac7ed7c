"""Labelled questions made of what people asked, and of their word on what they were shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from failbot.evaluation.reading import Labelled
from failbot.models import ExpectedQuestion, Feedback, Question, parse_reference
from failbot.search.expected import folded, is_confirmed

SAME = 2  # the grade of the same failure


def from_feedback(questions: Sequence[Question], feedback: Sequence[Feedback]) -> list[Labelled]:
    """The questions that somebody's word labels, in their order.

    The failures that are confirmed (`is_confirmed`) answer it. Where all that was shown was called
    not it, and nothing it, nothing recorded answers it. Others tell nothing, and are left out.
    """
    said: dict[int, list[Feedback]] = {}
    for one in feedback:
        said.setdefault(one.question_id, []).append(one)
    found = [_labelled(one, said[one.id]) for one in questions if one.id in said]
    return [one for one in found if one is not None]


def not_told_already(
    questions: Sequence[Labelled], expected: Mapping[int, Iterable[ExpectedQuestion]]
) -> list[Labelled]:
    """Without those that stand beside an entry that answers them, as one of its expected questions.

    They would be found by themselves, and say nothing of questions that nobody has asked yet.
    `questions` name entries by their references; `expected` are the entries' own, by number.
    """
    told = {number: {folded(one.text) for one in own} for number, own in expected.items()}
    return [
        one
        for one in questions
        if not any(
            folded(one.text) in told.get(parse_reference(name) or 0, ()) for name in one.relevant
        )
    ]


def _labelled(question: Question, said: Sequence[Feedback]) -> Labelled | None:
    confirmed = {
        f"F-{number}": SAME for number in question.shown if is_confirmed(question, number, said)
    }
    denied = {one.number for one in said} - {one.number for one in said if one.helped}
    if not confirmed and not set(question.shown) <= denied:
        return None
    # Whoever asks it again asks the same: both are on one side of a fold.
    return Labelled(id=folded(question.text), text=question.text, relevant=confirmed)
