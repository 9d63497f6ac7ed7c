"""What keeps a slow, broken or dear model from harming answers: a breaker, a limit, a cache."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

# Nygard, "Release It!", 2nd edition, section 5.2 (circuit breaker): open after some failures in a
# row, let one call try after a rest.
FAILURES = 3
REST_S = 60.0

Value = TypeVar("Value")


class Breaker:
    """Closed while calls succeed; after `FAILURES` failures in a row it admits none.

    After `REST_S` one call is admitted: its success closes it, its failure opens it anew.
    Any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES

    def admit(self, now: float) -> bool:
        """Whether a call may be made at `now`, monotonic seconds; it must be reported."""
        with self._lock:
            if self._failures < FAILURES:
                return True
            if now < self._opened_at + REST_S:
                return False
            self._opened_at = now  # others wait for what this one finds
            return True

    def report(self, now: float, *, is_good: bool) -> None:
        """How an admitted call ended."""
        with self._lock:
            self._failures = 0 if is_good else self._failures + 1
            if self._failures >= FAILURES:
                self._opened_at = now


class MinuteLimit:
    """At most `calls` in any sixty seconds; 0 is no limit. Any thread."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self._lock = threading.Lock()
        self._at: deque[float] = deque()

    def admit(self, now: float) -> bool:
        """Whether one more fits at `now`, monotonic seconds; it is counted if it does."""
        with self._lock:
            while self._at and self._at[0] <= now - 60.0:
                self._at.popleft()
            if self.calls and len(self._at) >= self.calls:
                return False
            if self.calls:
                self._at.append(now)
            return True


class Cache(Generic[Value]):
    """The `size` values that were used last. Any thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def __len__(self) -> int:
        return len(self._values)
