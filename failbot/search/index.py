"""One workspace's entries in memory: vectors, words and who may see each.

A cache: the database is the truth. An entry that changes gets a new slot, and its old one is
never allowed again; when too many are dead, its owner reads a new one from the database. An entry
has a row of the vector index for its text and one for each expected question; any of them finds
its slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from failbot.models import Viewer, Visibility
from failbot.search.bm25 import Words
from failbot.search.values import Corpus, HalfMatrix, Matrix, TokenIds, Vector
from failbot.search.vectors import Mask, VectorIndex

VISIBILITIES = tuple(Visibility)
DEAD_SHARE = 0.5  # beyond this share of dead slots a rebuild costs less than searching past them
DEEPER = 3  # rows looked at for each entry wanted, where entries have several; doubled until enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the index keeps of one failure; `vector` and `token_ids` are None without embedding.

    `expected`, the vectors of its expected questions, count only beside a `vector`.
    """

    failure_id: int
    visibility: Visibility
    channel_id: str
    author_id: str
    words: tuple[str, ...]
    vector: Vector | None
    token_ids: TokenIds | None
    expected: HalfMatrix | None = None


class TeamIndex:
    """Candidates among the entries that a viewer sees. Not thread-safe."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}  # failure id -> its live slot
        self._token_ids: list[TokenIds | None] = []  # by slot; None where dead or not embedded
        self._codes: dict[str, int] = {}  # channel and author ids as small numbers
        self._facts = _Growing(4)  # failure id, visibility, channel, author
        self._vectors: VectorIndex | None = None
        self._owners = _Growing(1)  # by row of `_vectors`: the slot that it belongs to
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
        self._append_vectors(slots, entries)

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
        slots = [] if vector is None else self._nearest(vector, by_vector, allowed)
        found = self._words.top(words, by_words, mask=lambda ids: allowed[ids])
        slots += [slot for slot, _ in found]
        return [int(self._facts.columns[0, slot]) for slot in dict.fromkeys(slots)]

    def size(self, viewer: Viewer) -> int:
        """How many entries this viewer sees."""
        return int(self._allowed(viewer).sum())

    def _nearest(self, vector: Vector, limit: int, allowed: Mask) -> list[int]:
        """The slots of the `limit` nearest allowed entries, each by the nearest of its rows."""
        if self._vectors is None:
            return []
        owners = self._owners.columns[0]
        rows = allowed[owners]
        most = int(rows.sum())
        wanted = limit if len(owners) <= len(self._token_ids) else limit * DEEPER
        while True:
            found = owners[self._vectors.nearest(vector, wanted, allowed=rows)]
            slots = list(dict.fromkeys(found.tolist()))
            if len(slots) >= limit or wanted >= most:
                return slots[:limit]
            wanted *= 2

    def corpus(self) -> Corpus:
        words = self._words.statistics()
        return Corpus(
            size=words.size,
            token_frequency=self._tokens.counts,
            word_frequency=words.frequency,
            average_length=words.average_length,
        )

    def _allowed(self, viewer: Viewer) -> Mask:
        ids, visibility, channels, authors = self._facts.columns
        allowed: Mask = ids > 0
        if viewer.is_operator:
            return allowed
        mine = [self._codes[one] for one in viewer.channel_ids if one in self._codes]
        author = self._codes.get(viewer.user_id, -1) if viewer.user_id else -1
        is_direct = visibility == VISIBILITIES.index(Visibility.AUTHOR)
        seen = ~is_direct & np.isin(channels, mine)
        seen |= is_direct & (authors == author)
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
            )
            for entry in entries
        ]
        return np.array(rows, np.int64).reshape(-1, 4)

    def _append_vectors(self, slots: Sequence[int], entries: Sequence[Entry]) -> None:
        """The rows of each entry, in its slot's name; none for one that is not embedded yet."""
        rows = [_rows_of(entry) for entry in entries]
        if not any(len(one) for one in rows):
            return
        vectors = np.concatenate([one for one in rows if len(one)])
        if self._vectors is None:
            self._vectors = VectorIndex(vectors.shape[1])
        self._vectors.append(vectors)
        self._owners.extend(np.repeat(np.array(slots, np.int64), list(map(len, rows)))[:, None])


def _rows_of(entry: Entry) -> Matrix:
    """float32 (n, d): its text's vector, then those of its expected questions."""
    if entry.vector is None:
        return np.empty((0, 0), np.float32)
    if entry.expected is None:
        return entry.vector[None]
    return np.concatenate([entry.vector[None], entry.expected.astype(np.float32)])


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
