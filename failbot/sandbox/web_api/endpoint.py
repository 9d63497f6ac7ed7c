"""Web API requests from the wire to an answer: parsing, tokens, faults, records."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from starlette.requests import Request

from failbot.sandbox.faults import ApiFault
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import ApiCall
from failbot.sandbox.web_api.call import Call
from failbot.sandbox.web_api.methods import METHODS, TIER_2

APP_LEVEL = "apps.connections.open"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `reset` says that the connection breaks instead of answering."""

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    reset: bool = False
    delay_s: float = 0.0


async def read_arguments(request: Request) -> JsonObject:
    """Query and body of a request as one set of arguments.

    :raises Refusal: invalid_json, invalid_form_data.
    """
    arguments: JsonObject = dict(request.query_params)
    body = await request.body()
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if not body:
        return arguments
    try:
        if content_type == "application/json":
            parsed = json.loads(body)
            if not isinstance(parsed, dict):
                raise Refusal("json_not_object")
            return arguments | parsed
        return arguments | dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
    except ValueError:
        raise Refusal(
            "invalid_json" if content_type == "application/json" else "invalid_form_data"
        ) from None


class WebApi:
    """Answers Web API calls; one at a time, under the core's lock."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def answer(self, request: Request, method: str) -> Answer:
        """The answer to one request, faults included; the call is recorded."""
        try:
            arguments = await read_arguments(request)
        except Refusal as refusal:
            return self._written(refusal.body())
        core = self._platform.core
        with core.changing():
            fault = self._platform.faults.take_api(method)
            hangs = fault is not None and fault.kind == "hang"
            released = self._platform.hanging.begin() if hangs else None
        if released is not None:
            await released.wait()
            fault = None
        with core.changing():
            token = _token(request, arguments)
            arguments.pop("token", None)
            return self.call(method, arguments, token, headers=dict(request.headers), fault=fault)

    def call(
        self,
        method: str,
        arguments: JsonObject,
        token: str | None,
        *,
        headers: dict[str, str] | None = None,
        fault: ApiFault | None = None,
    ) -> Answer:
        """The answer to a call however it came; it is recorded. Any thread."""
        core = self._platform.core
        with core.changing():
            answer, error = self._with_fault(fault, method, arguments, token)
            at = core.clock.time()
            core.calls.append(ApiCall(method, arguments, not error, error, at, headers or {}))
            return answer

    def _with_fault(
        self, fault: ApiFault | None, method: str, arguments: JsonObject, token: str | None
    ) -> tuple[Answer, str | None]:
        if fault is not None and fault.kind not in ("reset_after", "slow"):
            return _faulty(fault), fault.error or fault.kind
        answer, error = self._answer(method, arguments, token)
        if fault is not None and fault.kind == "reset_after":
            answer = Answer("", reset=True)
        elif fault is not None:
            answer = replace(answer, delay_s=fault.seconds)
        return answer, error

    def _answer(
        self, method: str, arguments: JsonObject, token: str | None
    ) -> tuple[Answer, str | None]:
        try:
            body = self._call(method, arguments, token)
        except Refusal as refusal:
            return self._refused(refusal), refusal.error
        return self._written({"ok": True} | body), None

    def _call(self, method: str, arguments: JsonObject, token: str | None) -> JsonObject:
        if method == APP_LEVEL:
            return self._open_connection(token)
        known = METHODS.get(method)
        if known is None:
            raise Refusal("unknown_method", fields={"req_method": method})
        if method != "api.test":
            self._check_token(token)
        self._platform.rate_limits.count(method, per_minute=known.per_minute)
        return known.answer(Call(self._platform, method, arguments))

    def _open_connection(self, token: str | None) -> JsonObject:
        app = self._platform.app
        if token is None:
            raise Refusal("not_authed")
        if token != app.app_token:
            known = token == app.bot_token
            raise Refusal("not_allowed_token_type" if known else "invalid_auth")
        if self._platform.token_error:
            raise Refusal(self._platform.token_error)
        self._platform.rate_limits.count(APP_LEVEL, per_minute=TIER_2)
        return {"url": self._platform.sockets.new_url()}

    def _check_token(self, token: str | None) -> None:
        app = self._platform.app
        if token is None:
            raise Refusal("not_authed")
        if token == app.app_token:
            raise Refusal("not_allowed_token_type")
        if token != app.bot_token:
            raise Refusal("invalid_auth")
        if self._platform.token_error:
            raise Refusal(self._platform.token_error)

    def _refused(self, refusal: Refusal) -> Answer:
        if refusal.retry_after_s is not None:
            return _rate_limited(refusal.retry_after_s)
        return self._written(refusal.body())

    def _written(self, body: JsonObject) -> Answer:
        scopes = ",".join(sorted(self._platform.app.scopes))
        headers = {"x-oauth-scopes": scopes, "x-slack-req-id": "sandbox"}
        return Answer(json.dumps(body), headers=headers)


def _token(request: Request, arguments: JsonObject) -> str | None:
    header = request.headers.get("authorization", "")
    if header.lower().startswith("bearer "):
        return header[7:].strip() or None
    token = arguments.get("token")
    return str(token) if token else None


def _rate_limited(retry_after_s: float) -> Answer:
    headers = {"Retry-After": str(int(retry_after_s))}
    return Answer(json.dumps({"ok": False, "error": "ratelimited"}), 429, headers)


def _faulty(fault: ApiFault) -> Answer:
    match fault.kind:
        case "error":
            return Answer(json.dumps({"ok": False, "error": fault.error}))
        case "ratelimit":
            return _rate_limited(fault.seconds)
        case "reset_before":
            return Answer("", reset=True)
        case "html":
            page = fault.body or "<!DOCTYPE html><html><body>Something went wrong</body></html>"
            return Answer(page, 200, content_type="text/html; charset=utf-8")
        case _:
            return Answer(fault.body, fault.status, content_type="text/plain; charset=utf-8")
