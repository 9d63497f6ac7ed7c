"""The way to Slack's Web API: each call goes out, takes effect or not, and is answered or not."""

from __future__ import annotations

import http.client
import io
import json
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message as Headers
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request

from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.web_api.endpoint import Answer, WebApi
from tests.simulation.chance import Chance
from tests.simulation.machine import Killed, Machine, Task
from tests.simulation.primitives import Event

ADDRESS = "http://slack.simulated"
LOOKUPS = ("users.info", "conversations.info", "conversations.members")
SEARCHES = ("conversations.history", "conversations.replies")
STOPS_S = (5.0, 20.0, 45.0, 320.0)  # beyond a job's lease, and a digest's
PASSING = ("internal_error", "fatal_error", "service_unavailable", "request_timeout")


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that took effect: what it did, and what its sender knew."""

    method: str  # "response_url" for a reply to one
    arguments: JsonObject
    answer: JsonObject
    process: str
    owner: Any
    at_s: float
    began_at_s: float
    looked_at_s: float
    claimed_at_s: float
    searched_at_s: float
    has_just_looked: bool  # into the database: no other call came between


@dataclass
class Reply:
    """urllib's response, as far as the SDK reads it."""

    body: bytes
    status: int = 200
    headers: Headers = field(default_factory=Headers)

    @property
    def code(self) -> int:
        return self.status

    def read(self) -> bytes:
        return self.body


class Wire:
    """`urlopen` for Slack's libraries; calls are answered by the sandbox's Web API."""

    def __init__(self, machine: Machine, chance: Chance, platform: Platform) -> None:
        self._machine, self._chance, self._platform = machine, chance, platform
        self._api = WebApi(platform)
        self.tell: Callable[[str], None] = lambda words: None
        self.heard: Callable[[Sent], None] = lambda sent: None
        self.lost: Callable[[str, JsonObject], None] = lambda method, arguments: None
        self.stop: Callable[[Any, float], None] = lambda owner, seconds: None

    def urlopen(self, request: Request, *, timeout: float, **_: Any) -> Reply:
        """The answer. Raises as urllib does."""
        task = self._machine.current
        assert task is not None
        method, arguments = _read(request)
        token = str(request.get_header("Authorization") or "").removeprefix("Bearer ")
        machine, chance = self._machine, self._chance
        if method == "response_url":
            arguments["key"] = token
        if chance.strikes("killed before Slack hears"):
            self.lost(method, arguments)
            raise self._killed(task)
        if chance.strikes("stopped while asking"):
            self.stop(task.owner, chance.draw.choice(STOPS_S))
            machine.sleep(0.0)
        call = _Call(self, task, method, arguments, token, timeout_s=timeout)
        machine.call_at(machine.now_s + call.travel_s, call.arrive)
        if not call.answered.wait(timeout) or call.fate.endswith("unanswered"):
            raise TimeoutError("timed out")
        if call.fate == "reset":
            raise http.client.RemoteDisconnected("Remote end closed connection without response")
        assert call.answer is not None
        return _replied(request.full_url, call.answer)

    def perform(self, call: _Call) -> Answer:
        """What Slack does when the call arrives."""
        if call.method == "response_url":
            answer = self._respond(call.arguments, call.token)
        else:
            answer = self._api.call(call.method, dict(call.arguments), call.token)
        task, now_s = call.task, self._machine.now_s
        if call.method in SEARCHES:
            task.searched_at_s = now_s
        body = json.loads(answer.body) if answer.body.startswith("{") else {"ok": True}
        said = "ok" if body.get("ok") else str(body.get("error"))
        self.tell(f"{task.owner.name}: {call.method} {_shown(call.arguments)} -> {said}")
        if answer.status == 200 and body.get("ok"):
            self.heard(
                Sent(
                    method=call.method,
                    arguments=call.arguments,
                    answer=body,
                    process=task.owner.name,
                    owner=task.owner,
                    at_s=now_s,
                    began_at_s=call.began_at_s,
                    looked_at_s=call.looked_at_s,
                    claimed_at_s=call.claimed_at_s,
                    searched_at_s=call.searched_at_s,
                    has_just_looked=call.has_just_looked,
                )
            )
        return answer

    def _respond(self, body: JsonObject, key: str) -> Answer:
        platform = self._platform
        try:
            with platform.core.changing():
                url = platform.tickets.use_response_url(key)
                body |= {"user": url.user_id, "channel": url.channel_id}
                platform.responses.apply(body, url, method="response_url")
        except Refusal as refusal:
            gone = refusal.error in ("expired_url", "used_url", "not_found")
            return Answer(json.dumps(refusal.body()), 404 if gone else 400)
        return Answer("ok", content_type="text/plain")

    def _killed(self, task: Task) -> Killed:
        task.owner.is_alive = False
        self._machine.call_at(0.0, lambda: self._chance.on_killed(task.owner))
        return Killed()


class _Call:
    """One call under way."""

    def __init__(
        self,
        wire: Wire,
        task: Task,
        method: str,
        arguments: JsonObject,
        token: str,
        *,
        timeout_s: float,
    ) -> None:
        self._wire, self._machine, self._chance = wire, wire._machine, wire._chance
        self.task, self.method, self.arguments, self.token = task, method, arguments, token
        self.answered = Event(wire._machine)
        self.answer: Answer | None = None
        self.began_at_s = wire._machine.now_s
        self.looked_at_s, self.claimed_at_s = task.looked_at_s, task.claimed_at_s
        self.searched_at_s = task.searched_at_s
        self.has_just_looked, task.has_just_looked = task.has_just_looked, False
        self.fate = self._drawn()
        draw = self._chance.draw
        self.travel_s = draw.uniform(0.005, 0.05)
        self.back_s = draw.uniform(0.005, 0.15)
        if self._chance.strikes("slow"):  # never so slow that it is done after it was given up
            self.travel_s, self.back_s = draw.uniform(0.0, 0.9) * timeout_s, draw.uniform(0.1, 9.0)

    def arrive(self) -> None:
        """At Slack."""
        if self.fate in ("", "reset", "unanswered") or self.fate.startswith("done"):
            self.answer = self._wire.perform(self)
        else:
            self._wire.tell(f"{self.task.owner.name}: {self.method} -> {self.fate}")
            self.answer = _faulty(self.fate, self._chance, self.method)
            if self.fate.startswith("undone"):
                self._wire.lost(self.method, self.arguments)
        self.fate = self.fate.removeprefix("done, ").removeprefix("undone, ")
        if self._chance.strikes("killed after Slack heard"):
            self._machine.call_at(0.0, lambda: self._chance.on_killed(self.task.owner))
        if self.fate != "unanswered":
            self._machine.call_at(self._machine.now_s + self.back_s, self.answered.set)

    def _drawn(self) -> str:
        """How it ends: "" well; "done, …" and "undone, …" leave the caller without an answer."""
        strikes = self._chance.strikes
        if self.method in LOOKUPS and strikes("look-up refused"):
            return "refused"
        for name in ("refused", "rate limited", "server error"):
            if strikes(name):
                return name
        for name in ("unanswered", "reset"):
            if strikes(f"{name}, undone"):
                return f"undone, {name}"
            if strikes(f"{name}, done"):
                return f"done, {name}"
        return ""


def _faulty(fate: str, chance: Chance, method: str) -> Answer:
    if fate == "rate limited":
        seconds = str(chance.draw.randint(1, 30))
        refusal = {"ok": False, "error": "ratelimited"}
        return Answer(json.dumps(refusal), 429, {"Retry-After": seconds})
    statuses = (502, 503) if method == "response_url" else (200, 502, 503)
    if fate == "server error" or method == "response_url":
        page = "<html><body>Something went wrong</body></html>"
        return Answer(page, chance.draw.choice(statuses), content_type="text/html")
    if fate == "refused":
        return Answer(json.dumps({"ok": False, "error": chance.draw.choice(PASSING)}))
    return Answer("", 200)


def _read(request: Request) -> tuple[str, JsonObject]:
    """The method and its arguments; the key of a response_url stands for its token."""
    parts = urlsplit(request.full_url)
    data = bytes(request.data or b"")  # type: ignore[arg-type]  # the SDK sends bytes
    kind = str(request.get_header("Content-type") or "")
    arguments: JsonObject = dict(parse_qsl(parts.query))
    if kind.startswith("application/json"):
        arguments |= json.loads(data or b"{}")
    else:
        arguments |= dict(parse_qsl(data.decode(), keep_blank_values=True))
    folder, _, name = parts.path.strip("/").partition("/")
    if folder == "response":
        request.add_header("Authorization", f"Bearer {name.rpartition('/')[2]}")
        return "response_url", arguments
    return name, arguments


def _replied(url: str, answer: Answer) -> Reply:
    """:raises HTTPError: a status that is an error to urllib."""
    headers = Headers()
    headers["Content-Type"] = answer.content_type
    for name, value in answer.headers.items():
        headers[name] = value
    body = answer.body.encode()
    if answer.status >= 400:
        raise urllib.error.HTTPError(url, answer.status, "refused", headers, io.BytesIO(body))
    return Reply(body, answer.status, headers)


SHOWN = ("channel", "user", "ts", "thread_ts", "text", "trigger_id")


def _shown(arguments: JsonObject) -> str:
    """The arguments that tell something to a reader of the trace."""
    said = {name: str(arguments[name])[:90] for name in SHOWN if arguments.get(name)}
    said.pop("trigger_id", None)  # another one in each process
    return " ".join(f"{name}={value}" for name, value in said.items())
