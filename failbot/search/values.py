"""What a scorer is given, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
Tokens = NDArray[np.int8]
TokenIds = NDArray[np.int32]


class Encoding(Protocol):
    """A text as its model sees it: `failbot.encoder.Encoding` is one."""

    @property
    def sentence(self) -> Vector:
        """float32 (d,), L2-normalised."""

    @property
    def tokens(self) -> Matrix:
        """float32 (t, h), rows L2-normalised."""

    @property
    def token_ids(self) -> TokenIds:
        """int32 (t,)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Query:
    """A question: its text, the stems of `tokens.words`, and its encoding if there is a model."""

    text: str
    words: tuple[str, ...]
    encoding: Encoding | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Candidate:
    """A failure that may match.

    `sentence` and `title_sentence` are the vectors of its whole text and of its title, `tokens`
    those of the whole text's tokens by `quantise`, `token_ids` their ids. All four are None while
    it is not embedded: then it is compared by its words alone.
    """

    number: int
    words: tuple[str, ...]
    sentence: Vector | None = None
    title_sentence: Vector | None = None
    tokens: Tokens | None = None
    token_ids: TokenIds | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Corpus:
    """Statistics over all entries of the workspace.

    `token_frequency[id]` is the number of entries that hold the model's token of that id, ids
    beyond its end occur in none; `word_frequency` the same for words; `average_length` is the
    mean number of words of an entry.
    """

    size: int
    token_frequency: NDArray[np.int32]
    word_frequency: Mapping[str, int]
    average_length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedHit:
    """One candidate in its place: `score` orders (higher is better), `probability` is calibrated.

    `probability`, 0..1, is that it is the same failure as the one asked about.
    `signals` say where both come from; see `signals.Signals`, and `gap` in `scoring`.
    """

    number: int
    score: float
    probability: float
    signals: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Hits best first; `confidence`, 0..1, is the probability that the first is the right one."""

    hits: tuple[RankedHit, ...]
    verdict: Literal["known", "related", "unknown"]
    confidence: float
