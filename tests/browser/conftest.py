"""The page in headless Chromium, on a running sandbox with the unchanged bot in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from failbot.config import Config
from failbot.demo.live import Live
from failbot.sandbox.control import Control
from failbot.sandbox.factory import ADA, BEN, CLEO
from failbot.threads import Stop
from tests.browser.window import ARGUMENTS, Window

ARTEFACTS = Path(__file__).parents[2] / ".artefacts"
NAMES = ("chromium", "chromium-browser", "google-chrome")

Open = Callable[..., Window]


def _missing(words: str) -> None:
    """Ends the test: on a developer's machine it is skipped, under CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser, started once; Debian's package, never a download."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed: pip install playwright")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _missing("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Live]:
    """The demo, as `failbot demo` runs it, on an empty memory."""
    with Live(Config(data_folder=tmp_path_factory.mktemp("demo")), stop=Stop()) as running:
        running.box.control.set_rate_limits(False)
        running.wait_ready()
        yield running


@pytest.fixture
def control(live: Live) -> Iterator[Control]:
    """The sandbox's control; forms that a test leaves open are closed behind it."""
    control = live.box.control
    yield control
    for user_id in (ADA, BEN, CLEO):
        if control.as_(user_id).view():
            control.as_(user_id).close_view()


@pytest.fixture
def channel(control: Control, request: pytest.FixtureRequest) -> str:
    """A public channel of this test's own, with everyone in it."""
    return _channel(control, request, kind="public")


@pytest.fixture
def private_channel(control: Control, request: pytest.FixtureRequest) -> str:
    """A private channel of this test's own, without Cleo."""
    return _channel(control, request, kind="private")


def _channel(control: Control, request: pytest.FixtureRequest, *, kind: Any) -> str:
    members = [ADA, BEN] if kind == "private" else [ADA, BEN, CLEO]
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:40]
    control.add_channel(f"{kind[:2]}-{name}", kind=kind, members=members)
    return f"{kind[:2]}-{name}"


@pytest.fixture
def open_window(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Window]]:
    """Opens windows, each a browser profile of its own; pictures of them are kept.

    A window that threw an error, or tried what its Content-Security-Policy forbids, fails the test.
    """
    windows: list[Window] = []

    def open_one(url: str, **options: Any) -> Window:
        viewport = {"width": options.pop("width", 1280), "height": options.pop("height", 800)}
        options = {"viewport": viewport, "reduced_motion": "reduce", **options}
        page = chromium.new_context(**options).new_page()
        windows.append(Window(page))
        page.goto(url)
        return windows[-1]

    yield open_one
    ARTEFACTS.mkdir(exist_ok=True)
    name = re.sub(r"[^\w-]+", "-", request.node.name)
    for number, window in enumerate(windows):
        window.page.screenshot(path=ARTEFACTS / f"{name}{f'-{number}' if number else ''}.png")
        window.page.context.close()
    assert [error for window in windows for error in window.errors] == []


@pytest.fixture
def window(open_window: Open, live: Live, control: Control) -> Window:
    """A window on the demo, as Ada."""
    return open_window(live.box.url)
