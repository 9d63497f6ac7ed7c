"""Which events a change in the workspace sends to the app, and their shape.

An event goes out only if the app subscribed to it, holds its scope, and its bot is where it
happened (docs.slack.dev, reference/events).
"""

from __future__ import annotations

from failbot.sandbox import mrkdwn
from failbot.sandbox.core import Core
from failbot.sandbox.delivery import Deliveries
from failbot.sandbox.ratelimits import RateLimits
from failbot.sandbox.refusal import JsonObject
from failbot.sandbox.state import Channel, Message

CHANNEL_TYPES = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}
SUBSCRIPTIONS = {
    "public": "message.channels",
    "private": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}
HISTORY_SCOPES = {
    "public": "channels:history",
    "private": "groups:history",
    "im": "im:history",
    "mpim": "mpim:history",
}
READ_SCOPES = {
    "public": "channels:read",
    "private": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}


class Events:
    """Sends events of what happened; callers hold the core's lock."""

    def __init__(self, core: Core, deliveries: Deliveries, limits: RateLimits) -> None:
        self._core = core
        self._deliveries = deliveries
        self._limits = limits
        self._limited_minute = 0

    def send(self, event: JsonObject, *, subscription: str, scope: str | None = None) -> None:
        """Deliver one event if the app is subscribed and has the scope."""
        app = self._core.app
        if subscription not in app.events or (scope is not None and scope not in app.scopes):
            return None
        if not self._limits.event_allowed():
            return self._rate_limited()
        self._deliveries.submit("events_api", self._envelope(event))
        return None

    def _rate_limited(self) -> None:
        """app_rate_limited instead of events, once a minute."""
        minute = int(self._core.clock.time() // 60) * 60
        if minute == self._limited_minute:
            return
        self._limited_minute = minute
        payload = {
            "token": "sandbox-verification-token",
            "type": "app_rate_limited",
            "team_id": self._core.workspace.team_id,
            "minute_rate_limited": minute,
            "api_app_id": self._core.app.app_id,
        }
        self._deliveries.submit("events_api", payload)

    def _envelope(self, event: JsonObject) -> JsonObject:
        app = self._core.app
        team_id = self._core.workspace.team_id
        authorization = {
            "enterprise_id": None,
            "team_id": team_id,
            "user_id": app.bot_user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        about = event.get("channel")
        channel_id = about.get("id") if isinstance(about, dict) else about
        channel = self._core.workspace.channels.get(str(channel_id))
        return {
            "token": "sandbox-verification-token",
            "team_id": team_id,
            "context_team_id": team_id,
            "context_enterprise_id": None,
            "api_app_id": app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": self._core.workspace.new_id("Ev"),
            "event_time": int(self._core.clock.time()),
            "authorizations": [authorization],
            "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
            "event_context": f"4-{self._core.workspace.new_id('E')}",
        }

    def message(self, channel: Channel, body: JsonObject) -> None:
        """A `message` event of the channel's kind, for a bot that is in it."""
        if self._core.app.bot_user_id not in channel.members:
            return
        event = {"type": "message", "channel": channel.id} | body
        event |= {"channel_type": CHANNEL_TYPES[channel.kind], "event_ts": self._event_ts(body)}
        self.send(
            event,
            subscription=SUBSCRIPTIONS[channel.kind],
            scope=HISTORY_SCOPES[channel.kind],
        )

    def posted(self, channel: Channel, msg: Message) -> None:
        """A new message: the message event, and app_mention if it mentions the bot."""
        body = self._core.workspace.message_payload(msg)
        self.message(channel, body)
        if self.mentions_bot(msg.text):
            self.mentioned(channel, body)

    def mentioned(self, channel: Channel, body: JsonObject) -> None:
        """An app_mention; Slack sends none in direct messages."""
        if channel.kind == "im" or self._core.app.bot_user_id not in channel.members:
            return
        event = body | {"type": "app_mention", "channel": channel.id}
        event["event_ts"] = self._event_ts(body)
        self.send(event, subscription="app_mention", scope="app_mentions:read")

    def mentions_bot(self, text: str) -> bool:
        """True if the stored text mentions the app's bot user."""
        bot_id = self._core.app.bot_user_id
        return any(t.kind == "user" and t.target == bot_id for t in mrkdwn.parse(text))

    def edited(self, channel: Channel, msg: Message, *, before: JsonObject) -> None:
        """message_changed; and app_mention if the mention is new with this edit."""
        body = self._core.workspace.message_payload(msg)
        event_ts = self._core.workspace.new_ts()
        changed = {
            "subtype": "message_changed",
            "hidden": True,
            "ts": event_ts,
            "message": body,
            "previous_message": before,
        }
        self.message(channel, changed)
        if self.mentions_bot(msg.text) and not self.mentions_bot(str(before.get("text"))):
            self.mentioned(channel, body)

    def deleted(self, channel: Channel, *, before: JsonObject) -> None:
        """message_deleted."""
        event_ts = self._core.workspace.new_ts()
        gone = {
            "subtype": "message_deleted",
            "hidden": True,
            "ts": event_ts,
            "deleted_ts": before["ts"],
            "previous_message": before,
        }
        self.message(channel, gone)

    def of_channel(self, channel: Channel, name: str, fields: JsonObject) -> None:
        """A channel_… event, or its group_… twin in a private channel that the bot is in."""
        hidden = channel.is_private and self._core.app.bot_user_id not in channel.members
        if hidden and name != "left":
            return
        prefix = "group" if channel.kind == "private" else "channel"
        event = {"type": f"{prefix}_{name}", "event_ts": self._core.workspace.new_ts()} | fields
        self.send(event, subscription=event["type"], scope=READ_SCOPES[channel.kind])

    def shared(self, channel: Channel, team_id: str) -> None:
        """channel_shared: another company has joined the channel."""
        self._sharing(channel, "channel_shared", {"connected_team_id": team_id})

    def unshared(self, channel: Channel, team_id: str) -> None:
        """channel_unshared: that company is out; `is_ext_shared` tells whether others are left."""
        gone = {"previously_connected_team_id": team_id, "is_ext_shared": channel.is_ext_shared}
        self._sharing(channel, "channel_unshared", gone)

    def _sharing(self, channel: Channel, name: str, fields: JsonObject) -> None:
        if channel.is_private and self._core.app.bot_user_id not in channel.members:
            return
        event = {"type": name, "channel": channel.id, "event_ts": self._core.workspace.new_ts()}
        self.send(event | fields, subscription=name, scope=READ_SCOPES[channel.kind])

    def membership(self, channel: Channel, name: str, user_id: str, inviter: str | None) -> None:
        """member_joined_channel or member_left_channel, for a bot that is in the channel."""
        if self._core.app.bot_user_id not in channel.members:
            return
        person = self._core.workspace.people[user_id]
        event: JsonObject = {
            "type": name,
            "user": user_id,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "public" else "G",
            "team": person.team_id,
            "event_ts": self._core.workspace.new_ts(),
        }
        if person.enterprise_id:
            event["enterprise"] = person.enterprise_id
        if inviter is not None:
            event["inviter"] = inviter
        self.send(event, subscription=name, scope=READ_SCOPES[channel.kind])

    def user_change(self, user_id: str) -> None:
        """user_change, after a deactivation or a change of profile."""
        person = self._core.workspace.people[user_id]
        event = {
            "type": "user_change",
            "user": self._core.workspace.user_payload(person),
            "cache_ts": int(self._core.clock.time()),
            "event_ts": self._core.workspace.new_ts(),
        }
        self.send(event, subscription="user_change", scope="users:read")

    def _event_ts(self, body: JsonObject) -> str:
        return str(body.get("ts") or self._core.workspace.new_ts())
