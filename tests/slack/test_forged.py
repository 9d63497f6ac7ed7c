"""Requests that Slack did not send, many of them: none is taken, none breaks anything."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from urllib.parse import urlencode

import httpx
import pytest

from failbot.sandbox import factory
from failbot.sandbox.http_out import sign
from tests.slack.conftest import Running, Start

SEED = int(os.environ.get("FAILBOT_TEST_SEED") or random.SystemRandom().randrange(10**6))
CANARY = "canary-in-a-forged-request"
PARTS = [
    "[",
    "]",
    "{",
    "}",
    '"',
    ":",
    ",",
    "\\",
    "\x00",
    "\ud7ff",
    "é",
    "0",
    "payload=",
    "%00",
    "&",
]

# Each makes headers and body of one request; the time is within five minutes unless it says so.
Request = tuple[dict[bytes, bytes], bytes]


def event(draw: random.Random) -> bytes:
    """What would be answered if it were believed."""
    body = {
        "type": "event_callback",
        "team_id": factory.TEAM_ID,
        "event_id": f"Ev{draw.randrange(10**9)}",
        "event": {
            "type": "app_mention",
            "channel": factory.GENERAL,
            "user": factory.BEN,
            "text": CANARY,
            "ts": f"17000000{draw.randrange(10, 99)}.{draw.randrange(10**6):06}",
        },
    }
    return json.dumps(body).encode()


def garbage(draw: random.Random) -> bytes:
    return "".join(draw.choices(PARTS, k=draw.randrange(400))).encode()


def body_of(draw: random.Random) -> bytes:
    form = urlencode({"command": "/failure", "text": CANARY, "team_id": factory.TEAM_ID}).encode()
    nest = b"[" * draw.randrange(1, 5_000)
    return draw.choice([event(draw), form, garbage(draw), nest, b"", draw.randbytes(300)])


def forged(draw: random.Random, secret: str) -> Request:
    """One thing is wrong with it: the secret, the time, the body that was signed, or its form."""
    now, body = int(time.time()), body_of(draw)
    stamp = str(now)
    good = sign(secret, stamp, body)
    old = str(now - draw.randrange(301, 10**9))
    huge = "9" * draw.randrange(13, 2_000)
    odd = draw.choice(["", "now", "-1", "1e9", f"{now}.0", f"+{now}", f"{now} 1", "٣" * 10, huge])
    wrong = draw.choice(["", "v0=", "v0=" + "0" * 64, "v1" + good[2:], good[:-1], good + "0", "é"])
    stamp, signature = draw.choice(
        [
            (stamp, sign("another", stamp, body)),
            (stamp, sign(secret, stamp, body + b" ")),
            (old, sign(secret, old, body)),
            (odd, sign(secret, odd, body)),
            (stamp, wrong),
        ]
    )
    return _headers(draw, stamp, signature), body


def malformed(draw: random.Random, secret: str) -> Request:
    """Rightly signed, as whoever has the secret could, and no payload of Slack's."""
    body = draw.choice([garbage(draw), b"[" * 2_000, b"5", b"null", b'"x"', draw.randbytes(200)])
    stamp = str(int(time.time()))
    return _headers(draw, stamp, sign(secret, stamp, body)), body


def _headers(draw: random.Random, stamp: str, signature: str) -> dict[bytes, bytes]:
    form, text = b"application/x-www-form-urlencoded", b"text/plain"
    return {
        b"content-type": draw.choice([b"application/json", form, text, b""]),
        b"x-slack-request-timestamp": stamp.encode(),
        b"x-slack-signature": signature.encode(),
    }


def assert_refused(bot: Running, count: int) -> None:
    print(f"FAILBOT_TEST_SEED={SEED}")
    draw, secret = random.Random(SEED), bot.box.signing_secret
    url = f"http://127.0.0.1:{bot.port}/slack/events"
    answers: Counter[tuple[str, int]] = Counter()
    with httpx.Client(verify=False) as client:
        for _ in range(count):
            make = draw.choice([forged, malformed])
            headers, body = make(draw, secret)
            answer = client.post(url, content=body, headers=list(headers.items()))
            answers[make.__name__, answer.status_code] += 1
    print(dict(answers))
    statuses = {status for name, status in answers if name == "forged"}
    assert statuses <= {400, 401}, "400 is h11's: a header that HTTP does not allow"
    assert not [status for _, status in answers if status == 500]
    assert bot.store.inbox.waiting() == 0
    assert bot.control.calls("chat.postMessage") == []


def test_forged_and_malformed_requests_are_refused(start: Start) -> None:
    """300 of them: 0 taken, 0 answers of 500."""
    assert_refused(start(), 300)


@pytest.mark.full
def test_ten_thousand_forged_and_malformed_requests_are_refused(start: Start) -> None:
    """0 taken, 0 answers of 500."""
    assert_refused(start(), 10_000)
