"""`failbot serve` as a process, to be killed, paused and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from failbot.sandbox import factory
from failbot.sandbox.control import Actor
from failbot.sandbox.server import Sandbox
from failbot.store.sqlite import SqliteStore

START_S = 30.0
FORM = {
    "What we tried and expected": "Warmed up the learning rate for longer.",
    "What happened instead": "The loss diverged at step 900.",
}


class Bot:
    """`failbot serve` as a process against the sandbox."""

    def __init__(self, box: Sandbox, data: Path) -> None:
        self.box, self.data = box, data
        self.log = data / f"log-{uuid4().hex}"  # each bot's own
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {
            "FAILBOT_DATA": str(self.data),
            "SLACK_BOT_TOKEN": self.box.bot_token,
            "SLACK_APP_TOKEN": self.box.app_token,
            "SLACK_API_URL": self.box.api_url,
        }
        command = [sys.executable, "-m", "failbot", "serve"]
        with self.log.open("ab") as stream:
            self._process = subprocess.Popen(
                command, env=os.environ | settings, stdout=stream, stderr=stream
            )
        self.box.control.wait_connected(timeout_s=START_S)

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Ends the process; its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(timeout=20)

    def end(self) -> None:
        """Kills it, whether it runs, stands still, or was never started."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(timeout=20)

    def now(self) -> datetime:
        """What time it is for the process."""
        return datetime.now(UTC)

    def pause(self) -> None:
        """It stands still, whatever it is in the middle of, until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def let_leases_end(self) -> None:
        """What the dead process held is free, as it is a minute later."""
        store = self.store()
        with store.connection.write() as db:
            db.execute("UPDATE inbox SET due_at = received_at")
            db.execute("UPDATE digests SET leased_until = '2000-01-01T00:00:00.000000+00:00'")
        store.close()

    def store(self) -> SqliteStore:
        return SqliteStore(self.data / "failbot.db")


def logged(bot: Bot, person: Actor, **more: str) -> dict[str, object]:
    """The outcome of the submitted form."""
    person.command("/failure", "", factory.GENERAL)
    bot.box.control.wait_for(person.view, timeout_s=10)
    return person.submit(FORM | more)


def wait(bot: Bot, condition: Callable[[], object]) -> object:
    return bot.box.control.wait_for(condition, timeout_s=START_S)
