"""Labelled sets are read, asked and summed up; each figure here was reckoned by hand."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from failbot.errors import InputError
from failbot.evaluation.asking import Memory, Result, ask_all
from failbot.evaluation.figures import differences, summarise
from failbot.evaluation.reading import Labelled, read_documents, read_questions, read_sets
from failbot.memory.service import Service
from failbot.models import Verdict
from failbot.search.passages import text_of
from failbot.store.base import Store
from tests.fakes import WordEncoder


class Ready:
    """An encoder source whose encoder is there."""

    setting = "words"
    encoder = WordEncoder()

    def wait(self, timeout_s: float | None) -> WordEncoder:
        return self.encoder

    def switch(self, setting: str) -> None:
        raise AssertionError("nothing here names another model")


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def result(id: str, *ranking: str, confidence: float = 0.9, verdict: str = "known") -> Result:
    return Result(id=id, verdict=Verdict(verdict), confidence=confidence, ranking=ranking)


def labelled(id: str, **relevant: int) -> Labelled:
    return Labelled(id=id, text=id, relevant=relevant, kind="k")


def test_text_of_an_entry_is_not_said_twice(tmp_path: Path) -> None:
    """An entry of id, title and text is searched as title and text, once each."""
    rows = {"id": "1", "title": "Slow build", "text": "It takes an hour. The cache is cold."}
    (one,) = read_documents(write(tmp_path / "d", rows))
    assert text_of(one.draft) == "Slow build. It takes an hour. The cache is cold."
    assert one.text == "Slow build. It takes an hour. The cache is cold."


@pytest.mark.parametrize("text", ["word", "", "no full stop at all", "x" * 50_000, "two. parts"])
def test_any_text_becomes_an_entry(tmp_path: Path, text: str) -> None:
    """Short, empty and endless texts are entries too."""
    (one,) = read_documents(write(tmp_path / "d", {"id": "1", "title": "t" * 400, "text": text}))
    assert not one.draft.problems()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"title": "a", "text": "b"}, "line 1: id: is missing"),
        ({"id": "1", "tried": "a"}, "nothing feeds 'happened'"),
        ({"id": "1", "tried": "a", "happened": ""}, "line 1: happened: is missing"),
    ],
)
def test_malformed_entry_is_named(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    """By line and field."""
    with pytest.raises(InputError, match=words):
        read_documents(write(tmp_path / "d", row))


def test_expected_questions_are_read_beside_their_set(tmp_path: Path) -> None:
    """A file for one set, or each folder's own; which of them it is has to be said."""
    entry = {"id": "1", "tried": "a", "happened": "b", "questions": ["mine?"]}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "failures.jsonl", entry)
        write(tmp_path / name / "queries.jsonl", {"id": "q", "text": "c", "relevant": {"1": 2}})
    one, two = folders = [tmp_path / "one", tmp_path / "two"]
    more = write(one / "expected.jsonl", {"id": "1", "questions": ["how?"]})
    asked = [[*each.questions] for read in read_sets([one]) for each in read.documents]
    assert asked == [["mine?"]]
    for given in ({"expected": more}, {"with_expected": True}):
        (document,) = read_sets([one], **given)[0].documents
        assert document.questions == {"how?": "model", "mine?": "author"}
    with pytest.raises(InputError, match="two holds no expected"):
        read_sets(folders, with_expected=True)
    with pytest.raises(InputError, match="for one set"):
        read_sets(folders, expected=more)
    with pytest.raises(InputError, match="for folders"):
        read_sets([two / "failures.jsonl", two / "queries.jsonl"], with_expected=True)


def test_question_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    """Two answers could not be told apart."""
    row = {"id": "q", "text": "x"}
    with pytest.raises(InputError, match="line 2: id: 'q' occurs twice"):
        read_questions(write(tmp_path / "q", row, row))


def test_relevant_entries_are_hidden_when_masked(
    store: Store, now: datetime, tmp_path: Path
) -> None:
    """And an entry with the question's own id is never ranked."""
    documents = read_documents(
        write(
            tmp_path / "d",
            {"id": "a", "tried": "warm up", "happened": "loss diverged"},
            {"id": "b", "tried": "cache", "happened": "build failed"},
        )
    )
    questions = [Labelled(id="b", text="loss diverged", relevant={"a": 2})]
    service = Service(store, Ready())
    memory = Memory(service, documents, team_id="local", now=now, progress=lambda done, total: None)
    plain, masked = ask_all(memory, questions, progress=lambda done, total: None)
    assert (plain.ranking, plain.masked) == (("a",), False)
    assert (masked.ranking, masked.masked) == ((), True)
    assert masked.verdict is Verdict.UNKNOWN


def test_figures_are_what_they_say() -> None:
    """Three answerable questions, one without an answer, one asked again with it hidden."""
    questions = [labelled("q1", a=2, b=1), labelled("q2", b=2), labelled("q3", c=2), labelled("q4")]
    results = [
        result("q1", "a", "b", confidence=0.9),
        result("q2", "a", "b", confidence=0.8),
        result("q3", "a", "b", "d", "c", confidence=0.2, verdict="unknown"),
        result("q4", "a", confidence=0.6),
        Result(id="q1", verdict=Verdict.KNOWN, confidence=1, ranking=("c",), masked=True),
        Result(id="q2", verdict=Verdict.UNKNOWN, confidence=0, ranking=("c",), masked=True),
    ]
    found = summarise(questions, results).figures
    assert found["mrr"] == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    assert (found["hit@1"], found["hit@3"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found["map"] == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    assert found["coverage@95"] == pytest.approx(1 / 3)
    assert found["known_precision"] == pytest.approx(1 / 3)
    assert found["known_coverage"] == pytest.approx(1 / 3)
    assert (found["false_answers"], found["false_answers_masked"]) == (1.0, 0.5)
    assert found["calibration_error"] == pytest.approx((0.1 + 0.8 + 0.2 + 0.6) / 4)


def test_kinds_are_kept_apart() -> None:
    """Each with its own figures, in the order of the questions."""
    questions = [labelled("q1", a=2), Labelled(id="q2", text="x", relevant={}, kind="near")]
    kinds = summarise(questions, [result("q1", "a"), result("q2", "a")]).kinds
    assert [(one.kind, one.questions, one.mrr, one.known) for one in kinds] == [
        ("k", 1, 1.0, 1.0),
        ("near", 1, 0.0, 1.0),
    ]


def test_difference_has_its_interval() -> None:
    """Where one is always better, the interval lies above nothing."""
    questions = [labelled(f"q{at}", a=2) for at in range(20)]
    ours = summarise(questions, [result(one.id, "a") for one in questions])
    theirs = summarise(questions, [result(one.id, "b", "a") for one in questions])
    mean, low, high = differences(ours, theirs)["mrr"]
    assert (mean, low, high) == (0.5, 0.5, 0.5)
