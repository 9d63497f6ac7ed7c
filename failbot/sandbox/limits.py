"""What Slack's Block Kit refuses in messages and views, each problem with its JSON pointer.

Figures: docs.slack.dev, reference/block-kit and reference/views; the wording of a problem
follows Slack's `response_metadata.messages`. `slack_sdk.models` is asked too, for what this
module does not know; it misses field lengths, duplicates and the number of blocks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from failbot.sandbox.elements import INPUT_ELEMENTS, Inspection, check_element
from failbot.sandbox.refusal import JsonObject

Surface = Literal["message", "modal", "home"]

MAX_BLOCKS = {"message": 50, "modal": 100, "home": 100}
MESSAGE_TEXT_MAX = 40_000
# bolt-js#2509: about 13,200 characters for all blocks of a message, their containers included.
ALL_BLOCKS_MAX = 13_200
VIEW_TEXT_MAX = 24
PRIVATE_METADATA_MAX = 3_000
ID_MAX = 255

ACCESSORIES = INPUT_ELEMENTS - {
    "plain_text_input",
    "rich_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "file_input",
    "datetimepicker",
} | {"button", "overflow", "image", "workflow_button"}
ACTION_ELEMENTS = {
    "button",
    "overflow",
    "workflow_button",
    "checkboxes",
    "radio_buttons",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "rich_text_input",
}


class BlockInspection(Inspection):
    """Walks one list of blocks and collects every problem."""

    def __init__(self, surface: Surface) -> None:
        super().__init__()
        self.surface = surface
        self.block_ids: set[str] = set()

    def blocks(self, blocks: Any, pointer: str) -> None:
        """All blocks of a message or view."""
        if not isinstance(blocks, list):
            return self.add("must be an array", pointer)
        limit = MAX_BLOCKS[self.surface]
        if len(blocks) > limit:
            self.add(f"no more than {limit} items allowed", pointer)
        for number, block in enumerate(blocks):
            self.block(block, f"{pointer}/{number}")
        return None

    def block(self, block: Any, pointer: str) -> None:
        """One block with its elements."""
        if not isinstance(block, dict):
            return self.add("must be an object", pointer)
        check = getattr(self, f"_{block.get('type')}", None)
        if not isinstance(block.get("type"), str) or check is None:
            return self.add(f"unsupported type: {block.get('type')}", f"{pointer}/type")
        self._block_id(block, pointer)
        before = len(self.problems)
        check(block, pointer)
        if len(self.problems) == before:
            self._second_opinion(block, pointer)
        return None

    def _block_id(self, block: JsonObject, pointer: str) -> None:
        block_id = block.get("block_id")
        if block_id is None or not self.length(block_id, f"{pointer}/block_id", ID_MAX):
            return
        if block_id in self.block_ids:
            self.add(f"block_id `{block_id}` already exists", f"{pointer}/block_id")
        self.block_ids.add(block_id)

    def _second_opinion(self, block: JsonObject, pointer: str) -> None:
        try:
            parsed = Block.parse(block)
            if parsed is not None:
                parsed.to_dict()
        except (SlackObjectFormationError, TypeError, AttributeError, ValueError, KeyError) as e:
            self.add(str(e) or type(e).__name__, pointer)

    def _section(self, block: JsonObject, pointer: str) -> None:
        fields = block.get("fields")
        if block.get("text") is None and not fields:
            self.add("missing required field: text", pointer)
        if block.get("text") is not None:
            self.text(block["text"], f"{pointer}/text", 3_000)
        if fields is not None and self.items(fields, f"{pointer}/fields", 10):
            for number, field in enumerate(fields):
                self.text(field, f"{pointer}/fields/{number}", 2_000)
        if block.get("accessory") is not None:
            check_element(self, block["accessory"], f"{pointer}/accessory", ACCESSORIES)

    def _header(self, block: JsonObject, pointer: str) -> None:
        self.text(block.get("text"), f"{pointer}/text", 150, kinds=("plain_text",))

    def _divider(self, block: JsonObject, pointer: str) -> None:
        """A divider holds nothing."""

    def _markdown(self, block: JsonObject, pointer: str) -> None:
        if self.surface != "message":
            self.add("unsupported type: markdown", f"{pointer}/type")
        self.string(block.get("text"), f"{pointer}/text", 12_000)

    def _rich_text(self, block: JsonObject, pointer: str) -> None:
        if not isinstance(block.get("elements"), list):
            self.add("missing required field: elements", pointer)

    def _image(self, block: JsonObject, pointer: str) -> None:
        check_element(self, block, pointer, {"image"})
        if block.get("title") is not None:
            self.text(block["title"], f"{pointer}/title", 2_000, kinds=("plain_text",))

    def _actions(self, block: JsonObject, pointer: str) -> None:
        elements = block.get("elements")
        if self.items(elements, f"{pointer}/elements", 25) and isinstance(elements, list):
            for number, element in enumerate(elements):
                check_element(self, element, f"{pointer}/elements/{number}", ACTION_ELEMENTS)

    def _context(self, block: JsonObject, pointer: str) -> None:
        elements = block.get("elements")
        if not self.items(elements, f"{pointer}/elements", 10) or not isinstance(elements, list):
            return
        for number, element in enumerate(elements):
            where = f"{pointer}/elements/{number}"
            if isinstance(element, dict) and element.get("type") == "image":
                check_element(self, element, where, {"image"})
            else:
                self.text(element, where, 3_000)

    def _input(self, block: JsonObject, pointer: str) -> None:
        self.text(block.get("label"), f"{pointer}/label", 2_000, kinds=("plain_text",))
        if block.get("hint") is not None:
            self.text(block["hint"], f"{pointer}/hint", 2_000, kinds=("plain_text",))
        check_element(self, block.get("element"), f"{pointer}/element", INPUT_ELEMENTS)


def message_problems(blocks: Any) -> list[str]:
    """Every problem that Slack would name in a message's blocks; empty if it takes them."""
    inspection = BlockInspection("message")
    inspection.blocks(blocks, "/blocks")
    return inspection.problems


def blocks_too_long(blocks: Sequence[JsonObject]) -> bool:
    """True if all blocks together are over what Slack stores for one message."""
    compact = json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))
    return len(compact) > ALL_BLOCKS_MAX


def view_problems(view: Any) -> list[str]:
    """Every problem that Slack would name in a modal or Home tab; empty if it takes the view."""
    inspection = BlockInspection("modal")
    if not isinstance(view, dict):
        inspection.add("must be an object", "/view")
        return inspection.problems
    kind = view.get("type")
    if kind not in ("modal", "home"):
        inspection.add(f"unsupported type: {kind}", "/view/type")
        return inspection.problems
    inspection.surface = "modal" if kind == "modal" else "home"
    _view_frame(inspection, view)
    if not view.get("blocks") and view.get("blocks") != []:
        inspection.add("missing required field: blocks", "/view")
    else:
        inspection.blocks(view["blocks"], "/view/blocks")
    return inspection.problems


def _view_frame(inspection: Inspection, view: JsonObject) -> None:
    for key, limit in (
        ("private_metadata", PRIVATE_METADATA_MAX),
        ("callback_id", ID_MAX),
        ("external_id", ID_MAX),
    ):
        if view.get(key):
            inspection.length(view[key], f"/view/{key}", limit)
    if view["type"] == "home":
        for key in ("submit", "close"):
            if view.get(key) is not None:
                inspection.add(f"additional property: {key}", "/view")
        return
    for key in ("title", "submit", "close"):
        if view.get(key) is not None or key == "title":
            inspection.text(view.get(key), f"/view/{key}", VIEW_TEXT_MAX, kinds=("plain_text",))
    if view.get("submit") is None and any(_is_input(b) for b in view.get("blocks") or []):
        inspection.add("missing required field: submit", "/view")


def _is_input(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "input"


def walk(value: Any, pointer: str = "") -> Iterator[tuple[str, JsonObject]]:
    """Every object inside blocks or attachments, with its JSON pointer."""
    if isinstance(value, dict):
        yield pointer, value
        for key, part in value.items():
            yield from walk(part, f"{pointer}/{key}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from walk(part, f"{pointer}/{number}")


def quiet_sdk_warnings() -> None:
    """Silence the SDK's log lines about blocks that it does not know; they are refused anyway."""
    logging.getLogger("slack_sdk.models.blocks").setLevel(logging.ERROR)
