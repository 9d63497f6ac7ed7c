"""A request into Bolt and its answer out, the same over both transports."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from slack_bolt import App, BoltRequest, BoltResponse

from failbot.observer import Observer

logger = logging.getLogger(__name__)

# docs.slack.dev, "Interaction payloads" and "Events API": their types, and what failbot calls them.
KINDS = {
    "block_actions": "action",
    "event_callback": "event",
    "message_action": "shortcut",
    "shortcut": "shortcut",
    "url_verification": "check",
    "view_submission": "form",
}


def dispatched(app: App, request: BoltRequest, *, observer: Observer) -> BoltResponse:
    """What Bolt and the listeners answer; 400 to a shape that Slack never sends, which breaks Bolt
    itself, and 503, on which Slack sends again, where Bolt would say 500."""
    since = time.perf_counter()
    kind = kind_of(request.body)
    try:
        response = app.dispatch(request)
    except Exception as error:
        logger.error("Bolt cannot read a payload: %s", type(error).__name__)
        response = BoltResponse(status=400)
    if response.status == 500:
        response = BoltResponse(status=503)
    seconds = time.perf_counter() - since
    observer.acked(kind, seconds=seconds, status=response.status)
    logger.info(
        "%s answered with %s in %.0f ms",
        kind,
        response.status,
        seconds * 1000,
        extra={"kind": kind, "status": response.status, "duration_ms": round(seconds * 1000, 1)},
    )
    return response


def kind_of(body: Mapping[str, object]) -> str:
    """Which of few kinds a payload is, whatever stands in it."""
    if "command" in body:
        return "command"
    name = body.get("type")
    return KINDS.get(name, "other") if isinstance(name, str) else "other"
