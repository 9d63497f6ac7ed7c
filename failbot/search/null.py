"""What "known" must stand out from in a memory: its own null, measured without labels.

No statistic of a first hit means the same in every memory. What a memory's questions look like
when nothing answers them can be seen from the questions themselves: take a question's first hit
away, and what is then first answers nothing (or is a twin). Idea: null distributions from a
knowledge base's own pseudo-questions (arXiv 2410.08320) and query-bank normalisation (2112.12777).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Literal

import numpy as np

from failbot.search.calibration import Calibration

LEAST_QUESTIONS = 50  # fewer say little of a 95th percentile: of 50 two or three lie above it
MOST_QUESTIONS = 500  # the newest: a memory grows, and so does what a stranger looks like
PERCENTILE = 95  # a masked question may be called known one time in twenty
# A memory of near-duplicates lifts strangers beyond 0.99, and what answers further (bug reports:
# 0.9988): a lower bound would call strangers known. Beyond this one nothing would ever be.
MOST_KNOWN = 0.9999

Source = Literal["questions", "entries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """The logarithm of the odds that a stranger reaches one time in twenty, and where from."""

    level: float
    source: Source
    count: int  # questions, or entries' sentences, that it was measured on


def from_questions(runner_ups: Sequence[float]) -> Null | None:
    """The null of questions really asked; None while there are too few."""
    if len(runner_ups) < LEAST_QUESTIONS:
        return None
    newest = runner_ups[:MOST_QUESTIONS]
    level = float(np.percentile(newest, PERCENTILE))
    return Null(level=level, source="questions", count=len(newest))


def applied(calibration: Calibration, null: Null | None) -> Calibration:
    """The calibration with what "known" needs in this memory; never less than it says itself.

    The null of questions is a level that "known" must exceed. That of entries shifts the level of
    the calibration by as much as it lies above the memories that the calibration was made on. A
    workspace's own calibration was made from labels and stays as it is.
    """
    if null is None or calibration.origin == "own":
        return calibration
    if null.source == "questions":
        level = null.level
    elif calibration.null is None:
        return calibration
    else:
        level = log_odds(calibration.known) + null.level - calibration.null
    return replace(calibration, known=min(MOST_KNOWN, max(calibration.known, chance(level))))


def log_odds(probability: float) -> float:
    """The logarithm of p / (1 - p), for 0 < p < 1."""
    return log(probability / (1 - probability))


def chance(odds: float) -> float:
    """The probability of these logarithmic odds."""
    return 1 / (1 + exp(-max(-30.0, min(30.0, odds))))
