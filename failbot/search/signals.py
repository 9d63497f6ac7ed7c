"""How alike a question and each candidate are: by tokens in context, by meaning, by words.

A signal is float32 (n,) under its name, in the candidates' order; higher is more alike:

late_interaction: mean over the question's tokens of their best match among the entry's tokens,
    weighted by inverse frequency (Khattab & Zaharia 2020, section 3.3); -1..1
expected: late interaction with the best of the entry's expected questions; 0 where it has none
reverse: the same from the entry's tokens to the question's: how much of it was asked for; -1..1
bm25: the BM25 score as a share of the most that this question could get; 0..1
dense, title: cosine of the sentence vectors, of the whole text and of the title; -1..1

A new signal is a function in `MEASURES` that returns it by its name, and a refit
(`failbot calibrate`, `python -m tests.training`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from failbot.search.bm25 import K1, inverse_frequency, saturation
from failbot.search.values import (
    Candidate,
    Corpus,
    Embedding,
    Encoding,
    Expected,
    Matrix,
    Query,
    Signals,
    TokenIds,
    Tokens,
    Vector,
)

# Components of a normalised token vector lie within a third of 1 (all-MiniLM-L6-v2, all of its
# sample memory): a fixed scale with room to 0.5 loses nothing that can be measured, and spares
# a scale for each token. Models with a larger component have it clipped.
QUANTISATION = np.float32(254)
# What an entry without vectors would probably score, from its share of BM25: the regression of
# both interactions on `bm25` over the sample memory.
ESTIMATES = {"late_interaction": (0.25, 0.9), "reverse": (0.18, 0.2)}
# Both only for speed, measured with OpenBLAS on AVX-512: twice as fast as one product of all rows.
BLOCK = 1_024  # token rows that are widened to float32 at a time: 1.5 MB, within the cache
LANES = 8  # the question's tokens are filled up with zeros to a multiple

Measure = Callable[[Query, Sequence[Candidate], Corpus], Signals]


def quantise(tokens: Matrix) -> Tokens:
    """Token vectors as they are stored: int8 (t, h), a quarter of the size, from L2-normalised."""
    steps: Tokens = np.clip(np.rint(tokens * QUANTISATION), -127, 127).astype(np.int8)
    return steps


def compare(query: Query, candidates: Sequence[Candidate], *, corpus: Corpus) -> dict[str, Vector]:
    """Every signal of each candidate, by name.

    Without vectors the interactions are estimated from `bm25`, and all others are 0.
    """
    found = dict(_word_shares(query, candidates, corpus))
    for name, (base, slope) in ESTIMATES.items():
        found[name] = (base + slope * found["bm25"]).astype(np.float32)
    embedded = [at for at, one in enumerate(candidates) if is_comparable(query, one)]
    chosen = [candidates[at] for at in embedded]
    for measure in MEASURES:
        for name, values in measure(query, chosen, corpus).items():
            whole = found.setdefault(name, np.zeros(len(candidates), np.float32))
            whole[embedded] = values
    return found


def is_comparable(query: Query, candidate: Candidate) -> bool:
    """Whether there are vectors of both, rather than words alone."""
    encoding = query.encoding
    return candidate.embedding is not None and encoding is not None and bool(len(encoding.tokens))


def token_weights(token_ids: TokenIds, corpus: Corpus) -> Vector:
    """Inverse frequency over the corpus of each token: float32 (t,), above 0."""
    known = corpus.token_frequency
    if not len(known):
        return np.full(len(token_ids), np.log1p(corpus.size + 1.0), np.float32)
    frequency = np.where(token_ids < len(known), known[np.minimum(token_ids, len(known) - 1)], 0)
    return np.log1p(max(corpus.size, 1) / (frequency + 1.0)).astype(np.float32)


def _interactions(query: Query, candidates: Sequence[Candidate], corpus: Corpus) -> Signals:
    late = np.zeros(len(candidates), np.float32)
    reverse = np.zeros(len(candidates), np.float32)
    if query.encoding is None or not candidates:
        return {"late_interaction": late, "reverse": reverse}
    asked, weights = _asked(query.encoding, corpus)
    count = len(weights)
    embeddings = [_embedding(one) for one in candidates]
    for first, after in _blocks([len(_tokens(one)) for one in embeddings]):
        block = embeddings[first:after]
        rows = np.concatenate([_tokens(one) for one in block]).astype(np.float32)
        own = token_weights(np.concatenate([_token_ids(one) for one in block]), corpus)
        starts = np.cumsum([0] + [len(_tokens(one)) for one in block[:-1]])
        alike = np.ascontiguousarray((rows @ asked).T[:count])
        late[first:after] = weights @ np.maximum.reduceat(alike, starts, axis=1)
        best = np.add.reduceat(alike.max(axis=0) * own, starts)
        reverse[first:after] = best / np.add.reduceat(own, starts)
    return {"late_interaction": late, "reverse": reverse}


def _closeness(query: Query, candidates: Sequence[Candidate], corpus: Corpus) -> Signals:
    if query.encoding is None or not candidates:
        return {name: np.zeros(len(candidates), np.float32) for name in ("dense", "title")}
    vectors = np.stack([_embedding(one).vectors for one in candidates]).astype(np.float32)
    cosines = (vectors @ query.encoding.sentence).astype(np.float32)
    return {"dense": cosines[:, 0], "title": cosines[:, 1]}


def _expectations(query: Query, candidates: Sequence[Candidate], corpus: Corpus) -> Signals:
    """Weighted as the entries' own tokens: an expected question makes no word more frequent."""
    best = np.zeros(len(candidates), np.float32)
    having = [at for at, one in enumerate(candidates) if _expected(one) is not None]
    if query.encoding is None or not having:
        return {"expected": best}
    asked, weights = _asked(query.encoding, corpus)
    made = [one for at in having if (one := _expected(candidates[at])) is not None]
    for first, after in _blocks([len(one.tokens) for one in made]):
        rows = np.concatenate([one.tokens for one in made[first:after]]).astype(np.float32)
        lengths = np.concatenate([one.lengths for one in made[first:after]])
        starts = np.cumsum(lengths) - lengths
        alike = np.ascontiguousarray((rows @ asked).T[: len(weights)])
        each = weights @ np.maximum.reduceat(alike, starts, axis=1)
        counts = np.array([len(one.lengths) for one in made[first:after]])
        best[having[first:after]] = np.maximum.reduceat(each, np.cumsum(counts) - counts)
    return {"expected": best}


# What compares vectors; each is given only the candidates that have some.
MEASURES: tuple[Measure, ...] = (_interactions, _expectations, _closeness)


def _word_shares(query: Query, candidates: Sequence[Candidate], corpus: Corpus) -> Signals:
    asked = sorted(set(query.words))
    weights = [inverse_frequency(corpus.word_frequency.get(w, 0), corpus.size) for w in asked]
    counts = np.zeros((len(candidates), len(asked)), np.float32)
    places = {word: at for at, word in enumerate(asked)}
    for row, candidate in zip(counts, candidates, strict=True):
        for word in places.keys() & candidate.words:
            row[places[word]] = candidate.words.count(word)
    lengths = np.array([[len(one.words)] for one in candidates], np.float32).reshape(-1, 1)
    most = (K1 + 1) * sum(weights)
    scores = saturation(counts, lengths, corpus.average_length) @ np.array(weights, np.float32)
    return {"bm25": (scores / np.float32(most) if most else scores).astype(np.float32)}


def _asked(encoding: Encoding, corpus: Corpus) -> tuple[Matrix, Vector]:
    """The question's tokens as columns, scaled for int8 rows, and their weights, which sum to 1."""
    count = len(encoding.tokens)
    asked = np.zeros((encoding.tokens.shape[1], -(-count // LANES) * LANES), np.float32)
    asked[:, :count] = encoding.tokens.T / QUANTISATION
    weights = token_weights(encoding.token_ids, corpus)
    return asked, weights / weights.sum()


def _blocks(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges of candidates that hold about BLOCK rows together, in order."""
    edges, rows = [0], 0
    for at, length in enumerate(lengths):
        if rows and rows + length > BLOCK:
            edges.append(at)
            rows = 0
        rows += length
    return list(zip(edges, [*edges[1:], len(lengths)], strict=True))


def _embedding(candidate: Candidate) -> Embedding:
    assert candidate.embedding is not None  # `compare` hands over no other
    return candidate.embedding


def _expected(candidate: Candidate) -> Expected | None:
    """Its expected questions that have tokens; None where no word is there to compare."""
    expected = _embedding(candidate).expected
    return expected if expected is not None and len(expected.tokens) else None


def _tokens(embedding: Embedding) -> Tokens:
    """Its token vectors; one of zeros where there is none: an empty text matches nothing."""
    if len(embedding.tokens):
        return embedding.tokens
    return np.zeros((1, embedding.tokens.shape[1]), np.int8)


def _token_ids(embedding: Embedding) -> TokenIds:
    return embedding.token_ids if len(embedding.token_ids) else np.zeros(1, np.int32)
