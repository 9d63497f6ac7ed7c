"""BM25 over all entries in memory, kept current one entry at a time."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, starmap

import numpy as np
from numpy.typing import NDArray

# Robertson & Zaragoza, "The Probabilistic Relevance Framework" (2009), section 3.5: usual values.
K1 = 1.2
B = 0.75

Ids = NDArray[np.int64]
Mask = Callable[[Ids], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class WordStatistics:
    """Over all entries: how many, in how many each word occurs, and their mean length in words.

    `frequency` is the index's own mapping, which later writes change.
    """

    size: int
    frequency: Mapping[str, int]
    average_length: float


class Words:
    """The entries' words; ids are small non-negative numbers of the caller's. Not thread-safe."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}  # word -> its place in `_postings`
        self._postings: list[_Postings] = []
        self._entries: dict[int, NDArray[np.int32]] = {}  # id -> codes of its different words
        self._lengths = np.zeros(0, np.float32)  # by id; what is not there has no postings
        self._total_length = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, doc_id: int, tokens: Sequence[str]) -> None:
        """Puts the entry in; one that is there under this id is replaced."""
        self.add_many([doc_id], [tokens])

    def add_many(self, doc_ids: Sequence[int], texts: Sequence[Sequence[str]]) -> None:
        """As `add` for each, ids all different; 100,000 entries take about a second."""
        for doc_id, tokens in zip(doc_ids, texts, strict=True):
            self.remove(doc_id)
            self._entries[doc_id] = np.zeros(0, np.int32)
            self._set_length(doc_id, len(tokens))
        codes = self._coded(list(chain.from_iterable(texts)))
        owners = np.repeat(np.array(doc_ids, np.int64), [len(tokens) for tokens in texts])
        if not codes.size:
            return
        span = int(owners.max()) + 1
        pairs, counts = np.unique(codes * span + owners, return_counts=True)
        words, ids = np.divmod(pairs, span)
        for part in _runs(words):
            self._postings[words[part.start]].extend(ids[part], counts[part])
        order = np.argsort(ids, kind="stable")
        words, ids = words[order].astype(np.int32), ids[order]
        for part in _runs(ids):
            self._entries[int(ids[part.start])] = words[part]

    def remove(self, doc_id: int) -> None:
        """Takes the entry out; nothing happens when it is not there."""
        codes = self._entries.pop(doc_id, None)
        if codes is None:
            return
        self._set_length(doc_id, 0)
        for code in codes.tolist():
            self._postings[code].remove(doc_id)

    def top(
        self, tokens: Sequence[str], limit: int, *, mask: Mask | None = None
    ) -> list[tuple[int, float]]:
        """The best `limit` (id, BM25 score) with a word in common, best first, ties by id.

        `mask` says of an array of ids which may be returned; scores are those of the whole
        memory whoever asks.
        """
        scores = self._scores(tokens)
        ids = np.flatnonzero(scores)
        if mask is not None and ids.size:
            ids = ids[mask(ids)]
        if limit <= 0 or not ids.size:
            return []
        found = scores[ids]
        if len(ids) > limit:  # keep all that tie with the last
            at_least = np.partition(found, len(ids) - limit)[len(ids) - limit]
            ids, found = ids[found >= at_least], found[found >= at_least]
        order = np.lexsort((ids, -found))[:limit]
        return [(int(ids[at]), float(found[at])) for at in order]

    def statistics(self) -> WordStatistics:
        """The figures that a scorer needs."""
        size = len(self._entries)
        average = self._total_length / size if size else 0.0
        return WordStatistics(size, _Frequency(self._codes, self._postings), average)

    def _coded(self, flat: Sequence[str]) -> NDArray[np.int64]:
        """The words' codes; a new word gets the next."""
        for word in dict.fromkeys(flat):
            if word not in self._codes:
                self._codes[word] = len(self._postings)
                self._postings.append(_Postings())
        return np.fromiter(map(self._codes.__getitem__, flat), np.int64, len(flat))

    def _scores(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """By id; 0 where no word is in common."""
        statistics = self.statistics()
        scores = np.zeros(len(self._lengths), np.float32)
        for word in sorted(set(tokens) & self._codes.keys()):  # sorted: sums round alike
            ids, counts = self._postings[self._codes[word]].arrays()
            weight = inverse_frequency(len(ids), statistics.size)
            lengths = self._lengths[ids]
            scores[ids] += weight * saturation(counts, lengths, statistics.average_length)
        return scores

    def _set_length(self, doc_id: int, length: int) -> None:
        if doc_id >= len(self._lengths):
            longer = np.zeros(max(64, 2 * doc_id + 1), np.float32)
            longer[: len(self._lengths)] = self._lengths
            self._lengths = longer
        self._total_length += length - int(self._lengths[doc_id])
        self._lengths[doc_id] = length


def inverse_frequency(frequency: int, size: int) -> float:
    """BM25's weight of a word that `frequency` of `size` entries hold; above 0."""
    return float(np.log1p((size - frequency + 0.5) / (frequency + 0.5)))


def saturation(
    counts: NDArray[np.float32], lengths: NDArray[np.float32], average_length: float
) -> NDArray[np.float32]:
    """BM25's share for a word's counts in entries of these lengths, 0 to K1 + 1."""
    norm: NDArray[np.float32] = counts + K1 * (1 - B + B * lengths / max(average_length, 1.0))
    return counts * np.float32(K1 + 1) / norm


class _Postings:
    """The entries that hold one word, in no order, and how often each does."""

    __slots__ = ("_counts", "ids")

    def __init__(self) -> None:
        self.ids = array("i")
        self._counts = array("H")

    def extend(self, ids: Ids, counts: Ids) -> None:
        self.ids.frombytes(ids.astype(np.int32).tobytes())
        self._counts.frombytes(np.minimum(counts, 65_535).astype(np.uint16).tobytes())

    def remove(self, doc_id: int) -> None:
        """The last one takes its place."""
        at = self.ids.index(doc_id)
        last, count = self.ids.pop(), self._counts.pop()
        if at < len(self.ids):
            self.ids[at], self._counts[at] = last, count

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Ids and counts; the ids are a view, to be dropped before the next write."""
        ids = np.frombuffer(self.ids, np.int32)
        return ids, np.frombuffer(self._counts, np.uint16).astype(np.float32)


class _Frequency(Mapping[str, int]):
    """In how many entries a word occurs; it follows later writes."""

    def __init__(self, codes: Mapping[str, int], postings: Sequence[_Postings]) -> None:
        self._codes, self._postings = codes, postings

    def __getitem__(self, word: str) -> int:
        return len(self._postings[self._codes[word]].ids)

    def __iter__(self) -> Iterator[str]:
        return (word for word in self._codes if self[word])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _runs(values: Ids | NDArray[np.int32]) -> Iterator[slice]:
    """The stretches of equal values of a sorted array that is not empty."""
    edges = (np.flatnonzero(np.diff(values)) + 1).tolist()
    return starmap(slice, pairwise([0, *edges, len(values)]))
