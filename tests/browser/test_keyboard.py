"""The page without a mouse, and as a screen reader finds it."""

from __future__ import annotations

import re
from typing import Any

from tests.browser.window import ANSWER_MS, Window


def focused(window: Window) -> str:
    """The accessible name of what has the focus, as far as an attribute or text gives it."""
    return str(
        window.page.evaluate(
            """() => {
                const at = document.activeElement;
                return at.getAttribute('aria-label') || at.labels?.[0]?.innerText || at.innerText;
            }"""
        )
    )


def tab_to(window: Window, name: str, *, back: bool = False) -> None:
    """Press Tab until something of that name has the focus."""
    for _ in range(60):
        if re.search(name, focused(window)):
            return
        window.page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"Tab does not lead to {name}; it ended at {focused(window)}")


def test_main_job_needs_no_mouse(window: Window, channel: str) -> None:
    """Channel, command by completion, form with a choice of several, answer, thread, button."""
    keys = window.page.keyboard
    window.page.locator("#composer").wait_for()
    tab_to(window, channel[:20], back=True)
    keys.press("Enter")
    window.main.get_by_role("region", name=channel).wait_for()
    tab_to(window, "^Message ")
    keys.type("/fa")
    window.page.get_by_role("option", name="/failure").wait_for()
    keys.press("Tab")
    assert window.page.locator("#composer").input_value() == "/failure "
    keys.press("Enter")
    window.dialog.wait_for()
    assert focused(window) == "What we tried and expected"
    keys.type("Sharded the optimiser; expected half the memory.")
    keys.press("Tab")
    keys.type("Memory stayed the same, because the gradients were not sharded.")
    tab_to(window, "^Kind of failure")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("Enter")
    keys.press("Escape")
    assert window.dialog.is_visible()
    keys.press("Control+Enter")
    window.dialog.wait_for(state="detached")
    assert focused(window).startswith("Message ")
    keys.type("@failbot memory did not shrink after sharding the optimiser")
    keys.press("Enter")
    question = window.see("did not shrink")
    question.locator("a.replies").wait_for(timeout=ANSWER_MS)
    tab_to(window, "^Ada Berger", back=True)
    while "did not shrink" not in window.page.evaluate("document.activeElement.innerText"):
        keys.press("ArrowUp")
    keys.press("Enter")
    window.see("gradients were not sharded", window.thread)
    tab_to(window, "^That's it", back=True)
    keys.press("Enter")
    window.see(re.compile(r"Noted: F-\d+ was it"))
    tab_to(window, "^Reply")
    keys.press("Escape")
    window.thread.wait_for(state="hidden")


def test_escape_closes_a_form_and_the_focus_returns(window: Window, channel: str) -> None:
    """To the message box that the command was typed in."""
    window.enter(channel)
    window.form()
    window.page.keyboard.press("Escape")
    window.dialog.wait_for(state="detached")
    assert focused(window).startswith("Message ")


def test_focus_stays_inside_a_form(window: Window, channel: str) -> None:
    """Tab goes round in it; what is behind it cannot be reached."""
    window.enter(channel)
    window.form()
    places = []
    for _ in range(40):
        window.page.keyboard.press("Tab")
        places.append(
            window.page.evaluate(
                "() => document.activeElement === document.body ? -1 :"
                " [...document.querySelectorAll('dialog *')].indexOf(document.activeElement)"
                " + (document.activeElement.closest('dialog') ? 0 : -9)"
            )
        )
    assert min(places) >= -1, "something behind the form has the focus"
    inside = [one for one in places if one >= 0]
    assert len(set(inside)) > 1, "it goes from one to the next"
    assert len(set(inside)) < len(inside), "and round"


def test_new_line_and_completion_keys(window: Window, channel: str) -> None:
    """Shift and Enter write a line; arrows walk the list, Enter takes, Escape closes it."""
    window.enter(channel)
    keys = window.page.keyboard
    box = window.page.locator("#composer")
    box.focus()
    keys.type("hello @")
    window.page.get_by_role("option").first.wait_for()
    active = box.get_attribute("aria-activedescendant")
    keys.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") != active
    keys.press("Enter")
    assert re.fullmatch(r"hello @\w+ ", box.input_value())
    keys.type("@c")
    keys.press("Escape")
    assert window.page.get_by_role("option").count() == 0
    keys.press("Shift+Enter")
    keys.type("second line")
    keys.press("Enter")
    assert "\nsecond line" in window.see("second line").locator(".text").inner_text()


def test_arrow_keys_switch_persons(window: Window) -> None:
    """The faces are one radio group."""
    window.page.get_by_role("radio", name="Ada").focus()
    window.page.keyboard.press("ArrowRight")
    window.page.get_by_role("radio", name="Ben", checked=True).wait_for()
    assert focused(window).endswith("Ben")


def test_menu_keys(window: Window, channel: str) -> None:
    """A message's menu opens, walks and closes by keys; the focus goes back to its button."""
    window.enter(channel)
    window.send("a message with a menu")
    window.see("a message with a menu")
    tab_to(window, "^Ada Berger", back=True)
    tab_to(window, "^More actions")
    window.page.keyboard.press("Enter")
    first = focused(window)
    window.page.keyboard.press("ArrowDown")
    assert focused(window) != first
    window.page.keyboard.press("Escape")
    assert focused(window) == "More actions"


def test_screen_readers_find_their_way(window: Window, channel: str) -> None:
    """Landmarks, a log that speaks, a dialog that says so, every control with a name."""
    window.enter(channel)
    page: Any = window.page
    for role in ("banner", "navigation", "main"):
        assert page.get_by_role(role).count() >= 1, role
    log = window.main.get_by_role("log")
    assert (log.count(), log.get_attribute("aria-live")) == (1, "polite")
    window.send("/failure")
    window.dialog.wait_for()
    assert page.get_by_role("dialog", name="Log a failure").get_attribute("aria-modal") == "true"
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, select, textarea')].filter((n) =>
            !n.getAttribute('aria-label') && !n.innerText?.trim() && !n.labels?.length
            && !n.title).map((n) => n.outerHTML)"""
    )
    assert nameless == []
