"""Everything that one person's window shows at one moment, as plain JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from failbot.sandbox.actor import Actor
from failbot.sandbox.page.features import Features
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import JsonObject, PersonError
from failbot.sandbox.state import Channel

MESSAGES_AT_MOST = 300
TROUBLES_AT_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Who looks, and at what; a channel or thread that they cannot see shows as absent."""

    user_id: str
    channel_id: str = ""
    thread_ts: str = ""

    @classmethod
    def of(cls, body: JsonObject) -> Look:
        """The look that a request asks for. :raises PersonError: a part is not a string."""
        parts = {"user_id": "as", "channel_id": "channel", "thread_ts": "thread"}
        found = {field: body.get(key, "") for field, key in parts.items()}
        if not all(isinstance(value, str) for value in found.values()):
            raise PersonError("as, channel and thread are ids")
        return cls(**found)


def screen(platform: Platform, features: Features, look: Look) -> JsonObject:
    """The window's content; messages are the newest ones, oldest first.

    An unknown or deactivated person sees the screen of the first who can sign in.
    """
    core, workspace = platform.core, platform.workspace
    with core.lock:
        people = _people(platform)
        user_id = look.user_id if look.user_id in people else people[0]
        actor = Actor(platform, user_id)
        channels = [_channel(platform, actor, shown) for shown in actor.channels()]
        return actor.see() | {
            "workspace": {
                "id": workspace.team_id,
                "name": workspace.name,
                "domain": workspace.domain,
            },
            "sign_in": people,
            "channels": channels,
            "commands": _commands(platform, features),
            "shortcuts": list(features.shortcuts),
            "tips": [asdict(tip) for tip in features.tips],
            "channel": _messages(actor, look.channel_id),
            "thread": _messages(actor, look.channel_id, look.thread_ts),
            "bot": _bot(platform, actor),
            "trouble": _trouble(platform),
        }


def _people(platform: Platform) -> list[str]:
    """Those whom the page lets one be: the living, without bots."""
    workspace = platform.workspace
    return [
        person.id
        for person in workspace.people.values()
        if not (person.is_bot or person.deleted or person.id == "USLACKBOT")
    ]


def _channel(platform: Platform, actor: Actor, shown: JsonObject) -> JsonObject:
    channel = platform.workspace.channels[shown["id"]]
    timeline = [
        message
        for message in platform.workspace.messages[channel.id]
        if message.visible_to in (None, actor.user_id) and not message.is_reply
    ]
    others = [message.ts for message in timeline if message.user_id != actor.user_id]
    named = [message.ts for message in timeline if f"<@{actor.user_id}>" in message.text]
    return shown | {
        "kind": channel.kind,
        "members": list(channel.members),
        "name": _name(platform, channel, actor.user_id),
        # The newest message by someone else, and the newest that names this person.
        "latest": others[-1] if others else None,
        "mention": named[-1] if named else None,
    }


def _name(platform: Platform, channel: Channel, user_id: str) -> str:
    if channel.kind not in ("im", "mpim"):
        return channel.name
    others = [m for m in channel.members if m != user_id] or [user_id]
    return ", ".join(platform.workspace.people[one].name for one in others)


def _messages(actor: Actor, channel_id: str, thread_ts: str | None = None) -> JsonObject | None:
    if not channel_id or thread_ts == "":
        return None
    try:
        found = actor.messages(channel_id, thread_ts)
    except PersonError:
        return None
    if thread_ts and not found:
        return None
    shown = found[-MESSAGES_AT_MOST:]
    if thread_ts and shown[0] is not found[0]:
        shown = [found[0], *shown[1:]]
    return {
        "id": channel_id,
        "thread_ts": thread_ts,
        "messages": shown,
        "left_out": len(found) - len(shown),
    }


def _commands(platform: Platform, features: Features) -> list[JsonObject]:
    described = {command["command"]: command for command in features.commands}
    return [
        {"name": name, "description": "", "usage_hint": ""} | described.get(name, {})
        for name in sorted(platform.app.commands)
    ]


def _bot(platform: Platform, actor: Actor) -> JsonObject:
    app = platform.app
    return {
        "user_id": app.bot_user_id,
        "name": app.name,
        "dm": platform.workspace.im_with(actor.user_id, app.bot_user_id).id,
        "connected": bool(platform.sockets.sockets) or app.request_url is not None,
    }


def _trouble(platform: Platform) -> list[JsonObject]:
    """What a developer of the bot should know: mass mentions, unreadable answers, refusals."""
    core = platform.core
    found: list[JsonObject] = [
        {"kind": "alarm", "text": f"a live @{one.kind} in {one.method}", "where": one.where}
        for one in core.alarms
    ]
    found += [{"kind": "complaint", "text": words, "where": ""} for words in core.complaints]
    found += [
        {"kind": "refusal", "text": f"{call.method}: {call.error}", "where": ""}
        for call in core.calls
        if not call.ok
    ]
    return found[-TROUBLES_AT_MOST:]
