"""Vectors with the model that made them, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

import numpy as np

from failbot.search.values import Embedding
from failbot.store.base import ActiveModel, Unembedded
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
                if embedding_of(values, id, kept, model) is None
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
                if kept is not None and kept.failure.version == one.version:
                    values.embeddings[one.id, model] = (one.version, _read_only(embedding))
                    done.append(one)
        return done

    def progress(self, model: str) -> tuple[int, int]:
        with self._heap.open() as values:
            made = [embedding_of(values, *one, model) for one in values.failures.items()]
        return len([one for one in made if one is not None]), len(made)


def embedding_of(values: Values, id: int, kept: Kept, model: str) -> Embedding | None:
    """What this model made of the failure's current version."""
    version, embedding = values.embeddings.get((id, model), (0, None))
    return embedding if version == kept.failure.version else None


def _unembedded(id: int, kept: Kept) -> Unembedded:
    failure = kept.failure
    return Unembedded(
        id=id,
        team_id=failure.team_id,
        number=failure.number,
        version=failure.version,
        draft=failure.draft(),
    )


def _read_only(embedding: Embedding) -> Embedding:
    arrays = {part.name: np.array(getattr(embedding, part.name)) for part in fields(Embedding)}
    for one in arrays.values():
        one.flags.writeable = False
    return Embedding(**arrays)
