"""Runs the bot until it is told to stop: over Socket Mode, or over HTTP."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING

from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from failbot.config import Config
from failbot.errors import ConfigError, SlackError
from failbot.slack.app import SlackSide
from failbot.slack.delivery import error_code, is_final
from failbot.slack.places import SLACK_FAILURES

if TYPE_CHECKING:
    import uvicorn

    from failbot.slack.http import Health

logger = logging.getLogger(__name__)

LONGEST_PAUSE_S = 30.0
CLOSING_S = 5


def stop_on_signals() -> Event:
    """An event that SIGTERM and SIGINT set; for the main thread."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def serve_socket(
    config: Config,
    side: SlackSide,
    *,
    stop: Event,
    on_team: Callable[[str], None] = lambda _: None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves over Socket Mode until `stop` is set; returns when all is closed.

    :param on_ready: called once the first connection stands.
    :raises ConfigError: a token is missing. :raises SlackError: Slack refuses the app token.
    """
    _need(config.slack_bot_token, "SLACK_BOT_TOKEN")
    _need(config.slack_app_token, "SLACK_APP_TOKEN")
    handler = SocketModeHandler(
        side.app,
        config.slack_app_token,
        # apps.connections.open goes where every other call goes, with retries: it may repeat.
        web_client=WebClient(base_url=config.slack_api_url, logger=side.app.logger),
    )
    side.start(stop=stop, on_team=on_team)
    try:
        if _connect(handler, stop):
            on_ready()
            stop.wait()
    finally:
        _close(handler)
        side.close()


def serve_http(
    config: Config,
    side: SlackSide,
    *,
    stop: Event,
    health: Health,
    on_team: Callable[[str], None] = lambda _: None,
    on_ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Serves over HTTP on the configured host and port until `stop` is set.

    :param on_ready: called with the port that is listened on.
    :raises ConfigError: a setting is missing, or the port is taken.
    """
    _need(config.slack_bot_token, "SLACK_BOT_TOKEN")
    _need(config.slack_signing_secret, "SLACK_SIGNING_SECRET")
    listening = _listen(config)
    server = _web_server(config, side, health)
    # In a thread of its own uvicorn leaves the signals alone, and `stop` is what ends it.
    thread = Thread(target=server.run, args=([listening],), name="failbot-http", daemon=True)
    side.start(stop=stop, on_team=on_team)
    thread.start()
    try:
        on_ready(listening.getsockname()[1])
        stop.wait()
    finally:
        server.should_exit = True
        thread.join(CLOSING_S * 2)
        listening.close()
        side.close()


def _web_server(config: Config, side: SlackSide, health: Health) -> uvicorn.Server:
    import uvicorn

    from failbot.slack.http import asgi_app

    return uvicorn.Server(
        uvicorn.Config(
            asgi_app(config, side, health=health),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=CLOSING_S,
        )
    )


def _connect(handler: SocketModeHandler, stop: Event) -> bool:
    """Whether the first connection stands before `stop`. :raises SlackError: refused for good."""
    pause_s = 1.0
    while not stop.is_set():
        try:
            handler.client.connect()
            return True
        except SLACK_FAILURES as error:
            if is_final(error):
                code = error_code(error)
                raise SlackError(
                    f"Slack refuses the app token ({code}): check SLACK_APP_TOKEN, its scope"
                    " connections:write, and that Socket Mode is on"
                ) from error
            logger.warning("no connection to Slack yet: %s", type(error).__name__)
        stop.wait(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    return False


def _close(handler: SocketModeHandler) -> None:
    try:
        handler.client.close()
    except AttributeError:
        # slack_sdk 3.x, Connection.disconnect: the connection was just being replaced or dropped.
        logger.info("the connection to Slack was closed already")


def _listen(config: Config) -> socket.socket:
    try:
        return socket.create_server((config.host, config.port), backlog=512)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {config.host}:{config.port} ({error.strerror});"
            " set FAILBOT_HOST or FAILBOT_PORT"
        ) from error


def _need(value: str, variable: str) -> None:
    if not value:
        raise ConfigError(
            f"{variable} is not set; failbot manifest and README say where it is from"
        )
