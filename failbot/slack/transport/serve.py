"""Runs the bot until it is told to stop: over Socket Mode, or over HTTP."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING

from slack_sdk import WebClient

from failbot.config import Config
from failbot.errors import ConfigError
from failbot.slack.app import SlackSide
from failbot.slack.transport.socket_mode import SocketMode

if TYPE_CHECKING:
    import uvicorn

    from failbot.slack.transport.http import Health

logger = logging.getLogger(__name__)

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
    # With the SDK's retries: a fresh address may be asked for twice.
    client = WebClient(base_url=config.slack_api_url, logger=side.app.logger)

    def open_url() -> str:
        return str(client.apps_connections_open(app_token=config.slack_app_token)["url"])

    side.start(stop=stop, on_team=on_team)
    try:
        SocketMode(side.app, open_url=open_url, stop=stop).run(on_open=on_ready)
    finally:
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

    from failbot.slack.transport.http import asgi_app

    return uvicorn.Server(
        uvicorn.Config(
            asgi_app(config, side, health=health),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=CLOSING_S,
        )
    )


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
