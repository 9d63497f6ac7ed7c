"""Labelled questions asked of a team's own memory."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from failbot.errors import InputError, ModelError
from failbot.evaluation.examples import examples, resolved
from failbot.evaluation.reading import Labelled
from failbot.memory.service import Service
from failbot.models import Viewer
from failbot.store.base import Store
from tests.fakes import WordEncoder, WordReader
from tests.make import ANA, draft, failure, private

OPERATOR = Viewer(team_id="T1", is_operator=True)


class Source:
    """An encoder source whose encoder is there, or not."""

    setting = "words"

    def __init__(self, encoder: WordEncoder | None) -> None:
        self.encoder = encoder

    def wait(self, timeout_s: float | None) -> WordEncoder | None:
        return self.encoder

    def switch(self, setting: str) -> None:
        raise AssertionError("nothing here names another model")


@pytest.fixture
def service(store: Store, now: datetime) -> Service:
    """Two private entries: whoever tunes holds the database."""
    made = Service(store, Source(WordEncoder()))
    for happened in ("the loss became nan", "annotators disagreed on sarcasm"):
        made.record(draft(happened), place=private(), author_id=ANA, now=now)
    made.embed_missing()
    return made


def question(id: str, text: str, line: int = 1, **relevant: int) -> Labelled:
    return Labelled(id=id, text=text, relevant=relevant, line=line)


def test_entries_are_named_by_external_id_or_number() -> None:
    """An external id that looks like a number is still an external id."""
    failures = [failure(1, external_id="F-2"), failure(2), failure(3, external_id="X")]
    asked = Labelled(id="q", text="t", relevant={"F-2": 2, "X": 1, "F-3": 1, "F-1": 2})
    (found,) = resolved([asked], failures, path=Path("q.jsonl"))
    assert found.relevant == {"F-1": 2, "F-3": 1}


def test_unknown_entries_are_refused_with_their_lines() -> None:
    """All questions are looked at before any is asked."""
    asked = [question(f"q{at}", "t", line=at, **{f"X{at}": 2, "F012": 1}) for at in (1, 2, 3)]
    words = r"q\.jsonl: line 1: relevant: 'X1' .*line 1: relevant: 'F012' .*line 2.*; and 3 more"
    with pytest.raises(InputError, match=words):
        resolved(asked, [failure(12)], path=Path("q.jsonl"))


def test_each_answerable_question_is_asked_again_with_its_answer_hidden(service: Service) -> None:
    """The first hit is right, then it is another, and its signals are weaker."""
    asked = [question("q1", "loss became nan", **{"F-1": 2}), question("q2", "the coffee leaks")]
    seen: list[tuple[int, int]] = []
    plain, other, masked = examples(
        service, asked, viewer=OPERATOR, reranker="", progress=lambda *at: seen.append(at)
    )
    assert (plain.is_right, plain.has_answer, plain.is_masked) == (True, True, False)
    assert (other.is_right, other.has_answer, other.is_masked) == (False, False, False)
    assert (masked.is_right, masked.has_answer, masked.is_masked) == (False, True, True)
    assert masked.question == plain.question
    assert plain.signals["margin"] > masked.signals["margin"]
    assert seen[-1] == (3, 3)


def test_an_entry_that_only_helps_is_not_right(service: Service) -> None:
    """Where another is the same failure."""
    asked = [question("q1", "loss became nan", **{"F-1": 1, "F-2": 2})]
    plain, _ = examples(service, asked, viewer=OPERATOR, reranker="", progress=lambda *at: None)
    assert not plain.is_right


def test_no_language_model_has_a_say(store: Store, now: datetime) -> None:
    """What is fitted is the score's own probability; and measuring sends nothing anywhere."""
    reader = WordReader()
    made = Service(store, Source(WordEncoder()), reader=reader)
    made.record(draft("the loss became nan"), place=private(), author_id=ANA, now=now)
    asked = [question("q1", "loss became nan", **{"F-1": 2})]
    plain, _ = examples(made, asked, viewer=OPERATOR, reranker="", progress=lambda *at: None)
    assert (plain.is_right, reader.handed) == (True, [])


def test_answers_without_the_models_make_no_examples(service: Service, store: Store) -> None:
    """They would calibrate something else."""
    asked = [question("q1", "loss became nan", **{"F-1": 2})]
    late = Service(store, Source(None))
    for one, reranker in ((late, ""), (service, "missing")):
        with pytest.raises(ModelError, match="not ready"):
            examples(one, asked, viewer=OPERATOR, reranker=reranker, progress=lambda *at: None)
