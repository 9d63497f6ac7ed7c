"""Being a person: everything that Slack's screen lets someone do, and what it shows them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from failbot.sandbox import inputs, mrkdwn
from failbot.sandbox.clicks import action_of, find_element
from failbot.sandbox.conversations import Content
from failbot.sandbox.delivery import Delivery
from failbot.sandbox.refusal import JsonObject, PersonError
from failbot.sandbox.sight import Sight
from failbot.sandbox.state import Message, View

ACK_WAIT_S = 15.0


class Actor(Sight):
    """One person's hands and eyes; any thread may use it.

    Actions that the app must ack return `{"status": "acked" | "failed" | …, "error", "reply",
    "delivery"}` once the ack (or its deadline) is there; with `wait=False` at once.
    """

    # Messages

    def say(
        self,
        channel_id: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Sequence[str] = (),
        raw: bool = False,
    ) -> JsonObject:
        """Post what was typed; `@name`, `<@U…>`, `#name` and URLs go live. Gives the message.

        `raw` sends the text unescaped, as markup (`<!channel>` included); files are names.
        """
        with self._core.changing():
            channel = self._open_channel(channel_id)
            if thread_ts is not None and self._workspace.find(channel_id, thread_ts) is None:
                raise PersonError("that thread is gone")
            shared = [self._workspace.new_file(name, self.user_id) for name in files]
            msg = self._platform.conversations.post(
                channel,
                Content(text if raw else self._typed(text), files=shared),
                user_id=self._person.id,
                thread_ts=thread_ts,
                client_msg_id=str(uuid.uuid4()),
            )
            return self._seen(msg)

    def edit(self, channel_id: str, ts: str, text: str) -> JsonObject:
        """Change one's own message."""
        with self._core.changing():
            msg = self._own(channel_id, ts)
            content = Content(self._typed(text))
            self._platform.conversations.edit(msg, content, user_id=self.user_id)
            return self._seen(msg)

    def delete(self, channel_id: str, ts: str) -> None:
        """Delete one's own message (an admin: anyone's)."""
        with self._core.changing():
            admin = self._person.is_admin
            msg = self._message(channel_id, ts) if admin else self._own(channel_id, ts)
            self._platform.conversations.delete(msg)

    def dismiss(self, channel_id: str, ts: str) -> None:
        """Dismiss a message that only this person sees."""
        with self._core.changing():
            msg = self._message(channel_id, ts)
            if msg.visible_to != self.user_id:
                raise PersonError("only messages visible to you alone can be dismissed")
            self._workspace.remove_message(msg)

    # Channels

    def join(self, channel_id: str) -> None:
        """Join a public channel."""
        channel = self._visible(channel_id)
        self._platform.conversations.join(channel, self._person.id)

    def leave(self, channel_id: str) -> None:
        """Leave a channel."""
        self._platform.conversations.leave(self._visible(channel_id), self._person.id)

    def invite(self, channel_id: str, user_id: str) -> None:
        """Bring someone (the bot, too) into a channel that one is in."""
        channel = self._open_channel(channel_id)
        self._platform.conversations.join(channel, user_id, inviter=self._person.id)

    def dm(self) -> str:
        """The id of the direct-message channel with the bot."""
        with self._core.changing():
            return self._workspace.im_with(self.user_id, self._core.app.bot_user_id).id

    # The app

    def command(
        self, name: str, text: str = "", channel_id: str | None = None, *, wait: bool = True
    ) -> JsonObject:
        """A slash command, in the direct messages with the bot unless a channel is given."""
        with self._core.changing():
            channel = self._open_channel(channel_id or self.dm())
            app = self._core.app
            if name not in app.commands or "commands" not in app.scopes or self._is_foreign():
                words = f"{name} is not a valid command."
                notice = {"channel": channel.id, "error": "unknown_command", "text": words}
                self._core.notify_person(self.user_id, notice)
                return {"status": "refused", "error": "unknown_command", "reply": None}
            sent = self._typed(text) if app.escape_command_text else mrkdwn.escape(text)
            delivery = self._platform.interactions.command(
                self._person, name, text=sent, channel=channel
            )
        return self._outcome(delivery, wait=wait)

    def shortcut(
        self, callback_id: str, message_ts: str, channel_id: str, *, wait: bool = True
    ) -> JsonObject:
        """A message shortcut from a message's menu."""
        with self._core.changing():
            msg = self._message(channel_id, message_ts)
            if msg.visible_to is not None:
                raise PersonError("a message that only you can see has no shortcuts")
            delivery = self._platform.interactions.shortcut(self._person, callback_id, msg)
        return self._outcome(delivery, wait=wait)

    def click(
        self,
        action_id: str,
        value: Any = None,
        *,
        channel_id: str | None = None,
        message_ts: str | None = None,
        block_id: str | None = None,
        wait: bool = True,
    ) -> JsonObject:
        """Click a button, or choose `value` (an option's value or text) in an element.

        Looks in the message if one is named; else in the open modal, the messages of the channel
        (newest first), the Home tab.
        """
        with self._core.changing():
            place, block, element = self._element(action_id, block_id, channel_id, message_ts)
            action = action_of(block, element, value, self._workspace.new_ts())
            if isinstance(place, Message):
                delivery = self._platform.interactions.message_action(self._person, place, action)
            else:
                if element["type"] in inputs.STATE_KEYS:
                    chosen = inputs.filled(element, value)
                    place.state[block["block_id"]][element["action_id"]] = chosen
                delivery = self._platform.interactions.view_action(self._person, place, action)
        return self._outcome(delivery, wait=wait)

    # Modals and the Home tab

    def fill(self, values: Mapping[str, Any]) -> JsonObject:
        """Fill inputs of the open modal by label, block_id or action_id; gives the modal.

        Selects take an option's value or text, multi-selects and checkboxes a list, None clears.
        """
        with self._core.changing():
            view = self._modal()
            for key, value in values.items():
                block, element = inputs.find_input(view.blocks, key)
                state = inputs.filled(element, value)
                view.state[block["block_id"]][element["action_id"]] = state
            return self._shown(view)

    def submit(self, values: Mapping[str, Any] | None = None, *, wait: bool = True) -> JsonObject:
        """Fill and submit the open modal; `errors` by block_id are what the person then sees.

        Slack's own checks (required, lengths, URL, number) come first: status "invalid", and
        nothing is sent.
        """
        if values:
            self.fill(values)
        with self._core.changing():
            view = self._modal()
            view.errors = inputs.problems(view.blocks, view.state)
            if view.errors:
                return {"status": "invalid", "error": None, "errors": dict(view.errors)}
            delivery = self._platform.interactions.submit(self._person, view)
        outcome = self._outcome(delivery, wait=wait)
        return outcome | {"errors": dict(view.errors)}

    def close_view(self) -> None:
        """Close the open modal."""
        with self._core.changing():
            self._platform.modals.close(self._modal().user_id)

    def open_home(self) -> JsonObject | None:
        """Open the app's Home tab: app_home_opened is sent; gives what it shows by now."""
        return self._open_app("home")

    def open_dm(self) -> str:
        """Open the direct messages with the bot: app_home_opened is sent; gives the channel."""
        self._open_app("messages")
        return self.dm()

    def _open_app(self, tab: str) -> JsonObject | None:
        with self._core.changing():
            home = self._platform.modals.homes.get(self._person.id)
            event: JsonObject = {
                "type": "app_home_opened",
                "user": self.user_id,
                "channel": self.dm(),
                "tab": tab,
                "event_ts": self._workspace.new_ts(),
            }
            if home is not None and tab == "home":
                event["view"] = self._platform.modals.payload(home)
            self._platform.events.send(event, subscription="app_home_opened")
            return self.home()

    def _typed(self, text: str) -> str:
        return mrkdwn.typed(text, resolve=self._workspace.resolve)

    def _own(self, channel_id: str, ts: str) -> Message:
        msg = self._message(channel_id, ts)
        if msg.user_id != self._person.id:
            raise PersonError("only one's own messages can be changed")
        return msg

    def _modal(self) -> View:
        view = self._platform.modals.current(self._person.id)
        if view is None:
            raise PersonError(f"no modal is open for {self.user_id}")
        return view

    def _element(
        self, action_id: str, block_id: str | None, channel_id: str | None, ts: str | None
    ) -> tuple[Message | View, JsonObject, JsonObject]:
        for place in self._places(channel_id, ts):
            found = find_element(place.blocks, action_id, block_id)
            if found is not None:
                return place, *found
        raise PersonError(f"{self.user_id} sees nothing to click called {action_id!r}")

    def _places(self, channel_id: str | None, ts: str | None) -> list[Message | View]:
        if channel_id is not None and ts is not None:
            return [self._message(channel_id, ts)]
        view = self._platform.modals.current(self.user_id)
        if channel_id is None and view is not None:
            return [view]
        ids = [channel_id] if channel_id else [c["id"] for c in self.channels()]
        messages = [
            m
            for each in ids
            for m in self._workspace.messages[self._visible(each).id]
            if m.visible_to in (None, self.user_id)
        ]
        messages.sort(key=lambda m: Decimal(m.ts), reverse=True)
        home = self._platform.modals.homes.get(self.user_id)
        return [*messages, *([home] if home is not None and channel_id is None else [])]

    def _outcome(self, delivery: Delivery, *, wait: bool) -> JsonObject:
        if wait:
            self._core.wait_until(lambda: delivery.is_final, ACK_WAIT_S)
        with self._core.lock:
            return {
                "status": delivery.status,
                "error": delivery.error,
                "reply": delivery.reply,
                "delivery": delivery.id,
            }
