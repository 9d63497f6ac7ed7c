"""What a click on an element sends: the `actions` entry of block_actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from failbot.sandbox import inputs
from failbot.sandbox.refusal import JsonObject, PersonError


def find_element(
    blocks: Sequence[JsonObject], action_id: str, block_id: str | None
) -> tuple[JsonObject, JsonObject] | None:
    """The (block, element) with that action_id, in that block if one is named."""
    for block, element in inputs.elements_of(blocks):
        if element.get("action_id") == action_id and block_id in (None, block.get("block_id")):
            return block, element
    return None


def action_of(block: JsonObject, element: JsonObject, value: Any, action_ts: str) -> JsonObject:
    """The action that Slack sends for a click or a choice.

    :raises PersonError: when the choice is not offered.
    """
    action: JsonObject = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block.get("block_id"),
        "action_ts": action_ts,
    }
    if element["type"] == "button":
        action["text"] = element["text"]
        for key in ("value", "style"):
            if key in element:
                action[key] = element[key]
    elif element["type"] in inputs.STATE_KEYS:
        action |= inputs.filled(element, value)
    else:
        raise PersonError(f"a {element['type']} cannot be clicked")
    return action
