"""The sandbox's clock: it runs like the real one, and tests may move it."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

Action = Callable[[], None]


class Clock:
    """Real time plus an offset, with timers that fire by it; any thread may use it.

    Timers fire in a thread of the clock once `start()` was called, and in the caller's thread
    while the clock is being moved, so that whatever a move makes due has happened on return.
    """

    def __init__(self, start_at: datetime | None = None) -> None:
        self._offset_s = 0.0
        self._timers: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()
        self._cond = threading.Condition()
        # Held while timers fire: who moves the clock waits for those that its thread took first.
        self._firing = threading.RLock()
        self._thread: threading.Thread | None = None
        self._running = False
        if start_at is not None:
            self.set(start_at)

    def time(self) -> float:
        """Seconds since the epoch, by this clock."""
        return time.time() + self._offset_s

    def now(self) -> datetime:
        """The moment as an aware UTC datetime."""
        return datetime.fromtimestamp(self.time(), UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock (backwards if negative) and fire what became due, oldest first."""
        with self._cond:
            self._offset_s += seconds
            self._cond.notify_all()
        self._fire_due()

    def set(self, moment: datetime) -> None:
        """Set the clock to an aware datetime and fire what became due."""
        if moment.tzinfo is None:
            raise ValueError("the clock takes an aware datetime, with its zone")
        self.advance(moment.timestamp() - self.time())

    def call_at(self, when_s: float, action: Action) -> None:
        """Run `action` when this clock reads `when_s` (epoch seconds) or later."""
        with self._cond:
            heapq.heappush(self._timers, (when_s, next(self._numbers), action))
            self._cond.notify_all()

    def start(self) -> None:
        """Fire timers as time passes."""
        self._running = True
        self._thread = threading.Thread(target=self._run, name="sandbox-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the timer thread; what is not yet due is forgotten."""
        with self._cond:
            self._running = False
            self._timers.clear()
            self._cond.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while self._running:
            with self._cond:
                wait_s = self._timers[0][0] - self.time() if self._timers else 60.0
                if wait_s > 0:
                    self._cond.wait(min(wait_s, 60.0))
            self._fire_due()

    def _fire_due(self) -> None:
        with self._firing:
            while (action := self._pop_due()) is not None:
                action()

    def _pop_due(self) -> Action | None:
        with self._cond:
            if self._timers and self._timers[0][0] <= self.time():
                return heapq.heappop(self._timers)[2]
            return None
