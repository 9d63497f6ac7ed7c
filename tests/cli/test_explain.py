"""`ask --explain`: signals, score and probability, so that they can be reckoned by hand."""

from __future__ import annotations

import math

import pytest

from tests.cli.conftest import Terminal

QUESTION = "our loss diverges after a short warm-up and does not recover"


@pytest.fixture
def asked(terminal: Terminal) -> Terminal:
    terminal.log()
    terminal.log("Cached the build overnight.", "Every build after midnight failed.")
    return terminal


def test_a_column_of_figures_for_each_match(asked: Terminal) -> None:
    """The terms of the odds add up to the probability."""
    told = asked.ok("ask", "--explain", QUESTION)
    rows = {cells[0]: cells[1:] for line in told.splitlines() if (cells := line.split("\t"))[1:]}
    assert rows["Signal"][0] == "F-1"
    terms = [float(cells[0]) for name, cells in rows.items() if " × " in name]
    total = float(rows["intercept"][0]) + sum(terms)
    assert float(rows["sum: logarithm of the odds"][0]) == pytest.approx(total, abs=0.02)
    share = float(rows["probability"][0].rstrip("%")) / 100
    assert share == pytest.approx(1 / (1 + math.exp(-total)), abs=0.005)
    assert "shipped for failbot-minilm-1, from 1444 questions" in told
    assert "Known from " in told


def test_what_it_is_asked_like_is_part_of_the_score(terminal: Terminal) -> None:
    """Named where it counts, and nowhere else."""
    terminal.log("Cached the build overnight.", "Every build failed.", "--asked-like", QUESTION)
    assert "(its mean with expected" in terminal.ok("ask", "--explain", QUESTION)
    terminal.log()
    told = terminal.ok("ask", "--explain", "--limit", "1", "loss diverged after short warm-up")
    assert "mean with expected" not in told


def test_a_weak_match_is_explained_too(asked: Terminal) -> None:
    """Silence has its reasons."""
    told = asked.ok("ask", "--explain", "the coffee machine in the kitchen leaks on the floor")
    assert told.startswith("Nobody has recorded this.")
    assert "probability\t" in told
    assert told.rstrip().endswith(": unknown.")


def test_signals_and_calibration_are_told_as_json(asked: Terminal) -> None:
    """Enough to make the probability again; without --explain no calibration is told."""
    answer = asked.json("ask", "--explain", QUESTION)
    signals, calibration = answer["hits"][0]["signals"], answer["calibration"]
    named = {"late_interaction", "expected", "interaction", "bm25", "dense", "title"}
    named |= {"closeness", "margin", "reverse"}
    assert set(signals) == named
    odds = calibration["intercept"] + sum(
        by * signals.get(name, 0.0) for name, by in calibration["coefficients"].items()
    )
    assert answer["confidence"] == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-3)
    assert (calibration["origin"], calibration["reranker"]) == ("shipped", "")
    assert "calibration" not in asked.json("ask", QUESTION)


def test_an_empty_memory_has_nothing_to_explain(terminal: Terminal) -> None:
    """And says so all the same."""
    assert terminal.ok("ask", "--explain", QUESTION).splitlines() == [
        "Nobody has recorded this.",
        "There is no entry yet that may be shown here.",
    ]
