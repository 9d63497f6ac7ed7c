"""A calibration from labelled questions, and how it does on questions that it was not fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from failbot.errors import InputError
from failbot.evaluation.metrics import calibration_error
from failbot.search.calibration import Calibration

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# What a probability is made of; a reranker's score as well, where there is one.
FITTED = ("interaction", "margin", "reverse", "dense", "reranker")
# What a figure fits needs ten events of the rarer kind (Peduzzi et al. 1996); four are fitted,
# five with a reranker, and the ridge holds them where there are fewer. And 5 % of 50 masked
# questions is the least that a threshold can be set by.
LEAST_QUESTIONS = 50
FOLDS = 5
ROUNDS = 10  # other partitions into folds, averaged: one alone moves the threshold by chance
# A masked question (asked again without its answer) counts little: they are as many as the
# questions with an answer, and people ask about what was recorded far more often than that. Chosen
# by the calibration error of held-out sample questions, 0.047; at 0 it is 0.055, at 0.2 0.060, as
# ordinary questions' probabilities become too modest.
MASKED_WEIGHT = 0.07
RIDGE = 0.1  # of the standardised coefficients
MOST_FALSE = 0.05  # of the questions without an answer that may be called known
LEAST_PRECISION = 0.95  # of what is called known; held-out questions are harder than these


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What became of one labelled question: its first hit's signals, and whether that was right.

    `question` groups: a question and its masked form (asked with its relevant entries hidden)
    are never on both sides of a fold. A signal that is not named counts as 0.
    """

    question: str
    signals: Mapping[str, float]
    is_right: bool
    has_answer: bool
    is_masked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How a calibration does: shares 0..1.

    precision: of what is called known, masked questions left out; 1 when nothing is
    coverage: of the questions with an answer, those called known and answered rightly
    false_known, masked_known: of those without an answer, and of the masked, called known
    error: expected calibration error, masked questions left out
    """

    precision: float
    coverage: float
    false_known: float
    masked_known: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A new calibration with its figures on held-out folds, and those of the one before it."""

    calibration: Calibration
    before: Figures
    after: Figures


class TooFewLabelsError(InputError):
    """A calibration from these questions would be chance."""

    def __init__(self, *, found: int, needed: int) -> None:
        self.found, self.needed = found, needed
        super().__init__(
            f"{found} labelled questions have an answer; a calibration needs at least {needed}. "
            "Label more questions, in a file or with the buttons under answers, and run it again."
        )


def refuse_too_few(answerable: int) -> None:
    """:raises TooFewLabelsError: for fewer questions with an answer than `fit` needs."""
    if answerable < LEAST_QUESTIONS:
        raise TooFewLabelsError(found=answerable, needed=LEAST_QUESTIONS)


def fit(examples: Sequence[Example], *, before: Calibration) -> Fitted:
    """A calibration for `before`'s model and reranker from labelled questions, judged on held-out
    folds.

    Deterministic. :raises TooFewLabelsError: naming the number of questions that it needs.
    """
    found = sum(one.has_answer and not one.is_masked for one in examples)
    refuse_too_few(found)
    table = _table(examples)
    held_out = _held_out(table)
    curve = _fitted_curve(table, before, questions=found)
    own = curve.probabilities(table.by_name())
    # Both as it will be used and as unseen questions will find it.
    known = _known_threshold(table, held_out, own)
    related = min(_related_threshold(table, held_out), known)
    return Fitted(
        calibration=replace(curve, known=known, related=related),
        before=_figures(table, before.probabilities(table.by_name()), before.known),
        after=_figures(table, held_out, known),
    )


def judge(examples: Sequence[Example], calibration: Calibration) -> Figures:
    """How this calibration does on these examples, whatever it was fitted to."""
    table = _table(examples)
    return _figures(table, calibration.probabilities(table.by_name()), calibration.known)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    names: tuple[str, ...]
    signals: Floats  # (n, names)
    is_right: Flags
    has_answer: Flags
    is_masked: Flags
    weights: Floats
    groups: NDArray[np.intp]

    def by_name(self) -> dict[str, Floats]:
        return dict(zip(self.names, self.signals.T, strict=True))


def _table(examples: Sequence[Example]) -> _Table:
    masked = np.array([one.is_masked for one in examples], np.bool_)
    groups = {name: at for at, name in enumerate(sorted({one.question for one in examples}))}
    names = tuple(name for name in FITTED if any(name in one.signals for one in examples))
    return _Table(
        names=names,
        signals=np.array([[one.signals.get(name, 0.0) for name in names] for one in examples]),
        is_right=np.array([one.is_right and not one.is_masked for one in examples], np.bool_),
        has_answer=np.array([one.has_answer for one in examples], np.bool_) & ~masked,
        is_masked=masked,
        weights=np.where(masked, MASKED_WEIGHT, 1.0),
        groups=np.array([groups[one.question] for one in examples], np.intp),
    )


def _fitted_curve(table: _Table, before: Calibration, *, questions: int) -> Calibration:
    intercept, slopes = _logistic(table.signals, table.is_right, table.weights)
    return replace(
        before,
        intercept=round(intercept, 4),
        coefficients={
            name: round(float(slope), 4) for name, slope in zip(table.names, slopes, strict=True)
        },
        questions=questions,
        origin="own",
    )


def _held_out(table: _Table) -> Floats:
    """Each example's probability by curves that were fitted without its question: (n,)."""
    chances = np.random.default_rng(0)
    total = np.zeros(len(table.is_right))
    for _ in range(ROUNDS):
        folds = chances.permutation(table.groups.max() + 1) % FOLDS
        for fold in range(FOLDS):
            out = folds[table.groups] == fold
            intercept, slopes = _logistic(
                table.signals[~out], table.is_right[~out], table.weights[~out]
            )
            total[out] += 1 / (1 + np.exp(-(intercept + table.signals[out] @ slopes)))
    return total / ROUNDS


def _logistic(signals: Floats, is_right: Flags, weights: Floats) -> tuple[float, Floats]:
    """Intercept and slopes of a ridge logistic regression on standardised signals.

    A signal that is always the same gets the slope 0. Where all are right, or none, the slopes
    are 0 and the intercept is that share's, short of certainty.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if is_right.all() or not is_right.any():
        share = (is_right.sum() + 0.5) / (len(is_right) + 1)  # Laplace: never certain
        return float(np.log(share / (1 - share))), np.zeros(signals.shape[1])
    scaler = StandardScaler().fit(signals)
    model = LogisticRegression(C=1 / RIDGE, tol=1e-8, max_iter=1_000)
    model.fit(scaler.transform(signals), is_right, sample_weight=weights)
    slopes = model.coef_[0] / scaler.scale_
    return float(model.intercept_[0] - scaler.mean_ @ slopes), slopes


def _known_threshold(table: _Table, *chances: Floats) -> float:
    """The least probability from which on "known" is right and false often and seldom enough, by
    each of these probabilities."""
    for threshold in np.arange(0.5, 0.99, 0.01):
        found = [_figures(table, one, float(threshold)) for one in chances]
        if all(map(_is_good, found)):
            return round(float(threshold), 2)
    return 0.99


def _is_good(figures: Figures) -> bool:
    is_seldom_false = max(figures.false_known, figures.masked_known) <= MOST_FALSE
    return is_seldom_false and figures.precision >= LEAST_PRECISION


def _related_threshold(table: _Table, chances: Floats) -> float:
    """Where questions with and without an answer part best (Youden's index), masked ones too."""
    has, weights = table.has_answer, table.weights
    steps = np.arange(0.1, 0.5, 0.01)
    if has.all():
        return float(steps[0])
    index = [
        np.average(chances[has] >= step) - np.average(chances[~has] >= step, weights=weights[~has])
        for step in steps
    ]
    return round(float(steps[int(np.argmax(index))]), 2)


def _figures(table: _Table, chances: Floats, known: float) -> Figures:
    is_known = chances >= known
    asked = ~table.is_masked
    without = asked & ~table.has_answer
    return Figures(
        precision=_share(table.is_right, is_known & asked, empty=1.0),
        coverage=_share(is_known & table.is_right, table.has_answer),
        false_known=_share(is_known, without),
        masked_known=_share(is_known, table.is_masked),
        error=calibration_error(chances[asked], table.is_right[asked]),
    )


def _share(of: Flags, among: Flags, *, empty: float = 0.0) -> float:
    return float(of[among].mean()) if among.any() else empty
