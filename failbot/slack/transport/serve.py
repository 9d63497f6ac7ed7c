"""Runs the bot until it is told to stop: over Socket Mode, or over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from slack_sdk import WebClient

from failbot.config import Config
from failbot.errors import ConfigError
from failbot.slack.app import SlackSide
from failbot.slack.transport.socket_mode import Line, SocketMode
from failbot.threads import Stop

if TYPE_CHECKING:
    from starlette.routing import BaseRoute


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
    line: Line | None = None,
) -> None:
    """Serves over Socket Mode until `stop` is set; returns when what was begun is answered.

    :param side: running.
    :param line: told of every connection.
    :param on_ready: called once the first connection stands.
    :raises ConfigError: a token is missing. :raises SlackError: Slack refuses the app token.
    """
    need_settings(config, http=False)
    # With the SDK's retries: a fresh address may be asked for twice.
    client = WebClient(base_url=config.slack_api_url, logger=side.app.logger)

    def open_url() -> str:
        return str(client.apps_connections_open(app_token=config.slack_app_token)["url"])

    mode = SocketMode(side.app, open_url=open_url, stop=stop, line=line, observer=side.observer)
    mode.run(on_open=on_ready)


def serve_http(
    config: Config,
    side: SlackSide,
    *,
    stop: Stop,
    routes: Sequence[BaseRoute] = (),
    on_ready: Callable[[int], None] = lambda _: None,
) -> None:
    """Serves over HTTP on the configured host and port until `stop` is set.

    :param side: running.
    :param routes: what is served beside Slack's requests.
    :param on_ready: called with the port that is listened on.
    :raises ConfigError: a setting is missing, or the port is taken.
    """
    from failbot.slack.transport.http import asgi_app
    from failbot.web import listen, serving

    need_settings(config, http=True)
    app = asgi_app(config, side, routes=routes)
    setting = "FAILBOT_HOST or FAILBOT_PORT"
    with (
        listen(config.host, config.port, setting=setting) as listening,
        serving(app, listening=listening, name="http", stop=stop),
    ):
        on_ready(listening.getsockname()[1])
        stop.wait()


def _need(value: str, variable: str) -> None:
    if not value:
        raise ConfigError(
            f"{variable} is not set; failbot manifest and README say where it is from"
        )
