"""An HTTP server for strangers: a request is whole in time, or its connection is cut.

On uvicorn, with what it lacks. Measured with 1,100 half-sent requests and 1,024 file descriptors:
uvicorn keeps them all, is deaf and writes 230 MB of log in half a minute. waitress stops accepting
at its limit and is deaf until connections fall idle, which they never do if a byte comes now and
then. hypercorn cuts half a head after its idle time and half a body never, and has no limit. Here
the connection that has waited longest goes when there are too many, so that whoever sends a whole
request at once is always answered.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from failbot.errors import ConfigError
from failbot.threads import Stop, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

CLOSING_S = 3  # requests under way are answered within Slack's own 3 s, or sent again
BACKLOG = 256  # and so many at most are accepted in one turn of the loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a peer may take."""

    connections: int = 256  # far below the 1,024 files that a process may have open
    request_s: float = 10.0  # for a whole request, head and body, however its bytes come
    head_bytes: int = 16_384
    idle_s: int = 5  # between two requests of one connection


class Waiting:
    """The connections of one server that owe it a request, the longest-waiting first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: set[Guarded] = set()
        self._deadlines: dict[Guarded, asyncio.TimerHandle] = {}

    def opened(self, one: Guarded) -> None:
        """Another connection; where that is one too many, the longest-waiting goes.

        Two turns of the loop later: by then it has read what came along with the connection, of
        this one and of those before it.
        """
        self._open.add(one)
        self.look(one)
        if len(self._open) > self._limits.connections:
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._thin)

    def _thin(self) -> None:
        if len(self._open) > self._limits.connections and self._deadlines:
            self._end(next(iter(self._deadlines)))

    def closed(self, one: Guarded) -> None:
        self._open.discard(one)
        self._forget(one)

    def look(self, one: Guarded) -> None:
        """Starts its time when it has come to owe a request, and ends that when it is whole."""
        if not one.owes_request:
            self._forget(one)
        elif one not in self._deadlines:
            later = asyncio.get_running_loop().call_later
            self._deadlines[one] = later(self._limits.request_s, self._end, one)

    def _end(self, one: Guarded) -> None:
        """At once; whatever waits for its body hears of that."""
        self.closed(one)
        one.transport.abort()

    def _forget(self, one: Guarded) -> None:
        if deadline := self._deadlines.pop(one, None):
            deadline.cancel()


class Guarded(H11Protocol):
    """A connection of uvicorn's that is counted, and cut when it keeps its server waiting."""

    waiting: Waiting

    @property
    def owes_request(self) -> bool:
        """Whether its next request, or the rest of one, is still to come."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.waiting.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.closed(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if not self.transport.is_closing():
            self.waiting.look(self)


def guarded(limits: Limits) -> type[Guarded]:
    """The connections of one server."""
    return type("GuardedHere", (Guarded,), {"waiting": Waiting(limits)})


@contextmanager
def serving(
    app: ASGIApp, *, listening: socket.socket, name: str, stop: Stop, limits: Limits | None = None
) -> Iterator[None]:
    """Serves the application in a thread of its own while the block runs."""
    server = uvicorn.Server(_config(app, limits or Limits()))

    def end() -> None:
        server.should_exit = True

    # In a thread of its own uvicorn leaves the signals alone, and whoever leaves the block ends it.
    worker = Worker(name, lambda _: server.run([listening]), stop=stop, wake=end)
    with ExitStack() as closing:
        closing.callback(worker.close)
        worker.start()
        yield


def _config(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=guarded(limits),
        interface="asgi3",
        ws="none",
        h11_max_incomplete_event_size=limits.head_bytes,
        timeout_keep_alive=limits.idle_s,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        backlog=BACKLOG,
        timeout_graceful_shutdown=CLOSING_S,
    )


def listen(host: str, port: int, *, setting: str) -> socket.socket:
    """A listening socket. :raises ConfigError: it is taken; `setting` is what to change."""
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port} ({error.strerror}); set {setting}"
        ) from error
