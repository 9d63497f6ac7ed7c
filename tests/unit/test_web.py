"""The server that strangers may reach: who keeps it waiting goes, who asks at once is answered."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event

import pytest

from failbot.errors import ConfigError
from failbot.threads import Stop
from failbot.web import Limits, listen, serving

HALF_HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "
HALF_BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhalf"
WHOLE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
LENGTH = [(b"content-length", b"2")]
SHORT = Limits(connections=8, request_s=0.4, idle_s=1)


class Server:
    """One that answers 200 to a whole request, at once or when `may_answer` is set."""

    def __init__(self, limits: Limits) -> None:
        self.may_answer = Event()
        self.may_answer.set()
        self.reached = 0
        self.limits = limits
        self.stop = Stop()
        self._closing = ExitStack()

    def __enter__(self) -> Server:
        listening = self._closing.enter_context(listen("127.0.0.1", 0, setting="X"))
        self.port = listening.getsockname()[1]
        running = serving(
            self._app, listening=listening, name="web", stop=self.stop, limits=self.limits
        )
        self._closing.enter_context(running)
        return self

    def __exit__(self, *_: object) -> None:
        self.may_answer.set()
        self._closing.close()

    async def _app(self, scope: object, receive: Callable, send: Callable) -> None:  # type: ignore[type-arg]
        import asyncio

        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
        self.reached += 1
        while not self.may_answer.is_set():
            await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": LENGTH})
        await send({"type": "http.response.body", "body": b"ok"})

    def connect(self, first: bytes = b"") -> socket.socket:
        """A connection, closed at the end, on which this was sent."""
        one = socket.create_connection(("127.0.0.1", self.port), 5)
        self._closing.callback(one.close)
        one.sendall(first)
        return one

    def answers(self) -> bool:
        """Whether a whole request, on a connection of its own, is answered."""
        return self.connect(WHOLE).recv(100).startswith(b"HTTP/1.1 200")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(SHORT) as running:
        yield running


@contextmanager
def within(seconds: float) -> Iterator[None]:
    since = time.monotonic()
    yield
    assert time.monotonic() - since < seconds


def is_cut(one: socket.socket, *, after_s: float = 5.0) -> bool:
    """Whether the server ends it, without a word."""
    one.settimeout(after_s)
    try:
        return one.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("half", [b"", HALF_HEAD, HALF_BODY], ids=["nothing", "head", "body"])
def test_half_a_request_is_cut_in_time(server: Server, half: bytes) -> None:
    """Whichever half is missing."""
    with within(1.5):
        assert is_cut(server.connect(half))
    assert server.reached == 0


@pytest.mark.parametrize("half", [HALF_HEAD, HALF_BODY], ids=["head", "body"])
def test_a_byte_now_and_then_wins_no_time(server: Server, half: bytes) -> None:
    """The time is for the whole request, not for the next byte."""
    one, since = server.connect(half), time.monotonic()
    one.settimeout(0.05)
    while time.monotonic() - since < 3:
        try:
            one.sendall(b"a")
            if one.recv(1) == b"":
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    assert time.monotonic() - since < 1.5


def test_among_too_many_the_longest_waiting_goes(server: Server) -> None:
    """So that a whole request is answered at once, however many halves there are."""
    halves = [server.connect(HALF_HEAD) for _ in range(SHORT.connections)]
    with within(0.3):
        assert server.answers()
    with within(0.3):
        assert is_cut(halves[0])


def test_a_request_that_is_being_answered_is_not_cut(server: Server) -> None:
    """Neither by its age, nor by others that wait."""
    server.may_answer.clear()
    one = server.connect(WHOLE)
    one.settimeout(5)
    halves = [server.connect(HALF_HEAD) for _ in range(SHORT.connections + 2)]
    assert all(is_cut(half) for half in halves)
    server.may_answer.set()
    assert one.recv(100).startswith(b"HTTP/1.1 200")


def test_one_connection_may_ask_again_and_again(server: Server) -> None:
    """Each request has its own time."""
    one = server.connect()
    for _ in range(4):
        time.sleep(SHORT.request_s / 2)
        one.sendall(WHOLE)
        answer = b""
        while not answer.endswith(b"ok"):
            answer += one.recv(1_000)
        assert answer.startswith(b"HTTP/1.1 200")


def test_a_head_that_does_not_end_is_refused(server: Server) -> None:
    """At 16 KB."""
    one = server.connect(HALF_HEAD + b"x" * 20_000)
    assert one.recv(100).startswith(b"HTTP/1.1 4")


def test_a_taken_port_is_named() -> None:
    """With the setting to change."""
    with (
        listen("127.0.0.1", 0, setting="X") as one,
        pytest.raises(ConfigError, match="set FAILBOT_OPS"),
    ):
        listen("127.0.0.1", one.getsockname()[1], setting="FAILBOT_OPS_ADDRESS")


@pytest.mark.full
def test_half_sent_requests_by_the_thousand_keep_nobody_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """1,100 connections: whole requests are answered all the while, and the log says nothing."""
    with Server(Limits()) as server:
        for at in range(1_100):
            server.connect(HALF_HEAD if at % 2 else HALF_BODY)
        with within(1.0):
            assert server.answers()
        until = time.monotonic() + 12
        while time.monotonic() < until:
            with within(1.0):
                assert server.answers()
            time.sleep(0.2)
    assert len(caplog.text) < 1_000
