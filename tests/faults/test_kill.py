"""A bot that is killed without warning has lost nothing that it acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from failbot.sandbox import factory
from failbot.sandbox.control import Actor
from failbot.sandbox.server import Sandbox
from failbot.store.sqlite import SqliteStore
from tests.make import viewer

START_S = 30.0
FORM = {
    "What we tried and expected": "Warmed up the learning rate for longer.",
    "What happened instead": "The loss diverged at step 900.",
}


class Bot:
    """`failbot serve` as a process against the sandbox."""

    def __init__(self, box: Sandbox, data: Path) -> None:
        self.box, self.data = box, data
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {
            "FAILBOT_DATA": str(self.data),
            "SLACK_BOT_TOKEN": self.box.bot_token,
            "SLACK_APP_TOKEN": self.box.app_token,
            "SLACK_API_URL": self.box.api_url,
        }
        command = [sys.executable, "-m", "failbot", "serve"]
        self._process = subprocess.Popen(command, env=os.environ | settings)
        self.box.control.wait_connected(timeout_s=START_S)

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Ends the process; its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(timeout=20)

    def let_leases_end(self) -> None:
        """What the dead process held is free, as it is a minute later."""
        store = self.store()
        with store.connection.write() as db:
            db.execute("UPDATE inbox SET due_at = received_at")
        store.close()

    def store(self) -> SqliteStore:
        return SqliteStore(self.data / "failbot.db")


@pytest.fixture
def bot(tmp_path: Path, models: Path) -> Iterator[Bot]:
    """A running bot whose model is prepared."""
    (tmp_path / "models").symlink_to(models)
    with Sandbox(rate_limits=False) as box:
        bot = Bot(box, tmp_path)
        bot.start()
        yield bot
        bot.kill()


def logged(bot: Bot, person: Actor, **more: str) -> dict[str, object]:
    """The outcome of the submitted form."""
    person.command("/failure", "", factory.GENERAL)
    bot.box.control.wait_for(person.view, timeout_s=10)
    return person.submit(FORM | more)


def wait(bot: Bot, condition: Callable[[], object]) -> object:
    return bot.box.control.wait_for(condition, timeout_s=START_S)


def test_an_acknowledged_form_survives_a_kill(bot: Bot) -> None:
    """The moment Slack has its answer, the entry is on the disk."""
    ada = bot.box.control.as_(factory.ADA)
    assert logged(bot, ada)["status"] == "acked"
    bot.kill()
    store = bot.store()
    kept = store.failures.get(1, viewer=viewer(team_id=factory.TEAM_ID))
    assert kept.happened == FORM["What happened instead"]
    store.check()
    store.close()
    bot.let_leases_end()
    bot.start()
    wait(bot, lambda: [one for one in ada.messages(factory.GENERAL) if "F-1" in str(one)])


def test_an_acknowledged_question_is_answered_after_a_kill(bot: Bot) -> None:
    """A question is stored before it is acknowledged, and answered once, by whoever comes next."""
    control = bot.box.control
    ben = control.as_(factory.BEN)
    asked = ben.say(factory.GENERAL, "@failbot has anyone seen the loss diverge after warm-up?")
    control.idle()
    bot.kill()
    bot.let_leases_end()
    bot.start()
    replies = wait(bot, lambda: ben.messages(factory.GENERAL, asked["ts"])[1:])
    assert len(list(replies)) == 1


def test_a_restart_keeps_entries_and_goes_on_answering(bot: Bot) -> None:
    """SIGTERM ends it cleanly; the next start answers from what was there."""
    control = bot.box.control
    ada, ben = control.as_(factory.ADA), control.as_(factory.BEN)
    assert logged(bot, ada)["status"] == "acked"
    wait(bot, lambda: [one for one in ada.messages(factory.GENERAL) if "F-1" in str(one)])
    assert bot.kill(signal.SIGTERM) == 0
    bot.start()
    asked = ben.say(factory.GENERAL, "@failbot the loss diverges although we warm up for longer")
    replies = wait(bot, lambda: ben.messages(factory.GENERAL, asked["ts"])[1:])
    assert "F-1" in str(replies)
    asked = ben.say(factory.GENERAL, "@failbot which café near the office is open on sundays?")
    replies = wait(bot, lambda: ben.messages(factory.GENERAL, asked["ts"])[1:])
    assert "obody has recorded this" in str(replies)
    assert control.alarms() == []
    assert control.complaints() == []
