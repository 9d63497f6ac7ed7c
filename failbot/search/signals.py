"""How alike a question and each candidate are: by tokens in context, by meaning, by words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from failbot.search.bm25 import K1, inverse_frequency, saturation
from failbot.search.values import (
    Candidate,
    Corpus,
    Encoding,
    Matrix,
    Query,
    TokenIds,
    Tokens,
    Vector,
)

# Components of a normalised token vector lie within a third of 1 (all-MiniLM-L6-v2, all of its
# sample memory): a fixed scale with room to 0.5 loses nothing that can be measured, and spares
# a scale for each token. Models with a larger component have it clipped.
QUANTISATION = np.float32(254)
# What an entry without vectors would probably score, from its words' share: the regression of
# `late` and `back` on `words` over the sample memory.
LATE_WITHOUT = (0.25, 0.9)
BACK_WITHOUT = (0.18, 0.2)
# Both only for speed, measured with OpenBLAS on AVX-512: twice as fast as one product of all rows.
BLOCK = 1_024  # token rows that are widened to float32 at a time: 1.5 MB, within the cache
LANES = 8  # the question's tokens are filled up with zeros to a multiple


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """float32 (n,) each, in the candidates' order, higher is more alike.

    late: mean over the question's tokens of their best match among the entry's tokens, weighted
        by inverse frequency (late interaction, Khattab & Zaharia 2020, section 3.3); -1..1
    back: the same from the entry's tokens to the question's: how much of the entry was asked for
    words: the BM25 score as a share of the most that this question could get; 0..1
    meaning, title: cosine of the sentence vectors, of the whole text and of the title; -1..1
    is_embedded: bool; where False, late and back are estimates and meaning and title 0
    """

    late: Vector
    back: Vector
    words: Vector
    meaning: Vector
    title: Vector
    is_embedded: NDArray[np.bool_]


def quantise(tokens: Matrix) -> Tokens:
    """Token vectors as they are stored: int8 (t, h), a quarter of the size, from L2-normalised."""
    steps: Tokens = np.clip(np.rint(tokens * QUANTISATION), -127, 127).astype(np.int8)
    return steps


def compare(query: Query, candidates: Sequence[Candidate], *, corpus: Corpus) -> Signals:
    """The signals of each candidate."""
    words = _word_shares(query.words, candidates, corpus)
    late = LATE_WITHOUT[0] + LATE_WITHOUT[1] * words
    back = BACK_WITHOUT[0] + BACK_WITHOUT[1] * words
    meaning, title = np.zeros_like(words), np.zeros_like(words)
    encoding = query.encoding
    embedded = [at for at, one in enumerate(candidates) if one.sentence is not None]
    is_embedded = np.zeros(len(candidates), np.bool_)
    if encoding is not None and embedded and len(encoding.tokens):
        is_embedded[embedded] = True
        chosen = [candidates[at] for at in embedded]
        late[embedded], back[embedded] = _interactions(encoding, chosen, corpus)
        meaning[embedded] = _cosines(encoding.sentence, [one.sentence for one in chosen])
        title[embedded] = _cosines(encoding.sentence, [one.title_sentence for one in chosen])
    return Signals(late, back, words, meaning, title, is_embedded)


def token_weights(token_ids: TokenIds, corpus: Corpus) -> Vector:
    """Inverse frequency over the corpus of each token: float32 (t,), above 0."""
    known = corpus.token_frequency
    if not len(known):
        return np.full(len(token_ids), np.log1p(corpus.size + 1.0), np.float32)
    frequency = np.where(token_ids < len(known), known[np.minimum(token_ids, len(known) - 1)], 0)
    return np.log1p(max(corpus.size, 1) / (frequency + 1.0)).astype(np.float32)


def _interactions(
    encoding: Encoding, candidates: Sequence[Candidate], corpus: Corpus
) -> tuple[Vector, Vector]:
    """Late interaction both ways: float32 (n,), float32 (n,)."""
    count = len(encoding.tokens)
    asked = np.zeros((encoding.tokens.shape[1], -(-count // LANES) * LANES), np.float32)
    asked[:, :count] = encoding.tokens.T / QUANTISATION
    weights = token_weights(encoding.token_ids, corpus)
    weights = weights / weights.sum()
    late = np.zeros(len(candidates), np.float32)
    back = np.zeros(len(candidates), np.float32)
    for first, after in _blocks([len(_tokens(one)) for one in candidates]):
        block = candidates[first:after]
        rows = np.concatenate([_tokens(one) for one in block]).astype(np.float32)
        own = token_weights(np.concatenate([_token_ids(one) for one in block]), corpus)
        starts = np.cumsum([0] + [len(_tokens(one)) for one in block[:-1]])
        alike = np.ascontiguousarray((rows @ asked).T[:count])
        late[first:after] = weights @ np.maximum.reduceat(alike, starts, axis=1)
        best = np.add.reduceat(alike.max(axis=0) * own, starts)
        back[first:after] = best / np.add.reduceat(own, starts)
    return late, back


def _blocks(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges of candidates that hold about BLOCK rows together, in order."""
    edges, rows = [0], 0
    for at, length in enumerate(lengths):
        if rows and rows + length > BLOCK:
            edges.append(at)
            rows = 0
        rows += length
    return list(zip(edges, [*edges[1:], len(lengths)], strict=True))


def _tokens(candidate: Candidate) -> Tokens:
    """Its token vectors; one of zeros where there is none: an empty text matches nothing."""
    if candidate.tokens is None or not len(candidate.tokens):
        width = 0 if candidate.tokens is None else candidate.tokens.shape[1]
        return np.zeros((1, width), np.int8)
    return candidate.tokens


def _token_ids(candidate: Candidate) -> TokenIds:
    if candidate.token_ids is None or not len(candidate.token_ids):
        return np.zeros(1, np.int32)
    return candidate.token_ids


def _cosines(vector: Vector, others: Sequence[Vector | None]) -> Vector:
    nothing = np.zeros_like(vector)
    stacked = np.stack([nothing if other is None else other for other in others])
    return (stacked.astype(np.float32) @ vector).astype(np.float32)


def _word_shares(words: Sequence[str], candidates: Sequence[Candidate], corpus: Corpus) -> Vector:
    """BM25 over what this question could get at most: float32 (n,), 0..1."""
    asked = sorted(set(words))
    weights = [inverse_frequency(corpus.word_frequency.get(w, 0), corpus.size) for w in asked]
    counts = np.zeros((len(candidates), len(asked)), np.float32)
    places = {word: at for at, word in enumerate(asked)}
    for row, candidate in zip(counts, candidates, strict=True):
        for word in places.keys() & candidate.words:
            row[places[word]] = candidate.words.count(word)
    lengths = np.array([[len(one.words)] for one in candidates], np.float32).reshape(-1, 1)
    most = (K1 + 1) * sum(weights)
    scores = saturation(counts, lengths, corpus.average_length) @ np.array(weights, np.float32)
    return scores / np.float32(most) if most else scores
