"""The control interface over HTTP: `POST /control/<verb>` with a JSON object of arguments.

A verb of a person carries `as` with their id. Answers are `{"ok": true, "result": …}`, or
`{"ok": false, "error": "…"}` with status 400 when the person could not have done it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from failbot.sandbox.control import Control
from failbot.sandbox.refusal import PersonError

PERSON_VERBS = frozenset(
    [
        "say",
        "edit",
        "delete",
        "dismiss",
        "join",
        "leave",
        "invite",
        "dm",
        "command",
        "shortcut",
        "click",
        "fill",
        "submit",
        "close_view",
        "open_home",
        "open_dm",
        "view",
        "home",
        "notices",
        "channels",
        "messages",
        "see",
    ]
)
VERBS = frozenset(
    [
        "idle",
        "version",
        "wait_changed",
        "now",
        "advance",
        "set_clock",
        "calls",
        "alarms",
        "complaints",
        "deliveries",
        "messages",
        "forget",
        "late",
        "drop",
        "double",
        "reorder",
        "hold",
        "release",
        "fail_api",
        "ratelimit",
        "fail_http",
        "answer_html",
        "reset_connection",
        "slow",
        "clear_faults",
        "sockets",
        "refresh_sockets",
        "deafen_sockets",
        "cut_sockets",
        "deliver_to",
        "verify_url",
        "break_token",
        "mend_token",
        "set_app",
        "set_rate_limits",
        "hang",
        "hanging",
        "unhang",
        "add_person",
        "add_guest",
        "add_outsider",
        "change_person",
        "join",
        "leave",
        "add_channel",
        "add_group",
        "rename",
        "archive",
        "unarchive",
        "convert",
        "remove_channel",
        "invite_team",
        "share",
        "unshare",
        "share_in_org",
        "send_event",
        "wait_connected",
    ]
)


def control_routes(control: Control) -> list[BaseRoute]:
    """The routes of the control interface."""

    async def endpoint(request: Request) -> Response:
        return await _answer(control, request)

    return [Route("/control/{verb}", endpoint, methods=["POST"])]


async def _answer(control: Control, request: Request) -> Response:
    try:
        # A JSON content type cannot be sent across origins without a preflight.
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            raise PersonError("send JSON, with its content type")
        arguments = json.loads(await request.body() or b"{}")
        if not isinstance(arguments, dict):
            raise PersonError("send a JSON object of arguments")
        result = await run_in_threadpool(_do, control, request.path_params["verb"], arguments)
    except (PersonError, ValueError, TypeError, TimeoutError) as error:
        return JSONResponse({"ok": False, "error": str(error)}, 400)
    return JSONResponse({"ok": True, "result": result})


def _do(control: Control, verb: str, arguments: dict[str, Any]) -> Any:
    user_id = arguments.pop("as", None)
    if user_id is not None:
        if verb not in PERSON_VERBS:
            raise PersonError(f"a person cannot {verb}")
        return getattr(control.as_(str(user_id)), verb)(**arguments)
    if verb not in VERBS:
        raise PersonError(f"there is no {verb}")
    if verb == "set_clock":
        arguments["moment"] = datetime.fromisoformat(arguments["moment"])
    result = getattr(control, verb)(**arguments)
    return result.isoformat() if isinstance(result, datetime) else result
