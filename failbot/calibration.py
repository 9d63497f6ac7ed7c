"""From signals to a probability that can be taken at its word, one calibration for each model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

from failbot.errors import InputError
from failbot.metrics import calibration_error

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# What a figure fits needs ten events of the rarer kind (Peduzzi et al. 1996); three are fitted.
# And 5 % of 50 masked questions is the least that a threshold can be set by.
LEAST_QUESTIONS = 50
FOLDS = 5
ROUNDS = 10  # other partitions into folds, averaged: one alone moves the threshold by chance
# A masked question (asked again without its answer) counts a fifth: they are as many as the
# questions with an answer, people ask about what was recorded more often than that.
MASKED_WEIGHT = 0.2
RIDGE = 0.1  # of the standardised coefficients
MOST_FALSE = 0.05  # of the questions without an answer that may be called known
LEAST_PRECISION = 0.95  # of what is called known; held-out questions are harder than these


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Logistic curve and thresholds that belong to one model's scores.

    A first hit is "known" from the probability `known` on, "related" from `related` on. `floor`
    is the score of a stranger. `is_cautious` says that it was made for another model.
    """

    model: str
    intercept: float
    gap: float
    back: float
    floor: float
    known: float
    related: float
    questions: int  # how many with an answer it was made from
    is_cautious: bool = False

    def probabilities(self, gap: ArrayLike, back: ArrayLike) -> Floats:
        """Of being the same failure, 0..1, from the signals `gap` and `back`, (n,) each."""
        gaps, backs = np.asarray(gap, float), np.asarray(back, float)
        odds = self.intercept + self.gap * gaps + self.back * backs
        chances: Floats = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
        return chances

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """:raises InputError: if it is not what `to_json` made."""
        try:
            values = json.loads(text)
            return cls(**{part.name: values[part.name] for part in fields(cls)})
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"This is no calibration: {error}. Run `failbot tune` anew.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What became of one labelled question: its first hit's signals, and whether that was right.

    `question` groups: a question and its masked form (asked with its relevant entries hidden)
    are never on both sides of a fold.
    """

    question: str
    gap: float
    back: float
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
            "Label more questions and run it again."
        )


def load(model: str) -> Calibration:
    """The calibration shipped for this model; else the default's, marked and used with caution.

    With caution: `known` needs a probability of 0.9.
    """
    folder = files("failbot") / "calibrations"
    name = model.rstrip("/").rsplit("/", 1)[-1]
    shipped = folder / f"{name}.json"
    if name and shipped.is_file():
        return Calibration.from_json(shipped.read_text("utf-8"))
    default = Calibration.from_json((folder / "all-MiniLM-L6-v2.json").read_text("utf-8"))
    return replace(default, model=model, known=max(default.known, 0.9), is_cautious=True)


def fit(examples: Sequence[Example], *, before: Calibration) -> Fitted:
    """A calibration for `before.model` from labelled questions, judged on held-out folds.

    Deterministic. :raises TooFewLabelsError: naming the number of questions that it needs.
    """
    found = sum(one.has_answer and not one.is_masked for one in examples)
    if found < LEAST_QUESTIONS:
        raise TooFewLabelsError(found=found, needed=LEAST_QUESTIONS)
    table = _table(examples)
    held_out = _held_out(table)
    known = _known_threshold(table, held_out)
    intercept, gap, back = _logistic(table.signals, table.is_right, table.weights)
    made = replace(
        before,
        intercept=round(intercept, 4),
        gap=round(gap, 4),
        back=round(back, 4),
        known=known,
        related=min(_related_threshold(table, held_out), known),
        questions=found,
        is_cautious=False,
    )
    old = before.probabilities(table.signals[:, 0], table.signals[:, 1])
    return Fitted(
        calibration=made,
        before=_figures(table, old, before.known),
        after=_figures(table, held_out, known),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    signals: Floats  # (n, 2): gap, back
    is_right: Flags
    has_answer: Flags
    is_masked: Flags
    weights: Floats
    groups: NDArray[np.intp]


def _table(examples: Sequence[Example]) -> _Table:
    masked = np.array([one.is_masked for one in examples], np.bool_)
    names = {name: at for at, name in enumerate(sorted({one.question for one in examples}))}
    return _Table(
        signals=np.array([(one.gap, one.back) for one in examples], float),
        is_right=np.array([one.is_right and not one.is_masked for one in examples], np.bool_),
        has_answer=np.array([one.has_answer for one in examples], np.bool_) & ~masked,
        is_masked=masked,
        weights=np.where(masked, MASKED_WEIGHT, 1.0),
        groups=np.array([names[one.question] for one in examples], np.intp),
    )


def _held_out(table: _Table) -> Floats:
    """Each example's probability by curves that were fitted without its question: (n,)."""
    chances = np.random.default_rng(0)
    total = np.zeros(len(table.is_right))
    for _ in range(ROUNDS):
        folds = chances.permutation(table.groups.max() + 1) % FOLDS
        for fold in range(FOLDS):
            out = folds[table.groups] == fold
            intercept, *slopes = _logistic(
                table.signals[~out], table.is_right[~out], table.weights[~out]
            )
            odds = intercept + table.signals[out] @ np.array(slopes)
            total[out] += 1 / (1 + np.exp(-odds))
    return total / ROUNDS


def _logistic(signals: Floats, is_right: Flags, weights: Floats) -> tuple[float, float, float]:
    """Intercept and slopes of a ridge logistic regression, by Newton's method (IRLS)."""
    centre, spread = signals.mean(axis=0), signals.std(axis=0) + 1e-9
    rows = np.column_stack([np.ones(len(signals)), (signals - centre) / spread])
    ridge = np.diag([1e-6, RIDGE, RIDGE])
    found = np.zeros(3)
    for _ in range(50):
        chances = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (weights * (is_right - chances)) - ridge @ found
        bend = (rows * (weights * chances * (1 - chances))[:, None]).T @ rows + ridge
        step = np.linalg.solve(bend, slope)
        found = found + step
        if np.abs(step).max() < 1e-9:
            break
    gap, back = found[1:] / spread
    return float(found[0] - centre @ (gap, back)), float(gap), float(back)


def _known_threshold(table: _Table, chances: Floats) -> float:
    """The least probability from which on "known" is right and false often and seldom enough."""
    for threshold in np.arange(0.5, 0.99, 0.01):
        figures = _figures(table, chances, float(threshold))
        is_seldom_false = max(figures.false_known, figures.masked_known) <= MOST_FALSE
        if is_seldom_false and figures.precision >= LEAST_PRECISION:
            return round(float(threshold), 2)
    return 0.99


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
    plain = ~table.is_masked
    without = plain & ~table.has_answer
    return Figures(
        precision=_share(table.is_right, is_known & plain, empty=1.0),
        coverage=_share(is_known & table.is_right, table.has_answer),
        false_known=_share(is_known, without),
        masked_known=_share(is_known, table.is_masked),
        error=calibration_error(chances[plain], table.is_right[plain]),
    )


def _share(of: Flags, among: Flags, *, empty: float = 0.0) -> float:
    return float(of[among].mean()) if among.any() else empty
