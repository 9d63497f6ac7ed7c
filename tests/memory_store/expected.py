"""Expected questions, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from failbot.models import ExpectedQuestion, QuestionOrigin, Viewer
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
            found = {
                kept.failure.number: _shown(kept.expected, viewer)
                for _, kept in visible(values, viewer)
                if kept.failure.number in numbers
            }
            return {number: questions for number, questions in found.items() if questions}

    def change(
        self,
        number: int,
        change: Callable[[tuple[ExpectedQuestion, ...]], tuple[ExpectedQuestion, ...]],
        *,
        viewer: Viewer,
    ) -> tuple[ExpectedQuestion, ...]:
        with self._heap.open() as values:
            id, kept = find(values, number, viewer)
            shown = _shown(kept.expected, viewer)
            after = change(shown)
            if after != shown:
                hidden = [one for one in kept.expected if one not in shown]
                values.failures[id] = with_expected(kept, [*after, *hidden])
            return after


def _shown(questions: Sequence[ExpectedQuestion], viewer: Viewer) -> tuple[ExpectedQuestion, ...]:
    """What was asked elsewhere is not for whoever does not see the workspace."""
    sees_all = viewer.sees_workspace or viewer.is_operator
    return tuple(one for one in questions if sees_all or one.origin is not QuestionOrigin.ASKER)
