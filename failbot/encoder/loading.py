"""A model that loads in a thread of its own while its process already serves."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from failbot.errors import StoppedError
from failbot.threads import Stop, Worker

T = TypeVar("T")

log = logging.getLogger(__name__)

# Nothing interrupts a load, and nothing is lost by leaving it: see stopping.leave.
ABANDONED_S = 2.0
LOOK_S = 0.1  # how soon whoever waits for a model sees that the process stops


class Loading(Generic[T]):
    """What `load` gives, when it is there. Any thread may call it."""

    def __init__(self, name: str, load: Callable[[], T], *, stop: Stop, fault: str) -> None:
        """Begins nothing yet.

        :param fault: what the log says, before the reason, when it cannot be loaded.
        """
        self._load = load
        self._stop = stop
        self._fault = fault
        self._lock = threading.Lock()
        self._result: Future[T] = Future()
        self._worker = Worker(name, self._run, stop=stop, patience_s=ABANDONED_S)
        self._has_begun = False

    @property
    def is_ready(self) -> bool:
        return self._result.done() and self._result.exception() is None

    @property
    def has_failed(self) -> bool:
        return self._result.done() and self._result.exception() is not None

    @property
    def is_over(self) -> bool:
        """Whether it has succeeded or failed."""
        return self._result.done()

    def start(self) -> None:
        """Begins to load; nothing happens the second time, or when the process is stopping."""
        with self._lock:
            if not self._has_begun and not self._stop.is_set():
                self._has_begun = True
                self._worker.start()

    def wait(self, timeout_s: float | None) -> T | None:
        """What was loaded, or None when it is not ready in time; None waits as long as needed.

        :raises StoppedError: the process stops meanwhile. Raises what `load` raised, too.
        """
        self.start()
        until = time.monotonic() + (float("inf") if timeout_s is None else timeout_s)
        while not self._result.done():
            if self._stop.is_set():
                raise StoppedError
            if (left_s := until - time.monotonic()) <= 0:
                return None
            try:
                return self._result.result(min(left_s, LOOK_S))
            except TimeoutError:
                continue
        return self._result.result()

    def close(self) -> None:
        """Waits a little for a load under way."""
        self._worker.close()

    def _run(self, _: threading.Event) -> None:
        try:
            self._result.set_result(self._load())
        except Exception as error:  # whoever waits gets it
            log.warning("%s: %s", self._fault, error)
            self._result.set_exception(error)
