"""Block Kit's inputs as a person fills them: state values, initial values, Slack's own checks.

State shapes: docs.slack.dev, reference/views, "view.state.values".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from failbot.sandbox.elements import INPUT_MAX
from failbot.sandbox.refusal import JsonObject, PersonError

# Element type -> (key in the state, key of the initial value).
STATE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
}


def elements_of(blocks: Sequence[JsonObject]) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Each (block, element) that a person can act on: inputs and actions."""
    for block in blocks:
        if isinstance(block.get("element"), dict):
            yield block, block["element"]
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
    if value is None and key == "selected_options":
        value = []
    return {"type": element["type"], key: value}


def filled(element: JsonObject, value: Any) -> JsonObject:
    """The state of an input after a person gave it `value`.

    Options are chosen by value or visible text, several by a list; None clears.
    :raises PersonError: when no such option is offered.
    """
    key, _ = STATE_KEYS[element["type"]]
    state: JsonObject = {"type": element["type"], key: [] if key == "selected_options" else None}
    if value is None or value == "" or value == []:
        return state
    if key == "value":
        state[key] = str(value)
    elif key == "selected_option":
        state[key] = choose(element, value)
    else:
        chosen = value if isinstance(value, (list, tuple)) else [value]
        state[key] = [choose(element, each) for each in chosen]
    return state


def choose(element: JsonObject, value: Any) -> JsonObject:
    """The option whose value or visible text is `value`, as Slack sends it."""
    for option in element["options"]:
        if value in (option["value"], option["text"]["text"]):
            return {"text": option["text"], "value": option["value"]}
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
    if element["type"] == "plain_text_input":
        return _length_problem(value, element)
    most = element.get("max_selected_items")
    if most is not None and len(value) > most:
        return f"Please choose at most {most} items."
    return None


def _length_problem(value: str, element: JsonObject) -> str | None:
    most = element.get("max_length") or INPUT_MAX
    return f"Please enter at most {most} characters." if len(value) > most else None
