"""Every block, element and input that the bot sends, with an app that tells what it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from failbot.sandbox.server import Sandbox
from tests.browser import kit
from tests.browser.window import Window


@pytest.fixture(scope="module")
def box(chromium: Any) -> Iterator[Sandbox]:
    with kit.running() as sandbox:
        yield sandbox


@pytest.fixture
def page(open_window: Any, box: Sandbox) -> Iterator[Window]:
    yield open_window(box.url)
    for user_id in kit_people(box):
        actor = box.control.as_(user_id)
        if actor.view():
            actor.close_view()


def kit_people(box: Sandbox) -> list[str]:
    return [p.id for p in box.platform.workspace.people.values() if not p.is_bot]


def test_every_input_sends_what_was_given(page: Window) -> None:
    """Initial values are there, changes arrive, and what was left alone arrives as it was."""
    form = page.form("/form")
    assert page.field("Line").input_value() == "first"
    page.field("Story").fill("Once\nupon a time")
    form.get_by_role("checkbox", name="Red").check()
    page.field("Colour (").select_option("Blue")
    page.dialog.get_by_role("combobox", name="Colours").fill("gre")
    page.page.keyboard.press("Enter")
    page.submit()
    given = json.loads(page.see('"story"').locator(".text").inner_text())
    assert given == {
        "line": "first",
        "story": "Once\nupon a time",
        "colour": "blue",
        "colours": ["red", "green"],
        "ticks": ["red", "blue"],
    }


@pytest.mark.parametrize(
    ("label", "typed", "words"),
    [
        ("Line", "", "Please complete this required field."),
        ("Line", "x" * 21, "Please enter at most 20 characters."),
        ("Story", "x" * 41, "Please enter at most 40 characters."),
        ("Line", "wrong", "The app does not like this."),
    ],
)
def test_rules_of_inputs_are_told_beside_them(
    page: Window, label: str, typed: str, words: str
) -> None:
    """Slack's own, and then the app's; the form stays, with the focus in the field."""
    page.form("/form")
    page.field("Story").fill("long enough")
    page.field(label).fill(typed)
    page.submit()
    page.dialog.get_by_text(words).wait_for()
    wrong = page.page.locator("[aria-invalid=true]")
    assert (wrong.count(), wrong.input_value()) == (1, typed)


def test_choices_stop_at_their_limit(page: Window) -> None:
    """A third colour is not taken; a chosen one can be removed."""
    page.form("/form")
    field = page.dialog.get_by_role("combobox", name="Colours")
    field.click()
    offered = page.dialog.get_by_role("listbox", name="Colours")
    offered.get_by_role("option", name="Blue").click()
    offered.get_by_role("option", name="Green").click(force=True)
    chips = page.dialog.locator(".chips li")
    assert chips.all_inner_texts() == ["Red", "Blue"]
    page.dialog.get_by_role("button", name="Remove Red").click()
    assert chips.all_inner_texts() == ["Blue"]


def test_typed_text_survives_being_someone_else(page: Window) -> None:
    """A form belongs to its person: it goes with the switch, and comes back as it was left."""
    page.form("/form")
    page.field("Story").fill("half a story")
    page.field("Line").focus()
    page.page.goto(page.page.url.replace("U0ADA000001", "U0BEN000001"))
    page.dialog.wait_for(state="detached")
    page.page.goto(page.page.url.replace("U0BEN000001", "U0ADA000001"))
    assert page.field("Story").input_value() == "half a story"


def test_elements_of_a_message_tell_the_app(page: Window) -> None:
    """A button and a select, each with its value."""
    page.send("/kit")
    message = page.see("Choose well")
    message.get_by_role("button", name="Plain").click()
    page.see("plain: v")
    message.get_by_role("combobox").select_option("Green")
    page.see("choose: green")


def test_markup_is_rendered(page: Window) -> None:
    """What people type becomes the elements that it means."""
    page.send("*bold* _slanted_ ~gone~ `co*de*` 2*3*4 snake_case_name\n> quoted\n```a < b\n*c*```")
    text = page.see("snake_case_name").locator(".text")
    html = text.evaluate("node => node.innerHTML")
    assert "<strong>bold</strong> <em>slanted</em> <s>gone</s> <code>co*de*</code>" in html
    assert "2*3*4 snake_case_name" in html
    assert "<blockquote>quoted</blockquote>" in html
    assert "<code>a &lt; b\n*c*</code>" in html
