"""Limits of Block Kit's elements and composition objects.

Figures: docs.slack.dev, reference/block-kit/block-elements and composition-objects.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from failbot.sandbox.refusal import JsonObject

_SELECTS = {"static_select", "external_select", "users_select", "conversations_select"} | {
    "channels_select"
}
_MULTI_SELECTS = {f"multi_{name}" for name in _SELECTS}
INPUT_ELEMENTS = frozenset(
    _SELECTS
    | _MULTI_SELECTS
    | {"plain_text_input", "rich_text_input", "email_text_input", "url_text_input"}
    | {"number_input", "file_input", "datepicker", "timepicker", "datetimepicker"}
    | {"checkboxes", "radio_buttons"}
)
_WITH_PLACEHOLDER = INPUT_ELEMENTS - {"checkboxes", "radio_buttons", "file_input", "datetimepicker"}
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Inspection:
    """Collects problems as Slack words them: what is wrong, and the JSON pointer to it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.action_ids: set[str] = set()
        self.focused = 0

    def add(self, problem: str, pointer: str) -> None:
        """Note one problem."""
        self.problems.append(f"{problem} [json-pointer:{pointer}]")

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
        foreign = {"emoji"} if value["type"] == "mrkdwn" else {"verbatim"}
        for key in foreign & value.keys():
            self.add(f"additional property: {key}", pointer)
        return None


def check_element(
    inspection: Inspection, element: Any, pointer: str, allowed: Collection[str]
) -> None:
    """One interactive or image element, of an allowed type."""
    if element is None:
        owner, _, name = pointer.rpartition("/")
        return inspection.add(f"missing required field: {name}", owner)
    kind = element.get("type") if isinstance(element, dict) else type(element).__name__
    if not isinstance(element, dict) or not isinstance(kind, str) or kind not in allowed:
        return inspection.add(f"unsupported type: {kind}", f"{pointer}/type")
    if element["type"] == "image":
        return _image(inspection, element, pointer)
    _action_id(inspection, element, pointer)
    if element.get("confirm") is not None:
        _confirm(inspection, element["confirm"], f"{pointer}/confirm")
    if element.get("placeholder") is not None:
        _placeholder(inspection, element, pointer)
    _kind_of_element(inspection, element, pointer)
    if element.get("focus_on_load"):
        inspection.focused += 1
        if inspection.focused > 1:
            inspection.add("only one element can have focus_on_load", f"{pointer}/focus_on_load")
    return None


def _kind_of_element(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    match element["type"]:
        case "button":
            _button(inspection, element, pointer)
        case "overflow":
            _options(inspection, element, pointer, limit=5)
        case "checkboxes" | "radio_buttons":
            _options(inspection, element, pointer, limit=10)
        case "static_select" | "multi_static_select":
            _static_select(inspection, element, pointer)
        case "plain_text_input":
            _plain_text_input(inspection, element, pointer)
        case "number_input" if not isinstance(element.get("is_decimal_allowed"), bool):
            inspection.add("missing required field: is_decimal_allowed", pointer)
        case "datepicker" if element.get("initial_date") is not None:
            _pattern(inspection, element["initial_date"], f"{pointer}/initial_date", _DATE)
        case "timepicker" if element.get("initial_time") is not None:
            _pattern(inspection, element["initial_time"], f"{pointer}/initial_time", _TIME)


def _pattern(inspection: Inspection, value: Any, pointer: str, pattern: re.Pattern[str]) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        inspection.add("does not match pattern", pointer)


def _action_id(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    action_id = element.get("action_id")
    if action_id is None or not inspection.string(action_id, f"{pointer}/action_id", 255):
        return
    if action_id in inspection.action_ids:
        inspection.add(f"action_id `{action_id}` already exists", f"{pointer}/action_id")
    inspection.action_ids.add(action_id)


def _placeholder(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    if element["type"] not in _WITH_PLACEHOLDER:
        inspection.add("additional property: placeholder", pointer)
    inspection.text(element["placeholder"], f"{pointer}/placeholder", 150, kinds=("plain_text",))


def _image(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    if element.get("image_url") is None and element.get("slack_file") is None:
        inspection.add("missing required field: image_url", pointer)
    elif element.get("image_url") is not None:
        inspection.string(element["image_url"], f"{pointer}/image_url", 3_000)
    if element.get("alt_text") is None:
        inspection.add("missing required field: alt_text", pointer)
    else:
        inspection.string(element["alt_text"], f"{pointer}/alt_text", 2_000)


def _button(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    inspection.text(element.get("text"), f"{pointer}/text", 75, kinds=("plain_text",))
    for key, limit in (("value", 2_000), ("url", 3_000), ("accessibility_label", 75)):
        if element.get(key) is not None:
            inspection.length(element[key], f"{pointer}/{key}", limit)
    if element.get("style") not in (None, "primary", "danger"):
        inspection.add("must be one of: primary, danger", f"{pointer}/style")


def _confirm(inspection: Inspection, confirm: Any, pointer: str) -> None:
    if not isinstance(confirm, dict):
        return inspection.add("must be an object", pointer)
    for key, limit in (("title", 100), ("confirm", 30), ("deny", 30)):
        inspection.text(confirm.get(key), f"{pointer}/{key}", limit, kinds=("plain_text",))
    return inspection.text(confirm.get("text"), f"{pointer}/text", 300)


def _options(inspection: Inspection, element: JsonObject, pointer: str, *, limit: int) -> None:
    options = element.get("options")
    if not inspection.items(options, f"{pointer}/options", limit) or not isinstance(options, list):
        return
    marked = element.get("type") in ("checkboxes", "radio_buttons")
    kinds = ("plain_text", "mrkdwn") if marked else ("plain_text",)
    for number, option in enumerate(options):
        _option(inspection, option, f"{pointer}/options/{number}", kinds=kinds)
    _initial(inspection, element, pointer, options)


def _option(inspection: Inspection, option: Any, pointer: str, *, kinds: Collection[str]) -> None:
    if not isinstance(option, dict):
        return inspection.add("must be an object", pointer)
    inspection.text(option.get("text"), f"{pointer}/text", 75, kinds=kinds)
    if option.get("value") is None:
        inspection.add("missing required field: value", pointer)
    else:
        inspection.length(option["value"], f"{pointer}/value", 150)
    if option.get("description") is not None:
        inspection.text(option["description"], f"{pointer}/description", 75, kinds=kinds)
    if option.get("url") is not None:
        inspection.length(option["url"], f"{pointer}/url", 3_000)
    return None


def _static_select(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    groups = element.get("option_groups")
    if groups is None:
        return _options(inspection, element, pointer, limit=100)
    if element.get("options") is not None:
        inspection.add("only one of options and option_groups is allowed", pointer)
    if not inspection.items(groups, f"{pointer}/option_groups", 100):
        return None
    options: list[Any] = []
    for number, group in enumerate(groups):
        where = f"{pointer}/option_groups/{number}"
        if not isinstance(group, dict):
            inspection.add("must be an object", where)
            continue
        inspection.text(group.get("label"), f"{where}/label", 75, kinds=("plain_text",))
        _options(inspection, {"options": group.get("options")}, where, limit=100)
        options += group.get("options") or []
    return _initial(inspection, element, pointer, options)


def _initial(inspection: Inspection, element: JsonObject, pointer: str, options: list[Any]) -> None:
    single, several = element.get("initial_option"), element.get("initial_options")
    if several is not None and not several:
        inspection.add("no less than 1 items allowed", f"{pointer}/initial_options")
    chosen = ([single] if single is not None else []) + list(several or [])
    if any(option not in options for option in chosen):
        key = "initial_option" if single is not None else "initial_options"
        inspection.add("must match one of the options", f"{pointer}/{key}")


def _plain_text_input(inspection: Inspection, element: JsonObject, pointer: str) -> None:
    least = _whole(inspection, element, pointer, key="min_length", least=0)
    most = _whole(inspection, element, pointer, key="max_length", least=1)
    if least is not None and most is not None and least > most:
        inspection.add("min_length must not exceed max_length", pointer)
    if element.get("initial_value") is not None:
        inspection.length(element["initial_value"], f"{pointer}/initial_value", most or 3_000)


def _whole(
    inspection: Inspection, element: JsonObject, pointer: str, *, key: str, least: int
) -> int | None:
    value = element.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= 3_000:
        return value
    inspection.add(f"must be between {least} and 3000", f"{pointer}/{key}")
    return None
