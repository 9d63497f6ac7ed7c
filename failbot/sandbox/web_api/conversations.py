"""The conversations.* methods."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from failbot.sandbox import payloads
from failbot.sandbox.events import HISTORY_SCOPES
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import Channel, Message
from failbot.sandbox.web_api.call import Call


def info(call: Call) -> JsonObject:
    """conversations.info."""
    channel = call.channel()
    call.readable(channel)
    body = _shape(call, channel)
    if call.flag("include_num_members"):
        body["num_members"] = len(channel.members)
    return {"channel": body}


def members(call: Call) -> JsonObject:
    """conversations.members, paged."""
    channel = call.channel()
    call.readable(channel)
    page, cursor = call.page(channel.members)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def _shape(call: Call, channel: Channel) -> JsonObject:
    body = payloads.conversation(channel, call.workspace.team_id, viewer_id=call.app.bot_user_id)
    if channel.kind == "im" and body["user"] in call.workspace.people:
        body["is_user_deleted"] = call.workspace.people[body["user"]].deleted
    return body


def history(call: Call) -> JsonObject:
    """conversations.history, newest first, paged; thread replies are not in it."""
    channel = _with_history(call)
    top = (m for m in call.workspace.stored(channel.id) if not m.is_reply)
    chosen = _by_time(list(_in_window(call, top)), newest_first=True)
    page, cursor = call.page(chosen)
    body: JsonObject = {
        "messages": [_described(call, m) for m in page],
        "has_more": bool(cursor),
        "pin_count": 0,
    }
    if cursor:
        body["response_metadata"] = {"next_cursor": cursor}
    return body


def replies(call: Call) -> JsonObject:
    """conversations.replies, oldest first: the parent, then its replies, paged."""
    channel = _with_history(call)
    ts = call.required("ts")
    msg = call.workspace.find(channel.id, ts)
    if msg is None or msg.visible_to is not None:
        raise Refusal("thread_not_found")
    root = call.workspace.find(channel.id, msg.thread_ts) if msg.thread_ts else msg
    thread = call.workspace.replies(channel.id, msg.thread_ts or msg.ts)
    parent = [root] if root is not None else []
    chosen = [*parent, *_in_window(call, thread)]
    page, cursor = call.page(chosen, default=1000)
    return {
        "messages": [_described(call, m) for m in page],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


def _with_history(call: Call) -> Channel:
    channel = call.channel()
    call.need(HISTORY_SCOPES[channel.kind])
    if not call.is_member(channel):
        raise Refusal("not_in_channel")
    return channel


def _described(call: Call, msg: Message) -> JsonObject:
    body = call.workspace.message_payload(msg)
    if msg.metadata is not None and call.flag("include_all_metadata"):
        body["metadata"] = msg.metadata
    return body


def _in_window(call: Call, found: Iterable[Message]) -> Iterable[Message]:
    oldest, latest = _moment(call, "oldest", "0"), _moment(call, "latest", "Infinity")
    inclusive = call.flag("inclusive")
    for msg in found:
        ts = Decimal(msg.ts)
        if oldest < ts < latest or (inclusive and ts in (oldest, latest)):
            yield msg


def _moment(call: Call, name: str, default: str) -> Decimal:
    try:
        return Decimal(call.string(name) or default)
    except InvalidOperation:
        raise Refusal(f"invalid_ts_{name}") from None


def _by_time(found: list[Message], *, newest_first: bool) -> list[Message]:
    return sorted(found, key=lambda m: Decimal(m.ts), reverse=newest_first)
