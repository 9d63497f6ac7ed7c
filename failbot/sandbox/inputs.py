"""Block Kit's inputs as a person fills them: state values, initial values, Slack's own checks.

State shapes: docs.slack.dev, reference/views, "view.state.values".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from failbot.sandbox.refusal import JsonObject, PersonError

# Element type -> (key in the state, key of the initial value).
STATE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
}
_LISTS = {"selected_options", "selected_users", "selected_conversations", "selected_channels"}
_TEXT_MAX = 3_000
_URL = re.compile(r"https?://\S+\.?\S*", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def elements_of(blocks: Sequence[JsonObject]) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Each (block, element) that a person can act on: inputs, accessories, actions."""
    for block in blocks:
        for key in ("element", "accessory"):
            if isinstance(block.get(key), dict):
                yield block, block[key]
        if block.get("type") == "actions":
            for element in block.get("elements") or []:
                yield block, element


def initial_state(blocks: Sequence[JsonObject]) -> dict[str, dict[str, JsonObject]]:
    """The state of a fresh view: every input by block_id and action_id."""
    state: dict[str, dict[str, JsonObject]] = {}
    for block, element in elements_of(blocks):
        if element.get("type") in STATE_KEYS:
            state.setdefault(block["block_id"], {})[element["action_id"]] = _initial(element)
    return state


def _initial(element: JsonObject) -> JsonObject:
    key, initial = STATE_KEYS[element["type"]]
    value = element.get(initial)
    if value is None and key in _LISTS:
        value = []
    return {"type": element["type"], key: value}


def kept_state(
    blocks: Sequence[JsonObject], before: dict[str, dict[str, JsonObject]]
) -> dict[str, dict[str, JsonObject]]:
    """The state after an update: what was typed stays where block_id and action_id stay."""
    state = initial_state(blocks)
    for block_id, actions in state.items():
        for action_id, fresh in actions.items():
            old = before.get(block_id, {}).get(action_id)
            if old is not None and old.get("type") == fresh["type"]:
                actions[action_id] = old
    return state


def filled(element: JsonObject, value: Any) -> JsonObject:
    """The state of an input after a person gave it `value`.

    Options are chosen by value or visible text, several by a list; None clears.
    :raises PersonError: when no such option is offered.
    """
    key, _ = STATE_KEYS[element["type"]]
    state: JsonObject = {"type": element["type"], key: [] if key in _LISTS else None}
    if value is None or value == "" or value == []:
        return state
    if key == "selected_option":
        state[key] = choose(element, value)
    elif key == "selected_options":
        chosen = value if isinstance(value, (list, tuple)) else [value]
        state[key] = [choose(element, each) for each in chosen]
    elif key in _LISTS:
        state[key] = list(value)
    elif key in ("selected_date_time", "rich_text_value"):
        state[key] = value
    else:
        state[key] = str(value)
    return state


def choose(element: JsonObject, value: Any) -> JsonObject:
    """The option whose value or visible text is `value`, as Slack sends it."""
    groups = element.get("option_groups") or []
    offered = [*(element.get("options") or []), *(o for g in groups for o in g["options"])]
    for option in offered:
        if value in (option["value"], option["text"]["text"]):
            return {k: option[k] for k in ("text", "value", "description") if k in option}
    raise PersonError(f"the choice {value!r} is not offered by {element.get('action_id')}")


def find_input(blocks: Sequence[JsonObject], key: str) -> tuple[JsonObject, JsonObject]:
    """The (block, element) with that label, block_id or action_id.

    :raises PersonError: when the view shows no such input.
    """
    for block, element in elements_of(blocks):
        label = (block.get("label") or {}).get("text")
        if element.get("type") in STATE_KEYS and key in (
            block["block_id"],
            element["action_id"],
            label,
        ):
            return block, element
    raise PersonError(f"the view shows no input called {key!r}")


def problems(
    blocks: Sequence[JsonObject], state: dict[str, dict[str, JsonObject]]
) -> dict[str, str]:
    """What Slack itself says beside inputs before it sends a submission, by block_id."""
    found: dict[str, str] = {}
    for block, element in elements_of(blocks):
        if block.get("type") != "input" or element.get("type") not in STATE_KEYS:
            continue
        key, _ = STATE_KEYS[element["type"]]
        value = state[block["block_id"]][element["action_id"]].get(key)
        problem = _problem(element, value, optional=bool(block.get("optional")))
        if problem:
            found[block["block_id"]] = problem
    return found


def _problem(element: JsonObject, value: Any, *, optional: bool) -> str | None:
    if value in (None, "", []) or (isinstance(value, str) and not value.strip()):
        return None if optional else "Please complete this required field."
    match element["type"]:
        case "plain_text_input":
            return _length_problem(value, element)
        case "url_text_input" if not _URL.fullmatch(value):
            return "Please enter a valid URL."
        case "email_text_input" if not _EMAIL.fullmatch(value):
            return "Please enter a valid email address."
        case "number_input":
            return _number_problem(value, element)
    most = element.get("max_selected_items")
    if most is not None and len(value) > most:
        return f"Please choose at most {most} items."
    return None


def _length_problem(value: str, element: JsonObject) -> str | None:
    least, most = element.get("min_length") or 0, element.get("max_length") or _TEXT_MAX
    if len(value) < least:
        return f"Please enter at least {least} characters."
    if len(value) > most:
        return f"Please enter at most {most} characters."
    return None


def _number_problem(value: str, element: JsonObject) -> str | None:
    if not _NUMBER.fullmatch(value) or ("." in value and not element.get("is_decimal_allowed")):
        return "Please enter a valid number."
    for key, words in (("min_value", "at least"), ("max_value", "at most")):
        limit = element.get(key)
        if limit is None:
            continue
        below = float(value) < float(limit)
        above = float(value) > float(limit)
        if (key == "min_value" and below) or (key == "max_value" and above):
            return f"Please enter {words} {limit}."
    return None
