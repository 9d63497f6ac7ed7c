"""The demo with a page: a Slack on loopback, and the unchanged bot in it as a client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event, Thread

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

SAVE_S = 2.0
TICK_S = 0.5  # how soon after time travel the weekly digest comes
READY_TIMEOUT_S = 30.0

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


@dataclass(slots=True)
class Live:
    """A sandbox with its page, and the bot in it; a context manager that ends both.

    `config.data_folder` holds the memory and the workspace; both are kept.
    :raises ConfigError: the port is taken, or the workspace's file cannot be read.
    """

    config: Config
    port: int = 0
    box: Sandbox = field(init=False)
    _stop: Event = field(default_factory=Event)
    _ready: Event = field(default_factory=Event)
    _errors: list[BaseException] = field(default_factory=list)
    _threads: list[Thread] = field(default_factory=list)

    def __enter__(self) -> Live:
        platform = self._platform()
        features = Features.of_manifest(manifest(), tips=TIPS)
        features.install(Control(platform))
        page = Page(platform, features=features)
        self.box = Sandbox(platform, port=self.port, routes=page.routes())
        try:
            self.box.start()
        except StartError as error:
            raise ConfigError(f"{error}: name another --port") from error
        for name, target in (("failbot", self._serve), ("sandbox-keeping", self._keep)):
            thread = Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def wait_ready(self) -> None:
        """Returns when the bot is connected. :raises FailbotError: as it said when it could not."""
        self._ready.wait(READY_TIMEOUT_S)
        if self._errors:
            raise self._errors[0]

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=READY_TIMEOUT_S)
        self.box.stop()

    def _platform(self) -> Platform:
        platform = default_platform()
        try:
            keeping.load(platform, self.config.data_folder / SLACK_FILE)
        except FileError as error:
            raise ConfigError(f"{error}; start over with --fresh") from error
        return platform

    def _keep(self) -> None:
        """Saves the workspace whenever it has changed, and at the end."""
        saved = self.box.control.version()
        while not self._stop.wait(SAVE_S):
            if (version := self.box.control.version()) != saved:
                keeping.save(self.box.platform, self.config.data_folder / SLACK_FILE)
                saved = version
        keeping.save(self.box.platform, self.config.data_folder / SLACK_FILE)

    def _serve(self) -> None:
        config = sandbox_config(self.config, self.box)
        now = self.box.clock.now
        try:
            serve(config, stop=self._stop, now=now, tick_s=TICK_S, on_ready=self._ready.set)
        except BaseException as error:  # raised again where the demo waits
            self._errors.append(error)
            self._ready.set()


def run_live(
    config: Config,
    *,
    port: int = 0,
    stop: Event,
    on_ready: Callable[[str], None],
) -> None:
    """Runs the page and the bot until `stop` is set; then nothing of it runs any more.

    :param on_ready: told the page's address when the bot answers.
    """
    with Live(config, port=port) as live:
        live.wait_ready()
        on_ready(live.box.url)
        stop.wait()
