"""What Slack said a moment ago: kept for a while, and dropped at once when Slack says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

CACHE_SIZE = 10_000


class Cache(Generic[T]):
    """Answers by key, each with the moment before it was asked for; any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """:param clock: monotonic seconds."""
        self._clock = clock
        self._lock = Lock()
        self._kept: dict[str, tuple[float, T]] = {}
        self._drops: dict[str, int] = {}  # how often a key was dropped

    def get(self, key: str, ask: Callable[[], T | None], *, within_s: float) -> T | None:
        """The answer, at most `within_s` old; 0 asks afresh.

        None, and what `ask` raises, is handed on and not kept. An answer whose key was dropped
        while it was asked for may be of before the change: it is asked for once more.
        """
        kept = self.peek(key, within_s=within_s)
        if kept is not None:
            return kept
        answer, is_current = self._asked(key, ask)
        return answer if is_current else self._asked(key, ask)[0]

    def peek(self, key: str, *, within_s: float) -> T | None:
        """What is known of it and at most `within_s` old."""
        with self._lock:
            kept = self._kept.get(key)
        return kept[1] if kept and self._clock() - kept[0] < within_s else None

    def drop(self, key: str) -> None:
        """Forgets it; an answer that is on its way is not kept either."""
        with self._lock:
            self._kept.pop(key, None)
            self._drops[key] = self._drops.get(key, 0) + 1

    def _asked(self, key: str, ask: Callable[[], T | None]) -> tuple[T | None, bool]:
        """The answer, kept unless it was dropped meanwhile; and whether it was not."""
        asked_at = self._clock()
        with self._lock:
            drops = self._drops.get(key, 0)
        answer = ask()
        with self._lock:
            is_current = self._drops.get(key, 0) == drops
            if is_current and answer is not None:
                if len(self._kept) >= CACHE_SIZE:
                    self._kept.clear()
                self._kept[key] = (asked_at, answer)
        return answer, is_current
