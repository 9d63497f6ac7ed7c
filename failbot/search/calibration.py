"""From signals to a probability that can be taken at its word, one calibration for each model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from failbot.errors import InputError
from failbot.evaluation.metrics import calibration_error
from failbot.models import Basis

Origin = Literal["shipped", "own", "cautious"]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# What a figure fits needs ten events of the rarer kind (Peduzzi et al. 1996); three are fitted,
# four with a reranker. And 5 % of 50 masked questions is the least that a threshold can be set by.
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
CAUTIOUS_KNOWN = 0.9
LEAST_PRECISION = 0.95  # of what is called known; held-out questions are harder than these


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Logistic curve and thresholds that belong to the scores of one model and one reranker.

    A first hit is "known" from the probability `known` on, "related" from `related` on. `floor`
    is the score of a stranger. `origin`: shipped with failbot, a workspace's own, or "cautious",
    made for another model.
    """

    model: str
    intercept: float
    gap: float
    back: float
    floor: float
    known: float
    related: float
    questions: int  # how many with an answer it was made from
    reranker: str = ""  # the name of the one that it was made with; "" for none
    second: float = 0.0
    origin: Origin = "own"

    @property
    def is_cautious(self) -> bool:
        return self.origin == "cautious"

    @property
    def basis(self) -> Basis:
        """What an answer tells of it."""
        return Basis(
            model=self.model,
            reranker=self.reranker,
            origin=self.origin,
            questions=self.questions,
            intercept=self.intercept,
            coefficients={name: getattr(self, name) for name in ("gap", "back", "second")},
            known=self.known,
            related=self.related,
        )

    def probabilities(
        self, gap: ArrayLike, back: ArrayLike, second: ArrayLike | None = None
    ) -> Floats:
        """Of being the same failure, 0..1, from the signals of these names, (n,) each."""
        gaps, backs = np.asarray(gap, float), np.asarray(back, float)
        odds = self.intercept + self.gap * gaps + self.back * backs
        if second is not None:
            odds = odds + self.second * np.asarray(second, float)
        chances: Floats = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
        return chances

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """:raises InputError: if it is not what `to_json` made."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
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
    second: float = 0.0  # the reranker's score, where there is one


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
    """The calibration shipped for this model; else the default's, used with caution."""
    folder = files("failbot.search") / "calibrations"
    name = model.rstrip("/").rsplit("/", 1)[-1]
    shipped = folder / f"{name}.json"
    if name and shipped.is_file():
        return Calibration.from_json(shipped.read_text("utf-8"))
    default = Calibration.from_json((folder / "all-MiniLM-L6-v2.json").read_text("utf-8"))
    return with_caution(default, model=model)


def with_caution(made: Calibration, *, model: str, reranker: str = "") -> Calibration:
    """What serves another model, or another reranker, until it has one of its own.

    A reranker changes the order at once and the probability not at all; `known` needs 0.9.
    """
    known = max(made.known, CAUTIOUS_KNOWN)
    return replace(made, model=model, reranker=reranker, second=0.0, known=known, origin="cautious")


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
    intercept, gap, back, second = _logistic(table.signals, table.is_right, table.weights)
    curve = replace(
        before,
        intercept=round(intercept, 4),
        gap=round(gap, 4),
        back=round(back, 4),
        second=round(second, 4),
        questions=found,
        origin="own",
    )
    # Both as it will be used and as unseen questions will find it.
    known = _known_threshold(table, held_out, curve.probabilities(*table.signals.T))
    related = min(_related_threshold(table, held_out), known)
    old = before.probabilities(*table.signals.T)
    return Fitted(
        calibration=replace(curve, known=known, related=related),
        before=_figures(table, old, before.known),
        after=_figures(table, held_out, known),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    signals: Floats  # (n, 3): gap, back, second
    is_right: Flags
    has_answer: Flags
    is_masked: Flags
    weights: Floats
    groups: NDArray[np.intp]


def _table(examples: Sequence[Example]) -> _Table:
    masked = np.array([one.is_masked for one in examples], np.bool_)
    names = {name: at for at, name in enumerate(sorted({one.question for one in examples}))}
    return _Table(
        signals=np.array([(one.gap, one.back, one.second) for one in examples], float),
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


def _logistic(
    signals: Floats, is_right: Flags, weights: Floats
) -> tuple[float, float, float, float]:
    """Intercept and slopes of a ridge logistic regression, by Newton's method (IRLS).

    A signal that is always the same, such as no reranker's, gets the slope 0.
    """
    centre, spread = signals.mean(axis=0), signals.std(axis=0) + 1e-9
    rows = np.column_stack([np.ones(len(signals)), (signals - centre) / spread])
    ridge = np.diag([1e-6] + [RIDGE] * signals.shape[1])
    found = np.zeros(len(ridge))
    for _ in range(50):
        chances = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (weights * (is_right - chances)) - ridge @ found
        bend = (rows * (weights * chances * (1 - chances))[:, None]).T @ rows + ridge
        step = np.linalg.solve(bend, slope)
        found = found + step
        if np.abs(step).max() < 1e-9:
            break
    slopes = found[1:] / spread
    gap, back, second = slopes.tolist()
    return float(found[0] - centre @ slopes), gap, back, second


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
