"""Nearest vectors among those that a viewer may see, by faiss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from failbot.store.base import Vector, Vectors

Mask = NDArray[np.bool_]
Slots = NDArray[np.int64]


class VectorIndex:
    """Exact inner-product search over rows that are only ever appended.

    Not thread-safe: faiss crashes when it is searched while it is written to; its owner holds
    one lock for both.
    """

    def __init__(self, dimension: int) -> None:
        import faiss

        self.dimension = dimension
        self._faiss = faiss
        self._index = faiss.IndexFlatIP(dimension)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def append(self, vectors: Vectors) -> None:
        """Adds float32 (n, dimension); their slots follow on the last."""
        self._index.add(np.ascontiguousarray(vectors, np.float32))

    def nearest(self, vector: Vector, limit: int, *, allowed: Mask) -> Slots:
        """The slots of at most `limit` allowed rows, by falling inner product with `vector`."""
        count = min(limit, int(allowed.sum()))
        if not count:
            return np.empty(0, np.int64)
        faiss = self._faiss
        bits = np.packbits(allowed, bitorder="little")
        chosen = faiss.IDSelectorBitmap(len(allowed), faiss.swig_ptr(bits))
        parameters = None if allowed.all() else faiss.SearchParameters(sel=chosen)
        _, slots = self._index.search(
            np.ascontiguousarray(vector[None], np.float32), count, params=parameters
        )
        found: Slots = slots[0][slots[0] >= 0]
        return found
