"""The chat.* methods."""

from __future__ import annotations

from typing import Any

from failbot.sandbox import limits, mrkdwn
from failbot.sandbox.conversations import Content
from failbot.sandbox.modals import with_ids
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import Channel, Message
from failbot.sandbox.web_api.call import Call


def post_message(call: Call) -> JsonObject:
    """chat.postMessage."""
    call.need("chat:write")
    channel = call.channel(opens_im=True)
    call.writable(channel)
    content = _content(call, channel)
    thread_ts = _thread(call, channel)
    call.platform.rate_limits.count_post(channel.id)
    msg = call.platform.conversations.post(
        channel,
        content,
        user_id=call.app.bot_user_id,
        thread_ts=thread_ts,
    )
    return _posted(call, msg)


def post_ephemeral(call: Call) -> JsonObject:
    """chat.postEphemeral."""
    call.need("chat:write")
    channel = call.channel()
    if channel.is_archived:
        raise Refusal("is_archived")
    if not call.is_member(channel):
        raise Refusal("not_in_channel")
    user_id = call.required("user", error="user_not_in_channel")
    if user_id not in channel.members:
        raise Refusal("user_not_in_channel")
    msg = call.platform.conversations.post(
        channel,
        _content(call, channel),
        user_id=call.app.bot_user_id,
        thread_ts=_thread(call, channel),
        visible_to=user_id,
    )
    return {"message_ts": msg.ts}


def update(call: Call) -> JsonObject:
    """chat.update."""
    call.need("chat:write")
    channel = call.channel()
    if channel.is_archived:
        raise Refusal("is_archived")
    msg = call.message(channel)
    if msg.bot_id != call.app.bot_id:
        raise Refusal("cant_update_message")
    if len(call.string("text") or "") > limits.MESSAGE_TEXT_MAX:
        raise Refusal("msg_too_long")
    content = _content(call, channel)
    call.platform.conversations.edit(msg, content, user_id=call.app.bot_user_id)
    return {
        "channel": channel.id,
        "ts": msg.ts,
        "text": msg.text,
        "message": call.workspace.message_payload(msg),
    }


def delete(call: Call) -> JsonObject:
    """chat.delete."""
    call.need("chat:write")
    channel = call.channel()
    msg = call.message(channel)
    if msg.bot_id != call.app.bot_id:
        raise Refusal("cant_delete_message")
    call.platform.conversations.delete(msg)
    return {"channel": channel.id, "ts": msg.ts}


def set_status(call: Call) -> JsonObject:
    """assistant.threads.setStatus: what the app does, under a message; "" takes it away."""
    call.need("chat:write", "assistant:write")
    channel = call.channel(name="channel_id")
    parent = call.workspace.find(channel.id, call.required("thread_ts"))
    if parent is None or parent.visible_to is not None:
        raise Refusal("invalid_thread_ts")
    if "status" not in call.arguments:
        raise Refusal("invalid_arguments", ["missing required field: status"])
    call.platform.conversations.set_status(parent, call.string("status") or "")
    return {}


def get_permalink(call: Call) -> JsonObject:
    """chat.getPermalink."""
    channel = call.channel()
    msg = call.message(channel, "message_ts")
    return {"channel": channel.id, "permalink": call.workspace.permalink(msg)}


def _content(call: Call, channel: Channel) -> Content:
    blocks = _blocks(call)
    if call.string("attachments"):
        raise Refusal("invalid_attachments", ["the sandbox shows blocks only"])
    text = (call.string("text") or "")[: limits.MESSAGE_TEXT_MAX]
    if not text and not blocks:
        raise Refusal("no_text")
    stored = mrkdwn.canonical(text)
    if call.flag("link_names") or call.string("parse") == "full":
        stored = mrkdwn.link_names(stored, resolve=call.workspace.resolve)
    sent = {"text": stored, "blocks": blocks}
    call.platform.core.sound_alarms(call.method, channel.id, sent)
    return Content(stored, with_ids(blocks), _metadata(call))


def _blocks(call: Call) -> list[JsonObject]:
    blocks = call.json("blocks", error="invalid_blocks_format")
    if blocks is None:
        return []
    if not isinstance(blocks, list) or not all(isinstance(b, dict) for b in blocks):
        raise Refusal("invalid_blocks_format")
    if problems := limits.message_problems(blocks):
        raise Refusal("invalid_blocks", problems, fields={"errors": problems})
    if limits.blocks_too_long(blocks):
        raise Refusal("msg_blocks_too_long")
    return blocks


def _metadata(call: Call) -> JsonObject | None:
    metadata: Any = call.json("metadata", error="invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise Refusal("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_schema")
    return metadata


def _thread(call: Call, channel: Channel) -> str | None:
    thread_ts = call.string("thread_ts")
    if thread_ts is None:
        return None
    parent = call.workspace.find(channel.id, thread_ts)
    if parent is None or parent.visible_to is not None:
        raise Refusal("thread_not_found")
    if parent.is_reply:
        raise Refusal("cannot_reply_to_message")
    return thread_ts


def _posted(call: Call, msg: Message) -> JsonObject:
    body: JsonObject = {
        "channel": msg.channel_id,
        "ts": msg.ts,
        "message": call.workspace.message_payload(msg),
    }
    if msg.metadata is not None:
        body["message"]["metadata"] = msg.metadata
    if len(call.string("text") or "") > limits.MESSAGE_TEXT_MAX:
        body["warning"] = "message_truncated"
        body["response_metadata"] = {"warnings": ["message_truncated"]}
    return body
