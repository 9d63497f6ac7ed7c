"""Filling in forms as Slack lets a person do it: every input, initial values, checks."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from failbot.sandbox.refusal import PersonError
from tests.sandbox.blocks import field, modal, option

OPTIONS = [option("a"), option("b"), option("c")]


def element(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "action_id": "x"} | more


CASES: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "text": (element("plain_text_input", multiline=True), "a\nb", {"value": "a\nb"}),
    "select": (element("static_select", options=OPTIONS), "B", {"selected_option": OPTIONS[1]}),
    "several": (
        element("multi_static_select", options=OPTIONS),
        ["a", "c"],
        {"selected_options": [OPTIONS[0], OPTIONS[2]]},
    ),
    "checkboxes": (
        element("checkboxes", options=OPTIONS),
        ["b"],
        {"selected_options": [OPTIONS[1]]},
    ),
}


def show(client: WebClient, control: Control, view: dict[str, Any]) -> Actor:
    """Ada in front of an open modal."""
    ada = control.as_(factory.ADA)
    ada.command("/failure", wait=False)
    trigger_id = control.deliveries("slash_commands")[-1]["payload"]["trigger_id"]
    client.views_open(trigger_id=trigger_id, view=view)
    return ada


@pytest.mark.parametrize("name", CASES)
def test_each_input_has_slacks_state(client: WebClient, control: Control, name: str) -> None:
    """What a person enters is sent in the documented shape."""
    shown, value, state = CASES[name]
    ada = show(client, control, modal(field("f", shown)))
    ada.submit({"F": value}, wait=False)
    sent = control.deliveries("interactive")[0]["payload"]["view"]["state"]["values"]
    assert sent == {"f": {"x": {"type": shown["type"]} | state}}


INITIAL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (element("plain_text_input", initial_value="hi"), {"value": "hi"}),
    "select": (
        element("static_select", options=OPTIONS, initial_option=OPTIONS[0]),
        {"selected_option": OPTIONS[0]},
    ),
    "checkboxes": (
        element("checkboxes", options=OPTIONS, initial_options=OPTIONS[:2]),
        {"selected_options": OPTIONS[:2]},
    ),
    "empty checkboxes": (element("checkboxes", options=OPTIONS), {"selected_options": []}),
    "empty text": (element("plain_text_input"), {"value": None}),
}


@pytest.mark.parametrize("name", INITIAL)
def test_initial_values_are_the_first_state(client: WebClient, control: Control, name: str) -> None:
    """A fresh modal's state holds initial values, or what Slack sends for none."""
    shown, state = INITIAL[name]
    view = show(client, control, modal(field("f", shown))).view()
    assert view is not None
    assert view["state"]["values"]["f"]["x"] == {"type": shown["type"]} | state


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        (element("plain_text_input", max_length=2), "abc"),
        (element("plain_text_input"), "x" * 3001),
        (element("plain_text_input"), "   "),
        (element("static_select", options=OPTIONS), None),
        (element("multi_static_select", options=OPTIONS, max_selected_items=1), ["a", "b"]),
    ],
)
def test_what_slack_itself_would_not_send(
    client: WebClient, control: Control, shown: dict[str, Any], value: Any
) -> None:
    """Lengths, formats and required fields are errors beside the field."""
    ada = show(client, control, modal(field("f", shown)))
    assert set(ada.submit({"f": value})["errors"]) == {"f"}
    assert control.deliveries("interactive") == []


def test_an_optional_input_may_stay_empty(client: WebClient, control: Control) -> None:
    """optional inputs are sent as null."""
    ada = show(client, control, modal(field("f", optional=True)))
    assert ada.submit({}, wait=False)["errors"] == {}


def test_a_choice_that_is_not_offered_cannot_be_made(client: WebClient, control: Control) -> None:
    """A person only chooses what is there."""
    ada = show(client, control, modal(field("f", element("static_select", options=OPTIONS))))
    with pytest.raises(PersonError, match="not offered"):
        ada.fill({"f": "z"})
