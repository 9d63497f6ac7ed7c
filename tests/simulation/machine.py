"""One machine's time and threads, all of them made up: a seed decides who runs when.

Every thread of a bot is a greenlet: it goes on until it waits, sleeps, takes a lock or commits,
and there the machine picks the next one. Nothing else runs in between, and time stands still
while anything can run, so that a seed is a run, again and again.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from greenlet import getcurrent, greenlet

PREEMPTION = 0.3  # the share of locks and commits at which another thread goes on


class Killed(BaseException):
    """Ends a thread of a process that is killed; not an Exception, so that nothing handles it."""


@dataclass(eq=False)
class Owner:
    """What threads belong to: a process, that may be stopped for a while or dead, or the world."""

    name: str
    is_alive: bool = True
    is_stopped: bool = False
    skew_s: float = 0.0  # its wall clock's error
    stopped_at: list[tuple[float, float]] = field(default_factory=list)  # from, until; seconds

    def asleep_s(self, since_s: float) -> float:
        """How long it was stopped, whenever it was for some of the time since then."""
        return sum(until - begin for begin, until in self.stopped_at if until > since_s)


class Task(greenlet):
    """A thread."""

    def __init__(self, machine: Machine, work: Callable[[], object], name: str, owner: Owner):
        super().__init__(self._run, parent=machine.hub)
        self.name, self.owner = name, owner
        self._work = work
        self._waits = 0  # counts waits, so that a wake-up that comes too late wakes nothing
        self.was_woken = False
        # When it last looked into the database, took a job, looked for a message that was sent.
        self.looked_at_s = self.claimed_at_s = self.searched_at_s = float("-inf")
        self.has_just_looked = False  # since it last called Slack
        self.failure: BaseException | None = None

    def _run(self) -> None:
        try:
            self._work()
        except Killed:
            pass
        except BaseException as error:  # the world's loop raises it: a defect of the simulation
            self.failure = error


class Machine:
    """Threads, their locks' queue and the clock; the whole of it runs in one thread."""

    def __init__(self, draw: random.Random, *, start_s: float) -> None:
        """:param start_s: seconds since the epoch."""
        self.draw = draw
        self.now_s = self.start_s = start_s
        self.hub = getcurrent()
        self._ready: list[Task] = []
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._tasks: dict[Owner, list[Task]] = {}
        self.steps = 0

    # For the world

    def spawn(self, work: Callable[[], object], *, name: str, owner: Owner) -> Task:
        task = Task(self, work, name, owner)
        tasks = [one for one in self._tasks.get(owner, []) if not one.dead]
        self._tasks[owner] = [*tasks, task]
        self._ready.append(task)
        return task

    def call_at(self, when_s: float, action: Callable[[], object]) -> None:
        """Calls it once the clock reads `when_s`, outside of any thread."""
        heapq.heappush(self._timers, (max(when_s, self.now_s), next(self._numbers), action))

    def run(self, until_s: float, *, is_over: Callable[[], bool] = lambda: False) -> None:
        """Runs everything until the clock reads `until_s`, or it is over."""
        while not is_over():
            task = self._next()
            if task is not None:
                self._switch(task)
            elif self._timers and self._timers[0][0] <= until_s:
                when_s, _, action = heapq.heappop(self._timers)
                self.now_s = max(self.now_s, when_s)
                action()
            else:
                self.now_s = max(self.now_s, until_s)
                return

    def skip(self, seconds: float) -> None:
        """The whole machine sleeps: what would have been due meanwhile is due afterwards."""
        self.now_s += seconds

    def kill(self, owner: Owner) -> None:
        """Ends all threads of the owner where they are; from the world only."""
        owner.is_alive = False
        for task in self._tasks.pop(owner, []):
            self._ready = [one for one in self._ready if one is not task]
            if not task.dead:
                with suppress(Killed):  # it comes back where the thread had not begun
                    task.throw(Killed)
                assert task.dead, f"{task.name} outlives its process"

    # For threads

    @property
    def current(self) -> Task | None:
        """The thread that runs; None in the world's own loop."""
        running = getcurrent()
        return running if isinstance(running, Task) else None

    def preempt(self) -> None:
        """Perhaps lets other threads go on first."""
        task = self.current
        if task is None:
            return
        self._check(task)
        if self.draw.random() < PREEMPTION:
            self._ready.append(task)
            self._leave(task)

    def wait(self, timeout_s: float | None) -> bool:
        """Whether this thread was woken by `wake` before the time was over."""
        task = self.current
        if task is None:
            raise RuntimeError("the world itself cannot wait")
        self._check(task)
        task.was_woken = False
        task._waits += 1
        turn = task._waits
        if timeout_s is not None:
            self.call_at(self.now_s + max(0.0, timeout_s), lambda: self._resume(task, turn))
        self._leave(task)
        return task.was_woken

    def wake(self, task: Task) -> None:
        """Ends the task's wait, if it waits."""
        if self._resume(task, task._waits):
            task.was_woken = True

    def sleep(self, seconds: float) -> None:
        self.wait(seconds)

    def _leave(self, task: Task) -> None:
        self.hub.switch()
        self._check(task)

    def _check(self, task: Task) -> None:
        if not task.owner.is_alive:
            raise Killed

    def _resume(self, task: Task, turn: int) -> bool:
        if task._waits != turn or task.dead or not task.owner.is_alive:
            return False
        task._waits += 1
        self._ready.append(task)
        return True

    def _next(self) -> Task | None:
        able = [one for one in self._ready if not one.owner.is_stopped]
        if not able:
            return None
        task = able[self.draw.randrange(len(able))]
        self._ready.remove(task)
        return task

    def _switch(self, task: Task) -> None:
        self.steps += 1
        task.switch()
        if task.failure is not None:
            raise task.failure
