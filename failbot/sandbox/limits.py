"""What Slack's Block Kit refuses in messages and views, each problem with its JSON pointer.

Figures: docs.slack.dev, reference/block-kit and reference/views; the wording of a problem
follows Slack's `response_metadata.messages`. Blocks, elements and properties that Slack knows but
the bot does not send are refused like unknown ones: what is sent is also shown on the page.
`slack_sdk.models` is asked too; it misses duplicates and the number of blocks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from failbot.sandbox.elements import ACTION_ELEMENTS, INPUT_ELEMENTS, Inspection, check_element
from failbot.sandbox.refusal import JsonObject

Surface = Literal["message", "modal", "home"]

MAX_BLOCKS = {"message": 50, "modal": 100, "home": 100}
MESSAGE_TEXT_MAX = 40_000
# bolt-js#2509: about 13,200 characters for all blocks of a message, their containers included.
ALL_BLOCKS_MAX = 13_200
VIEW_TEXT_MAX = 24
PRIVATE_METADATA_MAX = 3_000
ID_MAX = 255

BLOCKS = {
    "section": {"type", "block_id", "text"},
    "divider": {"type", "block_id"},
    "actions": {"type", "block_id", "elements"},
    "context": {"type", "block_id", "elements"},
    "input": {"type", "block_id", "label", "element", "optional"},
}
VIEWS = {
    "modal": {"type", "blocks", "callback_id", "private_metadata", "title", "submit", "close"},
    "home": {"type", "blocks", "callback_id", "private_metadata"},
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
        kind = block.get("type")
        if not isinstance(kind, str) or kind not in BLOCKS:
            return self.add(f"unsupported type: {kind}", f"{pointer}/type")
        self.known(block, pointer, BLOCKS[kind])
        self._block_id(block, pointer)
        before = len(self.problems)
        getattr(self, f"_{kind}")(block, pointer)
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
        self.text(block.get("text"), f"{pointer}/text", 3_000)

    def _divider(self, block: JsonObject, pointer: str) -> None:
        """A divider holds nothing."""

    def _actions(self, block: JsonObject, pointer: str) -> None:
        elements = block.get("elements")
        if self.items(elements, f"{pointer}/elements", 25) and isinstance(elements, list):
            for number, element in enumerate(elements):
                check_element(self, element, f"{pointer}/elements/{number}", ACTION_ELEMENTS)

    def _context(self, block: JsonObject, pointer: str) -> None:
        elements = block.get("elements")
        if self.items(elements, f"{pointer}/elements", 10) and isinstance(elements, list):
            for number, element in enumerate(elements):
                self.text(element, f"{pointer}/elements/{number}", 3_000)

    def _input(self, block: JsonObject, pointer: str) -> None:
        self.text(block.get("label"), f"{pointer}/label", 2_000, kinds=("plain_text",))
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
    inspection.known(view, "/view", VIEWS[view["type"]])
    for key, limit in (("private_metadata", PRIVATE_METADATA_MAX), ("callback_id", ID_MAX)):
        if view.get(key):
            inspection.length(view[key], f"/view/{key}", limit)
    if view["type"] == "home":
        return
    for key in ("title", "submit", "close"):
        if view.get(key) is not None or key == "title":
            inspection.text(view.get(key), f"/view/{key}", VIEW_TEXT_MAX, kinds=("plain_text",))
    if view.get("submit") is None and any(_is_input(b) for b in view.get("blocks") or []):
        inspection.add("missing required field: submit", "/view")


def _is_input(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "input"


def walk(value: Any, pointer: str = "") -> Iterator[tuple[str, JsonObject]]:
    """Every object inside a message or view, with its JSON pointer."""
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
