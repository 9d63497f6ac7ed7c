"""The connection to Slack survives refreshes, resets, silence and crowds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from websockets.sync.server import ServerConnection, serve

from failbot.errors import SlackError
from failbot.sandbox import factory
from failbot.sandbox.server import Sandbox
from failbot.slack.transport import socket_mode
from failbot.slack.transport.socket_mode import SocketMode
from failbot.threads import Stop


class Line:
    """A Bolt app that counts mentions, connected to a sandbox."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.heard = box, []
        self.stop = Stop()
        app = App(
            authorize=lambda enterprise_id, team_id: AuthorizeResult(
                enterprise_id=None, team_id=team_id, bot_token=box.bot_token
            ),
            signing_secret="-",
        )
        app.event("app_mention")(lambda event: self.heard.append(event["text"]))
        self._mode = SocketMode(app, open_url=self._open_url, stop=self.stop)
        self.opened = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.error: SlackError | None = None

    def _open_url(self) -> str:
        client = WebClient(base_url=self.box.api_url)
        return str(client.apps_connections_open(app_token=self.box.app_token)["url"])

    def _run(self) -> None:
        try:
            self._mode.run(on_open=self.opened.set)
        except SlackError as error:
            self.error = error

    def mention(self, text: str) -> None:
        self.box.control.as_(factory.BEN).say(factory.GENERAL, f"@failbot {text}")

    def wait(self, condition: Callable[[], object]) -> None:
        self.box.control.wait_for(condition, timeout_s=10)


@pytest.fixture
def line() -> Iterator[Line]:
    with Sandbox(rate_limits=False) as box:
        line = Line(box)
        line.thread.start()
        box.control.wait_connected()
        yield line
        line.stop.set()
        line.thread.join(timeout=10)
        assert not line.thread.is_alive(), "it ends when it is told to"


def test_a_crowd_is_acknowledged_at_the_first_attempt(line: Line) -> None:
    """300 events in one go: none is misread, none is sent twice."""
    for number in range(300):
        line.mention(f"number {number}")
    line.box.control.idle(timeout_s=20)
    line.wait(lambda: len(line.heard) >= 300)
    deliveries = line.box.control.deliveries("events_api")
    assert {(one["status"], one["attempt"]) for one in deliveries} == {("acked", 1)}
    assert len(line.heard) == 300


def test_a_cut_connection_is_opened_again(line: Line) -> None:
    """What was said meanwhile arrives by Slack's own repetition."""
    before = {one["number"] for one in line.box.control.sockets()}
    line.box.control.cut_sockets()
    line.wait(lambda: {one["number"] for one in line.box.control.sockets()} - before)
    line.mention("again")
    line.wait(lambda: [one for one in line.heard if "again" in one])


def test_a_refresh_leaves_no_gap(line: Line) -> None:
    """What comes once the successor stands is acked at its first attempt."""
    before = {one["number"] for one in line.box.control.sockets()}
    line.box.control.refresh_sockets()
    line.wait(lambda: {one["number"] for one in line.box.control.sockets()} - before)
    line.mention("after")
    line.box.control.idle()
    last = line.box.control.deliveries("events_api")[-1]
    assert (last["status"], last["attempt"]) == ("acked", 1)


def test_a_deaf_connection_is_replaced(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that stays open and answers no ping is given up, on a monotonic clock."""
    monkeypatch.setattr(socket_mode, "PING_S", 0.2)
    monkeypatch.setattr(socket_mode, "PONG_S", 0.4)
    line.box.control.refresh_sockets()  # the next connection has the short times
    line.wait(lambda: len(line.box.control.sockets()) >= 1)
    before = {one["number"] for one in line.box.control.sockets()}
    line.box.control.deafen_sockets()
    line.wait(lambda: {one["number"] for one in line.box.control.sockets()} - before)
    line.mention("heard again")
    line.wait(lambda: [one for one in line.heard if "heard again" in one])


def test_a_refused_token_ends_it_in_words() -> None:
    """Trying again cannot help: the error says what to check."""
    with Sandbox() as box:
        box.control.fail_api("apps.connections.open", "invalid_auth", times=99)
        line = Line(box)
        line.thread.start()
        line.thread.join(timeout=10)
        assert "SLACK_APP_TOKEN" in str(line.error)
        assert not line.opened.is_set()


class Hanging:
    """A Socket Mode server that says its frames on each connection, and closes it."""

    def __init__(self, *frames: str) -> None:
        self._frames = frames
        self.opened: list[float] = []
        self.server = serve(self._talk, "127.0.0.1", 0)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Hanging:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join(5)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.socket.getsockname()[1]}/"

    def _talk(self, websocket: ServerConnection) -> None:
        self.opened.append(time.monotonic())
        for frame in self._frames:
            websocket.send(frame)


def dialled(server: Hanging, *, for_s: float) -> int:
    """How many connections are made to it in this time."""
    stop = Stop()
    mode = SocketMode(App(**SILENT), open_url=lambda: server.url, stop=stop, draw=lambda: 1.0)
    thread = threading.Thread(target=mode.run, kwargs={"on_open": lambda: None})
    thread.start()
    stop.wait(for_s)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    return len(server.opened)


SILENT: dict[str, Any] = {
    "token": "xoxb-1",
    "signing_secret": "-",
    "token_verification_enabled": False,
}


@pytest.mark.parametrize(
    "frames",
    [
        (),
        ('{"type": "disconnect", "reason": "too_many_websockets"}',),
        ('{"type": "disconnect"}',),
        ('{"type": "disconnect", "reason": "refresh_requested"}',),
    ],
    ids=["closed at once", "too many", "no reason", "refresh after refresh"],
)
def test_a_slack_that_hangs_up_at_once_is_not_stormed(frames: tuple[str, ...]) -> None:
    """Pauses of half a second, one, two: at most four connections in 2 s, not hundreds."""
    with Hanging(*frames) as server:
        assert 2 <= dialled(server, for_s=2.0) <= 4


def test_a_first_refresh_is_followed_at_once(line: Line) -> None:
    """Also on a connection that is young: the successor is there before the old one has to go."""
    before = {one["number"] for one in line.box.control.sockets()}
    since = time.monotonic()
    line.box.control.refresh_sockets("warning")
    line.wait(lambda: {one["number"] for one in line.box.control.sockets()} - before)
    assert time.monotonic() - since < socket_mode.FIRST_PAUSE_S


def test_a_disabled_link_ends_it_in_words(line: Line) -> None:
    """Connecting again cannot help: the error says what to switch on."""
    line.box.control.refresh_sockets("link_disabled")
    line.thread.join(timeout=10)
    assert "link_disabled" in str(line.error)
    assert "api.slack.com/apps" in str(line.error)


@pytest.mark.parametrize(
    "frame",
    ["[]", '"disconnect"', "5", "null", "{", '{"type": "x", "envelope_id": "1", "payload": []}'],
)
def test_a_frame_that_is_no_object_is_ignored(line: Line, frame: str) -> None:
    """The connection goes on: the next event comes over the same one."""
    before = line.box.control.sockets()
    for socket in line.box.platform.sockets.sockets:
        socket.put(frame)
    line.mention("after that")
    line.wait(lambda: [one for one in line.heard if "after that" in one])
    after = line.box.control.sockets()
    assert [one["number"] for one in after] == [one["number"] for one in before]
