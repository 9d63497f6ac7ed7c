"""What people do to the app: commands, clicks, shortcuts, forms; and what its acks bring about.

Payload shapes: docs.slack.dev, interactivity and reference/interaction-payloads.
"""

from __future__ import annotations

from typing import Any

from failbot.sandbox.core import Core
from failbot.sandbox.delivery import Deliveries, Delivery
from failbot.sandbox.modals import Modals
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import Channel, Message, Person, View
from failbot.sandbox.tickets import Tickets

TROUBLE = "We had some trouble connecting. Try again?"
_CHANNEL_NAMES = {"im": "directmessage", "private": "privategroup", "mpim": "privategroup"}
_COMMAND_ERRORS = {
    "timeout": "operation_timeout",
    "http_error": "http_service_error",
    "no_connection": "dispatch_failed",
    "connection_failed": "dispatch_failed",
}


class Interactions:
    """Sends each kind of interaction; callers hold the core's lock."""

    def __init__(
        self,
        core: Core,
        deliveries: Deliveries,
        *,
        tickets: Tickets,
        modals: Modals,
    ) -> None:
        self._core = core
        self._deliveries = deliveries
        self._tickets = tickets
        self._modals = modals

    def command(self, person: Person, name: str, *, text: str, channel: Channel) -> Delivery:
        """A slash command."""
        workspace, app = self._core.workspace, self._core.app
        payload = {
            "token": "sandbox-verification-token",
            "team_id": workspace.team_id,
            "team_domain": workspace.domain,
            "channel_id": channel.id,
            "channel_name": _CHANNEL_NAMES.get(channel.kind, channel.name),
            "user_id": person.id,
            "user_name": person.name,
            "command": name,
            "text": text,
            "api_app_id": app.app_id,
            "is_enterprise_install": "false",
            "response_url": self._tickets.response_url(person.id, channel.id),
            "trigger_id": self._tickets.trigger(person.id),
        }
        return self._deliveries.submit(
            "slash_commands",
            payload,
            on_reply=lambda body: self._command_reply(body, name),
            on_failure=lambda why: self._command_failed(person, name, channel, why),
        )

    def _command_reply(self, body: Any, name: str) -> None:
        if body not in (None, "", {}):
            self._core.complain(f"the ack of {name} holds an answer; the bot gives it elsewhere")

    def _command_failed(self, person: Person, name: str, channel: Channel, why: str) -> None:
        error = _COMMAND_ERRORS.get(why, "dispatch_failed")
        words = f'{name} failed with the error "{error}"'
        self._core.notify_person(person.id, {"channel": channel.id, "error": error, "text": words})

    def shortcut(self, person: Person, callback_id: str, msg: Message) -> Delivery:
        """A message shortcut, invoked from a message's menu."""
        channel = self._core.workspace.channels[msg.channel_id]
        url = self._tickets.response_url(person.id, channel.id, message_ts=msg.ts)
        payload = self._frame("message_action", person) | {
            "action_ts": self._core.workspace.new_ts(),
            "callback_id": callback_id,
            "channel": self._channel(channel),
            "message_ts": msg.ts,
            "message": self._core.workspace.message_payload(msg),
            "response_url": url,
        }
        return self._interactive(payload, person)

    def message_action(self, person: Person, msg: Message, action: JsonObject) -> Delivery:
        """A click on an element of a message."""
        channel = self._core.workspace.channels[msg.channel_id]
        container: JsonObject = {
            "type": "message",
            "message_ts": msg.ts,
            "channel_id": channel.id,
            "is_ephemeral": msg.visible_to is not None,
        }
        if msg.thread_ts:
            container["thread_ts"] = msg.thread_ts
        url = self._tickets.response_url(person.id, channel.id, message_ts=msg.ts)
        payload = self._frame("block_actions", person) | {
            "container": container,
            "channel": self._channel(channel),
            "state": {"values": {}},
            "response_url": url,
            "actions": [action],
        }
        if msg.visible_to is None:
            payload["message"] = self._core.workspace.message_payload(msg)
        return self._interactive(payload, person)

    def view_action(self, person: Person, view: View, action: JsonObject) -> Delivery:
        """A click on an element of a modal or Home tab."""
        payload = self._frame("block_actions", person) | {
            "container": {"type": "view", "view_id": view.id},
            "view": self._modals.payload(view),
            "actions": [action],
        }
        return self._interactive(payload, person)

    def submit(self, person: Person, view: View) -> Delivery:
        """A modal's submission; the ack decides what becomes of the modal."""
        view.errors = {}
        payload = self._frame("view_submission", person) | {
            "view": self._modals.payload(view),
            "response_urls": [],
        }
        return self._deliveries.submit(
            "interactive",
            payload,
            on_reply=lambda body: self._submission_reply(body, view),
            on_failure=lambda _: self._trouble(view),
        )

    def _interactive(self, payload: JsonObject, person: Person) -> Delivery:
        notice: JsonObject = {"error": "interaction_failed", "text": TROUBLE}
        return self._deliveries.submit(
            "interactive",
            payload,
            on_failure=lambda _: self._core.notify_person(person.id, notice),
        )

    def _submission_reply(self, body: Any, view: View) -> None:
        if body in (None, "", {}):
            return self._modals.close(view.user_id)
        try:
            self._apply_response_action(body, view)
        except Refusal as refusal:
            self._core.complain(f"the ack of view_submission was refused: {refusal}")
            self._trouble(view)

    def _apply_response_action(self, body: Any, view: View) -> None:
        action = body.get("response_action") if isinstance(body, dict) else None
        match action:
            case "errors":
                view.errors = self._checked_errors(body.get("errors"), view)
            case "clear":
                self._modals.close(view.user_id)
            case _:
                raise Refusal("invalid_response_action", [f"unknown response_action: {action}"])

    def _checked_errors(self, errors: Any, view: View) -> dict[str, str]:
        inputs = {b["block_id"] for b in view.blocks if b.get("type") == "input"}
        if not isinstance(errors, dict) or not errors:
            raise Refusal("invalid_response_action", ["errors must name at least one block"])
        for block_id, words in errors.items():
            if block_id not in inputs or not isinstance(words, str) or not words:
                raise Refusal(
                    "invalid_response_action", [f"errors: {block_id} is no input block's error"]
                )
        return dict(errors)

    def _trouble(self, view: View) -> None:
        with self._core.changing():
            view.errors = {"": TROUBLE}

    def _channel(self, channel: Channel) -> JsonObject:
        return {"id": channel.id, "name": _CHANNEL_NAMES.get(channel.kind, channel.name)}

    def _frame(self, kind: str, person: Person) -> JsonObject:
        workspace = self._core.workspace
        return {
            "type": kind,
            "team": {"id": workspace.team_id, "domain": workspace.domain},
            "user": {
                "id": person.id,
                "username": person.name,
                "name": person.name,
                "team_id": person.team_id,
            },
            "api_app_id": self._core.app.app_id,
            "token": "sandbox-verification-token",
            "trigger_id": self._tickets.trigger(person.id),
            "enterprise": None,
            "is_enterprise_install": False,
        }
