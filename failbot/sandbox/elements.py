"""Limits of Block Kit's elements and composition objects, as far as the bot sends them.

Figures: docs.slack.dev, reference/block-kit/block-elements and composition-objects.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from failbot.sandbox.refusal import JsonObject

INPUT_MAX = 3_000
INPUT_ELEMENTS = frozenset(
    {"plain_text_input", "static_select", "multi_static_select", "checkboxes"}
)
ACTION_ELEMENTS = frozenset({"button", "static_select", "multi_static_select", "checkboxes"})
# Whatever Slack knows besides, the bot does not send, and the page does not show.
_CHOICES = frozenset({"type", "action_id", "options"})
PROPERTIES = {
    "button": frozenset({"type", "action_id", "text", "value", "style"}),
    "plain_text_input": frozenset(
        {"type", "action_id", "multiline", "placeholder", "initial_value", "max_length"}
    ),
    "static_select": _CHOICES | {"placeholder", "initial_option"},
    "multi_static_select": _CHOICES | {"placeholder", "initial_options", "max_selected_items"},
    "checkboxes": _CHOICES | {"initial_options"},
}


class Inspection:
    """Collects problems as Slack words them: what is wrong, and the JSON pointer to it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.action_ids: set[str] = set()

    def add(self, problem: str, pointer: str) -> None:
        """Note one problem."""
        self.problems.append(f"{problem} [json-pointer:{pointer}]")

    def known(self, part: JsonObject, pointer: str, properties: Collection[str]) -> None:
        """Every property is one of these."""
        for key in part.keys() - set(properties):
            self.add(f"additional property: {key}", pointer)

    def length(self, value: Any, pointer: str, limit: int) -> bool:
        """True if `value` is a string of at most `limit` characters."""
        if not isinstance(value, str):
            self.add("must be a string", pointer)
            return False
        if len(value) > limit:
            self.add(f"must be less than {limit + 1} characters", pointer)
            return False
        return True

    def string(self, value: Any, pointer: str, limit: int) -> bool:
        """True if `value` is a string of 1 to `limit` characters."""
        if value == "":
            self.add("must be more than 0 characters", pointer)
            return False
        return self.length(value, pointer, limit)

    def items(self, value: Any, pointer: str, limit: int) -> bool:
        """True if `value` is an array of 1 to `limit` items."""
        if not isinstance(value, list):
            self.add("must be an array", pointer)
            return False
        if not value:
            self.add("no less than 1 items allowed", pointer)
        if len(value) > limit:
            self.add(f"no more than {limit} items allowed", pointer)
        return True

    def text(
        self,
        value: Any,
        pointer: str,
        limit: int,
        *,
        kinds: Collection[str] = ("plain_text", "mrkdwn"),
    ) -> None:
        """A text object of one of the kinds, 1 to `limit` characters."""
        if value is None:
            owner, _, name = pointer.rpartition("/")
            return self.add(f"missing required field: {name}", owner)
        if not isinstance(value, dict) or value.get("type") not in kinds:
            return self.add(f"must be a valid text object ({' or '.join(kinds)})", pointer)
        self.string(value.get("text"), f"{pointer}/text", limit)
        own = "verbatim" if value["type"] == "mrkdwn" else "emoji"
        return self.known(value, pointer, {"type", "text", own})


def check_element(
    inspection: Inspection, element: Any, pointer: str, allowed: Collection[str]
) -> None:
    """One interactive element, of an allowed type."""
    if element is None:
        owner, _, name = pointer.rpartition("/")
        return inspection.add(f"missing required field: {name}", owner)
    kind = element.get("type") if isinstance(element, dict) else type(element).__name__
    if not isinstance(element, dict) or not isinstance(kind, str) or kind not in allowed:
        return inspection.add(f"unsupported type: {kind}", f"{pointer}/type")
    inspection.known(element, pointer, PROPERTIES[kind])
    _action_id(inspection, element, pointer)
    if element.get("placeholder") is not None:
        where = f"{pointer}/placeholder"
        inspection.text(element["placeholder"], where, 150, kinds=("plain_text",))
    return _kind_of_element(inspection, element, pointer)


def _kind_of_element(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    match element["type"]:
        case "button":
            _button(inspection, element, pointer)
        case "checkboxes":
            _options(inspection, element, pointer, limit=10)
        case "static_select" | "multi_static_select":
            _options(inspection, element, pointer, limit=100)
        case "plain_text_input":
            _plain_text_input(inspection, element, pointer)


def _action_id(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    action_id = element.get("action_id")
    if action_id is None or not inspection.string(action_id, f"{pointer}/action_id", 255):
        return
    if action_id in inspection.action_ids:
        inspection.add(f"action_id `{action_id}` already exists", f"{pointer}/action_id")
    inspection.action_ids.add(action_id)


def _button(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    inspection.text(element.get("text"), f"{pointer}/text", 75, kinds=("plain_text",))
    if element.get("value") is not None:
        inspection.length(element["value"], f"{pointer}/value", 2_000)
    if element.get("style") not in (None, "primary", "danger"):
        inspection.add("must be one of: primary, danger", f"{pointer}/style")


def _options(inspection: Inspection, element: JsonObject, pointer: str, *, limit: int) -> None:
    options = element.get("options")
    if not inspection.items(options, f"{pointer}/options", limit) or not isinstance(options, list):
        return
    marked = element["type"] == "checkboxes"
    kinds = ("plain_text", "mrkdwn") if marked else ("plain_text",)
    for number, option in enumerate(options):
        _option(inspection, option, f"{pointer}/options/{number}", kinds=kinds)
    _initial(inspection, element, pointer, options)


def _option(inspection: Inspection, option: Any, pointer: str, *, kinds: Collection[str]) -> None:
    if not isinstance(option, dict):
        return inspection.add("must be an object", pointer)
    inspection.known(option, pointer, {"text", "value"})
    inspection.text(option.get("text"), f"{pointer}/text", 75, kinds=kinds)
    if option.get("value") is None:
        return inspection.add("missing required field: value", pointer)
    inspection.length(option["value"], f"{pointer}/value", 150)
    return None


def _initial(inspection: Inspection, element: JsonObject, pointer: str, options: list[Any]) -> None:
    single, several = element.get("initial_option"), element.get("initial_options")
    if several is not None and not several:
        inspection.add("no less than 1 items allowed", f"{pointer}/initial_options")
    chosen = ([single] if single is not None else []) + list(several or [])
    if any(option not in options for option in chosen):
        key = "initial_option" if single is not None else "initial_options"
        inspection.add("must match one of the options", f"{pointer}/{key}")


def _plain_text_input(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    most = element.get("max_length", INPUT_MAX)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= INPUT_MAX:
        inspection.add(f"must be between 1 and {INPUT_MAX}", f"{pointer}/max_length")
    elif element.get("initial_value") is not None:
        inspection.length(element["initial_value"], f"{pointer}/initial_value", most)
