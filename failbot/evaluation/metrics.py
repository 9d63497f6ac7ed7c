"""How well questions were answered: figures of information retrieval, and of silence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Grades = Mapping[str, int]
Ids = Sequence[str]


def same_failure(relevant: Grades) -> frozenset[str]:
    """The ids of the highest grade: the failure itself, where others only help."""
    best = max(relevant.values(), default=0)
    return frozenset(name for name, grade in relevant.items() if grade == best > 0)


def ndcg(ranking: Ids, relevant: Grades, *, depth: int = 10) -> float:
    """Normalised discounted cumulative gain, 0..1, gain = grade; 0 where nothing is relevant.

    Järvelin & Kekäläinen 2002, discount log2(place + 1).
    """
    discounts = 1 / np.log2(np.arange(2, depth + 2))
    gains = np.array([relevant.get(name, 0) for name in ranking[:depth]], float)
    ideal = np.array(sorted(relevant.values(), reverse=True)[:depth], float)
    best = float(ideal @ discounts[: len(ideal)])
    return float(gains @ discounts[: len(gains)]) / best if best else 0.0


def reciprocal_rank(ranking: Ids, right: frozenset[str]) -> float:
    """One over the place of the first right id; 0 where none is ranked."""
    return next((1 / place for place, name in enumerate(ranking, 1) if name in right), 0.0)


def hit(ranking: Ids, right: frozenset[str], *, within: int) -> bool:
    """Whether a right id is among the first `within`."""
    return any(name in right for name in ranking[:within])


def average_precision(ranking: Ids, relevant: Grades) -> float:
    """Mean of the precision at each relevant id's place, unranked ones counting 0; grade > 0."""
    wanted = {name for name, grade in relevant.items() if grade > 0}
    places = [place for place, name in enumerate(ranking, 1) if name in wanted]
    precisions = [found / place for found, place in enumerate(places, 1)]
    return sum(precisions) / len(wanted) if wanted else 0.0


def coverage_at(
    precision: float, confidences: ArrayLike, is_right: ArrayLike, *, answerable: int
) -> float:
    """The most answerable questions answered rightly at this precision, as a share of them, 0..1.

    Answers are given from some confidence on; questions without an answer are among those
    passed in, and wrong if answered.
    """
    confidence, right = np.asarray(confidences, float), np.asarray(is_right, bool)
    if not len(confidence) or not answerable:
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    found = np.cumsum(right[order])
    is_last = np.append(np.diff(confidence[order]) != 0, True)  # equal confidences go together
    precise = found / np.arange(1, len(order) + 1) >= precision
    return float(found[is_last & precise].max(initial=0)) / answerable


def share(flags: ArrayLike) -> float:
    """The share that is true, 0..1; 0 of none. False-answer rate: of the unanswerable, answered."""
    values = np.asarray(flags, bool)
    return float(values.mean()) if values.size else 0.0


def calibration_error(confidences: ArrayLike, is_right: ArrayLike, *, bins: int = 10) -> float:
    """Expected calibration error, 0..1: |confidence - share right| in bins of equal width.

    Naeini et al. 2015; weighted by the number in each bin.
    """
    confidence, right = np.asarray(confidences, float), np.asarray(is_right, float)
    if not len(confidence):
        return 0.0
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    excess = np.bincount(places, weights=confidence - right, minlength=bins)
    return float(np.abs(excess).sum()) / len(confidence)


def over_confidence(confidences: ArrayLike, is_right: ArrayLike, *, least: float = 0.5) -> float:
    """Mean confidence less the share right, of those with a confidence of `least` or more: -1..1.

    Above 0 more is promised than kept, below 0 less; 0 of none. A calibration error counts both
    alike, but who believes a modest answer loses nothing.
    """
    confidence, right = np.asarray(confidences, float), np.asarray(is_right, float)
    is_high = confidence >= least
    return float((confidence - right)[is_high].mean()) if is_high.any() else 0.0


def paired_interval(
    ours: ArrayLike, theirs: ArrayLike, *, seed: int, rounds: int = 2_000, level: float = 0.95
) -> tuple[float, float, float]:
    """Mean of ours less theirs over the same questions, with its interval's low and high end.

    Percentile bootstrap over questions (Efron & Tibshirani 1993, chapter 13). Zeros of none.
    """
    difference = np.asarray(ours, float) - np.asarray(theirs, float)
    if not len(difference):
        return 0.0, 0.0, 0.0
    chosen = np.random.default_rng(seed).integers(len(difference), size=(rounds, len(difference)))
    means: NDArray[np.float64] = difference[chosen].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(difference.mean()), float(low), float(high)
