"""One Web API call: its arguments, its token's rights, and the look-ups every method shares."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from failbot.sandbox.events import READ_SCOPES
from failbot.sandbox.modals import check_view
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import Channel, Message, Person, ViewKind


class Call:
    """A call with a valid bot token; methods refuse as Slack does."""

    def __init__(self, platform: Platform, method: str, arguments: JsonObject) -> None:
        self.platform = platform
        self.workspace = platform.workspace
        self.app = platform.app
        self.method = method
        self.arguments = arguments

    def need(self, *scopes: str) -> None:
        """Refuse with missing_scope unless the token has one of the scopes."""
        if not set(scopes) & self.app.scopes:
            raise Refusal(
                "missing_scope",
                fields={
                    "needed": ",".join(scopes),
                    "provided": ",".join(sorted(self.app.scopes)),
                },
            )

    def string(self, name: str) -> str | None:
        """An argument as text; None if absent or empty."""
        value = self.arguments.get(name)
        return None if value is None or value == "" else str(value)

    def required(self, name: str, *, error: str = "invalid_arguments") -> str:
        """An argument as text, refused if absent."""
        value = self.string(name)
        if value is None:
            raise Refusal(error, [f"missing required field: {name}"])
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A true/false argument in any spelling that Slack takes."""
        value = self.string(name)
        return default if value is None else value.lower() in ("1", "true")

    def number(self, name: str, *, default: int, most: int) -> int:
        """A whole-number argument, capped; refused unless it is 1 or more."""
        value = self.string(name)
        if value is None:
            return default
        if not value.isdigit() or int(value) < 1:
            raise Refusal("invalid_limit" if name == "limit" else "invalid_arguments")
        return min(int(value), most)

    def json(self, name: str, *, error: str = "invalid_arguments") -> Any:
        """An argument that holds JSON, as text or as it is."""
        value = self.arguments.get(name)
        if not isinstance(value, str) or value == "":
            return value or None
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(error, [f"failed to parse JSON: {name}"]) from None

    def page(self, items: Sequence[Any], *, default: int = 100) -> tuple[list[Any], str]:
        """One page of items by `cursor` and `limit`, and the next cursor ("" at the end)."""
        limit = self.number("limit", default=default, most=1000)
        cursor = self.string("cursor") or "next:0"
        prefix, _, offset = cursor.partition(":")
        if prefix != "next" or not offset.isdigit():
            raise Refusal("invalid_cursor")
        end = int(offset) + limit
        return list(items[int(offset) : end]), f"next:{end}" if end < len(items) else ""

    def channel(self, *, name: str = "channel", opens_im: bool = False) -> Channel:
        """The conversation of an argument; private ones without the bot do not exist for it."""
        wanted = self.string(name)
        channel = self.workspace.channels.get(wanted or "")
        if channel is None and wanted and opens_im:
            channel = self._direct_messages(wanted)
        if channel is None or (channel.is_private and not self.is_member(channel)):
            raise Refusal("channel_not_found")
        return channel

    def _direct_messages(self, wanted: str) -> Channel | None:
        person = self.workspace.people.get(wanted)
        if person is None or person.deleted:
            return None
        return self.workspace.im_with(wanted, self.app.bot_user_id)

    def is_member(self, channel: Channel) -> bool:
        """True if the bot is in the channel."""
        return self.app.bot_user_id in channel.members

    def readable(self, channel: Channel) -> None:
        """Refuse unless the token may read about conversations of this kind."""
        self.need(READ_SCOPES[channel.kind])

    def writable(self, channel: Channel) -> None:
        """Refuse unless the bot may post here."""
        if channel.is_archived:
            raise Refusal("is_archived")
        if not self.is_member(channel) and "chat:write.public" not in self.app.scopes:
            raise Refusal("not_in_channel")

    def message(self, channel: Channel, name: str = "ts") -> Message:
        """A message of the channel's history."""
        msg = self.workspace.find(channel.id, self.required(name))
        if msg is None or msg.visible_to is not None or msg.subtype == "tombstone":
            raise Refusal("message_not_found")
        return msg

    def person(self, name: str = "user") -> Person:
        """A person by id."""
        person = self.workspace.people.get(self.required(name, error="user_not_found"))
        if person is None:
            raise Refusal("user_not_found")
        return person

    def view(self, kind: ViewKind) -> JsonObject:
        """The view argument, of that kind and within Block Kit's limits."""
        view = self.json("view")
        if view is None:
            raise Refusal("invalid_arguments", ["missing required field: view"])
        check_view(view, kind=kind)
        return dict(view)
