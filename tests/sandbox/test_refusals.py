"""Each call that Slack refuses, and the error name that it gives."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from failbot.sandbox import factory
from failbot.sandbox.control import Control
from failbot.sandbox.server import Sandbox
from tests.sandbox.blocks import button, home, modal, section

G, S = factory.GENERAL, factory.SECRET
NOWHERE = "C0NOWHERE01"

# (method, arguments, error) in the default workspace; `{said}` is a message of Ada's.
TABLE: list[tuple[str, dict[str, Any], str]] = [
    ("no.such.method", {}, "unknown_method"),
    ("chat.postMessage", {"text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": NOWHERE, "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "{outside}", "text": "x"}, "not_in_channel"),
    ("chat.postMessage", {"channel": "{hidden}", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "{archived}", "text": "x"}, "is_archived"),
    ("chat.postMessage", {"channel": G}, "no_text"),
    ("chat.postMessage", {"channel": G, "text": ""}, "no_text"),
    ("chat.postMessage", {"channel": G, "blocks": "[{]"}, "invalid_blocks_format"),
    ("chat.postMessage", {"channel": G, "blocks": "[3]"}, "invalid_blocks_format"),
    ("chat.postMessage", {"channel": G, "blocks": [section("")]}, "invalid_blocks"),
    (
        "chat.postMessage",
        {"channel": G, "blocks": [section("x" * 2_900) for _ in range(5)]},
        "msg_blocks_too_long",
    ),
    ("chat.postMessage", {"channel": G, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
    (
        "chat.postMessage",
        {"channel": G, "text": "x", "thread_ts": "{reply}"},
        "cannot_reply_to_message",
    ),
    (
        "chat.postMessage",
        {"channel": G, "text": "x", "metadata": "oops"},
        "invalid_metadata_format",
    ),
    (
        "chat.postMessage",
        {"channel": G, "text": "x", "metadata": {"event_type": "t", "event_payload": 3}},
        "invalid_metadata_schema",
    ),
    ("chat.postMessage", {"channel": G, "attachments": [{"text": "x"}]}, "invalid_attachments"),
    ("chat.update", {"channel": G, "ts": "1.000001", "text": "x"}, "message_not_found"),
    ("chat.update", {"channel": G, "ts": "{said}", "text": "x"}, "cant_update_message"),
    ("chat.delete", {"channel": G, "ts": "1.000001"}, "message_not_found"),
    ("chat.delete", {"channel": G, "ts": "{said}"}, "cant_delete_message"),
    (
        "chat.postEphemeral",
        {"channel": S, "user": factory.CLEO, "text": "x"},
        "user_not_in_channel",
    ),
    (
        "chat.postEphemeral",
        {"channel": "{outside}", "user": factory.ADA, "text": "x"},
        "not_in_channel",
    ),
    ("chat.getPermalink", {"channel": G, "message_ts": "1.000001"}, "message_not_found"),
    ("views.open", {"view": modal()}, "invalid_arguments"),
    ("views.open", {"trigger_id": "1.2.x"}, "invalid_arguments"),
    ("views.open", {"trigger_id": "1.2.x", "view": modal()}, "invalid_trigger_id"),
    ("views.open", {"trigger_id": "1.2.x", "view": home()}, "invalid_arguments"),
    ("views.publish", {"user_id": "U0", "view": home()}, "invalid_arguments"),
    ("views.publish", {"user_id": factory.ADA, "view": modal()}, "invalid_arguments"),
    ("conversations.info", {"channel": "{hidden}"}, "channel_not_found"),
    ("conversations.members", {"channel": G, "cursor": "bad"}, "invalid_cursor"),
    ("conversations.history", {"channel": "{outside}"}, "not_in_channel"),
    ("conversations.history", {"channel": G, "oldest": "soon"}, "invalid_ts_oldest"),
    ("conversations.replies", {"channel": G, "ts": "1.000001"}, "thread_not_found"),
    ("users.info", {"user": "U0"}, "user_not_found"),
    ("apps.connections.open", {}, "not_allowed_token_type"),
]


@pytest.fixture
def places(control: Control) -> dict[str, str]:
    """Channels that the bot is not in or that are archived, a message, a reply, a leaver."""
    ada = control.as_(factory.ADA)
    said = ada.say(G, "hello")["ts"]
    archived = control.add_channel("old", members=[factory.ADA])
    control.archive(archived)
    return {
        "{said}": said,
        "{reply}": ada.say(G, "more", thread_ts=said)["ts"],
        "{archived}": archived,
        "{outside}": control.add_channel("other", members=[factory.ADA], with_bot=False),
        "{hidden}": control.add_channel(
            "hidden", kind="private", members=[factory.ADA], with_bot=False
        ),
    }


def refusal(client: WebClient, method: str, arguments: dict[str, Any]) -> Any:
    """The answer of a call that must be refused."""
    with pytest.raises(SlackApiError) as refused:
        client.api_call(method, json=arguments)
    return refused.value.response


@pytest.mark.parametrize(("method", "arguments", "error"), TABLE)
def test_refused_as_slack_does(
    client: WebClient,
    places: dict[str, str],
    method: str,
    arguments: dict[str, Any],
    error: str,
) -> None:
    """The call is answered with ok false and Slack's documented error."""
    filled = {k: places.get(v, v) if isinstance(v, str) else v for k, v in arguments.items()}
    assert refusal(client, method, filled)["error"] == error


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("", "not_authed"),
        ("xoxb-wrong", "invalid_auth"),
        ("xapp-1-sandbox-app", "not_allowed_token_type"),
    ],
)
def test_a_wrong_token_is_refused(box: Sandbox, token: str, error: str) -> None:
    """No token, an unknown one and one of another type each have their error."""
    client = WebClient(token or None, base_url=box.api_url)
    assert refusal(client, "auth.test", {"x": 1})["error"] == error


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive", "invalid_auth"])
def test_a_broken_token_is_refused_everywhere(
    client: WebClient, control: Control, error: str
) -> None:
    """After break_token every method answers that error, and mend_token ends it."""
    control.break_token(error)
    for method in ("auth.test", "chat.postMessage", "users.info", "views.publish"):
        assert refusal(client, method, {"channel": G, "text": "x"})["error"] == error
    control.mend_token()
    assert client.auth_test()["ok"]


def test_a_missing_scope_is_named(client: WebClient, control: Control) -> None:
    """missing_scope says which scope is needed and which are there."""
    control.set_app(scopes=["commands"])
    answer = refusal(client, "chat.postMessage", {"channel": G, "text": "x"})
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "chat:write",
        "commands",
    )


def test_scopes_are_in_a_header(client: WebClient) -> None:
    """auth.test tells the token's scopes in x-oauth-scopes."""
    assert "chat:write" in client.auth_test().headers["x-oauth-scopes"].split(",")


def test_write_public_lets_the_bot_post_outside(client: WebClient, control: Control) -> None:
    """With chat:write.public a public channel need not be joined first."""
    outside = control.add_channel("other", members=[factory.ADA], with_bot=False)
    control.set_app(scopes=[*factory.SCOPES, "chat:write.public"])
    assert client.chat_postMessage(channel=outside, text="x")["ok"]


def test_a_trigger_works_once_and_for_three_seconds(client: WebClient, control: Control) -> None:
    """A used trigger is exchanged_, an old one expired_, and a bad view does not use it up."""
    ada = control.as_(factory.ADA)
    ada.command("/failure", wait=False)
    trigger_id = control.deliveries("slash_commands")[0]["payload"]["trigger_id"]
    bad = {"trigger_id": trigger_id, "view": modal(title={"type": "plain_text", "text": "x" * 25})}
    assert refusal(client, "views.open", bad)["error"] == "invalid_arguments"
    assert client.views_open(trigger_id=trigger_id, view=modal())["ok"]
    again = {"trigger_id": trigger_id, "view": modal()}
    assert refusal(client, "views.open", again)["error"] == "exchanged_trigger_id"
    ada.command("/failure", wait=False)
    late = control.deliveries("slash_commands")[1]["payload"]["trigger_id"]
    control.advance(3.1)
    assert refusal(client, "views.open", {"trigger_id": late, "view": modal()})["error"] == (
        "expired_trigger_id"
    )


def test_problems_are_listed_with_pointers(client: WebClient) -> None:
    """invalid_blocks says what is wrong, and where."""
    blocks = [section("ok"), {"type": "actions", "elements": [button(value="x" * 2001)]}]
    answer = refusal(client, "chat.postMessage", {"channel": G, "text": "x", "blocks": blocks})
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 2001 characters [json-pointer:/blocks/1/elements/0/value]"
    ]


def test_too_many_posts_to_a_channel_are_rate_limited() -> None:
    """Past the burst chat.postMessage answers 429 with Retry-After; a second later it works."""
    with Sandbox() as box:
        client = WebClient(box.bot_token, base_url=box.api_url, retry_handlers=[])
        for _ in range(10):
            client.chat_postMessage(channel=G, text="x")
        answer = refusal(client, "chat.postMessage", {"channel": G, "text": "x"})
        assert (answer.status_code, answer["error"]) == (429, "ratelimited")
        assert answer.headers["Retry-After"] == "1"
        box.control.advance(1)
        assert client.chat_postMessage(channel=G, text="x")["ok"]


def test_a_tier_is_kept(control: Control, box: Sandbox) -> None:
    """The 51st conversations.info in a minute is rate limited."""
    control.set_rate_limits(True)
    client = WebClient(box.bot_token, base_url=box.api_url, retry_handlers=[])
    for _ in range(50):
        client.conversations_info(channel=G)
    assert refusal(client, "conversations.info", {"channel": G})["error"] == "ratelimited"
