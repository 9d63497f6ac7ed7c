"""Vectors with the model that made them, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from failbot.search.values import Embedding, Expected
from failbot.store.embedding import ActiveModel, Unembedded
from tests.memory_store.heap import Heap, Kept, Values


class MemoryEmbeddings:
    """`Embeddings`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def active(self) -> ActiveModel | None:
        with self._heap.open() as values:
            return values.active.get("")

    def activate(self, model: ActiveModel) -> None:
        with self._heap.open() as values:
            values.active[""] = model
            for key in [one for one in values.embeddings if one[1] != model.name]:
                del values.embeddings[key]

    def missing(
        self, model: str, *, limit: int, among: Collection[tuple[str, int]] | None = None
    ) -> list[Unembedded]:
        with self._heap.open() as values:
            found = [
                _unembedded(id, kept)
                for id, kept in sorted(values.failures.items())
                if not _is_embedded(values, id, kept, model)
                and (among is None or (kept.failure.team_id, kept.failure.number) in among)
            ]
            return found[:limit]

    def is_complete(self, model: str) -> bool:
        return not self.missing(model, limit=1)

    def put(
        self, model: str, embeddings: Sequence[tuple[Unembedded, Embedding]]
    ) -> list[Unembedded]:
        done = []
        with self._heap.open() as values:
            for one, embedding in embeddings:
                kept = values.failures.get(one.id)
                if kept is not None and _versions(kept) == (one.version, one.expected_version):
                    values.embeddings[one.id, model] = (*_versions(kept), _read_only(embedding))
                    done.append(one)
        return done

    def progress(self, model: str) -> tuple[int, int]:
        with self._heap.open() as values:
            made = [_is_embedded(values, *one, model) for one in values.failures.items()]
        return sum(made), len(made)


def embedding_of(values: Values, id: int, kept: Kept, model: str) -> Embedding | None:
    """What this model made of the failure's current version, and of its current questions."""
    version, expected_version, embedding = values.embeddings.get((id, model), (0, 0, None))
    if embedding is None or version != kept.failure.version:
        return None
    if expected_version != kept.expected_version or not kept.expected_version:
        return replace(embedding, expected=None)
    return embedding


def _is_embedded(values: Values, id: int, kept: Kept, model: str) -> bool:
    """Its current text, and its current expected questions."""
    return values.embeddings.get((id, model), (0, 0, None))[:2] == _versions(kept)


def _versions(kept: Kept) -> tuple[int, int]:
    return kept.failure.version, kept.expected_version


def _unembedded(id: int, kept: Kept) -> Unembedded:
    failure = kept.failure
    return Unembedded(
        id=id,
        team_id=failure.team_id,
        number=failure.number,
        version=failure.version,
        draft=failure.draft(),
        questions=tuple(one.text for one in kept.expected),
        expected_version=kept.expected_version,
    )


def _read_only(embedding: Embedding) -> Embedding:
    beside = embedding.expected
    own = replace(embedding, expected=None)
    return replace(
        own,
        **_arrays(own),
        expected=None if beside is None else Expected(**_arrays(beside)),
    )


def _arrays(made: Embedding | Expected) -> dict[str, Any]:
    """Copies of its arrays by name, read-only."""
    found = {part.name: getattr(made, part.name) for part in fields(made)}
    arrays = {name: np.array(one) for name, one in found.items() if one is not None}
    for one in arrays.values():
        one.flags.writeable = False
    return arrays
