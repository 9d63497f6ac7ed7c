"""The standard library's primitives of threads, on the machine: they wait in its time alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulation.machine import Machine, Task


class Event:
    """threading.Event."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._is_set = False
        self._waiting: list[Task] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._machine.wake(task)

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._is_set:
            task = self._machine.current
            assert task is not None, "the world itself cannot wait"
            self._waiting.append(task)
            self._machine.wait(timeout)
            if task in self._waiting:
                self._waiting.remove(task)
        return self._is_set


class Lock:
    """threading.Lock; with `is_reentrant` threading.RLock."""

    is_reentrant = False

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._holder: object = None
        self._depth = 0
        self._waiting: list[Task] = []

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me: object = self._machine.current or self._machine.hub
        if self.is_reentrant and self._holder is me:
            self._depth += 1
            return True
        self._machine.preempt()
        while self._depth:
            if not blocking:
                return False
            task = self._machine.current
            assert task is not None, "the world itself cannot wait for a lock"
            self._waiting.append(task)
            self._machine.wait(None)
        self._holder, self._depth = me, 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if self._depth:
            return
        self._holder = None
        if self._waiting:
            self._machine.wake(self._waiting.pop(0))

    def locked(self) -> bool:
        return self._depth > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class RLock(Lock):
    is_reentrant = True


class Condition:
    """threading.Condition."""

    def __init__(self, machine: Machine, lock: Lock | None = None) -> None:
        self._machine = machine
        self._lock = lock or RLock(machine)
        self._waiting: list[Task] = []
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        task = self._machine.current
        assert task is not None, "the world itself cannot wait"
        self._waiting.append(task)
        self._lock.release()
        try:
            return self._machine.wait(timeout)
        finally:
            if task in self._waiting:
                self._waiting.remove(task)
            if task.owner.is_alive:
                self._lock.acquire()

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        until_s = None if timeout is None else self._machine.now_s + timeout
        while not (result := predicate()):
            left_s = None if until_s is None else until_s - self._machine.now_s
            if left_s is not None and left_s <= 0:
                break
            self.wait(left_s)
        return result

    def notify(self, n: int = 1) -> None:
        for _ in range(min(n, len(self._waiting))):
            self._machine.wake(self._waiting.pop(0))

    def notify_all(self) -> None:
        self.notify(len(self._waiting))


class Thread:
    """threading.Thread: a greenlet of the process that starts it."""

    def __init__(
        self,
        machine: Machine,
        target: Callable[..., object],
        *,
        name: str = "thread",
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        daemon: bool | None = None,
    ) -> None:
        self.name, self.daemon = name, daemon
        self._machine = machine
        self._work = lambda: target(*args, **(kwargs or {}))
        self._ended = Event(machine)
        self._task: Task | None = None

    @property
    def ident(self) -> int | None:
        return None if self._task is None else id(self._task)

    def start(self) -> None:
        starter = self._machine.current
        assert starter is not None, "the world itself starts no thread"
        self._task = self._machine.spawn(self._run, name=self.name, owner=starter.owner)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.dead

    def join(self, timeout: float | None = None) -> None:
        if self.is_alive():
            self._ended.wait(timeout)

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._ended.set()


class Future:
    """concurrent.futures.Future, as far as anyone asks."""

    def __init__(self, machine: Machine) -> None:
        self._done = Event(machine)
        self._result: Any = None
        self._error: BaseException | None = None
        self._told: list[Callable[[Future], object]] = []

    def settle(self, work: Callable[[], Any]) -> None:
        try:
            self._result = work()
        except Exception as error:
            self._error = error
        self._done.set()
        for told in self._told:
            told(self)

    def done(self) -> bool:
        return self._done.is_set()

    def add_done_callback(self, told: Callable[[Future], object]) -> None:
        if self.done():
            told(self)
        else:
            self._told.append(told)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        if not self._done.wait(timeout):
            raise TimeoutError
        return self._error

    def result(self, timeout: float | None = None) -> Any:
        if not self._done.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._result


class Pool:
    """failbot.threads.Pool: at most so many greenlets at a time."""

    def __init__(self, machine: Machine, size: int, *, name: str, **_: object) -> None:
        self._machine = machine
        self._size, self._name = size, name
        self._running = 0
        self._queue: list[tuple[Future, Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future = Future(self._machine)
        self._queue.append((future, lambda: fn(*args, **kwargs)))
        starter = self._machine.current
        assert starter is not None, "the world itself uses no pool"
        if self._running < self._size:
            self._running += 1
            self._machine.spawn(self._work, name=self._name, owner=starter.owner)
        return future

    def map(self, fn: Callable[..., Any], *parts: Any) -> Any:
        futures = [self.submit(fn, *one) for one in zip(*parts, strict=False)]
        return iter([future.result() for future in futures])

    def close(self) -> bool:
        return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nobody ends a simulated process but by killing it."""

    def _work(self) -> None:
        while self._queue:
            future, work = self._queue.pop(0)
            future.settle(work)
        self._running -= 1
