"""The nearest vectors, compared with brute force, exact and with a byte a component."""

from __future__ import annotations

import faiss
import numpy as np
import pytest

from failbot.search import vectors
from failbot.search.vectors import VectorIndex


def unit_rows(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, 32)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def true_nearest(rows: np.ndarray, query: np.ndarray, limit: int, allowed: np.ndarray) -> list[int]:
    order = np.argsort(-(rows @ query), kind="stable")
    return [int(one) for one in order if allowed[one]][:limit]


def test_the_nearest_allowed_rows_are_found() -> None:
    """In order, whatever is not allowed left out."""
    rows, query = unit_rows(500), unit_rows(1, seed=1)[0]
    index = VectorIndex(32)
    index.append(rows[:200])
    index.append(rows[200:])
    for allowed in (np.ones(500, bool), np.arange(500) % 7 == 0):
        found = index.nearest(query, 20, allowed=allowed)
        assert found.tolist() == true_nearest(rows, query, 20, allowed)


def test_nothing_allowed_finds_nothing() -> None:
    """Fewer allowed than asked for gives those."""
    index = VectorIndex(32)
    index.append(unit_rows(10))
    assert index.nearest(unit_rows(1)[0], 5, allowed=np.zeros(10, bool)).tolist() == []
    assert len(index.nearest(unit_rows(1)[0], 50, allowed=np.ones(10, bool))) == 10


def test_a_large_index_keeps_what_it_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a byte a component is enough to find nearly the same candidates."""
    monkeypatch.setattr(vectors, "EXACT_UNTIL", 1_000)
    rows = unit_rows(3_000)
    index = VectorIndex(32)
    for start in range(0, 3_000, 500):
        index.append(rows[start : start + 500])
    assert len(index) == 3_000
    allowed = np.arange(3_000) % 3 > 0
    shares = []
    for query in unit_rows(20, seed=2):
        found = set(index.nearest(query, 60, allowed=allowed).tolist())
        assert all(allowed[list(found)])
        shares.append(len(found & set(true_nearest(rows, query, 60, allowed))) / 60)
    assert np.mean(shares) > 0.97


def test_a_large_index_takes_a_byte_a_component(monkeypatch: pytest.MonkeyPatch) -> None:
    """From one row beyond the limit on, whether they come one by one or all at once."""
    monkeypatch.setattr(vectors, "EXACT_UNTIL", 1_000)
    rows = unit_rows(1_001)
    at_once, bit_by_bit, exact = VectorIndex(32), VectorIndex(32), VectorIndex(32)
    at_once.append(rows)
    for start in (0, 600, 1_000):
        bit_by_bit.append(rows[start : min(start + 600, 1_000) if start < 1_000 else None])
    exact.append(rows[:1_000])
    sizes = [len(faiss.serialize_index(one._index)) for one in (at_once, bit_by_bit, exact)]
    assert sizes[0] == sizes[1] < rows.nbytes / 3
    assert sizes[2] > rows[:1_000].nbytes
