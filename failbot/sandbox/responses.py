"""What an app says outside the Web API: replies to a response_url."""

from __future__ import annotations

from typing import Any

from failbot.sandbox import limits, mrkdwn
from failbot.sandbox.conversations import Content, Conversations
from failbot.sandbox.core import Core
from failbot.sandbox.modals import with_ids
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import Message
from failbot.sandbox.tickets import ResponseUrl


class Responses:
    """Posts and replaces on behalf of the app where it was invoked."""

    def __init__(self, core: Core, conversations: Conversations) -> None:
        self._core = core
        self._conversations = conversations

    def apply(self, body: Any, url: ResponseUrl, *, method: str) -> None:
        """Do what the body says where `url` points; default is an ephemeral message.

        :raises Refusal: no_text, invalid_blocks, invalid_payload, message_not_found; and what
            the bot never asks for: to delete the original, to answer everyone.
        """
        if not isinstance(body, dict):
            raise Refusal("invalid_payload")
        with self._core.changing():
            original = self._original(url)
            if body.get("delete_original") or body.get("response_type") == "in_channel":
                raise Refusal("invalid_payload", ["the sandbox answers one person only"])
            content = self._content(body)
            self._core.sound_alarms(method, url.channel_id, body)
            if body.get("replace_original"):
                return self._replace(original, content)
            return self._post(body, url, content)

    def _original(self, url: ResponseUrl) -> Message | None:
        if url.message_ts is None:
            return None
        return self._core.workspace.find(url.channel_id, url.message_ts)

    def _replace(self, original: Message | None, content: Content) -> None:
        if original is None:
            raise Refusal("message_not_found")
        bot_id = self._core.app.bot_user_id
        self._conversations.edit(original, content, user_id=bot_id, mark=False)

    def _post(self, body: JsonObject, url: ResponseUrl, content: Content) -> None:
        self._conversations.post(
            self._core.workspace.channels[url.channel_id],
            content,
            user_id=self._core.app.bot_user_id,
            thread_ts=body.get("thread_ts"),
            visible_to=url.user_id,
        )

    def _content(self, body: JsonObject) -> Content:
        text, blocks = body.get("text") or "", body.get("blocks") or []
        if not text and not blocks:
            raise Refusal("no_text")
        if problems := limits.message_problems(blocks):
            raise Refusal("invalid_blocks", problems)
        stored = mrkdwn.canonical(str(text)[: limits.MESSAGE_TEXT_MAX])
        return Content(stored, with_ids(blocks), body.get("metadata"))
