"""README's picture, made anew: `python -m tests.browser.picture [FILE]`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from failbot.bootstrap import open_runtime
from failbot.config import Config
from failbot.demo import script as demo
from failbot.demo.live import Live
from failbot.sandbox.factory import ADA, BEN, CLEO, GENERAL, TEAM_ID
from failbot.threads import Stop
from tests.browser.window import ARGUMENTS, Window

PICTURE = Path(__file__).parents[2] / ".docs" / "demo.png"
MORNING = datetime(2026, 11, 24, 8, 41, tzinfo=UTC)
ASKED = (
    "since we switched on compile every training step takes three times as long, and the lengths "
    "of our batches vary a lot. Has anyone seen this?"
)


def main() -> None:
    """Plays the scene, and writes what the browser shows."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        config = Config(data_folder=Path(folder))
        _load_samples(config)
        with Live(config, stop=Stop()) as live:
            live.wait_ready()
            _play(live)
            _shoot(live, path)
    print(f"{path}: {path.stat().st_size:,} bytes")


def _load_samples(config: Config) -> None:
    runtime = open_runtime(config)
    try:
        place = demo.place_in(TEAM_ID)
        demo.load_samples(
            runtime.service, place=place, now=datetime.now(UTC), progress=lambda *_: None
        )
    finally:
        runtime.close()


def _play(live: Live) -> None:
    """Ada logs a failure; Cleo thanks her; later that morning Ben asks."""
    control = live.box.control
    control.set_rate_limits(False)
    if control.now() < MORNING:
        control.set_clock(MORNING)
    ada, ben, cleo = (control.as_(one) for one in (ADA, BEN, CLEO))
    ada.command("/failure", "", GENERAL)
    control.wait_for(ada.view)
    logged = demo.LOGGED
    ada.submit(
        {
            "tried": logged.tried,
            "happened": logged.happened,
            "title": logged.title,
            "outcome": "Worse than baseline",
            "why": logged.explanations[0].text,
            "why_status": "Supported",
            "lesson": logged.lesson,
            "tags": ", ".join(logged.tags),
        }
    )
    control.wait_for(lambda: ada.messages(GENERAL), what="the card")
    cleo.say(GENERAL, "Thanks for writing that down, I was about to try the same")
    control.advance(60 * 95)
    asked = ben.say(GENERAL, f"@failbot {ASKED}")
    control.wait_for(lambda: ben.messages(GENERAL, asked["ts"])[1:], 60, what="the answer")


def _shoot(live: Live, path: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or "chromium"
    with sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        window = Window(browser.new_page(viewport={"width": 1280, "height": 800}))
        window.page.goto(f"{live.box.url}/#/{BEN}/{GENERAL}")
        window.open_thread(ASKED)
        window.thread.get_by_role("button", name="That's it").first.wait_for()
        window.page.evaluate("document.fonts.ready.then(() => document.activeElement.blur())")
        window.page.mouse.move(640, 20)
        window.page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    main()
