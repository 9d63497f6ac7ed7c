"""The page in light, dark and narrow windows: pictures to look at, and nothing that sticks out."""

from __future__ import annotations

from typing import Any

import pytest

from failbot.demo.live import Live
from failbot.sandbox.control import Control
from tests.browser.window import Window

WIDE_WORD = "lossspike" * 40

CONTRAST = """() => {
    const light = (value) => {
        const parts = value.match(/[\\d.]+/g).map(Number);
        const [r, g, b] = parts.slice(0, 3).map((part) => part / 255).map((part) =>
            part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const { backgroundColor } = getComputedStyle(at);
            if (/^rgb\\(/.test(backgroundColor)) return backgroundColor;
        }
        return 'rgb(255, 255, 255)';
    };
    const texts = document.querySelectorAll(
        '.text, .author, .head time, .label, .context, a, h2, button');
    return [...texts].filter((n) => n.innerText?.trim() && n.offsetParent).map((n) => {
        const [a, b] = [light(getComputedStyle(n).color), light(behind(n))];
        return [n.className, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    }).filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (900, 700), (360, 740)])
def test_window_of_any_size_and_scheme(
    open_window: Any,
    live: Live,
    control: Control,
    channel: str,
    scheme: str,
    width: int,
    height: int,
) -> None:
    """A thread and a form fit, nothing scrolls sideways, and texts stand out (WCAG 2 AA)."""
    window: Window = open_window(live.box.url, width=width, height=height, color_scheme=scheme)
    window.main.wait_for()
    if width < 760:
        window.page.get_by_role("button", name="Channels").click()
    window.enter(channel)
    window.send(f"@failbot {WIDE_WORD} `{WIDE_WORD}`")
    window.open_thread(WIDE_WORD)
    window.see("Nobody has recorded this.", window.thread)
    check(window)
    window.thread.get_by_role("button", name="Log it").click()
    window.dialog.wait_for()
    check(window)


def check(window: Window) -> None:
    """Nothing wider than the window, no text of too little contrast."""
    widest = window.page.evaluate(
        """() => Math.max(...[...document.querySelectorAll('main, aside, dialog, .scroll, .log')]
            .filter((node) => node.offsetParent)
            .map((node) => node.scrollWidth - node.clientWidth))"""
    )
    assert widest <= 0
    assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert window.page.evaluate(CONTRAST) == []
