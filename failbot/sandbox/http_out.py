"""HTTP mode: signed requests to the app's request URL.

Source: docs.slack.dev, authentication/verifying-requests-from-slack, and Events API headers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode, urlsplit

from failbot.sandbox.core import Core
from failbot.sandbox.delivery import Deliveries, Delivery, Reply
from failbot.sandbox.refusal import JsonObject, PersonError

REQUEST_TIMEOUT_S = 10.0
_RETRY_REASONS = {"timeout": "http_timeout"}


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The v0 signature of a request body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpMode:
    """A `Transport` that posts to `app.request_url`; loopback only."""

    def __init__(self, core: Core, deliveries: Deliveries) -> None:
        self._core = core
        self._deliveries = deliveries
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="sandbox-http")
        # Straight to the app, whatever proxy the environment names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(self, delivery: Delivery, attempt: int) -> None:
        """Start one attempt in the pool."""
        request = self._request(delivery)
        self._pool.submit(self._post, request, lambda r: self._replied(delivery, attempt, r))

    def verify_url(self, url: str) -> bool:
        """True if the app answers Slack's url_verification challenge at this address."""
        check_loopback(url)
        body = {"token": "t", "challenge": "sandbox-challenge", "type": "url_verification"}
        answers: list[Reply] = []
        data = json.dumps(body).encode()
        self._post(self._signed(url, data, "application/json"), answers.append)
        answer = answers[0].body
        return answer in ("sandbox-challenge", {"challenge": "sandbox-challenge"})

    def stop(self) -> None:
        """Let requests under way end; take no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _replied(self, delivery: Delivery, attempt: int, reply: Reply) -> None:
        self._deliveries.replied(delivery, attempt, reply)

    def _request(self, delivery: Delivery) -> urllib.request.Request:
        body, content_type = _encode(delivery)
        request = self._signed(self._core.app.request_url or "", body, content_type)
        if delivery.attempt > 1:
            reason = str(delivery.retry_reason)
            request.add_header("X-Slack-Retry-Num", str(delivery.retry_attempt))
            request.add_header("X-Slack-Retry-Reason", _RETRY_REASONS.get(reason, reason))
        return request

    def _signed(self, url: str, body: bytes, content_type: str) -> urllib.request.Request:
        # Real time, not the sandbox's: the app checks the age of a request by its own clock.
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._core.app.signing_secret, timestamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        return urllib.request.Request(url, data=body, headers=headers, method="POST")

    def _post(self, request: urllib.request.Request, done: Callable[[Reply], None]) -> None:
        try:
            with self._opener.open(request, timeout=REQUEST_TIMEOUT_S) as response:
                done(Reply(_decode(response.read(), response.headers.get_content_type())))
        except urllib.error.HTTPError as error:
            no_retry = error.headers.get("X-Slack-No-Retry") == "1"
            done(Reply(failure="http_error", no_retry=no_retry))
        except TimeoutError:
            done(Reply(failure="timeout"))
        except OSError:
            done(Reply(failure="connection_failed"))


def check_loopback(url: str) -> None:
    """Return quietly if the address is on this machine.

    :raises PersonError: otherwise; the sandbox sends nothing beyond loopback.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise PersonError("the sandbox delivers to http:// addresses on loopback only")


def _encode(delivery: Delivery) -> tuple[bytes, str]:
    form = "application/x-www-form-urlencoded"
    match delivery.kind:
        case "events_api":
            return json.dumps(delivery.payload).encode(), "application/json"
        case "slash_commands":
            return urlencode(delivery.payload).encode(), form
        case _:
            payload: JsonObject = {"payload": json.dumps(delivery.payload)}
            return urlencode(payload).encode(), form


def _decode(body: bytes, content_type: str) -> Any:
    text = body.decode("utf-8", "replace")
    if content_type == "application/json" and text.strip():
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
