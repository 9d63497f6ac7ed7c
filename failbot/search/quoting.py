"""The sentence of a failure that says what was asked about."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from failbot.search.passages import sentences
from failbot.search.signals import token_weights
from failbot.search.values import Corpus, Encoding, TokenIds, Tokens


def best_sentence(
    query: Encoding, tokens: Tokens, starts: TokenIds, text: str, *, corpus: Corpus | None = None
) -> str:
    """The sentence of `text` that matches best by late interaction, ties to the first.

    `tokens` int8 (t, h) and `starts`, the offset in `text` of each token's first character, are
    the stored ones. Sentences beyond the model's window have no tokens and are never chosen; the
    first sentence is the answer when there is nothing to compare, "" when there is none.
    """
    found = sentences(text)
    if not found or not len(tokens) or not len(query.tokens):
        return found[0][1] if found else ""
    weights = np.ones(len(query.tokens), np.float32)
    if corpus is not None:
        weights = token_weights(query.token_ids, corpus)
    alike = query.tokens @ tokens.astype(np.float32).T
    edges = [*(start for start, _ in found), len(text) + 1]
    scores = [
        float(weights @ alike[:, inside].max(axis=1)) if inside.any() else -np.inf
        for inside in ((starts >= low) & (starts < high) for low, high in pairwise(edges))
    ]
    return found[int(np.argmax(scores))][1]
