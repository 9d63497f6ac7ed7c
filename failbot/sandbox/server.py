"""The sandbox as a server on loopback: Web API, Socket Mode, response URLs, control."""

from __future__ import annotations

import asyncio
import json
import logging
import socket as sockets
import struct
import threading
from datetime import datetime
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from failbot.sandbox.control import Control
from failbot.sandbox.control_http import control_routes
from failbot.sandbox.factory import default_platform
from failbot.sandbox.limits import quiet_sdk_warnings
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import PersonError, Refusal, StartError
from failbot.sandbox.web_api.endpoint import Answer, WebApi

_LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
START_TIMEOUT_S = 10.0


class Transports:
    """The open connections by peer address, so that a test can break or freeze one."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """A uvicorn HTTP protocol that notes its connections here."""
        transports = self._open

        class NotedProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
                raw = transport.get_extra_info("socket")
                # asyncio leaves Nagle on for sockets accepted from a given listener, which
                # costs every answer on a kept-alive connection 40 ms.
                raw.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
                transports[transport.get_extra_info("peername")[:2]] = transport
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                if self.client is not None:
                    transports.pop(self.client, None)
                super().connection_lost(error)

        return NotedProtocol

    def reset(self, peer: tuple[str, int]) -> None:
        """Break a connection with a TCP reset."""
        transport = self._open.pop(peer, None)
        if transport is None:
            return
        raw = transport.get_extra_info("socket")
        # Linger of 0 s: the kernel sends RST instead of an orderly FIN.
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def freeze(self, peer: tuple[str, int]) -> None:
        """Stop reading from a connection, and leave it open."""
        transport = self._open.get(peer)
        if transport is not None:
            transport.pause_reading()


class LocalOnly:
    """ASGI middleware: refuses another Host, and writes from another origin's page."""

    def __init__(self, app: ASGIApp, *, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in _LOCAL_NAMES}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 421 (another Host) or 403 (another Origin)."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is None:
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        return await refusal(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        host = headers.get("host", "").lower()
        # slack_sdk's own WebSocket client sends Host without a port.
        bare = scope["type"] == "websocket" and host in _LOCAL_NAMES
        if host not in self._hosts and not bare:
            return PlainTextResponse("this host is not served here", 421)
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in self._origins:
            return PlainTextResponse("another origin may not do this", 403)
        return None


def _asgi(
    platform: Platform, control: Control, transports: Transports, extra: list[BaseRoute]
) -> Starlette:
    api = WebApi(platform)

    async def web_api(request: Request) -> Response:
        answer = await api.answer(request, request.path_params["method"])
        return await _written(answer, request, transports)

    async def response_url(request: Request) -> Response:
        return await _answer_response_url(platform, request)

    async def person_error(_: Request, error: Exception) -> Response:
        return JSONResponse({"ok": False, "error": str(error)}, 400)

    return Starlette(
        routes=[
            Route("/api/{method}", web_api, methods=["GET", "POST"]),
            Route("/response/{team}/{number}/{key}", response_url, methods=["POST"]),
            WebSocketRoute("/link/", platform.sockets.serve),
            *control_routes(control),
            *extra,
        ],
        exception_handlers={PersonError: person_error, Refusal: person_error},
    )


async def _written(answer: Answer, request: Request, transports: Transports) -> Response:
    if answer.delay_s:
        await asyncio.sleep(answer.delay_s)
    if answer.reset and request.client is not None:
        transports.reset((request.client.host, request.client.port))
    return Response(answer.body, answer.status, answer.headers, answer.content_type)


async def _answer_response_url(platform: Platform, request: Request) -> Response:
    raw = await request.body()
    try:
        body: Any = json.loads(raw)
    except ValueError:
        platform.core.complain("a response_url got a body that is not JSON")
        return PlainTextResponse("invalid_payload", 400)
    try:
        with platform.core.changing():
            url = platform.tickets.use_response_url(request.path_params["key"])
            platform.responses.apply(body, url, method="response_url")
    except Refusal as refusal:
        gone = refusal.error in ("expired_url", "used_url", "not_found")
        return JSONResponse(refusal.body(), 404 if gone else 400)
    return PlainTextResponse("ok")


def _listen(port: int) -> sockets.socket:
    try:
        return sockets.create_server(("127.0.0.1", port))
    except OSError as error:
        raise StartError(f"cannot listen on 127.0.0.1:{port} ({error.strerror})") from error


class Sandbox:
    """A Slack-compatible server on 127.0.0.1, running in a thread of its own.

    `api_url` is the base_url for slack_sdk's clients; `control` is for tests and the page.
    Use it as a context manager, or call `start()` and `stop()`.
    """

    def __init__(
        self,
        platform: Platform | None = None,
        *,
        port: int = 0,
        start_at: datetime | None = None,
        rate_limits: bool = True,
        routes: list[BaseRoute] | None = None,
    ) -> None:
        self.platform = platform or default_platform(start_at)
        self.platform.rate_limits.enabled = rate_limits
        self.control = Control(self.platform)
        self.clock = self.platform.clock
        self._routes = routes or []
        self._wanted_port = port
        self._transports = Transports()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The server's address, without a final slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """The base_url for Web API clients."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.platform.app.bot_token

    @property
    def app_token(self) -> str:
        return self.platform.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.platform.app.signing_secret

    def start(self) -> Sandbox:
        """Listen, and return when requests are answered.

        :raises StartError: the port is taken, or the server does not come up.
        """
        quiet_sdk_warnings()
        listener = _listen(self._wanted_port)
        self.port = listener.getsockname()[1]
        self.platform.core.base_url = self.url
        self.platform.sockets.pause = self._transports.freeze
        self.platform.sockets.abort = self._transports.reset
        self._server = uvicorn.Server(self._config())
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="sandbox", daemon=True
        )
        self._thread.start()
        self.clock.start()
        if not self.platform.core.wait_until(self._is_up, START_TIMEOUT_S):
            raise StartError(f"the sandbox did not start in {START_TIMEOUT_S:g} s")
        return self

    def stop(self) -> None:
        """Close every connection and end the server's threads."""
        self.clock.stop()
        self.platform.hanging.end()
        self.platform.http.stop()
        self.platform.sockets.close_all()
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=START_TIMEOUT_S)

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _is_up(self) -> bool:
        return self._server is not None and self._server.started

    def _config(self) -> uvicorn.Config:
        logging.getLogger("websockets").setLevel(logging.WARNING)
        app = _asgi(self.platform, self.control, self._transports, self._routes)
        return uvicorn.Config(
            LocalOnly(app, port=self.port),
            http=self._transports.protocol(),
            ws="websockets-sansio",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
            # Slack pings too. Often, so that a client that is closing wakes from its read; and
            # with no short deadline, so that a deafened socket stays open, with no further ping.
            ws_ping_interval=0.3,
            ws_ping_timeout=86_400,
        )
