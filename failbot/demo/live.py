"""The demo with a page: a Slack on loopback, and the unchanged bot in it as a client."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event

from failbot.config import Config
from failbot.demo.script import SLACK_FILE
from failbot.errors import ConfigError
from failbot.sandbox import keeping
from failbot.sandbox.control import Control
from failbot.sandbox.factory import default_platform
from failbot.sandbox.page.features import Features, Tip
from failbot.sandbox.page.routes import Page
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import FileError, StartError
from failbot.sandbox.server import Sandbox
from failbot.serving import serve
from failbot.slack.manifest import manifest
from failbot.threads import Stop, Worker

SAVE_S = 2.0
TICK_S = 0.5  # how soon after time travel the weekly digest comes
READY_TIMEOUT_S = 30.0
LOOK_S = 0.1

TIPS = (
    Tip(label="Log a failure", text="/failure "),
    Tip(
        label="Ask about something that was met before",
        text="@failbot the loss looks fine in training but the model is useless in production",
    ),
    Tip(
        label="Ask about something new",
        text="@failbot our greenhouse robot waters the tomatoes twice after every reboot",
    ),
    Tip(label="Schedule the weekly digest here", text="/failure digest here monday 09:00"),
    Tip(label="See what it can do", text="/failure help"),
)


def sandbox_config(config: Config, box: Sandbox) -> Config:
    """The settings under which the bot serves the sandbox instead of Slack."""
    return replace(
        config,
        slack_api_url=box.api_url,
        slack_bot_token=box.bot_token,
        slack_app_token=box.app_token,
        slack_signing_secret=box.signing_secret,
    )


class Live(AbstractContextManager["Live"]):
    """A sandbox with its page, and the bot in it; all of it ends, last in first out, on leaving.

    `config.data_folder` holds the memory and the workspace; both are kept.
    """

    def __init__(self, config: Config, *, port: int = 0, stop: Stop) -> None:
        self.config = config
        self.port = port
        self.stop = stop
        self._closing = ExitStack()
        self._ready = Event()
        self._errors: list[BaseException] = []

    def __enter__(self) -> Live:
        """:raises ConfigError: the port is taken, or the workspace's file cannot be read."""
        platform = self._platform()
        features = Features.of_manifest(manifest(), tips=TIPS)
        features.install(Control(platform))
        page = Page(platform, features=features)
        self.box = Sandbox(platform, port=self.port, routes=page.routes())
        with ExitStack() as closing:
            self._keep(closing)
            self._start_box()
            closing.callback(self.box.stop)
            closing.callback(page.close)
            bot = Worker("bot", self._serve, stop=self.stop)
            closing.callback(bot.close)
            bot.start()
            closing.callback(self.stop.set)
            self._closing = closing.pop_all()
        return self

    def wait_ready(self) -> None:
        """Returns when the bot is connected, or it is time to stop.

        :raises FailbotError: as the bot said when it could not.
        """
        until = time.monotonic() + READY_TIMEOUT_S
        while not (self._ready.is_set() or self.stop.is_set() or time.monotonic() > until):
            self._ready.wait(LOOK_S)
        if self._errors:
            raise self._errors[0]

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _start_box(self) -> None:
        try:
            self.box.start()
        except StartError as error:
            raise ConfigError(f"{error}: name another --port") from error

    def _platform(self) -> Platform:
        platform = default_platform()
        try:
            keeping.load(platform, self.config.data_folder / SLACK_FILE)
        except FileError as error:
            raise ConfigError(f"{error}; start over with --fresh") from error
        return platform

    def _keep(self, closing: ExitStack) -> None:
        """Saves the workspace whenever it has changed, and when everything else has ended."""
        file = self.config.data_folder / SLACK_FILE
        closing.callback(keeping.save, self.box.platform, file)
        keeper = Worker("keeping", lambda ending: self._save_changes(file, ending), stop=self.stop)
        closing.callback(keeper.close)
        keeper.start()

    def _save_changes(self, file: Path, ending: Event) -> None:
        saved = self.box.control.version()
        while not ending.wait(SAVE_S):
            if (version := self.box.control.version()) != saved:
                keeping.save(self.box.platform, file)
                saved = version

    def _serve(self, _: Event) -> None:
        config = sandbox_config(self.config, self.box)
        now = self.box.clock.now
        try:
            serve(config, stop=self.stop, now=now, tick_s=TICK_S, on_ready=self._ready.set)
        except BaseException as error:  # raised again where the demo waits
            self._errors.append(error)
            self._ready.set()


def run_live(
    config: Config,
    *,
    port: int = 0,
    stop: Stop,
    on_ready: Callable[[str], None],
) -> None:
    """Runs the page and the bot until `stop` is set; then nothing of it runs any more.

    :param on_ready: told the page's address when the bot answers.
    """
    with Live(config, port=port, stop=stop) as live:
        live.wait_ready()
        if not stop.is_set():
            on_ready(live.box.url)
        stop.wait()
