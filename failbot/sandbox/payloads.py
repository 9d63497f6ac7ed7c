"""The JSON shapes in which Slack describes people, conversations, messages and views."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from failbot.sandbox import mrkdwn
from failbot.sandbox.refusal import JsonObject
from failbot.sandbox.state import AppSettings, Channel, File, Message, Person, View


def user(person: Person, now: datetime, *, is_stranger: bool) -> JsonObject:
    """A user object, as users.info gives it.

    Source: docs.slack.dev, "User object": a stranger is of another workspace and shares no channel
    with the app; in a shared channel only `team_id` tells the foreigner.
    """
    local = now.astimezone(ZoneInfo(person.tz))
    offset = local.utcoffset()
    body: JsonObject = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": person.deleted,
        "real_name": person.real_name,
        "tz": person.tz,
        "tz_label": local.tzname(),
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": {
            "real_name": person.real_name,
            "real_name_normalized": person.real_name,
            "display_name": person.name,
            "display_name_normalized": person.name,
            "team": person.team_id,
        },
        "is_admin": person.is_admin,
        "is_owner": person.is_owner,
        "is_primary_owner": person.is_owner,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": int(now.timestamp()),
    }
    if is_stranger:
        body["is_stranger"] = True
    if person.enterprise_id:
        body["enterprise_user"] = {
            "id": person.id,
            "enterprise_id": person.enterprise_id,
            "teams": [person.team_id],
        }
    if person.deleted:
        for key in ("tz", "tz_label", "tz_offset", "is_admin", "is_owner", "is_primary_owner"):
            body.pop(key)
    return body


def conversation(channel: Channel, team_id: str, *, viewer_id: str) -> JsonObject:
    """A conversation object as the viewer's token sees it."""
    body: JsonObject = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_org_shared": channel.is_org_shared,
        "context_team_id": team_id,
        "updated": channel.created * 1000,
    }
    if channel.kind == "im":
        other = [m for m in channel.members if m != viewer_id]
        return body | {"user": other[0] if other else viewer_id, "is_user_deleted": False}
    return body | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "public",
        "is_group": channel.kind in ("private", "mpim"),
        "is_private": channel.is_private,
        "is_general": channel.is_general,
        "unlinked": 0,
        "creator": channel.creator,
        "is_shared": channel.is_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_pending_ext_shared": bool(channel.pending_team_ids),
        "pending_shared": channel.pending_team_ids,
        "pending_connected_team_ids": channel.pending_team_ids,
        "shared_team_ids": [team_id, *channel.connected_team_ids],
        "is_member": viewer_id in channel.members,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": "", "last_set": 0},
        "previous_names": channel.previous_names,
    }


def message(
    msg: Message,
    *,
    app: AppSettings,
    author: Person,
    is_foreign: bool = False,
    replies: Sequence[Message] = (),
) -> JsonObject:
    """A message object; `replies` are those of its thread, for the counts of a parent."""
    body: JsonObject = {"type": "message", "ts": msg.ts, "text": msg.text}
    if msg.subtype != "tombstone":
        body["user"] = msg.user_id
        body["team"] = author.team_id
    if is_foreign:
        body |= {"user_team": author.team_id, "source_team": author.team_id}
    if msg.subtype:
        body["subtype"] = msg.subtype
    if msg.client_msg_id:
        body["client_msg_id"] = msg.client_msg_id
    if msg.bot_id:
        body |= {"bot_id": msg.bot_id, "app_id": msg.app_id, "bot_profile": bot_profile(app)}
    elif not msg.blocks and msg.subtype is None and msg.text:
        body["blocks"] = [mrkdwn.rich_text(msg.text)]
    if msg.blocks:
        body["blocks"] = msg.blocks
    return body | _extras(msg) | _thread(msg, replies)


def _extras(msg: Message) -> JsonObject:
    body: JsonObject = {}
    if msg.edited_ts:
        body["edited"] = {"user": msg.edited_by, "ts": msg.edited_ts}
    if msg.files:
        body["files"] = [file(f) for f in msg.files]
    return body


def _thread(msg: Message, replies: Sequence[Message]) -> JsonObject:
    if msg.is_reply:
        return {"thread_ts": msg.thread_ts}
    if not replies:
        return {}
    return {
        "thread_ts": msg.ts,
        "reply_count": len(replies),
        "reply_users": list(dict.fromkeys(r.user_id for r in replies))[:5],
        "reply_users_count": len({r.user_id for r in replies}),
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def file(shared: File) -> JsonObject:
    """A file object, without content."""
    return {
        "id": shared.id,
        "name": shared.name,
        "title": shared.name,
        "created": shared.created,
        "timestamp": shared.created,
        "user": shared.user_id,
        "permalink": shared.permalink,
        "mode": "hosted",
    }


def bot_profile(app: AppSettings) -> JsonObject:
    """The bot's profile as it rides on its messages."""
    return {
        "id": app.bot_id,
        "app_id": app.app_id,
        "user_id": app.bot_user_id,
        "name": app.name,
        "deleted": False,
    }


def view(shown: View, *, app: AppSettings, team_id: str) -> JsonObject:
    """A view object with the state of its inputs."""
    body = shown.body
    return {
        "id": shown.id,
        "team_id": team_id,
        "type": shown.kind,
        "blocks": shown.blocks,
        "private_metadata": body.get("private_metadata") or "",
        "callback_id": body.get("callback_id") or "",
        "state": {"values": shown.state},
        "hash": shown.hash,
        "title": body.get("title"),
        "submit": body.get("submit"),
        "close": body.get("close"),
        "clear_on_close": False,
        "notify_on_close": False,
        "previous_view_id": None,
        "root_view_id": shown.id,
        "app_id": app.app_id,
        "app_installed_team_id": team_id,
        "bot_id": app.bot_id,
    }
