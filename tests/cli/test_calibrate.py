"""Tune: a team's own questions make its calibration, kept in its database and undone from there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from failbot.config import LOCAL_TEAM_ID
from failbot.models import Feedback, Place, Verdict, Visibility
from failbot.store.sqlite import SqliteStore
from tests.cli.conftest import ROOT, Terminal
from tests.conftest import NOW
from tests.tiny_model import save_tiny_reranker

EXPECTED = ROOT / "tests" / "evaluation" / "teams" / "samples" / "expected.jsonl"
ENTRIES = 30
MODEL = "failbot-minilm-1"


def samples() -> list[dict[str, Any]]:
    path = ROOT / "failbot" / "samples" / "failures.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()][:ENTRIES]


def questions() -> list[dict[str, Any]]:
    """What was tried and what happened, asked by external id and by number; and some of others."""
    rows: list[dict[str, Any]] = []
    for at, one in enumerate(samples(), start=1):
        name = one["id"] if at % 2 else f"F-{at}"
        for field in ("tried", "happened"):
            text = " ".join(one[field].split()[:14])
            rows.append({"id": f"{field}{at}", "text": text, "relevant": {name: 2}})
    return [*rows, {"id": "n", "text": "the coffee machine leaks on the floor", "relevant": {}}]


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def filled(terminal: Terminal, tmp_path: Path) -> Terminal:
    terminal.ok("import", write(tmp_path / "failures.jsonl", samples()))
    return terminal


def basis(terminal: Terminal, **environment: str) -> dict[str, Any]:
    done = terminal.run("ask", "--json", "--explain", "the loss became nan", **environment)
    assert done.returncode == 0, done.stderr
    calibration: dict[str, Any] = json.loads(done.stdout)["calibration"]
    return calibration


def test_a_calibration_is_kept_used_and_undone(filled: Terminal, tmp_path: Path) -> None:
    """In the database, with figures of before and after, back to the shipped one in the end."""
    path = write(tmp_path / "q.jsonl", questions())
    dry = filled.json("tune", path, "--dry-run")
    assert (dry["kept"], basis(filled)["origin"]) == (False, "shipped")
    told = filled.ok("tune", path)
    rows = [line.split("\t") for line in told.splitlines()]
    assert rows[0] == ["Percent, on held-out folds", "before (shipped)", "after"]
    assert rows[1][0] == "called known, and right"
    assert f"Kept: your own for {MODEL}, from 60 questions" in told
    kept = filled.json("tune", path)
    assert kept["before"]["calibration"] == dry["after"]["calibration"], "fitted the same again"
    assert set(kept["after"]["held_out"]) >= {"precision", "coverage", "masked_known", "error"}
    assert basis(filled)["origin"] == "own"
    checks = filled.json("doctor", "--offline")["checks"]
    told = f"own for {MODEL}, from 60 questions, of local; known from"
    assert any(one["words"].startswith(told) for one in checks)
    assert "In force again: your own" in filled.ok("tune", "--undo")
    assert filled.json("tune", "--undo")["calibration"]["origin"] == "shipped"
    assert basis(filled)["origin"] == "shipped"
    done = filled.run("tune", "--undo")
    assert (done.returncode, "nothing to undo" in done.stderr) == (2, True)


def test_too_few_questions_are_refused(bare: Terminal, tmp_path: Path) -> None:
    """Naming the number that it needs; those without an answer do not count."""
    done = bare.run("tune", write(tmp_path / "q.jsonl", questions()[12:]))
    assert done.returncode == 2
    assert "48 labelled questions have an answer; a calibration needs at least 50" in done.stderr


def test_unknown_entries_are_named_by_line(terminal: Terminal, tmp_path: Path) -> None:
    """Before anything is asked."""
    terminal.log()
    rows = [{"id": f"q{at}", "text": "loss", "relevant": {"F-1": 2}} for at in range(60)]
    rows[4]["relevant"] = {"F-99": 2}
    done = terminal.run("tune", write(tmp_path / "q.jsonl", rows))
    assert done.returncode == 2
    assert "line 5: relevant: 'F-99' is no entry's external id or number" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("QUESTIONS", "--undo")])
def test_it_takes_questions_or_undo(
    bare: Terminal, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Neither, or both, is a mistake."""
    path = write(tmp_path / "q.jsonl", questions())
    done = bare.run("tune", *(path if one == "QUESTIONS" else one for one in arguments))
    assert (done.returncode, "give QUESTIONS, --feedback or --undo" in done.stderr) == (2, True)


@pytest.mark.full
def test_a_reranker_needs_a_calibration_of_its_own(filled: Terminal, tmp_path: Path) -> None:
    """Cautious until then, by its own word; afterwards each pair has its own."""
    folder = save_tiny_reranker(tmp_path / "tiny")
    with_it = {"FAILBOT_RERANKER": str(folder)}
    assert basis(filled, **with_it)["origin"] == "cautious"
    checks = json.loads(filled.run("doctor", "--offline", "--json", **with_it).stdout)["checks"]
    told = {one["name"]: (one["state"], one["words"]) for one in checks}
    assert told["reranker"][0] == "ok"
    assert told["calibration"][0] == "warn"
    assert "answers cautiously; run `failbot calibrate`" in told["calibration"][1]
    done = filled.run("tune", write(tmp_path / "q.jsonl", questions()), **with_it)
    assert done.returncode == 0, done.stderr
    assert "before (cautious)" in done.stdout
    with_reranker, alone = basis(filled, **with_it), basis(filled)
    assert (with_reranker["origin"], alone["origin"]) == ("own", "shipped")
    assert with_reranker["reranker"].startswith("tiny@")


def test_a_reranker_that_cannot_be_loaded_is_a_fault(filled: Terminal, tmp_path: Path) -> None:
    """Questions are answered; tuning, which would be without it, is refused."""
    broken = {"FAILBOT_RERANKER": str(tmp_path / "nowhere")}
    assert basis(filled, **broken)["origin"] == "shipped"
    done = filled.run("tune", write(tmp_path / "q.jsonl", questions()), **broken)
    assert (done.returncode, "There is no folder" in done.stderr) == (6, True)
    checks = json.loads(filled.run("doctor", "--offline", "--json", **broken).stdout)["checks"]
    assert {one["name"]: one["state"] for one in checks}["reranker"] == "fail"


def expected_too(path: Path) -> str:
    """The entries, each with two expected questions; the first entry's are asked below, too."""
    beside = [json.loads(line) for line in EXPECTED.read_text("utf-8").splitlines()]
    lines = {one["id"]: one["questions"][:2] for one in beside}
    told = [row | {"questions": lines[row["id"]]} for row in samples()]
    told[0]["questions"] = [row["text"] for row in questions()[:2]]
    return write(path, told)


def test_entries_with_expected_questions_are_calibrated(terminal: Terminal, tmp_path: Path) -> None:
    """By the score that has them in it; a question that stands there itself is left out."""
    path = write(tmp_path / "q.jsonl", questions())
    terminal.ok("import", expected_too(tmp_path / "failures.jsonl"))
    done = terminal.run("calibrate", path, "--json")
    assert done.returncode == 0, done.stderr
    assert "2 left out, which stand beside their entries as expected questions" in done.stderr
    told = json.loads(done.stdout)
    assert told["after"]["calibration"]["questions"] == 58
    assert told["after"]["held_out"]["coverage"] > 0.5
    few = write(tmp_path / "few.jsonl", questions()[:51])
    done = terminal.run("calibrate", few)
    assert (done.returncode, "49 labelled questions have an answer" in done.stderr) == (2, True)


def test_peoples_own_word_is_enough(filled: Terminal, tmp_path: Path) -> None:
    """The asker's "That's it" labels a question; too few of them are refused, by number."""
    done = filled.run("calibrate", "--feedback")
    assert (done.returncode, "0 labelled questions have an answer" in done.stderr) == (2, True)
    store = SqliteStore(filled.data / "failbot.db")
    for at, row in enumerate(questions()):
        numbers = [1 + at // 2] if row["relevant"] else [1]
        place = Place(team_id=LOCAL_TEAM_ID, channel_id="C", visibility=Visibility.WORKSPACE)
        asked = store.questions.keep(
            row["text"],
            place=place,
            user_id="U",
            message_ts=str(at),
            verdict=Verdict.RELATED,
            shown=numbers,
            now=NOW,
        )
        word = {"user_id": "U", "helped": bool(row["relevant"]), "at": NOW}
        said = Feedback(question_id=asked.id, number=numbers[0], **word)
        store.questions.give_feedback(said, team_id=LOCAL_TEAM_ID)
    store.close()
    told = filled.json("calibrate", "--feedback")
    assert (told["kept"], told["after"]["calibration"]["questions"]) == (True, 60)
    assert basis(filled)["origin"] == "own"
