"""Socket Mode on the `websockets` library: Slack's requests come over a connection of ours.

Not by the SDK's clients. The built-in one misreads frames when many events come at once: of 1,500
it leaves most unacknowledged and writes their text to the log; the one on websocket-client is
without a connection for up to ten seconds at each refresh, and notices a half-open one never
(slack_sdk 3.47). Source of the protocol: docs.slack.dev, "Using Socket Mode".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread, Timer
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.adapter.socket_mode.internals import run_bolt_app
from slack_sdk.socket_mode.request import SocketModeRequest
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from failbot.errors import SlackError
from failbot.slack.jobs.delivery import error_code, is_final
from failbot.slack.places import SLACK_FAILURES

logger = logging.getLogger(__name__)

# A half-open connection is noticed, and replaced, within their sum: deaf for 20 s at most.
PING_S = 5.0
PONG_S = 15.0
OPENING_S = 10.0
CLOSING_S = 1.0
LONGEST_PAUSE_S = 30.0
OVERLAP_S = 3.0  # a refreshed connection stays as long as Slack waits for an ack on it
LOOK_S = 0.2
HANDLERS = 10  # requests that are handled at the same time
LARGEST_MESSAGE = 4_000_000  # bytes


class SocketMode:
    """Connections to Slack, one after the other, until `stop` is set."""

    def __init__(self, app: App, *, open_url: Callable[[], str], stop: Event) -> None:
        """:param open_url: a fresh address, by apps.connections.open."""
        self._app = app
        self._open_url = open_url
        self._stop = stop
        self._pool = ThreadPoolExecutor(HANDLERS, thread_name_prefix="failbot-request")

    def run(self, *, on_open: Callable[[], None]) -> None:
        """Serves; returns when `stop` is set and what was begun is answered.

        :param on_open: called when the first connection stands.
        :raises SlackError: Slack refuses the app token.
        """
        current: _Connection | None = None
        try:
            while not self._stop.is_set():
                following = self._connected()
                if current is None and following is not None:
                    on_open()
                if current is not None:
                    current.close_later()
                current = following
                while current and not self._stop.is_set() and not current.is_over.wait(LOOK_S):
                    pass
        finally:
            self._pool.shutdown()
            if current is not None:
                current.close()

    def _connected(self) -> _Connection | None:
        """A new connection; tries until there is one. None when it is time to stop."""
        pause_s = 1.0
        while not self._stop.is_set():
            try:
                return _Connection(_dial(self._open_url()), self._handle)
            except SLACK_FAILURES as error:
                _give_up_if_final(error)
                logger.warning("no connection to Slack yet: %s", type(error).__name__)
            except WebSocketException as error:
                logger.warning("no connection to Slack yet: %s", type(error).__name__)
            self._stop.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        return None

    def _handle(self, message: Mapping[str, Any], reply: Callable[[str], None]) -> None:
        request = SocketModeRequest.from_dict(dict(message))
        if request is not None:
            self._pool.submit(_answer, self._app, request, reply)


class _Connection:
    """An open connection and the thread that reads it; `is_over` when another is wanted."""

    def __init__(
        self,
        websocket: ClientConnection,
        handle: Callable[[Mapping[str, Any], Callable[[str], None]], None],
    ) -> None:
        self.is_over = Event()
        self._websocket = websocket
        self._handle = handle
        Thread(target=self._read, name="failbot-socket", daemon=True).start()

    def close(self) -> None:
        self._websocket.close()

    def close_later(self) -> None:
        """Slack may still send to it what it had begun to send."""
        timer = Timer(OVERLAP_S, self.close)
        timer.daemon = True
        timer.start()

    def _read(self) -> None:
        try:
            for text in self._websocket:
                self._take(text)
        except ConnectionClosed as error:
            logger.info("the connection to Slack ended: %s", type(error).__name__)
        finally:
            self.is_over.set()

    def _take(self, text: str | bytes) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            logger.warning("Slack sent what is no JSON: %d characters", len(text))
            return
        if message.get("type") == "disconnect":
            self.is_over.set()
        else:
            self._handle(message, self._websocket.send)


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


def _answer(app: App, request: SocketModeRequest, reply: Callable[[str], None]) -> None:
    """Runs the listeners and sends their ack; without one Slack sends the request again."""
    response: BoltResponse = run_bolt_app(app, request)
    if response.status != 200:
        logger.warning("%s is not acknowledged: %s", request.type, response.status)
        return
    try:
        reply(json.dumps({"envelope_id": request.envelope_id} | _payload(response)))
    except ConnectionClosed:
        logger.warning("the ack of %s came too late: its connection is closed", request.type)


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
