"""Runs the bot until it is told to stop: over Socket Mode, or over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from slack_sdk import WebClient

from failbot.config import Config
from failbot.errors import ConfigError
from failbot.slack.app import SlackSide
from failbot.slack.transport.socket_mode import SocketMode
from failbot.threads import Stop, Worker

if TYPE_CHECKING:
    import uvicorn

    from failbot.slack.transport.http import Health

CLOSING_S = 3  # requests under way are answered within Slack's own 3 s, or sent again


def need_settings(config: Config, *, http: bool) -> None:
    """:raises ConfigError: a setting is missing."""
    _need(config.slack_bot_token, "SLACK_BOT_TOKEN")
    if http:
        _need(config.slack_signing_secret, "SLACK_SIGNING_SECRET")
    else:
        _need(config.slack_app_token, "SLACK_APP_TOKEN")


def serve_socket(
    config: Config,
    side: SlackSide,
    *,
    stop: Stop,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves over Socket Mode until `stop` is set; returns when what was begun is answered.

    :param side: running.
    :param on_ready: called once the first connection stands.
    :raises ConfigError: a token is missing. :raises SlackError: Slack refuses the app token.
    """
    need_settings(config, http=False)
    # With the SDK's retries: a fresh address may be asked for twice.
    client = WebClient(base_url=config.slack_api_url, logger=side.app.logger)

    def open_url() -> str:
        return str(client.apps_connections_open(app_token=config.slack_app_token)["url"])

    SocketMode(side.app, open_url=open_url, stop=stop).run(on_open=on_ready)


def serve_http(
    config: Config,
    side: SlackSide,
    *,
    stop: Stop,
    health: Health,
    on_ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Serves over HTTP on the configured host and port until `stop` is set.

    :param side: running.
    :param on_ready: called with the port that is listened on.
    :raises ConfigError: a setting is missing, or the port is taken.
    """
    need_settings(config, http=True)
    with ExitStack() as closing:
        listening = closing.enter_context(_listen(config))
        server = _web_server(config, side, health)

        def end() -> None:
            server.should_exit = True

        # In a thread of its own uvicorn leaves the signals alone, and `stop` is what ends it.
        worker = Worker("http", lambda _: server.run([listening]), stop=stop, wake=end)
        closing.callback(worker.close)
        worker.start()
        on_ready(listening.getsockname()[1])
        stop.wait()


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
