"""The page's routes: its files, what a window shows (long polling), and time travel.

What a person does goes through the control interface, `POST /control/<verb>`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from failbot.sandbox.control import Control
from failbot.sandbox.page.features import Features
from failbot.sandbox.page.screen import Look, screen
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import JsonObject, PersonError

POLL_S = 25.0
SLICE_S = 1.0  # how soon a poll notices that its window, or the server, has gone

# Scripts, styles and requests from here only; nothing inline, no frames, no markup from strings
# (Trusted Types), so that a text that slipped through as markup would still do nothing.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class Page:
    """The page of one platform."""

    def __init__(self, platform: Platform, *, features: Features | None = None) -> None:
        self._platform = platform
        self._control = Control(platform)
        self._features = features or Features()
        self._is_closed = False

    def close(self) -> None:
        """Answers every window that waits for news, and lets none wait any more."""
        self._is_closed = True
        with self._platform.core.changing():
            pass

    def routes(self) -> list[BaseRoute]:
        """For `Sandbox(platform, routes=…)`."""
        return [
            Route("/", _index),
            Route("/page/screen", _endpoint(self._screen), methods=["POST"]),
            Route("/page/travel", _endpoint(self._travel), methods=["POST"]),
            Route("/page/{name}", _file),
        ]

    async def _screen(self, request: Request, body: JsonObject) -> JsonObject | None:
        """The screen once its version differs from `after`, or as it is after a while."""
        look, after = Look.of(body), int(body.get("after", -1))
        for _ in range(int(POLL_S / SLICE_S)):
            version = await run_in_threadpool(self._control.wait_changed, after, SLICE_S)
            if version != after or self._is_closed or await request.is_disconnected():
                break
        return await run_in_threadpool(screen, self._platform, self._features, look)

    async def _travel(self, _: Request, body: JsonObject) -> str:
        """Move the clock on to a wall-clock time where the person lives."""
        return await run_in_threadpool(self._go, body)

    def _go(self, body: JsonObject) -> str:
        person = self._platform.workspace.people.get(str(body.get("as")))
        if person is None:
            raise PersonError("nobody of that id lives here")
        moment = datetime.fromisoformat(str(body.get("local"))).replace(tzinfo=ZoneInfo(person.tz))
        if moment < self._control.now():
            raise PersonError("time only goes on: choose a later moment")
        self._control.set_clock(moment)
        return self._control.now().isoformat()


def _endpoint(
    answer: Callable[[Request, JsonObject], Awaitable[Any]],
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            result = await answer(request, await _json(request))
        except (PersonError, ValueError, TypeError) as error:
            return JSONResponse({"ok": False, "error": str(error)}, 400, HEADERS)
        return JSONResponse({"ok": True, "result": result}, headers=HEADERS)

    return endpoint


async def _json(request: Request) -> JsonObject:
    """The request's object; a JSON content type cannot cross origins without a preflight."""
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise PersonError("send JSON, with its content type")
    body = json.loads(await request.body())
    if not isinstance(body, dict):
        raise PersonError("send a JSON object")
    return body


async def _index(_: Request) -> Response:
    return _static("index.html")


async def _file(request: Request) -> Response:
    return _static(request.path_params["name"])


def _static(name: str) -> Response:
    folder = files("failbot.sandbox.page") / "static"
    found = {entry.name: entry for entry in folder.iterdir() if entry.is_file()}.get(name)
    if found is None:
        return PlainTextResponse("there is no such file", 404, HEADERS)
    media_type = MEDIA_TYPES[PurePosixPath(name).suffix]
    return Response(found.read_bytes(), headers=HEADERS, media_type=media_type)
