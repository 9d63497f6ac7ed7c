"""A store in memory: the contract in plain values, written without a look at any SQL.

It shares with the real backends the words that a text is cut into and BM25, which the contract
names; all else is its own, so that where the two differ one of them, or the contract, is wrong.
Slow and unbounded on purpose: vectors are compared one by one, and every read walks all there is.
"""

from __future__ import annotations

from pathlib import Path

from tests.memory_store.embeddings import MemoryEmbeddings
from tests.memory_store.erasing import MemoryErasures, MemoryImports
from tests.memory_store.expected import MemoryExpectedQuestions
from tests.memory_store.failures import MemoryFailures
from tests.memory_store.heap import Heap
from tests.memory_store.questions import MemoryQuestions
from tests.memory_store.search import MemorySearch
from tests.memory_store.shown import MemoryShownMessages
from tests.memory_store.visibilities import MemoryVisibilities
from tests.memory_store.work import (
    MemoryCalibrations,
    MemoryDigests,
    MemoryInbox,
    MemoryOutbox,
)
from tests.memory_store.writing import MemoryModelUse, MemoryWantedQuestions

FORMAT = "0001_values"


class MemoryStore:
    """A `Store` of this process; with the path of a backup it begins with what that holds."""

    def __init__(self, path: Path | None = None) -> None:
        """:raises StoreError: if the file at `path` is no backup of a store."""
        self._is_new = path is None or not path.exists()
        heap = Heap() if path is None or self._is_new else Heap.read(path)
        self._heap = heap
        self.failures = MemoryFailures(heap)
        self.expected = MemoryExpectedQuestions(heap)
        self.embeddings = MemoryEmbeddings(heap)
        self.calibrations = MemoryCalibrations(heap)
        self.search = MemorySearch(heap)
        self.questions = MemoryQuestions(heap)
        self.digests = MemoryDigests(heap)
        self.inbox = MemoryInbox(heap)
        self.imports = MemoryImports(heap, self.failures)
        self.erasures = MemoryErasures(heap, self.failures)
        self.wanted = MemoryWantedQuestions(heap)
        self.use = MemoryModelUse(heap)
        self.outbox = MemoryOutbox(heap)
        self.shown = MemoryShownMessages(heap)
        self.visibilities = MemoryVisibilities(heap)

    def migrations(self) -> list[tuple[str, bool]]:
        with self._heap.open():
            return [(FORMAT, self._is_new)]

    def back_up(self, path: Path) -> dict[str, int]:
        self._heap.write_to(path)
        with Heap.read(path).open() as values:
            return {"failures": len(values.failures), "questions": len(values.questions)}

    def check(self) -> None:
        with self._heap.open():
            pass

    def close(self) -> None:
        self._heap.close()
