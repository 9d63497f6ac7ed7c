"""Calibrations judged on the set that they did not see."""

from __future__ import annotations

import numpy as np

from failbot.evaluation.asking import Result
from failbot.evaluation.leaving_out import leave_one_out
from failbot.evaluation.reading import Labelled, LabelledSet
from failbot.models import Verdict
from failbot.search.calibration import load

BEFORE = load("all-MiniLM-L6-v2")


def labelled(name: str, count: int = 60) -> LabelledSet:
    """Half of the questions have an answer, half are near-misses."""
    questions = [
        Labelled(id=f"q{at}", text="t", relevant={"a": 2} if at % 2 else {}, kind="near")
        for at in range(2 * count)
    ]
    return LabelledSet(name=name, documents=(), questions=tuple(questions))


def results(one: LabelledSet, *, seed: int, sign: float = 1.0) -> list[Result]:
    """First hits that are right where the margin is wide; with sign -1 the other way round."""
    chances = np.random.default_rng(seed)
    return [
        Result(
            id=question.id,
            verdict=Verdict.UNKNOWN,
            confidence=0.5,
            ranking=("a",),
            signals={
                "margin": sign * chances.normal(0.4 if question.relevant else 0.0, 0.05),
                "reverse": 0.3,
            },
        )
        for question in one.questions
    ]


def test_a_set_is_judged_by_the_others_curve() -> None:
    """Where signals mean the opposite its own labels do not help it."""
    sets = [labelled(name) for name in ("one", "two", "odd")]
    found = {one.name: results(one, seed=at) for at, one in enumerate(sets)}
    found["odd"] = results(sets[2], seed=9, sign=-1.0)
    rows = {row.name: row for row in leave_one_out(sets, found, before=BEFORE)}
    assert rows["odd"].figures.coverage == 0.0
    assert rows["odd"].calibration.coefficients["margin"] > 0
    agreeing = [labelled(name) for name in ("one", "two", "three")]
    found = {one.name: results(one, seed=at) for at, one in enumerate(agreeing)}
    for row in leave_one_out(agreeing, found, before=BEFORE):
        assert row.figures.precision > 0.95
        assert row.figures.coverage > 0.9
        assert row.near_known < 0.05


def test_two_sets_are_too_few_to_leave_one_out() -> None:
    """Each would be judged by one other alone."""
    sets = [labelled(name) for name in ("one", "two")]
    found = {one.name: results(one, seed=at) for at, one in enumerate(sets)}
    assert leave_one_out(sets, found, before=BEFORE) == []
