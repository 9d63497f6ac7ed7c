"""What every part of the sandbox shares: one lock, the clock, the state and the records."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from failbot.sandbox import limits, mrkdwn
from failbot.sandbox.clock import Clock
from failbot.sandbox.refusal import JsonObject
from failbot.sandbox.state import Alarm, ApiCall, AppSettings
from failbot.sandbox.workspace import Workspace

RECORDS_MAX = 20_000


class Core:
    """State behind one re-entrant lock; `changing()` holds it and wakes whoever waits."""

    def __init__(self, *, workspace: Workspace, app: AppSettings, clock: Clock) -> None:
        self.workspace = workspace
        self.app = app
        self.clock = clock
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self.version = 0
        self.alarms: list[Alarm] = []
        self.calls: deque[ApiCall] = deque(maxlen=RECORDS_MAX)
        self.complaints: list[str] = []
        self.notices: dict[str, list[JsonObject]] = {}
        self.base_url = ""

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock; on leaving, everyone who waits looks again."""
        with self.lock:
            try:
                yield
            finally:
                self.version += 1
                self._changed.notify_all()

    def wait_changed(self, version: int, timeout_s: float) -> int:
        """The version once it differs from `version`, or as it is after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        with self.lock:
            while self.version == version and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return self.version

    def wait_until(self, happened: Callable[[], bool], timeout_s: float) -> bool:
        """True as soon as `happened()`, which is asked without the lock; False at the deadline."""
        deadline = time.monotonic() + timeout_s
        while True:
            version = self.version
            if happened():
                return True
            if (left := deadline - time.monotonic()) <= 0:
                return False
            # Predicates may look at things that the sandbox does not know: ask again soon.
            self.wait_changed(version, min(left, 0.05))

    def complain(self, words: str) -> None:
        """Note that the app sent something that Slack could not read."""
        with self.changing():
            self.complaints.append(words)

    def notify_person(self, user_id: str, notice: JsonObject) -> None:
        """Show a person something that Slack itself says to them alone."""
        with self.changing():
            self.notices.setdefault(user_id, []).append(notice)

    def sound_alarms(self, method: str, channel_id: str, content: JsonObject) -> None:
        """Record every live mass mention in what the bot sends, wherever it stands."""
        for pointer, part in limits.walk(content):
            for key, text in part.items():
                if isinstance(text, str) and _is_markup(part, key):
                    for kind in mrkdwn.mass_mentions(text):
                        self._alarm(kind, method, channel_id, f"{pointer}/{key}", text)

    def _alarm(self, kind: str, method: str, channel_id: str, where: str, text: str) -> None:
        with self.changing():
            self.alarms.append(Alarm(kind, method, channel_id, where, text))


def _is_markup(part: JsonObject, key: str) -> bool:
    """True where Slack reads `part[key]` as markup: a message's text, mrkdwn."""
    return key == "text" and part.get("type") != "plain_text"
