"""An OpenAI-compatible chat API: one call with its deadline, its retry and what it refuses."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from failbot.errors import ReaderError, UnusableError
from failbot.reader.addresses import is_local_host
from failbot.reader.base import Stats
from failbot.reader.guards import Breaker, MinuteLimit
from failbot.reader.prompts import Request, merged
from failbot.reader.replies import ReplyError

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

log = logging.getLogger(__name__)

Value = TypeVar("Value")

RETRY_AFTER_S = 0.3  # before the one retry, where the server names no time
LEAST_S = 0.5  # with less left than this nothing is sent
SAID = 500  # characters of a refusal that are looked at
TRANSIENT = frozenset({408, 409, 425, 429})  # and 500 upwards
# How the answer's form is asked for, in this order. `json_object` with a schema beside it is
# llama-cpp-python's way (its README, "JSON Schema Mode").
SCHEMA, OBJECT_SCHEMA, OBJECT, PLAIN = FORMS = (
    "json_schema",
    "json_object with schema",
    "json_object",
    "text",
)
# Words of a 5xx that speak of the request's form: llama-cpp-python refuses with a 500.
REFUSING = ("response_format", "json_schema", "temperature", "max_tokens")


class Completing(Protocol):
    """Whatever answers a request: a server, or files. Any thread may call it."""

    def complete(self, request: Request[Value], *, deadline_s: float, only_local: bool) -> Value:
        """What `request.read` makes of the reply.

        :param only_local: the text goes to an address on this machine or network, or nowhere.
        :raises UnusableError: there is a reply, and it cannot be used, or it is a refusal.
        :raises ReaderError: there is no reply in time.
        """

    def is_local(self) -> bool:
        """Whether it is on this machine or network."""

    def stats(self) -> Stats:
        """What has happened since the process began."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a request the server takes."""

    form: str = SCHEMA
    has_temperature: bool = True
    has_system: bool = True
    limit_name: str = "max_tokens"

    def without(self, words: str) -> Shape | None:
        """The shape without what this refusal speaks of; None when there is nothing left to drop.

        What servers say differs: a word of the parameter's name is all that is relied on, and a
        400 that names nothing is taken for the schema's.
        """
        if "context" in words:
            return None
        if "max_tokens" in words and self.limit_name == "max_tokens":
            return replace(self, limit_name="max_completion_tokens")
        if "temperature" in words and self.has_temperature:
            return replace(self, has_temperature=False)
        if "system" in words and "role" in words and self.has_system:
            return replace(self, has_system=False)
        lower = FORMS[FORMS.index(self.form) + 1 :]
        return replace(self, form=lower[0]) if lower else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the model is and what it is called."""

    url: str
    model: str
    key: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


class _TransientError(Exception):
    """It may succeed the next time; `wait_s` before which it will not.

    `error` is what the caller gets where it does not.
    """

    def __init__(
        self,
        words: str,
        *,
        wait_s: float = RETRY_AFTER_S,
        error: type[ReaderError] = ReaderError,
    ) -> None:
        self.wait_s = wait_s
        self.error = error
        super().__init__(words)


class _RefusedError(Exception):
    """The server refuses the form of the request; the text is its own words, lower case."""


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    prompt_tokens: int
    completion_tokens: int


class Chat:
    """See Completing. Nothing is connected before the first call."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        per_minute: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._sleep = sleep
        self._breaker = Breaker()
        self._limit = MinuteLimit(per_minute)
        self._lock = threading.Lock()
        self._stats = Stats()
        self._shape = Shape()  # the last that was taken

    def is_local(self) -> bool:
        return is_local_host(self._endpoint.host)

    def stats(self) -> Stats:
        with self._lock:
            return replace(self._stats, is_open=self._breaker.is_open)

    def complete(self, request: Request[Value], *, deadline_s: float, only_local: bool) -> Value:
        """See Completing.complete; one retry, and none when the deadline leaves no time for it."""
        openai()  # the first import takes a second, which is not the server's
        self._admit()
        began = self._clock()
        is_good = False
        try:
            value = self._attempts(request, until=began + deadline_s, only_local=only_local)
            is_good = True
            return value
        except _TransientError as error:
            raise error.error(str(error)) from error
        finally:
            now = self._clock()
            self._breaker.report(now, is_good=is_good)
            self._count(calls=1, failed=int(not is_good), seconds=now - began)

    def _admit(self) -> None:
        now, reason = self._clock(), ""
        if not self._limit.admit(now):
            reason = f"there were {self._limit.calls} calls in the last minute"
        elif not self._breaker.admit(now):
            reason = "it failed several times in a row and rests for a minute"
        if reason:
            self._count(refused=1)
            raise ReaderError(reason)

    def _attempts(self, request: Request[Value], *, until: float, only_local: bool) -> Value:
        shape, retries = self._shape, 1
        while True:
            try:
                value = self._attempt(request, shape, until=until, only_local=only_local)
                self._learn(shape)
                return value
            except _RefusedError as error:
                lesser = shape.without(str(error))
                if lesser is None:
                    raise _refusal(str(error)) from error
                shape = lesser
            except _TransientError as error:
                if not retries or until - self._clock() < error.wait_s + LEAST_S:
                    raise
                retries -= 1
                self._sleep(error.wait_s)

    def _attempt(
        self, request: Request[Value], shape: Shape, *, until: float, only_local: bool
    ) -> Value:
        reply = self._send(request, shape, until=until, only_local=only_local)
        self._count(prompt_tokens=reply.prompt_tokens, completion_tokens=reply.completion_tokens)
        try:
            return request.read(reply.text)
        except ReplyError as error:
            words = f"its answer cannot be used: {error}"
            raise _TransientError(words, error=UnusableError) from error

    def _send(
        self, request: Request[Value], shape: Shape, *, until: float, only_local: bool
    ) -> _Reply:
        failures = openai()
        client = self._client(until=until, only_local=only_local)
        try:
            with client:
                return _reply(client.chat.completions.create(**self._body(request, shape)))
        except failures.APITimeoutError as error:
            raise _TransientError("it did not answer in time") from error
        except failures.APIConnectionError as error:
            raise _TransientError(f"it cannot be reached ({_cause(error)})") from error
        except failures.APIStatusError as error:
            raise _said(error) from error
        except (failures.OpenAIError, ValueError, TypeError) as error:
            raise _TransientError(f"it answers what is no JSON ({type(error).__name__})") from error

    def _client(self, *, until: float, only_local: bool) -> OpenAI:
        """A client for one exchange: it lives no longer than its deadline."""
        import httpx2

        from failbot.reader.wire import GuardedTransport

        left = max(until - self._clock(), 0.001)
        transport = GuardedTransport(until=time.monotonic() + left, only_local=only_local)
        made: OpenAI = openai().OpenAI(
            base_url=self._endpoint.url,
            api_key=self._endpoint.key or "none",
            organization="",
            project="",
            max_retries=0,
            timeout=left,
            http_client=httpx2.Client(transport=transport, follow_redirects=False, trust_env=False),
        )
        return made

    def _body(self, request: Request[Value], shape: Shape) -> dict[str, Any]:
        messages = request.messages if shape.has_system else merged(request.messages)
        body: dict[str, Any] = {"model": self._endpoint.model, "messages": list(messages)}
        body[shape.limit_name] = request.most_tokens
        if shape.has_temperature:
            body["temperature"] = 0
        if shape.form == SCHEMA:
            schema = {"name": request.kind, "strict": True, "schema": request.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif shape.form == OBJECT_SCHEMA:
            body["response_format"] = {"type": "json_object", "schema": request.schema}
        elif shape.form == OBJECT:
            body["response_format"] = {"type": "json_object"}
        return body

    def _learn(self, shape: Shape) -> None:
        """From now on this shape is sent first."""
        if shape != self._shape:
            log.info("the language model takes %s", shape)
        with self._lock:
            self._shape = shape
            self._stats = replace(self._stats, form=shape.form)

    def _count(self, **more: float) -> None:
        with self._lock:
            sums = {name: getattr(self._stats, name) + value for name, value in more.items()}
            self._stats = replace(self._stats, **sums)


def openai() -> Any:
    """The client library, whose own logs would hold what people wrote. :raises ReaderError:"""
    try:
        import openai as library
    except ImportError as error:
        raise ReaderError("its client is not installed: pip install 'failbot[llm]'") from error
    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return library


def warm_up() -> None:
    """Imports the client library, which takes a second; one that is missing is said in the log."""
    try:
        openai()
    except ReaderError as error:
        log.warning("questions are answered without the language model: %s", error)


def _reply(answer: Any) -> _Reply:
    """What the server said; the client library checks nothing of it. :raises _TransientError:"""
    try:
        text = answer.choices[0].message.content
    except (AttributeError, IndexError, TypeError) as error:
        raise _TransientError("it answers what is no chat completion") from error
    if not isinstance(text, str):
        raise _TransientError("its answer holds no text")
    usage = getattr(answer, "usage", None)
    return _Reply(text, _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens"))


def _refusal(words: str) -> ReaderError:
    """The server's own words may repeat what was sent: they are for the operator alone."""
    if "context" in words:
        return UnusableError("its context is too short for question and entries", details=words)
    return UnusableError("it refuses the request", details=words)


def _tokens(usage: Any, name: str) -> int:
    count = getattr(usage, name, 0)
    return count if isinstance(count, int) and count > 0 else 0


def _said(error: APIStatusError) -> Exception:
    """What an answer with an error's status means."""
    code, words = error.status_code, error.message[:SAID].lower()
    if code in (400, 415, 422) or (code >= 500 and any(one in words for one in REFUSING)):
        return _RefusedError(f"{code} {words}")
    if code in TRANSIENT or code >= 500:
        return _TransientError(
            "it is asked too often (429)" if code == 429 else f"it answers with status {code}",
            wait_s=_wait_s(error.response.headers.get("retry-after", "")),
        )
    advice = {401: "; check FAILBOT_LLM_KEY", 403: "; check FAILBOT_LLM_KEY"}
    advice[404] = "; check FAILBOT_LLM_URL and FAILBOT_LLM_MODEL"
    return ReaderError(f"it answers with status {code}{advice.get(code, '')}")


def _wait_s(header: str) -> float:
    """Seconds; RFC 9110, section 10.2.3, knows a date too, which no such server sends."""
    return max(float(header), RETRY_AFTER_S) if header.isdigit() else RETRY_AFTER_S


def _cause(error: BaseException) -> str:
    """What lies at the bottom, in few words that hold nothing of what was sent."""
    cause = error.__cause__ or error
    return " ".join(str(cause).split())[:120] or type(cause).__name__
