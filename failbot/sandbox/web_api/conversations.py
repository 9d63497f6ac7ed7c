"""The conversations.* methods, and users.conversations."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from failbot.sandbox import payloads
from failbot.sandbox.events import HISTORY_SCOPES, READ_SCOPES
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import Channel, Message
from failbot.sandbox.web_api.call import Call

_TYPES = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


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


def list_(call: Call) -> JsonObject:
    """conversations.list, paged: public channels, and private ones that the bot is in."""
    return _listing(call, member_id=None)


def of_user(call: Call) -> JsonObject:
    """users.conversations, paged: those that a person (the bot by default) and the bot share."""
    return _listing(call, member_id=call.string("user") or call.app.bot_user_id)


def _listing(call: Call, *, member_id: str | None) -> JsonObject:
    kinds = _kinds(call)
    for kind in kinds:
        call.need(READ_SCOPES[kind])
    shown = [
        channel
        for channel in call.workspace.channels.values()
        if channel.kind in kinds
        and not (channel.is_archived and call.flag("exclude_archived"))
        and (channel.kind == "public" or call.is_member(channel))
        and (member_id is None or member_id in channel.members)
    ]
    page, cursor = call.page(shown)
    return {
        "channels": [_listed(call, channel) for channel in page],
        "response_metadata": {"next_cursor": cursor},
    }


def _kinds(call: Call) -> list[str]:
    names = (call.string("types") or "public_channel").split(",")
    try:
        return [_TYPES[name.strip()] for name in names]
    except KeyError:
        raise Refusal("invalid_types") from None


def _listed(call: Call, channel: Channel) -> JsonObject:
    return _shape(call, channel) | {"num_members": len(channel.members)}


def _shape(call: Call, channel: Channel) -> JsonObject:
    body = payloads.conversation(channel, call.workspace.team_id, viewer_id=call.app.bot_user_id)
    if channel.kind == "im" and body["user"] in call.workspace.people:
        body["is_user_deleted"] = call.workspace.people[body["user"]].deleted
    return body


def history(call: Call) -> JsonObject:
    """conversations.history, newest first, paged; thread replies are not in it."""
    channel = _with_history(call)
    top = (m for m in call.workspace.stored(channel.id) if not m.is_reply or m.reply_broadcast)
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


def open_(call: Call) -> JsonObject:
    """conversations.open, of a direct message with one person, or of a group."""
    call.need("im:write", "mpim:write")
    if call.string("channel"):
        return {"channel": {"id": call.channel().id}, "no_op": True, "already_open": True}
    ids = [i for i in (call.string("users") or "").split(",") if i]
    if not ids:
        raise Refusal("users_list_not_supplied")
    for user_id in ids:
        person = call.workspace.people.get(user_id)
        if person is None:
            raise Refusal("user_not_found")
        if person.deleted:
            raise Refusal("user_disabled")
    channel = _direct(call, ids)
    return {"channel": _shape(call, channel) if call.flag("return_im") else {"id": channel.id}}


def _direct(call: Call, ids: list[str]) -> Channel:
    bot_id = call.app.bot_user_id
    if len(ids) == 1:
        return call.workspace.im_with(ids[0], bot_id)
    return call.workspace.group_of([bot_id, *ids])


def join(call: Call) -> JsonObject:
    """conversations.join, of a public channel."""
    call.need("channels:join")
    channel = call.channel()
    if channel.is_archived:
        raise Refusal("is_archived")
    if channel.kind != "public":
        raise Refusal("method_not_supported_for_channel_type")
    body: JsonObject = {}
    if call.is_member(channel):
        body = {"warning": "already_in_channel"}
        body["response_metadata"] = {"warnings": ["already_in_channel"]}
    call.platform.conversations.join(channel, call.app.bot_user_id)
    return body | {"channel": _shape(call, channel)}
