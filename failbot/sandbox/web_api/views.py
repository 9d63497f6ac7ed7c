"""The views.* methods."""

from __future__ import annotations

from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import View
from failbot.sandbox.web_api.call import Call


def open_(call: Call) -> JsonObject:
    """views.open."""
    view = call.view("modal")
    trigger = call.platform.tickets.check(_trigger_id(call))
    shown = call.platform.modals.open(trigger.user_id, view)
    trigger.used = True
    return _shown(call, shown)


def update(call: Call) -> JsonObject:
    """views.update, of a modal that is open."""
    body = call.view("modal")
    view_id = call.required("view_id", error="invalid_arguments")
    return _shown(call, call.platform.modals.update(view_id, body, call.string("hash")))


def publish(call: Call) -> JsonObject:
    """views.publish, of a Home tab."""
    body = call.view("home")
    user_id = call.required("user_id")
    person = call.workspace.people.get(user_id)
    if person is None or person.deleted or person.is_bot:
        raise Refusal("invalid_arguments", ["invalid user_id [json-pointer:/user_id]"])
    return _shown(call, call.platform.modals.publish(user_id, body))


def _trigger_id(call: Call) -> str:
    trigger_id = call.string("trigger_id")
    if trigger_id is None:
        raise Refusal("invalid_arguments", ["missing required field: trigger_id"])
    return trigger_id


def _shown(call: Call, view: View) -> JsonObject:
    call.platform.core.sound_alarms(call.method, "", {"blocks": view.blocks})
    return {"view": call.platform.modals.payload(view)}
