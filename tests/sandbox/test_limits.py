"""Block Kit's limits: just within is taken, one more is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.sandbox import limits
from tests.sandbox.blocks import actions, button, field, home, modal, mrkdwn, option, plain, section

Blocks = Callable[[int], list[dict[str, Any]]]


def select(count: int, **more: Any) -> dict[str, Any]:
    options = [option(str(n)) for n in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options} | more


LIMITS: dict[str, tuple[int, Blocks]] = {
    "blocks in a message": (50, lambda n: [section("x")] * n),
    "section text": (3_000, lambda n: [section("x" * n)]),
    "actions elements": (25, lambda n: [actions(*(button(f"b{i}") for i in range(n)))]),
    "context elements": (10, lambda n: [{"type": "context", "elements": [mrkdwn("x")] * n}]),
    "select options": (100, lambda n: [actions(select(n))]),
    "button text": (75, lambda n: [actions(button(text=plain("x" * n)))]),
    "button value": (2_000, lambda n: [actions(button(value="x" * n))]),
    "option text": (75, lambda n: [actions(select(1, options=[option("v", "x" * n)]))]),
    "option value": (150, lambda n: [actions(select(1, options=[option("x" * n, "t")]))]),
    "block_id": (255, lambda n: [section(block_id="x" * n)]),
    "action_id": (255, lambda n: [actions(button("x" * n))]),
    "placeholder": (150, lambda n: [actions(select(1, placeholder=plain("x" * n)))]),
    "input label": (2_000, lambda n: [field("b", label=plain("x" * n))]),
}

VIEW_LIMITS: dict[str, tuple[int, Callable[[int], dict[str, Any]]]] = {
    "blocks": (100, lambda n: modal(*([section("x")] * n))),
    "blocks of a home": (100, lambda n: home(*([section("x")] * n))),
    "title": (24, lambda n: modal(title=plain("x" * n))),
    "submit": (24, lambda n: modal(submit=plain("x" * n))),
    "close": (24, lambda n: modal(close=plain("x" * n))),
    "private_metadata": (3_000, lambda n: modal(private_metadata="x" * n)),
    "callback_id": (255, lambda n: modal(callback_id="x" * n)),
    "initial value": (
        3_000,
        lambda n: modal(
            field("b", {"type": "plain_text_input", "action_id": "a", "initial_value": "x" * n})
        ),
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_message_at_the_limit_is_taken_and_over_it_refused(name: str) -> None:
    """Each limit of blocks in a message, on both sides."""
    limit, build = LIMITS[name]
    assert limits.message_problems(build(limit)) == []
    assert limits.message_problems(build(limit + 1)) != []


@pytest.mark.parametrize("name", VIEW_LIMITS)
def test_a_view_at_the_limit_is_taken_and_over_it_refused(name: str) -> None:
    """Each limit of views, on both sides."""
    limit, build = VIEW_LIMITS[name]
    assert limits.view_problems(build(limit)) == []
    assert limits.view_problems(build(limit + 1)) != []


MALFORMED: dict[str, list[Any]] = {
    "duplicate action_id": [actions(button("a"), button("a"))],
    "duplicate block_id": [section(block_id="b"), section(block_id="b")],
    "empty text": [section("")],
    "no text": [{"type": "section"}],
    "unknown type": [{"type": "sectoin", "text": mrkdwn("x")}],
    "not an object": ["section"],
    "mrkdwn button": [actions(button(text=mrkdwn("x")))],
    "text as a string": [{"type": "section", "text": "x"}],
    "emoji in mrkdwn": [{"type": "section", "text": mrkdwn("x") | {"emoji": True}}],
    "input in actions": [actions({"type": "plain_text_input", "action_id": "a"})],
    "button in input": [field("b", button())],
    "empty actions": [actions()],
    "empty options": [actions(select(0))],
    "unknown style": [actions(button(style="fancy"))],
    "foreign initial option": [actions(select(2, initial_option=option("no")))],
    "option without value": [actions(select(1, options=[{"text": plain("x")}]))],
    "a block that the bot does not send": [{"type": "header", "text": plain("x")}],
    "an element that it does not send": [actions({"type": "datepicker", "action_id": "d"})],
    "a property that it does not send": [section(accessory=button())],
    "a misspelt property": [actions(button(vaule="x"))],
    "a foreign text property": [section() | {"text": plain("x") | {"verbatim": True}}],
    "a length beyond Slack's": [
        field("b", {"type": "plain_text_input", "action_id": "a", "max_length": 3_001})
    ],
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_blocks_are_refused(name: str) -> None:
    """What Slack's schema does not allow is a problem here."""
    assert limits.message_problems(MALFORMED[name]) != []


@pytest.mark.parametrize(
    "view",
    [
        {"type": "modal", "blocks": []},
        modal(submit=None),
        home() | {"submit": plain("x")},
        {"type": "page", "blocks": []},
        modal(title={"type": "mrkdwn", "text": "x"}),
        modal(notify_on_close=True),
        home() | {"external_id": "x"},
        None,
        [],
    ],
)
def test_malformed_views_are_refused(view: Any) -> None:
    """A modal needs a title, and a submit for its inputs; a home has neither submit nor close."""
    assert limits.view_problems(view) != []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "placeholder", "options", "value"]), inner
        )
    ),
    max_leaves=12,
)
block_types = st.sampled_from(["section", "actions", "input", "context", "divider"])


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["text", "elements", "element", "label"]), json_values),
        max_size=3,
    ),
    block_types,
)
def test_no_json_makes_the_inspection_fail(blocks: list[dict[str, Any]], kind: str) -> None:
    """Whatever an app sends is judged, never a crash."""
    limits.message_problems([block | {"type": kind} for block in blocks])
    limits.view_problems(modal(*[block | {"type": kind} for block in blocks]))
