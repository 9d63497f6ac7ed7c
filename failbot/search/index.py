"""One workspace's entries in memory: vectors, words and who may see each.

A cache: the database is the truth. An entry that changes gets a new slot, and its old one is
never allowed again; when too many are dead, its owner reads a new one from the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from failbot.models import Viewer, Visibility
from failbot.search.bm25 import Words
from failbot.search.values import Corpus, TokenIds, Vector
from failbot.search.vectors import Mask, VectorIndex

VISIBILITIES = tuple(Visibility)
DEAD_SHARE = 0.5  # beyond this share of dead slots a rebuild costs less than searching past them


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the index keeps of one failure; `vector` and `token_ids` are None without embedding."""

    failure_id: int
    visibility: Visibility
    channel_id: str
    author_id: str
    words: tuple[str, ...]
    vector: Vector | None
    token_ids: TokenIds | None


class TeamIndex:
    """Candidates among the entries that a viewer sees. Not thread-safe."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}  # failure id -> its live slot
        self._token_ids: list[TokenIds | None] = []  # by slot; None where dead or not embedded
        self._codes: dict[str, int] = {}  # channel and author ids as small numbers
        self._facts = _Growing(5)  # failure id, visibility, channel, author, is embedded
        self._vectors: VectorIndex | None = None
        self._words = Words()
        self._tokens = _Frequencies()

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def is_worn(self) -> bool:
        slots = len(self._token_ids)
        return slots > 1_000 and slots - len(self) > DEAD_SHARE * slots

    def put(self, entries: Sequence[Entry]) -> None:
        """Adds the entries, each in place of the one with its id."""
        for entry in entries:
            self.remove(entry.failure_id)
        first = len(self._token_ids)
        slots = range(first, first + len(entries))
        self._slots.update(zip((one.failure_id for one in entries), slots, strict=True))
        self._token_ids += [one.token_ids for one in entries]
        self._facts.extend(self._rows(entries))
        self._words.add_many(slots, [one.words for one in entries])
        self._tokens.count([one.token_ids for one in entries if one.token_ids is not None], 1)
        self._append_vectors(entries)

    def remove(self, failure_id: int) -> None:
        """Forgets the entry; nothing happens when it is not there."""
        slot = self._slots.pop(failure_id, None)
        if slot is None:
            return
        self._facts.columns[0, slot] = 0
        self._words.remove(slot)
        token_ids, self._token_ids[slot] = self._token_ids[slot], None
        if token_ids is not None:
            self._tokens.count([token_ids], -1)

    def candidates(
        self,
        words: Sequence[str],
        *,
        viewer: Viewer,
        vector: Vector | None,
        by_vector: int,
        by_words: int,
    ) -> list[int]:
        """Failure ids: the nearest by vector, then those that only words found."""
        allowed = self._allowed(viewer)
        slots: list[int] = []
        if vector is not None and self._vectors is not None:
            embedded = allowed & (self._facts.columns[4] == 1)
            slots += self._vectors.nearest(vector, by_vector, allowed=embedded).tolist()
        found = self._words.top(words, by_words, mask=lambda ids: allowed[ids])
        slots += [slot for slot, _ in found]
        return [int(self._facts.columns[0, slot]) for slot in dict.fromkeys(slots)]

    def corpus(self) -> Corpus:
        words = self._words.statistics()
        return Corpus(
            size=words.size,
            token_frequency=self._tokens.counts,
            word_frequency=words.frequency,
            average_length=words.average_length,
        )

    def _allowed(self, viewer: Viewer) -> Mask:
        ids, visibility, channels, authors, _ = self._facts.columns
        allowed: Mask = ids > 0
        if viewer.is_operator:
            return allowed
        mine = [self._codes[one] for one in viewer.channel_ids if one in self._codes]
        author = self._codes.get(viewer.user_id, -1) if viewer.user_id else -1
        seen = (visibility == VISIBILITIES.index(Visibility.CHANNEL)) & np.isin(channels, mine)
        seen |= (visibility == VISIBILITIES.index(Visibility.AUTHOR)) & (authors == author)
        if viewer.sees_workspace:
            seen |= visibility == VISIBILITIES.index(Visibility.WORKSPACE)
        allowed &= seen
        return allowed

    def _rows(self, entries: Sequence[Entry]) -> NDArray[np.int64]:
        codes = self._codes
        rows = [
            (
                entry.failure_id,
                VISIBILITIES.index(entry.visibility),
                codes.setdefault(entry.channel_id, len(codes)),
                codes.setdefault(entry.author_id, len(codes)),
                entry.vector is not None,
            )
            for entry in entries
        ]
        return np.array(rows, np.int64).reshape(-1, 5)

    def _append_vectors(self, entries: Sequence[Entry]) -> None:
        """One row a slot: zeros for an entry that is not embedded yet."""
        first = next((entry.vector for entry in entries if entry.vector is not None), None)
        if self._vectors is None:
            if first is None:
                return
            self._vectors = VectorIndex(len(first))
            earlier = len(self._token_ids) - len(entries)
            self._vectors.append(np.zeros((earlier, len(first)), np.float32))
        rows = np.zeros((len(entries), self._vectors.dimension), np.float32)
        for row, entry in zip(rows, entries, strict=True):
            if entry.vector is not None:
                row[:] = entry.vector
        self._vectors.append(rows)


class _Growing:
    """int64 columns, appended to in amortised constant time; `columns` is a view of them."""

    def __init__(self, width: int) -> None:
        self._buffer = np.zeros((width, 64), np.int64)
        self.columns = self._buffer[:, :0]

    def extend(self, rows: NDArray[np.int64]) -> None:
        size = self.columns.shape[1]
        wanted = size + len(rows)
        if wanted > self._buffer.shape[1]:
            longer = np.zeros((len(self._buffer), max(wanted, 2 * size)), np.int64)
            longer[:, :size] = self.columns
            self._buffer = longer
        self._buffer[:, size:wanted] = rows.T
        self.columns = self._buffer[:, :wanted]


class _Frequencies:
    """In how many entries each token id occurs: int32, as long as the largest id needs."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int32] = np.zeros(0, np.int32)

    def count(self, entries: Sequence[TokenIds], step: int) -> None:
        """Adds `step` for each id once for each entry that holds it."""
        if not entries:
            return
        ids = np.concatenate(entries).astype(np.int64)
        width = max(int(ids.max(initial=0)) + 1, len(self.counts))
        owners = np.repeat(np.arange(len(entries)), [len(one) for one in entries])
        pairs = np.sort(owners * width + ids)  # numpy's unique hashes: five times the time
        once = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))] % width
        longer = np.zeros(width, np.int32)
        longer[: len(self.counts)] = self.counts
        # Not in place: whoever scores by the earlier counts goes on with them.
        self.counts = longer + np.int32(step) * np.bincount(once, minlength=width).astype(np.int32)
