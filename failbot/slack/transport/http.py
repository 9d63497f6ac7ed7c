"""Slack's requests over HTTP: checked before anything reads them, then handed to Bolt.

Source: docs.slack.dev, "Verifying requests from Slack".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from failbot.config import Config
from failbot.slack.app import SlackSide
from failbot.slack.transport.dispatching import dispatched
from failbot.slack.transport.payloads import is_readable

BODY_LIMIT = 1_000_000  # bytes; Slack's largest payloads are a tenth of it
BODIES_LIMIT = 32_000_000  # bytes of all that is being read: nobody has signed it yet
FRESH_S = 300  # as Slack advises
EVENTS_PATH = "/slack/events"

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class RefusedError(Exception):
    """A request that is answered with this status, unread."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"HTTP {status}")


def asgi_app(
    config: Config,
    side: SlackSide,
    *,
    routes: Sequence[BaseRoute] = (),
    now: Callable[[], float] = time.time,
) -> Starlette:
    """The web application: `POST /slack/events`, and the `routes` beside it."""
    verifier = SignatureVerifier(config.slack_signing_secret)
    bodies = Bodies()

    async def events(request: Request) -> Response:
        try:
            _refuse_stale(request, now=now())
            body = await bodies.read(request)
            _refuse_unsigned(verifier, request, body)
            bolt_request = _parse(request, body)
        except RefusedError as refused:
            return Response(status_code=refused.status)
        except ClientDisconnect:  # gone, or cut because it was late: nobody reads this
            return Response(status_code=408)
        return to_starlette_response(await run_in_threadpool(_dispatch, side, bolt_request))

    return Starlette(routes=[Route(EVENTS_PATH, events, methods=["POST"]), *routes])


class Bodies:
    """All bodies that are being read: nobody has signed them yet. For one event loop."""

    def __init__(self) -> None:
        self._bytes = 0

    async def read(self, request: Request) -> bytes:
        """The body. :raises RefusedError: 413, it is too large; 503, all together are."""
        if _announced(request) > BODY_LIMIT:
            raise RefusedError(413)
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                self._bytes += len(chunk)
                if len(body) > BODY_LIMIT:
                    raise RefusedError(413)
                if self._bytes > BODIES_LIMIT:
                    raise RefusedError(503)
            return bytes(body)
        finally:
            self._bytes -= len(body)


def _announced(request: Request) -> int:
    """How many bytes the head says that there will be; h11 has read that they are digits."""
    digits = request.headers.get("content-length", "0")
    return int(digits) if len(digits) <= len(str(BODY_LIMIT)) else BODY_LIMIT + 1


def _refuse_stale(request: Request, *, now: float) -> None:
    """:raises RefusedError: 401, by its head it cannot be from Slack, from these five minutes."""
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        raise RefusedError(401)
    if abs(now - int(timestamp)) > FRESH_S:
        raise RefusedError(401)


def _refuse_unsigned(verifier: SignatureVerifier, request: Request, body: bytes) -> None:
    """:raises RefusedError: 401, not Slack's signature of this body."""
    timestamp = request.headers["x-slack-request-timestamp"]
    try:
        if verifier.is_valid(body, timestamp, request.headers["x-slack-signature"]):
            return
    except ValueError:  # the SDK decodes the body: not UTF-8, so not Slack's
        pass
    raise RefusedError(401)


def _parse(request: Request, body: bytes) -> BoltRequest:
    """:raises RefusedError: 400, signed but no payload; Bolt takes apart whatever it is given."""
    if not is_readable(body, content_type=request.headers.get("content-type", "")):
        raise RefusedError(400)
    try:
        return to_bolt_request(request, body)
    except Exception as error:  # a shape that Slack never sends breaks Bolt itself
        raise RefusedError(400) from error


def _dispatch(side: SlackSide, request: BoltRequest) -> BoltResponse:
    return dispatched(side.app, request, observer=side.observer)
