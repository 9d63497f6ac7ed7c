"""How a process that serves is told to stop, and how it leaves.

A signal handler runs inside whatever the main thread was doing, an `Event.wait` or another
handler among it: setting an event there can wait for itself for ever. The handler therefore puts
the signal into a queue made for that (queue.SimpleQueue, "reentrant"), and a thread sets the event.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from threading import Event
from typing import NoReturn

from failbot.threads import Stop, Worker

STOPPING = (signal.SIGTERM, signal.SIGINT)
SERVING = frozenset({"serve", "demo"})
VALUED = frozenset({"--data", "--team"})  # the global options that take a word


def serves(arguments: Sequence[str]) -> bool:
    """Whether this command line runs until it is told to stop; looks, and imports nothing."""
    words = iter(arguments)
    for word in words:
        if word in VALUED:
            next(words, None)
        elif not word.startswith("-"):
            return word in SERVING
    return False


def stop_on_signals() -> Stop:
    """What SIGTERM and SIGINT set, always the same; for the main thread.

    Further signals say nothing new: the end is limited in time anyway.
    """
    return _watch()[0]


@cache
def _watch() -> tuple[Stop, Worker]:
    stop = Stop()
    caught: SimpleQueue[int] = SimpleQueue()

    def pass_on(ending: Event) -> None:
        caught.get()
        if not ending.is_set():
            stop.set()

    worker = Worker("signals", pass_on, stop=stop, wake=lambda: caught.put(0)).start()
    for number in STOPPING:
        signal.signal(number, lambda number, _: caught.put(number))
    return stop, worker


def leave(code: int) -> NoReturn:
    """Ends the process, at once and with this code, when all that must be kept is on the disk.

    Where a thread still runs, in a model's library for instance, which nothing can interrupt, the
    interpreter is not taken down around it: that aborts ("terminate called without an active
    exception"). The operating system ends such a process instead.
    """
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    if _watch.cache_info().currsize:
        _watch()[1].close()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # a closed pipe: nobody reads it
            stream.flush()
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)
