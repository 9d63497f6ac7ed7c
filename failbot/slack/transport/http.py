"""Slack's requests over HTTP: checked before anything reads them, then handed to Bolt.

Source: docs.slack.dev, "Verifying requests from Slack".
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from failbot.config import Config
from failbot.errors import FailbotError
from failbot.slack.app import SlackSide

logger = logging.getLogger(__name__)

BODY_LIMIT = 1_000_000  # bytes; Slack's largest payloads are a tenth of it
EVENTS_PATH = "/slack/events"
HEALTH_PATH = "/healthz"

Health = Callable[[], dict[str, object]]


class RefusedError(Exception):
    """A request that is answered with this status, unread."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"HTTP {status}")


def asgi_app(config: Config, side: SlackSide, *, health: Health) -> Starlette:
    """The web application: `POST /slack/events`, `GET /healthz`.

    :param health: facts for /healthz, such as whether the model is ready; it asks the store, and
    raises FailbotError where that does not answer.
    """
    verifier = SignatureVerifier(config.slack_signing_secret)

    async def events(request: Request) -> Response:
        try:
            body = await _read(request)
            _verify(verifier, request, body)
            bolt_request = _parse(request, body)
            return to_starlette_response(await run_in_threadpool(_dispatch, side, bolt_request))
        except RefusedError as refused:
            return Response(status_code=refused.status)

    async def healthz(request: Request) -> Response:
        try:
            return JSONResponse({"ok": True} | await run_in_threadpool(health))
        except FailbotError as error:
            return JSONResponse({"ok": False, "error": str(error)}, status_code=503)

    return Starlette(
        routes=[
            Route(EVENTS_PATH, events, methods=["POST"]),
            Route(HEALTH_PATH, healthz, methods=["GET"]),
        ]
    )


async def _read(request: Request) -> bytes:
    """The body. :raises RefusedError: 413 as soon as it is known to be too large."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > BODY_LIMIT:
        raise RefusedError(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise RefusedError(413)
    return bytes(body)


def _verify(verifier: SignatureVerifier, request: Request, body: bytes) -> None:
    """:raises RefusedError: 401, not Slack's signature, or older than five minutes."""
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    # The SDK raises on what is not ASCII digits, not ASCII, or not UTF-8; Bolt's own check would
    # answer 500 to these, and log the body of a request that it rejects.
    well_formed = timestamp.isascii() and timestamp.isdigit() and signature.isascii()
    try:
        if well_formed and verifier.is_valid(body, timestamp, signature):
            return
    except ValueError:
        pass
    raise RefusedError(401)


def _parse(request: Request, body: bytes) -> BoltRequest:
    """:raises RefusedError: 400, signed but no payload; Bolt takes apart whatever it is given."""
    try:
        return to_bolt_request(request, body)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise RefusedError(400) from error


def _dispatch(side: SlackSide, bolt_request: BoltRequest) -> BoltResponse:
    """:raises RefusedError: 400, a payload of a shape that Slack never sends breaks Bolt itself."""
    try:
        return side.app.dispatch(bolt_request)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        logger.error("Bolt cannot read a signed payload: %s", type(error).__name__)
        raise RefusedError(400) from error
