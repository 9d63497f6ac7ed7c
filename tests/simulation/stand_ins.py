"""What takes the place of threads, clocks, sockets and the disk while a simulation runs.

The bot's code stays as it is: wherever a module of failbot holds one of the standard library's
primitives, it holds the machine's for as long as the run lasts. One that has no stand-in is
refused, so that nothing waits for real unnoticed.
"""

from __future__ import annotations

import random
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import pysqlite3
import slack_bolt.app.app
import slack_bolt.listener.thread_runner
import slack_sdk.http_retry.builtin_handlers
import slack_sdk.http_retry.handler
import slack_sdk.http_retry.jitter
import slack_sdk.web.base_client
import slack_sdk.webhook.client

import failbot.serving
import failbot.slack.transport.socket_mode
import failbot.store.sqlite
import failbot.threads
from tests.simulation.disk import Disk
from tests.simulation.machine import Machine
from tests.simulation.primitives import Condition, Event, Lock, Pool, RLock, Thread

ALONE = ("failbot.sandbox", "failbot.demo", "failbot.cli")  # they run in the world, or not at all
LIBRARIES = (
    slack_bolt.app.app,  # says since when, and
    slack_bolt.listener.thread_runner,  # waits for the ack of a listener
    slack_sdk.http_retry.builtin_handlers,
    slack_sdk.http_retry.handler,
    slack_sdk.http_retry.jitter,
    slack_sdk.web.base_client,
    slack_sdk.webhook.client,
)
PRIMITIVES = ("Event", "Lock", "RLock", "Condition", "Thread", "Semaphore", "Barrier", "Timer")


class Clocks:
    """The module `time`: the machine's clock, with the running process's error."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.sleep = machine.sleep

    def time(self) -> float:
        task = self._machine.current
        return self._machine.now_s + (task.owner.skew_s if task else 0.0)

    def monotonic(self) -> float:
        return self._machine.now_s

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class Threading:
    """The module `threading`."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.Event = partial(Event, machine)
        self.Lock = partial(Lock, machine)
        self.RLock = partial(RLock, machine)
        self.Condition = partial(Condition, machine)
        self.Thread = partial(Thread, machine)

    def current_thread(self) -> object:
        return self._machine.current

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the simulation has no stand-in for threading.{name}: write one")


class Secrets:
    """The module `secrets`: not secret at all, but the same in every run of a seed."""

    def __init__(self, machine: Machine) -> None:
        self._draw = machine.draw

    def token_hex(self, size: int) -> str:
        return self._draw.randbytes(size).hex()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the simulation has no stand-in for secrets.{name}: write one")


class Driver:
    """The module `pysqlite3`, whose connections go through the simulated disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def connect(self, *arguments: Any, **settings: Any) -> Any:
        return pysqlite3.connect(*arguments, **settings, factory=self._disk.connection)

    def __getattr__(self, name: str) -> Any:
        return getattr(pysqlite3, name)


@contextmanager
def installed(machine: Machine, disk: Disk, urlopen: Callable[..., object]) -> Iterator[None]:
    """While it lasts, failbot's modules and Slack's libraries know only the machine."""
    threads, clocks = Threading(machine), Clocks(machine)
    found: dict[int, Any] = {
        id(threading): threads,
        id(time): clocks,
        id(random): machine.draw,
        id(secrets): Secrets(machine),
        id(pysqlite3): Driver(disk),
        id(failbot.threads.Pool): partial(Pool, machine),
        id(slack_sdk.web.base_client.urlopen): urlopen,
    }
    found |= {id(getattr(threading, one)): getattr(threads, one, None) for one in PRIMITIVES}
    changed: list[tuple[ModuleType, str, Any]] = []
    try:
        for module in _modules():
            for name, value in list(vars(module).items()):
                if id(value) in found:
                    _put(module, name, found[id(value)])
                    changed.append((module, name, value))
        yield
    finally:
        for module, name, value in changed:
            setattr(module, name, value)


def _modules() -> Iterator[ModuleType]:
    for name, module in list(sys.modules.items()):
        is_ours = name.startswith("failbot.") and not name.startswith(ALONE)
        if is_ours and isinstance(module, ModuleType):
            yield module
    yield from LIBRARIES


def _put(module: ModuleType, name: str, stand_in: Any) -> None:
    if stand_in is None:
        raise NotImplementedError(f"{module.__name__} uses {name}: the simulation needs a stand-in")
    setattr(module, name, stand_in)
