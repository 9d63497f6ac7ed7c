"""A bot whose calls to Slack hang ends in time, and loses nothing."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from failbot.sandbox import factory
from failbot.sandbox.server import Sandbox
from failbot.store.sqlite import SqliteStore
from tests.faults.test_stop import Process

QUESTIONS = 4


@pytest.mark.full
def test_a_stop_while_posts_hang_takes_8_s_at_most(tmp_path: Path) -> None:
    """Each question is still in the inbox, for whoever comes next."""
    with Sandbox(rate_limits=False) as box:
        process = Process(
            "serve",
            log=tmp_path / "log",
            FAILBOT_DATA=str(tmp_path),
            SLACK_BOT_TOKEN=box.bot_token,
            SLACK_APP_TOKEN=box.app_token,
            SLACK_API_URL=box.api_url,
        )
        process.wait_said("ready")
        box.control.hang("chat.postMessage", times=99)
        ben = box.control.as_(factory.BEN)
        for number in range(QUESTIONS):
            ben.say(factory.GENERAL, f"@failbot question number {number}")
        box.control.idle()
        box.control.wait_for(box.control.hanging, timeout_s=20)
        ended = process.stop(signal.SIGTERM)
        process.kill()
    assert ended.is_clean(), ended
    assert ended.took_s < 8
    store = SqliteStore(tmp_path / "failbot.db")
    assert store.inbox.waiting() == QUESTIONS
    store.close()
