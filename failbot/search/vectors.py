"""Nearest vectors among those that a viewer may see, by faiss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from failbot.search.values import Matrix, Vector

Mask = NDArray[np.bool_]
Slots = NDArray[np.int64]


# Above it one byte a component: at 100,000 vectors of 384 components a search takes 4.6 ms instead
# of 10.6 and a quarter of the memory, and it trains on enough vectors to know their range. Only
# candidates are chosen by it; they are scored by their exact vectors.
EXACT_UNTIL = 20_000


class VectorIndex:
    """Inner-product search over rows that are only ever appended; exact up to `EXACT_UNTIL`.

    Not thread-safe: faiss crashes when it is searched while it is written to; its owner holds
    one lock for both.
    """

    def __init__(self, dimension: int) -> None:
        import faiss

        # A second thread for one vector costs more than it brings, beside onnxruntime's.
        faiss.omp_set_num_threads(1)
        self.dimension = dimension
        self._faiss = faiss
        self._index = faiss.IndexFlatIP(dimension)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def append(self, vectors: Matrix) -> None:
        """Adds float32 (n, dimension); their slots follow on the last."""
        rows = np.ascontiguousarray(vectors, np.float32)
        is_exact = isinstance(self._index, self._faiss.IndexFlatIP)
        if is_exact and len(self) + len(rows) > EXACT_UNTIL:
            rows = np.concatenate([self._index.reconstruct_n(0, len(self)), rows])
            self._index = self._quantised(rows)
        self._index.add(rows)

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

    def _quantised(self, rows: Matrix) -> Any:
        """An empty index of one byte a component, in the range of these rows."""
        faiss = self._faiss
        kind = faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexScalarQuantizer(self.dimension, kind, faiss.METRIC_INNER_PRODUCT)
        index.train(rows)
        return index
