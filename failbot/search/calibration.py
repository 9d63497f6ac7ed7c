"""From signals to a probability that can be taken at its word; one for each model and reranker.

Fitting one is `evaluation.calibrating`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from failbot.errors import InputError
from failbot.models import Basis

Origin = Literal["shipped", "own", "cautious"]
Floats = NDArray[np.float64]

CAUTIOUS_KNOWN = 0.9
LARGEST_ODDS = 30.0  # of the logarithm: beyond it a float64 probability is 0 or 1
# What a score is made of. Chosen on the sample memory, duplicate bug reports and FAQ paraphrases
# together, in the middle of plateaus: with all-MiniLM-L6-v2 no figure of the sample memory moves by
# two points from 0.3 to 0.6 of bm25 and 1 to 4 of closeness.
WEIGHTS = {"interaction": 1.0, "bm25": 0.4, "closeness": 2.0}
# What the coefficients were called before they were a mapping.
OLDER_NAMES = {"gap": "margin", "back": "reverse", "second": "reranker"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Logistic curve and thresholds that belong to the scores of one model and one reranker.

    `weights` make the score of the signals of these names; it orders. `coefficients` are the
    slopes of those that make the probability. A first hit is "known" from the
    probability `known` on, "related" from `related` on. `floor` is the score of a stranger.
    `null` is the level of the entries' own sentences (`null.Null`) in the memories that it was
    made on; None where that was not measured. `origin`: shipped with failbot, a workspace's own,
    or "cautious", made for another model.
    """

    model: str
    intercept: float
    coefficients: Mapping[str, float]
    floor: float
    known: float
    related: float
    questions: int  # how many with an answer it was made from
    reranker: str = ""  # the name of the one that it was made with; "" for none
    null: float | None = None
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
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
            coefficients=dict(self.coefficients),
            weights=dict(self.weights),
            known=self.known,
            related=self.related,
        )

    def probabilities(self, signals: Mapping[str, ArrayLike]) -> Floats:
        """Of being the same failure, 0..1, from the signals by name, (n,) each."""
        chances: Floats = 1 / (1 + np.exp(-self.log_odds(signals)))
        return chances

    def log_odds(self, signals: Mapping[str, ArrayLike]) -> Floats:
        """The logarithm of the odds of the same, within 30 of 0.

        A signal that is not there, such as no reranker's, adds nothing.
        """
        terms = [
            slope * np.asarray(signals[name], float)
            for name, slope in self.coefficients.items()
            if name in signals
        ]
        return np.clip(self.intercept + sum(terms), -LARGEST_ODDS, LARGEST_ODDS)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """:raises InputError: if it is not what `to_json` made, in this version or an older one."""
        try:
            return cls(**_renamed(json.loads(text)))
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"This is no calibration: {error}. Run `failbot calibrate` anew."
            ) from None


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
    slopes = {name: by for name, by in made.coefficients.items() if name != "reranker"}
    return replace(
        made, model=model, reranker=reranker, coefficients=slopes, known=known, origin="cautious"
    )


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """An older calibration's own names as today's; what this version does not know is refused."""
    if "coefficients" in values:
        return values
    slopes = {new: values[old] for old, new in OLDER_NAMES.items() if values.get(old)}
    known = {part.name for part in fields(Calibration)}
    return {name: value for name, value in values.items() if name in known} | {
        "coefficients": slopes
    }
