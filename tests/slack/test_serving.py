"""The two ways in: what is let through, what is turned away, and how it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from failbot.errors import ConfigError, SlackError
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.server import Sandbox
from failbot.slack.transport.serve import serve_http, serve_socket
from failbot.threads import Stop
from tests.slack.conftest import Running, Start, config_for

CLIENT = httpx.Client(verify=False)  # plain HTTP on loopback; loading certificates takes 30 ms
NAN = "The loss became NaN at step 900 with fp16 gradients"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module", autouse=True)
def _closed_at_the_end() -> Iterator[None]:
    yield
    CLIENT.close()


def post(
    bot: Running,
    body: Any,
    *,
    content_type: str = JSON,
    timestamp: str = "",
    signature: str = "",
    secret: str = "",
) -> httpx.Response:
    """A request signed as Slack does, unless a part of that is given."""
    timestamp = timestamp or str(int(time.time()))
    if not signature:
        signed = b"v0:" + timestamp.encode("utf-8", "replace") + b":" + body
        signature = _sign(secret or bot.box.signing_secret, signed)
    headers = {
        b"content-type": content_type.encode(),
        b"x-slack-request-timestamp": timestamp.encode(),
        b"x-slack-signature": signature.encode(),
    }
    url = f"http://127.0.0.1:{bot.port}/slack/events"
    return CLIENT.post(url, content=body, headers=list(headers.items()))


def _sign(secret: str, signed: bytes) -> str:
    import hashlib
    import hmac

    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


@pytest.fixture
def web(start: Start) -> Running:
    return start(over_http=True)


def test_the_whole_conversation_over_socket_mode(start: Start, ada: Actor, ben: Actor) -> None:
    """Log by form as one, ask in a mention as another; also after Slack refreshed the socket."""
    bot = start(over_http=False)
    bot.log(ada, NAN)
    assert "F-1" in str(bot.ask(ben, f"@failbot {NAN}"))
    before = {one["number"] for one in bot.control.sockets()}
    bot.control.refresh_sockets()
    bot.control.wait_for(
        lambda: [one for one in bot.control.sockets() if one["number"] not in before]
    )
    bot.control.wait_for(
        lambda: not [one for one in bot.control.sockets() if one["number"] in before]
    )
    assert "F-1" in str(bot.ask(ben, f"@failbot {NAN} again"))


def test_an_event_that_could_not_be_stored_is_not_acked(start: Start, ben: Actor) -> None:
    """Slack repeats it, and it is answered once then."""
    bot = start()
    body = {"type": "event_callback", "team_id": factory.TEAM_ID, "event_id": "Ev1"}
    body["event"] = {
        "type": "app_mention",
        "channel": factory.GENERAL,
        "user": factory.BEN,
        "text": NAN,
        "ts": "1700000000.000100",
    }
    bot.store.close()
    assert post(bot, json.dumps(body).encode()).status_code == 503


def test_slacks_url_check_is_answered(web: Running) -> None:
    """What the app's settings page sends first."""
    answer = post(web, json.dumps({"type": "url_verification", "challenge": "abc"}).encode())
    assert (answer.status_code, "abc" in answer.text) == (200, True)


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "another"},
        {"signature": "v0=" + "0" * 64},
        {"signature": "v0=é"},
        {"signature": "x"},
        {"timestamp": "1"},
        {"timestamp": "99999999999"},
        {"timestamp": "now"},
        {"timestamp": "-5"},
        {"timestamp": "1e9"},
        {"timestamp": "١٧"},
        {"timestamp": "9" * 400},
        {"timestamp": "9" * 5000},
        {"timestamp": "1.7e9"},
        {"timestamp": str(int(time.time()) - 301)},
        {"timestamp": str(int(time.time()) + 9_000)},
    ],
)
def test_what_slack_did_not_sign_just_now_is_refused(web: Running, change: dict[str, str]) -> None:
    """401, whatever is wrong with it."""
    body = urlencode({"command": "/failure", "user_id": "U1", "team_id": "T1"}).encode()
    assert post(web, body, content_type=FORM, **change).status_code == 401


def test_a_request_without_signature_is_refused(web: Running) -> None:
    """401."""
    answer = CLIENT.post(f"http://127.0.0.1:{web.port}/slack/events", content=b"{}")
    assert answer.status_code == 401


def test_a_large_body_is_refused_unread(web: Running) -> None:
    """413, with and without an announced length, whoever may have signed it."""
    large = b"x" * 1_100_000
    assert post(web, large).status_code == 413
    assert post(web, iter([large[:600_000], large]), signature="v0=" + "0" * 64).status_code == 413


def test_a_nest_of_brackets_is_refused(web: Running) -> None:
    """400, as an event and as a form, however deep; nothing recurses into it."""
    for depth in (65, 1_000, 100_000):
        nest = b'{"type": "event_callback", "event": ' + b"[" * depth + b"]" * depth + b"}"
        assert post(web, nest).status_code == 400
        form = urlencode({"payload": nest.decode()}).encode()
        assert post(web, form, content_type=FORM).status_code == 400


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": None},
        {"type": "block_actions", "actions": [None]},
        {"type": "event_callback", "authorizations": [5]},
        {"type": "event_callback", "authorizations": {"0": 1}},
        {"type": "event_callback", "event": {"type": ["x"], "channel": {"id": []}}},
        {"type": "view_submission", "view": []},
    ],
)
def test_a_shape_that_slack_never_sends_is_no_500(web: Running, payload: dict[str, Any]) -> None:
    """Bolt breaks on some: that is refused, or not acked."""
    form = urlencode({"payload": json.dumps(payload)}).encode()
    for answer in (post(web, json.dumps(payload).encode()), post(web, form, content_type=FORM)):
        assert answer.status_code in (200, 400, 404, 503)


def test_a_defect_is_told_with_a_reference_that_is_in_the_log(
    web: Running, ada: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    """A button whose value is not a number was made by nobody; it breaks, and says so."""
    body = {
        "type": "block_actions",
        "team": {"id": factory.TEAM_ID},
        "user": {"id": factory.ADA},
        "channel": {"id": factory.GENERAL, "name": "general"},
        "actions": [{"type": "button", "action_id": "delete_failure", "value": "none"}],
    }
    payload = urlencode({"payload": json.dumps(body)}).encode()
    assert post(web, payload, content_type=FORM).status_code == 200
    told = web.control.wait_for(lambda: ada.messages(factory.GENERAL))
    reference = told[0]["text"].rpartition(" ")[2]
    assert "failbot broke" in told[0]["text"]
    assert f"reference {reference}" in caplog.text


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "event", "user", "channel", "text", "ts", "team", "view", "actions", "id"]
            ),
            parts,
            max_size=5,
        )
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(
    ["event_callback", "block_actions", "view_submission", "message_action", "shortcut", "x"]
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kind=TYPES, body=st.dictionaries(st.sampled_from(["event", "view"]), SHAPES), raw=SHAPES)
def test_a_signed_but_malformed_payload_breaks_nothing(
    web: Running, kind: str, body: dict[str, Any], raw: Any
) -> None:
    """No answer of 500, and the next request is served."""
    for payload in (body | {"type": kind}, raw):
        sent = json.dumps(payload).encode()
        assert post(web, sent).status_code != 500
        form = urlencode({"payload": sent.decode()}).encode()
        assert post(web, form, content_type=FORM).status_code != 500


def test_a_missing_setting_is_named(start: Start, box: Sandbox, tmp_path: Path) -> None:
    """Before anything is connected."""
    bot = start()
    stop = Stop()
    with pytest.raises(ConfigError, match="SLACK_APP_TOKEN"):
        serve_socket(config_for(box, tmp_path, slack_app_token=""), bot.side, stop=stop)
    with pytest.raises(ConfigError, match="SLACK_SIGNING_SECRET"):
        serve_http(config_for(box, tmp_path, slack_signing_secret=""), bot.side, stop=stop)


def test_a_taken_port_is_named(start: Start, box: Sandbox, tmp_path: Path) -> None:
    """With the setting that mends it."""
    bot = start()
    config = config_for(box, tmp_path, port=bot.port)
    with pytest.raises(ConfigError, match="FAILBOT_PORT"):
        serve_http(config, bot.side, stop=Stop())


def test_a_refused_app_token_is_named(start: Start, box: Sandbox, tmp_path: Path) -> None:
    """Instead of trying for ever."""
    bot = start()
    config = config_for(box, tmp_path, slack_app_token="xapp-wrong")
    with pytest.raises(SlackError, match="SLACK_APP_TOKEN"):
        serve_socket(config, bot.side, stop=Stop())


def test_our_signatures_are_slacks() -> None:
    """The test's own signing agrees with the SDK's."""
    made = SignatureVerifier("secret").generate_signature(timestamp="5", body="text")
    assert made == _sign("secret", b"v0:5:text")
