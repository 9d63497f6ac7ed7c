"""Expected questions, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from failbot.models import ExpectedQuestion, Viewer
from tests.memory_store.failures import find, visible, with_expected
from tests.memory_store.heap import Heap


class MemoryExpectedQuestions:
    """`ExpectedQuestions`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def of(
        self, numbers: Sequence[int], *, viewer: Viewer
    ) -> dict[int, tuple[ExpectedQuestion, ...]]:
        with self._heap.open() as values:
            return {
                kept.failure.number: kept.expected
                for _, kept in visible(values, viewer)
                if kept.failure.number in numbers and kept.expected
            }

    def change(
        self,
        number: int,
        change: Callable[[tuple[ExpectedQuestion, ...]], tuple[ExpectedQuestion, ...]],
        *,
        viewer: Viewer,
    ) -> tuple[ExpectedQuestion, ...]:
        with self._heap.open() as values:
            id, kept = find(values, number, viewer)
            after = change(kept.expected)
            if after != kept.expected:
                values.failures[id] = with_expected(kept, after)
            return after
