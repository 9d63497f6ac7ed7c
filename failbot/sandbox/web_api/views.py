"""The views.* methods."""

from __future__ import annotations

from failbot.sandbox.modals import check_view
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import View
from failbot.sandbox.web_api.call import Call


def open_(call: Call) -> JsonObject:
    """views.open."""
    view = _modal(call)
    trigger = call.platform.tickets.check(_trigger_id(call))
    shown = call.platform.modals.open(trigger.user_id, view)
    trigger.used = True
    return _shown(call, shown)


def push(call: Call) -> JsonObject:
    """views.push."""
    view = _modal(call)
    trigger = call.platform.tickets.check(_trigger_id(call))
    shown = call.platform.modals.push(trigger.user_id, view)
    trigger.used = True
    return _shown(call, shown)


def update(call: Call) -> JsonObject:
    """views.update, by view_id or external_id."""
    view_id, external_id = call.string("view_id"), call.string("external_id")
    if (view_id is None) == (external_id is None):
        raise Refusal("invalid_arguments", ["exactly one of view_id and external_id is needed"])
    body = call.view()
    view = call.platform.modals.find(view_id=view_id, external_id=external_id)
    check_view(body, kind=view.kind)
    shown = call.platform.modals.update(view, body, view_hash=call.string("hash"))
    return _shown(call, shown)


def publish(call: Call) -> JsonObject:
    """views.publish, of a Home tab."""
    body = call.view()
    check_view(body, kind="home")
    user_id = call.required("user_id")
    person = call.workspace.people.get(user_id)
    if person is None or person.deleted or person.is_bot:
        raise Refusal("invalid_arguments", ["invalid user_id [json-pointer:/user_id]"])
    shown = call.platform.modals.publish(user_id, body, view_hash=call.string("hash"))
    return _shown(call, shown)


def _modal(call: Call) -> JsonObject:
    view = call.view()
    check_view(view, kind="modal")
    return view


def _trigger_id(call: Call) -> str:
    trigger_id = call.string("trigger_id") or call.string("interactivity_pointer")
    if trigger_id is None:
        raise Refusal("invalid_arguments", ["missing required field: trigger_id"])
    return trigger_id


def _shown(call: Call, view: View) -> JsonObject:
    call.platform.core.sound_alarms(call.method, "", {"blocks": view.blocks})
    return {"view": call.platform.modals.payload(view)}
