"""What retrieval works with: a question, the entries that may answer it, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from failbot.models import Verdict

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
HalfMatrix = NDArray[np.float16]
Tokens = NDArray[np.int8]
TokenIds = NDArray[np.int32]
# Signals by name, each float32 (n,) in the candidates' order.
Signals = Mapping[str, Vector]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """One text as vectors.

    sentence: float32 (d,), L2-normalised.
    tokens: float32 (t, h), rows L2-normalised: the transformer's last hidden states, one row a
        token of the text; h is d unless the model projects its sentence vectors. No row stands
        for [CLS], [SEP], padding or the model's prompt, so an empty text has t = 0. Text beyond
        the model's window (256 tokens with the default model) is not seen and has no rows.
    token_ids: int32 (t,), ids in the model's own vocabulary.
    starts: int32 (t,), the offset in the text of each token's first character; all 0 for a model
        whose tokenizer does not tell.
    """

    sentence: Vector
    tokens: Matrix
    token_ids: TokenIds
    starts: TokenIds


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Expected:
    """What one model made of a failure's expected questions, one after another.

    `vectors`: float16 (q, d), rows L2-normalised, one a question: they find candidates, whose
    order exact tokens decide. `tokens` int8 (t, h) and `token_ids` int32 (t,) are those of all
    questions, `lengths` int32 (q,) says how many are each one's. All arrays are read-only.
    """

    vectors: HalfMatrix
    tokens: Tokens
    token_ids: TokenIds
    lengths: TokenIds


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Embedding:
    """What one model made of one failure, as it is stored.

    `vectors`: float32 (2, d), rows L2-normalised: the whole text, the title. `tokens`: int8
    (t, h), see `signals.quantise`. `token_ids` and `starts` (the offset of each token's first
    character in `passages.text_of`): int32 (t,). All arrays are read-only. `expected` is None for
    a failure without expected questions.
    """

    vectors: Matrix
    tokens: Tokens
    token_ids: TokenIds
    starts: TokenIds
    expected: Expected | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Query:
    """A question: its text, the stems of `words.words`, and its encoding if there is a model."""

    text: str
    words: tuple[str, ...]
    encoding: Encoding | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Candidate:
    """A failure that may match: all that a scorer needs, whatever the backend.

    `words` are its stems (`words.words`); `embedding` is None until it is made, and then it is
    compared by its words alone.
    """

    number: int
    words: tuple[str, ...]
    embedding: Embedding | None = None


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

    `probability`, 0..1, is that it is the same failure as the one asked about. `signals` say by
    name where both come from; see `signals` and `scoring`.
    """

    number: int
    score: float
    probability: float
    signals: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Hits best first; `confidence`, 0..1, is the probability that the first is the right one.

    `runner_up` is the logarithm of the odds of what would be first if the first were not there;
    None where nothing else was found.
    """

    hits: tuple[RankedHit, ...]
    verdict: Verdict
    confidence: float
    runner_up: float | None = None
