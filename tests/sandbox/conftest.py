"""A running sandbox, clients for it, and real Bolt apps connected to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.starlette import SlackRequestHandler
from slack_sdk import WebClient

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from failbot.sandbox.server import Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(rate_limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def control(box: Sandbox) -> Control:
    return box.control


@pytest.fixture
def client(box: Sandbox) -> WebClient:
    return WebClient(box.bot_token, base_url=box.api_url, retry_handlers=[])


@pytest.fixture
def ada(control: Control) -> Actor:
    return control.as_(factory.ADA)


@pytest.fixture
def ben(control: Control) -> Actor:
    return control.as_(factory.BEN)


@pytest.fixture
def cleo(control: Control) -> Actor:
    return control.as_(factory.CLEO)


@pytest.fixture
def connect(box: Sandbox, client: WebClient) -> Iterator[Callable[[App], SocketModeHandler]]:
    """Connects a Bolt app over Socket Mode; closed at the end."""
    handlers: list[SocketModeHandler] = []

    def connect_app(app: App) -> SocketModeHandler:
        handler = SocketModeHandler(app, box.app_token, web_client=client, ping_interval=0.5)
        handler.connect()
        handlers.append(handler)
        box.control.wait_connected(len(handlers))
        return handler

    yield connect_app
    for handler in handlers:
        # Wakes the client's queue reader, which else sleeps for up to a second.
        handler.client.closed = True
        handler.client.message_queue.put(None)
        handler.close()


@pytest.fixture
def app(client: WebClient) -> App:
    return App(client=client)


@pytest.fixture
def serve_http(box: Sandbox) -> Iterator[Callable[[App], str]]:
    """Serves a Bolt app over HTTP on loopback and delivers to it; gives its request URL."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def serve(app: App) -> str:
        handler = SlackRequestHandler(app)

        async def endpoint(request: Request) -> Response:
            return await handler.handle(request)

        site = Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])
        config = uvicorn.Config(site, port=0, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        port = box.control.wait_for(lambda: server.started and _port(server))
        url = f"http://127.0.0.1:{port}/slack/events"
        box.control.deliver_to(url)
        return url

    yield serve
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=5)


def _port(server: Any) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])
