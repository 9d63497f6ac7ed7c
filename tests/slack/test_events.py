"""Which events are questions, and what tells one message from another."""

from __future__ import annotations

from typing import Any

import pytest

from failbot.slack.events import Asked, asked_in, keys_of

MENTION = {
    "type": "app_mention",
    "user": "U0BEN",
    "channel": "C0ML",
    "text": "<@U0BOT> why?",
    "ts": "1700000000.000100",
    "client_msg_id": "9f1c",
}
DIRECT = MENTION | {"type": "message", "channel": "D0BEN", "channel_type": "im"}


def envelope(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As Slack wraps it."""
    own = {"team_id": "T1", "user_id": "U0BOT", "is_bot": True}
    outer = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1"}
    return outer | {"authorizations": [own], "event": event} | more


@pytest.mark.parametrize(
    "event",
    [
        MENTION,
        DIRECT,
        MENTION | {"subtype": "file_share"},
        DIRECT | {"subtype": "thread_broadcast", "thread_ts": "1600000000.000100"},
    ],
)
def test_what_a_person_writes_to_the_bot_is_a_question(event: dict[str, Any]) -> None:
    """A mention anywhere, any message in a direct one, files and threads included."""
    asked = asked_in(envelope(event))
    assert asked is not None
    assert (asked.user_id, asked.text, asked.message_ts) == (
        "U0BEN",
        MENTION["text"],
        MENTION["ts"],
    )


@pytest.mark.parametrize(
    "event",
    [
        MENTION | {"bot_id": "B0OTHER"},
        MENTION | {"app_id": "A0OTHER"},
        MENTION | {"edited": {"user": "U0BEN", "ts": "1700000001.000000"}},
        MENTION | {"hidden": True},
        MENTION | {"user": "U0BOT"},
        MENTION | {"subtype": "bot_message"},
        DIRECT | {"subtype": "message_changed"},
        DIRECT | {"subtype": "message_deleted"},
        DIRECT | {"subtype": "channel_join"},
        DIRECT | {"channel_type": "channel"},
        MENTION | {"user": None},
        MENTION | {"ts": "now"},
        MENTION | {"channel": "C0ML' OR 1"},
        MENTION | {"channel": ["C0ML"]},
        {},
    ],
)
def test_all_else_is_none(event: dict[str, Any]) -> None:
    """Bots, the bot itself, edits, deletions, joins, and what Slack never sends."""
    assert asked_in(envelope(event)) is None


def test_a_question_loses_its_secrets_before_it_is_stored() -> None:
    """The inbox keeps what Slack sent until it is answered: never a secret."""
    asked = asked_in(envelope(MENTION | {"text": "<@U0BOT> is ghp_" + "a1B2" * 9 + " &lt; old?"}))
    assert asked is not None
    assert asked.text == "<@U0BOT> is [redacted: github token] &lt; old?"


def test_a_foreign_message_belongs_to_the_workspace_it_was_sent_to() -> None:
    """In a shared channel the envelope may name the other organisation's."""
    asked = asked_in(envelope(MENTION, team_id="T2"))
    assert asked is not None
    assert asked.team_id == "T1"


def test_one_message_has_a_key_in_common_whatever_else_changes() -> None:
    """A new event id, a lost client_msg_id, a mention seen as a message: the same message."""

    def keys(event: dict[str, Any], event_id: str) -> set[str]:
        body = envelope(event, event_id=event_id)
        asked = asked_in(body)
        assert isinstance(asked, Asked)
        return set(keys_of(body, asked))

    first = keys(MENTION, "Ev1")
    assert first & keys({**MENTION, "client_msg_id": None}, "Ev2")
    assert first & keys(MENTION | {"ts": "1700000000.000200"}, "Ev1")
    assert first & keys(MENTION | {"ts": "1700000000.000200"}, "Ev2")  # sent twice by a client
    assert not first & keys(MENTION | {"ts": "1700000009.000000", "client_msg_id": "77"}, "Ev9")
