"""A million vectors in faiss: which kind of index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from failbot.encoder import Encoder
from tests.benchmarks import corpus
from tests.benchmarks.table import Row, percentile, timed

MILLION = 1_000_000
ASKED = 50
FOUND = 60  # candidates by vector


def rows(encoder: Encoder) -> Iterator[Row]:
    """p50 of the nearest 60, time to build, and how many of the true ones are among them."""
    import faiss

    vectors = corpus.vectors(encoder, MILLION)
    asked = np.stack([one.sentence for one in encoder.encode(corpus.questions(ASKED))])
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    true = [set(flat.search(one[None], FOUND)[1][0].tolist()) for one in asked]
    exact = percentile([timed(lambda one=one: flat.search(one[None], FOUND)) for one in asked], 50)
    yield Row(what="1,000,000 vectors, flat (exact), p50", unit="ms", failbot=exact, baseline=exact)
    for name, make in _kinds(faiss, vectors.shape[1]).items():
        index = make()
        took = timed(lambda index=index: _fill(index, vectors))
        found = [index.search(one[None], FOUND)[1][0] for one in asked]
        recall = np.mean(
            [len(set(f.tolist()) & t) / FOUND for f, t in zip(found, true, strict=True)]
        )
        times = [
            timed(lambda one=one, index=index: index.search(one[None], FOUND)) for one in asked
        ]
        what = (
            f"1,000,000 vectors, {name}, p50 (recall {recall:.2f}, built in {took / 1_000:,.0f} s)"
        )
        yield Row(what=what, unit="ms", failbot=percentile(times, 50), baseline=exact)


def _fill(index: Any, vectors: np.ndarray) -> None:
    if not index.is_trained:
        index.train(vectors[:100_000])
    index.add(vectors)


def _kinds(faiss: Any, d: int) -> dict[str, Callable[[], Any]]:
    def sq8() -> Any:
        kind = faiss.ScalarQuantizer.QT_8bit
        return faiss.IndexScalarQuantizer(d, kind, faiss.METRIC_INNER_PRODUCT)

    def ivf() -> Any:
        kind = faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(d), d, 1_024, kind, faiss.METRIC_INNER_PRODUCT
        )
        index.nprobe = 32
        return index

    return {"8 bits a component": sq8, "8 bits, 32 of 1,024 cells": ivf}
