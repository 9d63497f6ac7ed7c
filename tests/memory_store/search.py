"""Candidates by brute force, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from failbot.models import Viewer
from failbot.search.bm25 import Words
from failbot.search.values import Candidate, Corpus, Embedding, Vector
from tests.memory_store.embeddings import embedding_of
from tests.memory_store.failures import visible
from tests.memory_store.heap import Heap, Kept, Values


class MemorySearch:
    """`Search`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def candidates(
        self,
        words: Sequence[str],
        *,
        viewer: Viewer,
        vector: Vector | None,
        by_vector: int,
        by_words: int,
    ) -> list[Candidate]:
        with self._heap.open() as values:
            seen = dict(visible(values, viewer))
            made = {id: _searched(values, id, kept) for id, kept in seen.items()}
            chosen = set(_nearest(made, vector, by_vector))
            ranked = _ranked(values, viewer.team_id, words)
            chosen |= set([id for id in ranked if id in seen][:by_words])
            found = [
                Candidate(number=seen[id].failure.number, words=seen[id].words, embedding=made[id])
                for id in chosen
            ]
        return sorted(found, key=lambda one: one.number)

    def size(self, viewer: Viewer) -> int:
        with self._heap.open() as values:
            return sum(1 for _ in visible(values, viewer))

    def corpus(self, team_id: str) -> Corpus:
        with self._heap.open() as values:
            mine = {id: one for id, one in values.failures.items() if _is_of(one, team_id)}
            made = [_searched(values, id, kept) for id, kept in mine.items()]
        lengths = [len(kept.words) for kept in mine.values()]
        return Corpus(
            size=len(mine),
            token_frequency=_token_frequency([one for one in made if one is not None]),
            word_frequency=Counter(word for one in mine.values() for word in set(one.words)),
            average_length=sum(lengths) / len(lengths) if lengths else 0.0,
        )


def _searched(values: Values, id: int, kept: Kept) -> Embedding | None:
    active = values.active.get("")
    return embedding_of(values, id, kept, active.name) if active is not None else None


def _nearest(made: dict[int, Embedding | None], vector: Vector | None, limit: int) -> list[int]:
    """By falling inner product, ties by id."""
    if vector is None:
        return []
    near = {id: _nearness(one, vector) for id, one in made.items() if one is not None}
    return sorted(near, key=lambda id: (-near[id], id))[:limit]


def _nearness(made: Embedding, vector: Vector) -> float:
    """That of its text, or of the nearest of its expected questions."""
    rows = [made.vectors[0]]
    if made.expected is not None:
        rows += [*made.expected.vectors.astype(np.float32)]
    return max(float(row @ vector) for row in rows)


def _ranked(values: Values, team_id: str, words: Sequence[str]) -> list[int]:
    """All of the workspace with a word in common, best first by BM25 over all of it."""
    memory = Words()
    for id, kept in values.failures.items():
        if _is_of(kept, team_id):
            memory.add(id, kept.words)
    return [id for id, _ in memory.top(words, max(1, len(memory)))]


def _token_frequency(made: Sequence[Embedding]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    counts = Counter(token for one in made for token in set(one.token_ids.tolist()))
    frequency = np.zeros(max(counts, default=-1) + 1, np.int32)
    for token, count in counts.items():
        frequency[token] = count
    return frequency


def _is_of(kept: Kept, team_id: str) -> bool:
    return kept.failure.team_id == team_id
