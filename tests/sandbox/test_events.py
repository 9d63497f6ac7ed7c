"""Which events the app gets for what people do, and their shape."""

from __future__ import annotations

from typing import Any

import pytest

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control

G, S = factory.GENERAL, factory.SECRET
MESSAGES = ["message.channels", "message.groups", "message.im", "app_mention"]


def events(control: Control) -> list[dict[str, Any]]:
    return [d["payload"]["event"] for d in control.deliveries("events_api")]


def kinds(control: Control) -> list[str]:
    return [e["type"] + (f":{e['subtype']}" if "subtype" in e else "") for e in events(control)]


@pytest.fixture
def subscribed(control: Control) -> Control:
    control.set_app(events=[*factory.EVENTS, *MESSAGES])
    return control


def test_a_mention_is_both_a_message_and_an_app_mention(subscribed: Control, ada: Actor) -> None:
    """With both subscriptions the same ts comes twice, under two event_ids."""
    said = ada.say(G, "@failbot hi")
    sent = subscribed.deliveries("events_api")
    assert kinds(subscribed) == ["message", "app_mention"]
    assert {d["payload"]["event"]["ts"] for d in sent} == {said["ts"]}
    assert len({d["payload"]["event_id"] for d in sent}) == 2


def test_a_message_event_has_slacks_fields(subscribed: Control, ada: Actor) -> None:
    """The envelope's and the event's documented fields are there."""
    ada.say(S, "hello & <all>")
    payload = subscribed.deliveries()[0]["payload"]
    event = payload["event"]
    assert payload["type"] == "event_callback"
    assert payload["authorizations"][0]["user_id"] == factory.BOT_USER
    assert isinstance(payload["event_time"], int)
    assert (event["channel"], event["channel_type"]) == (S, "group")
    assert event["text"] == "hello &amp; &lt;all&gt;"
    assert event["client_msg_id"]


def test_direct_messages_are_message_im_without_app_mention(
    subscribed: Control, ada: Actor
) -> None:
    """In a DM even a mention is only a message."""
    ada.say(ada.dm(), "@failbot hi")
    assert [(e["type"], e["channel_type"]) for e in events(subscribed)] == [("message", "im")]


def test_unsubscribed_events_and_missing_scopes_send_nothing(control: Control, ada: Actor) -> None:
    """Channel messages are not subscribed by default; app_mention needs its scope."""
    ada.say(G, "plain talk")
    control.set_app(scopes=["commands"])
    ada.say(G, "@failbot hi")
    assert events(control) == []


def test_where_the_bot_is_not_nothing_is_heard(subscribed: Control, ada: Actor) -> None:
    """No events of a channel that the bot has left."""
    subscribed.leave(G, factory.BOT_USER)
    ada.say(G, "@failbot hi")
    assert kinds(subscribed) == ["channel_left"]


def test_edits_and_deletions_are_subtypes_with_both_versions(
    subscribed: Control, ada: Actor
) -> None:
    """message_changed and message_deleted carry the message before."""
    ts = ada.say(G, "one")["ts"]
    ada.edit(G, ts, "two")
    ada.delete(G, ts)
    _, changed, deleted = events(subscribed)
    assert changed["subtype"] == "message_changed"
    assert changed["message"]["text"] == "two"
    assert changed["previous_message"]["text"] == "one"
    assert changed["message"]["edited"]["user"] == factory.ADA
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


def test_a_mention_added_by_an_edit_is_an_app_mention(subscribed: Control, ada: Actor) -> None:
    """The edit that brings the mention sends app_mention with the message's own ts, once."""
    ts = ada.say(G, "hi")["ts"]
    ada.edit(G, ts, "@failbot hi")
    ada.edit(G, ts, "@failbot hi again")
    assert kinds(subscribed).count("app_mention") == 1
    assert [e["ts"] for e in events(subscribed) if e["type"] == "app_mention"] == [ts]


def test_the_bots_own_messages_come_back_with_its_id(
    subscribed: Control, ada: Actor, box: Any
) -> None:
    """An app must know its own messages by bot_id."""
    from slack_sdk import WebClient

    WebClient(box.bot_token, base_url=box.api_url).chat_postMessage(channel=G, text="me")
    assert events(subscribed)[0]["bot_id"] == box.platform.app.bot_id


def test_a_command_payload_has_slacks_fields(control: Control, ada: Actor) -> None:
    """Form fields of a slash command, with the names that hide private places."""
    ada.command("/failure", "a & b", S, wait=False)
    ada.command("/failure", "", wait=False)
    first, second = (d["payload"] for d in control.deliveries("slash_commands"))
    assert first["text"] == "a &amp; b"
    assert (first["channel_id"], first["channel_name"]) == (S, "privategroup")
    assert second["channel_name"] == "directmessage"
    assert first["user_id"] == factory.ADA
    assert first["api_app_id"].startswith("A")
    assert "enterprise_id" not in first
    assert {"team_id", "team_domain", "trigger_id", "response_url", "user_name"} <= first.keys()


def test_a_file_rides_on_its_message(subscribed: Control, ada: Actor) -> None:
    """A shared file has id, name and permalink, under file_share."""
    ada.say(G, "look", files=["loss.png"])
    event = events(subscribed)[0]
    assert event["subtype"] == "file_share"
    assert event["files"][0]["name"] == "loss.png"
    assert event["files"][0]["permalink"].startswith("https://")
