"""Questions in Slack's events: recognised, and told from one another. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from failbot.memory.redact import redact
from failbot.slack.bot import string_in

QUESTION = "question"  # the kind of inbox job

# Messages that people write; every other subtype is a change, a notice or a bot's.
WRITTEN = frozenset({None, "file_share", "thread_broadcast"})
_ID = re.compile(r"[A-Z0-9]{2,30}")
_TS = re.compile(r"\d{1,12}\.\d{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The payload of `QUESTION`: a message that asks something, as Slack wrote it, secrets out."""

    team_id: str
    channel_id: str
    user_id: str
    text: str
    message_ts: str
    thread_ts: str = ""
    hint: str = ""  # the event's channel_type

    @property
    def key(self) -> str:
        return f"{self.channel_id}:{self.message_ts}"


def asked_in(body: Mapping[str, Any]) -> Asked | None:
    """The question in an event; None for a bot's message, an edit, a deletion or anything else."""
    event = body.get("event")
    if not isinstance(event, dict) or not _is_written(event, bot_user_id=_receiver(body)):
        return None
    hint = string_in(event, "channel_type")
    if event.get("type") == "message" and hint != "im":
        return None
    asked = Asked(
        team_id=team_of(body),
        channel_id=string_in(event, "channel"),
        user_id=string_in(event, "user"),
        text=redact(string_in(event, "text"))[0],  # before the inbox holds it
        message_ts=string_in(event, "ts"),
        thread_ts=string_in(event, "thread_ts"),
        hint=hint,
    )
    ids = (asked.team_id, asked.channel_id, asked.user_id)
    whole = all(_ID.fullmatch(one) for one in ids) and _TS.fullmatch(asked.message_ts)
    return asked if whole else None


def keys_of(body: Mapping[str, Any], asked: Asked) -> list[str]:
    """What tells this message from any other, however often and under whatever id it comes."""
    keys = [f"message:{asked.team_id}:{asked.key}"]
    if event_id := string_in(body, "event_id"):
        keys.append(f"event:{event_id}")
    if client_msg_id := string_in(body["event"], "client_msg_id"):
        keys.append(f"client:{asked.team_id}:{asked.channel_id}:{client_msg_id}")
    return keys


def _is_written(event: Mapping[str, Any], *, bot_user_id: str) -> bool:
    """Whether a person wrote this just now."""
    return (
        event.get("subtype") in WRITTEN
        and not any(event.get(mark) for mark in ("bot_id", "app_id", "edited", "hidden"))
        and event.get("user") != bot_user_id
    )


def _receiver(body: Mapping[str, Any]) -> str:
    """The bot user that the event was sent to."""
    authorization = _authorization(body)
    return string_in(authorization, "user_id") if authorization.get("is_bot") else ""


def team_of(body: Mapping[str, Any]) -> str:
    """The workspace that failbot is installed in, also when the message is from another one's."""
    return string_in(_authorization(body), "team_id") or string_in(body, "team_id")


def _authorization(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found = body.get("authorizations")
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, dict) else {}
