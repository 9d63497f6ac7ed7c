"""Eval: a temporary memory, a line a question, and figures beside the baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Terminal
from tests.tiny_model import save_tiny_model

ENTRIES = [
    {"id": "A", "tried": "Halved the warm-up.", "happened": "The loss diverged early on."},
    {
        "id": "B",
        "title": "Empty cache",
        "text": "The nightly job deleted the cache. Builds failed.",
    },
    {"id": "C", "title": "Builds fail at night", "text": "Every build after midnight is broken."},
    {"id": "D", "tried": "Labelled by crowd.", "happened": "A third of the labels was wrong."},
]
QUESTIONS = [
    {"id": "q1", "text": "loss diverged after short warm-up", "relevant": {"A": 2}, "kind": "sym"},
    {"id": "q2", "text": "the coffee machine leaks on the floor", "relevant": {}, "kind": "off"},
    {"id": "C", "text": "Builds fail at night", "relevant": {"B": 1}, "kind": "duplicate"},
]


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    return write(tmp_path / "f.jsonl", ENTRIES), write(tmp_path / "q.jsonl", QUESTIONS)


def test_every_question_gets_a_line(
    terminal: Terminal, files: tuple[str, str], tmp_path: Path
) -> None:
    """Answerable ones a second, masked; an entry with the question's own id is never ranked."""
    out = tmp_path / "out.jsonl"
    terminal.ok("eval", *files, "--no-baseline", "--out", str(out))
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [(one["id"], one["masked"]) for one in lines] == [
        ("q1", False),
        ("q2", False),
        ("C", False),
        ("q1", True),
        ("C", True),
    ]
    assert all(set(one) == {"id", "verdict", "confidence", "ranking", "masked"} for one in lines)
    assert lines[0]["ranking"][0] == "A"
    assert set(lines[0]["ranking"]) == {"A", "B", "C", "D"}
    assert set(lines[2]["ranking"]) == {"A", "B", "D"}
    assert set(lines[3]["ranking"]) == {"B", "C", "D"}


def test_figures_stand_beside_the_baseline(terminal: Terminal, files: tuple[str, str]) -> None:
    """The memory of the data folder is neither read nor written."""
    told = terminal.json("eval", *files)
    assert told["failbot"]["mrr"] == 1.0
    assert set(told["baseline"]) < set(told["failbot"])
    assert told["difference"]["mrr"][1] <= told["difference"]["mrr"][0]
    assert [one["kind"] for one in told["kinds"]] == ["sym", "off", "duplicate"]
    assert not (terminal.data / "failbot.db").exists()


def test_expected_questions_are_asked_beside_the_entries(
    terminal: Terminal, files: tuple[str, str], tmp_path: Path
) -> None:
    """From the failures' own rows and from a file of their own; an id that is none is named."""
    rows = [ENTRIES[0] | {"questions": ["drips in the kitchen"]}, *ENTRIES[1:]]
    failures = write(tmp_path / "asked.jsonl", rows)
    coffee = [{"id": "D", "questions": ["the coffee machine leaks on the floor"]}]
    out = tmp_path / "out.jsonl"
    more = ("--no-baseline", "--out", str(out), "--expected")
    terminal.ok("eval", failures, files[1], *more, write(tmp_path / "e.jsonl", coffee))
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert lines[1]["ranking"][:2] == ["D", "A"]
    unknown = write(tmp_path / "u.jsonl", [{"id": "Z", "questions": []}])
    refused = terminal.run("eval", failures, files[1], *more, unknown)
    assert (refused.returncode, "'Z' is no entry's id" in refused.stderr) == (2, True)


@pytest.mark.full
def test_another_models_folder_is_measured(
    terminal: Terminal, files: tuple[str, str], tmp_path: Path
) -> None:
    """By its own vectors, in failbot's ranking and in the baseline's, the same every time."""
    model = save_tiny_model(tmp_path / "tiny")
    outs = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    told = terminal.json("eval", *files, "--model", str(model), "--out", str(outs[0]))
    terminal.ok("eval", *files, "--model", str(model), "--out", str(outs[1]), "--no-baseline")
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert told["baseline"] != terminal.json("eval", *files)["baseline"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "q1", "text": ""}, "line 1: text: must be text"),
        ({"id": "q1", "text": "x", "relevant": ["A"]}, "line 1: relevant: must be like"),
    ],
)
def test_malformed_question_is_named(
    bare: Terminal, files: tuple[str, str], tmp_path: Path, row: dict[str, Any], words: str
) -> None:
    """Before anything is embedded."""
    done = bare.run("eval", files[0], write(tmp_path / "bad.jsonl", [row]))
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def team(folder: Path, name: str) -> str:
    """A folder with that team's files."""
    (folder / name).mkdir()
    write(folder / name / "failures.jsonl", ENTRIES)
    write(folder / name / "queries.jsonl", QUESTIONS)
    return str(folder / name)


def test_teams_stand_in_one_table_with_their_mean(terminal: Terminal, tmp_path: Path) -> None:
    """A line a team; two are too few to leave one out."""
    teams = [team(tmp_path, name) for name in ("one", "two")]
    lines = terminal.ok("eval", *teams, "--no-baseline").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["Percent", "one", "two", "mean"]
    assert len({line.count("\t") for line in lines}) == 1
    told = terminal.json("eval", *teams)
    assert told["sets"]["one"] == told["sets"]["two"]
    assert set(told["sets"]["one"]["baseline"]) < set(told["sets"]["one"]["failbot"])
    assert told["left_out"] == {}


def test_a_folder_without_questions_is_named(bare: Terminal, tmp_path: Path) -> None:
    """With what a set is."""
    folder = tmp_path / "half"
    folder.mkdir()
    write(folder / "failures.jsonl", ENTRIES)
    done = bare.run("eval", str(folder))
    assert (done.returncode, "holds no queries.jsonl" in done.stderr) == (2, True), done.stderr
