"""Socket Mode on the `websockets` library: Slack's requests come over a connection of ours.

Not by the SDK's clients. The built-in one misreads frames when many events come at once: of 1,500
it leaves most unacknowledged and writes their text to the log; the one on websocket-client is
without a connection for up to ten seconds at each refresh, and notices a half-open one never
(slack_sdk 3.47). Source of the protocol: docs.slack.dev, "Using Socket Mode".
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack, suppress
from threading import Event
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_sdk.socket_mode.request import SocketModeRequest
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from failbot.errors import SlackError
from failbot.observer import Observer, Unobserved
from failbot.slack.jobs.delivery import error_code, is_final, retry_after_s
from failbot.slack.places import SLACK_FAILURES
from failbot.slack.transport.dispatching import dispatched
from failbot.slack.transport.payloads import object_in
from failbot.threads import Backoff, Pool, Stop, Worker

logger = logging.getLogger(__name__)

# A half-open connection is noticed, and replaced, within their sum: deaf for 20 s at most.
PING_S = 5.0
PONG_S = 15.0
OPENING_S = 10.0
CLOSING_S = 1.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LIVED_S = 10.0  # a connection that lived so long was a good one: the next pause is short again
OVERLAP_S = 3.0  # a refreshed connection stays as long as Slack waits for an ack on it
LOOK_S = 0.2
HANDLERS = 10  # requests that are handled at the same time
LARGEST_MESSAGE = 4_000_000  # bytes

# Reasons of a `disconnect` message. With these Slack keeps the connection a little, and wants a
# successor to stand before it goes.
REFRESHING = frozenset({"warning", "refresh_requested"})
FINAL = {
    "link_disabled": "Slack has switched Socket Mode off for this app (link_disabled): switch it on"
    " at api.slack.com/apps, Socket Mode, and start failbot again"
}


class Line:
    """Whether a connection to Slack stands, for whoever asks; any thread."""

    def __init__(self) -> None:
        self._current: _Connection | None = None

    def stands(self, current: _Connection | None) -> None:
        self._current = current

    @property
    def age_s(self) -> float | None:
        """Seconds since the current connection was made; None where there is none."""
        current = self._current
        return None if current is None or not current.is_open else current.lived_s


class SocketMode:
    """Connections to Slack, one after the other, until `stop` is set."""

    def __init__(
        self,
        app: App,
        *,
        open_url: Callable[[], str],
        stop: Stop,
        draw: Callable[[], float] = random.random,
        line: Line | None = None,
        observer: Observer | None = None,
    ) -> None:
        """:param open_url: a fresh address, by apps.connections.open."""
        self._app = app
        self._line = line or Line()
        self._observer = observer or Unobserved()
        self._open_url = open_url
        self._stop = stop
        self._requests = Pool(HANDLERS, name="request", stop=stop)
        # In a thread, so that a Slack that does not answer keeps nobody from stopping.
        self._dialling = Pool(1, name="dial", stop=stop, patience_s=CLOSING_S)
        self._backoff = Backoff(first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S, draw=draw)
        self._open: list[_Connection] = []

    def run(self, *, on_open: Callable[[], None]) -> None:
        """Serves; returns when `stop` is set and what was begun is answered.

        :param on_open: called when the first connection stands.
        :raises SlackError: Slack refuses the app token, or has switched Socket Mode off.
        """
        with ExitStack() as closing:
            closing.callback(self._dialling.close)
            closing.callback(self._close_connections)
            closing.callback(self._requests.close)
            is_first = True
            while (current := self._connected()) is not None:
                if is_first:
                    on_open()
                is_first = False
                self._succeed(current)
                self._outlast(current)

    def _succeed(self, following: _Connection) -> None:
        """The one before it goes a little later."""
        self._open = [one for one in self._open if one.is_open]
        for one in self._open:
            one.close_later()
        self._open.append(following)
        self._line.stands(following)

    def _outlast(self, current: _Connection) -> None:
        """Returns when it is time for another connection, or to stop."""
        while not self._stop.is_set() and not current.is_over.wait(LOOK_S):
            pass
        if current.reason in FINAL:
            raise SlackError(FINAL[current.reason])
        if not self._stop.is_set():
            pause_s = self._pause_s(current)
            logger.info(
                "a connection to Slack of %.0f s is over (%s), the next in %.1f s",
                current.lived_s,
                current.reason or "cut",
                pause_s,
            )
            self._stop.wait(pause_s)

    def _pause_s(self, ended: _Connection) -> float:
        """None where Slack asks for another connection, unless it asks again and again."""
        if ended.lived_s >= LIVED_S:
            self._backoff.reset()
        is_first = self._backoff.is_fresh
        pause_s = self._backoff.next_s()
        return 0.0 if is_first and ended.reason in REFRESHING else pause_s

    def _connected(self) -> _Connection | None:
        """A new connection; tries until there is one. None when it is time to stop."""
        while not self._stop.is_set():
            try:
                return self._dialled()
            except SLACK_FAILURES as error:
                _give_up_if_final(error)
                self._wait_after(error, at_least_s=retry_after_s(error))
            except WebSocketException as error:
                self._wait_after(error, at_least_s=0.0)
        return None

    def _wait_after(self, error: Exception, *, at_least_s: float) -> None:
        logger.warning("no connection to Slack yet: %s", type(error).__name__)
        self._stop.wait(max(at_least_s, self._backoff.next_s()))

    def _dialled(self) -> _Connection | None:
        """A new connection, or None when it is time to stop. Raises what Slack's absence raises."""
        websocket = self._dialling.submit(lambda: _dial(self._open_url()))
        while not wait([websocket], LOOK_S).done:
            if self._stop.is_set():
                websocket.add_done_callback(_hang_up)
                return None
        return _Connection(websocket.result(), self._handle, stop=self._stop)

    def _close_connections(self) -> None:
        for one in self._open:
            one.close()

    def _handle(self, message: Mapping[str, Any], reply: Callable[[str], None]) -> None:
        try:
            request = SocketModeRequest.from_dict(dict(message))
        except ValueError:
            logger.warning("Slack sent a %s without an object in it", type(message).__name__)
            return
        if request is not None:
            with suppress(RuntimeError):  # closing: not acknowledged, so Slack sends it again
                self._requests.submit(self._answer, request, reply)

    def _answer(self, request: SocketModeRequest, reply: Callable[[str], None]) -> None:
        """Runs the listeners and sends their ack; without one Slack sends the request again."""
        response = self._answered(request)
        if response.status != 200:
            logger.warning("%s is not acknowledged: %s", request.type, response.status)
            return
        try:
            reply(json.dumps({"envelope_id": request.envelope_id} | _payload(response)))
        except ConnectionClosed:
            logger.warning("the ack of %s came too late: its connection is closed", request.type)

    def _answered(self, request: SocketModeRequest) -> BoltResponse:
        try:
            bolt_request = BoltRequest(
                mode="socket_mode", body=request.payload, headers=build_headers(request)
            )
        except Exception as error:  # a shape that Slack never sends breaks Bolt itself
            logger.error("Bolt cannot read a payload: %s", type(error).__name__)
            return BoltResponse(status=400)
        return dispatched(self._app, bolt_request, observer=self._observer)


class _Connection:
    """An open connection and the thread that reads it; `is_over` when another is wanted.

    `reason` is what Slack gives for that, "" where the connection merely ended.
    """

    def __init__(
        self,
        websocket: ClientConnection,
        handle: Callable[[Mapping[str, Any], Callable[[str], None]], None],
        *,
        stop: Stop,
    ) -> None:
        self.is_over = Event()
        self.reason = ""
        self._since = time.monotonic()
        self._websocket = websocket
        self._handle = handle
        # The reader ends when the connection does.
        self._reader = Worker("socket", self._read, stop=stop, wake=websocket.close).start()
        self._closer = Worker("overlap", self._close_after, stop=stop)

    @property
    def is_open(self) -> bool:
        return self._reader.is_running

    @property
    def lived_s(self) -> float:
        return time.monotonic() - self._since

    def close(self) -> None:
        self._reader.close()
        self._closer.close()

    def close_later(self) -> None:
        """Slack may still send to it what it had begun to send."""
        self._closer.start()

    def _close_after(self, ending: Event) -> None:
        ending.wait(OVERLAP_S)
        self._websocket.close()

    def _read(self, _: Event) -> None:
        try:
            for text in self._websocket:
                self._take(text)
        except ConnectionClosed as error:
            logger.info("the connection to Slack ended: %s", type(error).__name__)
        finally:
            self.is_over.set()

    def _take(self, text: str | bytes) -> None:
        message = object_in(text)
        if message is None:
            logger.warning("Slack sent what is no JSON object: %d characters", len(text))
        elif message.get("type") == "disconnect":
            self.reason = str(message.get("reason") or "")
            self.is_over.set()
        else:
            self._handle(message, self._websocket.send)


def _hang_up(dialled: Future[ClientConnection]) -> None:
    if not dialled.cancelled() and dialled.exception() is None:
        dialled.result().close()


def _dial(url: str) -> ClientConnection:
    return connect(
        url,
        open_timeout=OPENING_S,
        ping_interval=PING_S,
        ping_timeout=PONG_S,
        close_timeout=CLOSING_S,
        max_size=LARGEST_MESSAGE,
        max_queue=None,
        compression=None,
    )


def _payload(response: BoltResponse) -> dict[str, object]:
    if not response.body:
        return {}
    if response.first_headers().get("content-type", "").startswith("application/json"):
        return {"payload": json.loads(response.body)}
    return {"payload": {"text": response.body}}


def _give_up_if_final(error: Exception) -> None:
    if is_final(error):
        raise SlackError(
            f"Slack refuses the app token ({error_code(error)}): check SLACK_APP_TOKEN, its scope"
            " connections:write, and that Socket Mode is on"
        ) from error
