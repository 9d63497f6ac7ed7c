"""Every thread that failbot starts: named, told to end, and waited for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

# From the word to end until nothing is waited for any more. README promises 10 s: what is left
# of them closes the database and ends the process.
CLOSING_S = 7.0


class Stop(threading.Event):
    """The word that a process is to end; from then on the time for ending runs. Any thread.

    Not to be set in a signal handler, which may interrupt its own holder: see `stopping`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._since: float | None = None

    def set(self) -> None:
        if self._since is None:
            self._since = time.monotonic()
        super().set()

    def left_s(self) -> float:
        """How long something may still be waited for, 0 or more."""
        gone = 0.0 if self._since is None else time.monotonic() - self._since
        return max(0.0, CLOSING_S - gone)


class Worker:
    """One thread: what it does is called once, with an event that is set when it is to end.

    What it raises is logged, and ends it.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[threading.Event], object],
        *,
        stop: Stop,
        wake: Callable[[], None] = lambda: None,
        patience_s: float = CLOSING_S,
    ) -> None:
        """:param stop: the process's; it limits how long the end is waited for.

        :param wake: interrupts whatever the work waits for besides its event.
        :param patience_s: how long to wait for its end; short where nothing is lost by leaving it.
        """
        self._work = work
        self._stop = stop
        self._wake = wake
        self._patience_s = patience_s
        self._ending = threading.Event()
        # A daemon: what cannot be joined in time must not keep the process (see stopping.leave).
        self._thread = threading.Thread(target=self._run, name=f"failbot-{name}", daemon=True)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> Worker:
        self._thread.start()
        return self

    def tell(self) -> None:
        """Asks it to end; returns at once."""
        self._ending.set()
        self._wake()

    def close(self) -> bool:
        """Asks it to end, and waits; whether it has ended. Harmless twice, or before `start`."""
        self.tell()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(min(self._patience_s, self._stop.left_s()))
        if self._thread.is_alive():
            log.info("%s has not ended in time", self._thread.name)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work(self._ending)
        except Exception:
            log.exception("%s broke", self._thread.name)


class Pool(ThreadPoolExecutor):
    """A few threads for short work; as an executor, and with an end that is limited in time."""

    def __init__(self, size: int, *, name: str, stop: Stop, patience_s: float = CLOSING_S) -> None:
        """See `Worker` for `stop` and `patience_s`."""
        super().__init__(size, thread_name_prefix=f"failbot-{name}")
        self._stop = stop
        self._patience_s = patience_s
        self._begun: set[Future[object]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = super().submit(fn, *args, **kwargs)
        self._begun.add(future)  # type: ignore[arg-type]  # a Future of anything is one of object
        future.add_done_callback(self._begun.discard)
        return future

    def close(self) -> bool:
        """Takes no more, and waits for what was begun; whether all of it has ended."""
        self.shutdown(wait=False)
        left = wait(list(self._begun), min(self._patience_s, self._stop.left_s())).not_done
        if left:
            self.shutdown(wait=False, cancel_futures=True)
            log.info("%d calls have not ended in time", len(left))
            return False
        self.shutdown(wait=True)
        return True


def close_all(parts: Iterable[Worker]) -> bool:
    """Tells all of them before it waits for the first; whether all have ended."""
    workers = list(parts)
    for one in workers:
        one.tell()
    ended = [one.close() for one in workers]  # a list: each is waited for, whatever the first did
    return all(ended)


class Bell:
    """Wakes whoever waits for work; a ring between two waits is not lost. Any thread."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._rings = 0

    @property
    def rings(self) -> int:
        """How often it rang; to be read before looking for work, and handed to `wait`."""
        return self._rings

    def ring(self) -> None:
        with self._rung:
            self._rings += 1
            self._rung.notify_all()

    def wait(self, rings: int, timeout_s: float) -> None:
        """Returns once it has rung more often than that, or after the time."""
        with self._rung:
            self._rung.wait_for(lambda: self._rings != rings, timeout_s)


class Backoff:
    """How long to wait before the next try: twice as long each time, and never quite the same.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("equal jitter").
    """

    def __init__(self, *, first_s: float, longest_s: float, draw: Callable[[], float]) -> None:
        """:param draw: a number of [0, 1), each time another."""
        self._first_s = first_s
        self._longest_s = longest_s
        self._draw = draw
        self._tries = 0

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was waited for since the start, or since `reset`."""
        return self._tries == 0

    def reset(self) -> None:
        self._tries = 0

    def next_s(self) -> float:
        whole_s = min(self._longest_s, self._first_s * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return whole_s * (0.5 + 0.5 * self._draw())
