"""What people said of answers as labels, and what an entry tells already."""

from __future__ import annotations

from failbot.evaluation.judged import from_feedback, not_told_already
from failbot.evaluation.reading import Labelled
from failbot.models import ExpectedQuestion, Feedback, Question, QuestionOrigin, Verdict
from tests.conftest import NOW
from tests.make import ANA, BEN, public

CLEO = "U0CLEO"


def question(id: int = 1, shown: tuple[int, ...] = (3, 4), text: str = "Loss is  NaN") -> Question:
    return Question(
        id=id,
        place=public(),
        user_id=ANA,
        text=text,
        verdict=Verdict.RELATED,
        shown=shown,
        asked_at=NOW,
    )


def word(number: int, by: str = ANA, *, helped: bool, on: int = 1) -> Feedback:
    return Feedback(question_id=on, number=number, user_id=by, helped=helped, at=NOW)


def labels(*feedback: Feedback) -> list[dict[str, int]]:
    return [one.relevant for one in from_feedback([question()], feedback)]


def test_what_the_asker_confirmed_answers_it() -> None:
    """As the same failure, under its reference."""
    assert labels(word(4, helped=True), word(3, helped=False)) == [{"F-4": 2}]


def test_two_others_confirm_it_too() -> None:
    """One alone does not, and tells nothing either way."""
    assert labels(word(3, BEN, helped=True)) == []
    assert labels(word(3, BEN, helped=True), word(3, CLEO, helped=True)) == [{"F-3": 2}]


def test_nothing_answers_what_was_wholly_denied() -> None:
    """All that was shown is not it; part of it says nothing of the rest."""
    assert labels(word(3, helped=False), word(4, BEN, helped=False)) == [{}]
    assert labels(word(3, helped=False)) == []
    assert labels(word(3, helped=False), word(4, helped=False), word(4, BEN, helped=True)) == []


def test_a_question_without_a_word_is_no_label() -> None:
    """Nor is what was said of another."""
    assert labels() == []
    assert labels(word(3, helped=True, on=2)) == []


def test_the_same_words_are_one_question() -> None:
    """Asked twice, by whoever: a fold holds both or neither."""
    twice = [question(1), question(2, text="loss is nan")]
    said = [word(3, helped=True), word(3, helped=True, on=2)]
    assert {one.id for one in from_feedback(twice, said)} == {"loss is nan"}


def test_what_an_entry_tells_already_is_left_out() -> None:
    """Only where it answers: another entry's expected question does not find this one."""
    expected = ExpectedQuestion(text="loss is nan", origin=QuestionOrigin.ASKER, by=ANA, at=NOW)
    asked = Labelled(id="q", text="Loss is NaN", relevant={"F-3": 2, "F-4": 1})
    other = Labelled(id="r", text="Loss is NaN", relevant={"F-5": 2})
    nobody = Labelled(id="s", text="Loss is NaN", relevant={})
    assert not_told_already([asked, other, nobody], {4: (expected,)}) == [other, nobody]
