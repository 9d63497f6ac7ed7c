"""The unchanged bot on a real store, connected to the sandbox; each test has both to itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from failbot.config import Config
from failbot.encoder.base import Encoder
from failbot.memory.service import Service
from failbot.models import Failure, Viewer
from failbot.reader.base import Reader
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from failbot.sandbox.server import Sandbox
from failbot.slack.app import SlackSide, build
from failbot.slack.events import QUESTION
from failbot.slack.transport.serve import serve_http, serve_socket
from failbot.store.base import Store
from failbot.store.sqlite import SqliteStore
from failbot.threads import Stop
from tests.fakes import WordEncoder

ENCODER = WordEncoder()
TRIED = "Distilled the 7B into a 1B on our logs; expected to keep the accuracy"


class ReadySource:
    """A model that is there at once, or, without an encoder, never."""

    setting = "words"

    def __init__(self, encoder: Encoder | None) -> None:
        self.encoder = encoder

    def wait(self, timeout_s: float | None) -> Encoder | None:
        return self.encoder

    def switch(self, setting: str) -> None:
        raise AssertionError("no test of the Slack side switches models")


@dataclass
class Clock:
    """Monotonic seconds that a test moves."""

    at_s: float = 1_000.0

    def __call__(self) -> float:
        return self.at_s


@dataclass
class Running:
    """A serving bot, and what a test asks it or checks behind it."""

    box: Sandbox
    store: Store
    service: Service
    side: SlackSide
    clock: Clock
    port: int = 0
    _all: Viewer = field(default_factory=lambda: Viewer(team_id=factory.TEAM_ID, is_operator=True))

    @property
    def control(self) -> Control:
        return self.box.control

    def entries(self) -> list[Failure]:
        return self.service.newest(viewer=self._all, limit=50)

    def form(self, actor: Actor, text: str = "", channel_id: str = factory.GENERAL) -> Any:
        actor.command("/failure", text, channel_id)
        return self.control.wait_for(actor.view, what="the form")

    def log(
        self, actor: Actor, happened: str, channel_id: str = factory.GENERAL, **more: Any
    ) -> Failure:
        """An entry logged through the form, its follow-up done and its vectors stored."""
        self.form(actor, "", channel_id)
        answer = actor.submit({"tried": TRIED, "happened": happened, **more})
        assert answer["status"] == "acked", answer
        self.settle()
        self.service.embed_missing()
        return self.entries()[0]

    def ask(self, actor: Actor, text: str, channel_id: str = factory.GENERAL) -> list[Any]:
        """What the actor sees in the thread of a question, once it is answered."""
        asked = actor.say(channel_id, text)
        return self.replies(actor, channel_id, asked["ts"])

    def replies(self, actor: Actor, channel_id: str, ts: str) -> list[Any]:
        self.settle()
        return [one for one in actor.messages(channel_id, ts) if one["ts"] != ts]

    def settle(self) -> None:
        """Returns when every event is acked and all work is done."""
        self.control.idle()
        self.control.wait_for(lambda: self.store.inbox.waiting() == 0, what="the inbox")

    def outwait(self, seconds: float) -> None:
        """Moves the sandbox's clock on, again and again, until all work is done."""
        deadline = time.monotonic() + 5
        while self.store.inbox.waiting():
            assert time.monotonic() < deadline, "work is left in the inbox"
            self.control.advance(seconds)
            self.side.bot.knock(QUESTION)
            self.control.wait_changed(self.control.version(), 0.1)


Start = Callable[..., Running]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(rate_limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def start(box: Sandbox, tmp_path: Path) -> Iterator[Start]:
    """Starts the bot, over HTTP unless told otherwise; stopped at the end."""
    stops: list[Callable[[], None]] = []

    def start_bot(
        *,
        over_http: bool = True,
        encoder: Encoder | None = ENCODER,
        reader: Reader | None = None,
    ) -> Running:
        running = _wire(box, tmp_path, encoder, reader)
        stops.append(_serve(running, tmp_path, over_http=over_http))
        return running

    yield start_bot
    for stop in stops:
        stop()


@pytest.fixture
def bot(start: Start) -> Iterator[Running]:
    """The bot over HTTP; nothing that it sent would mention a channel.

    Socket Mode, whose client takes a second to close, has its own tests.
    """
    running = start()
    yield running
    assert running.control.alarms() == []


@pytest.fixture
def ada(box: Sandbox) -> Actor:
    return box.control.as_(factory.ADA)


@pytest.fixture
def ben(box: Sandbox) -> Actor:
    return box.control.as_(factory.BEN)


@pytest.fixture
def cleo(box: Sandbox) -> Actor:
    return box.control.as_(factory.CLEO)


def config_for(box: Sandbox, folder: Path, **other: Any) -> Config:
    settings: dict[str, Any] = {
        "slack_bot_token": box.bot_token,
        "slack_app_token": box.app_token,
        "slack_signing_secret": box.signing_secret,
        "slack_api_url": box.api_url,
        "port": 0,
    }
    return Config(data_folder=folder, **(settings | other))


def _wire(box: Sandbox, folder: Path, encoder: Encoder | None, reader: Reader | None) -> Running:
    store = SqliteStore(folder / "failbot.db")
    service = Service(store, ReadySource(encoder), reader=reader)
    clock, stop = Clock(), Stop()
    config, now = config_for(box, folder), box.control.now
    side = build(config, service, store, now=now, clock=clock, stop=stop)
    return Running(box, store, service, side, clock)


def _serve(running: Running, folder: Path, *, over_http: bool) -> Callable[[], None]:
    config, stop, ready = config_for(running.box, folder), running.side.stop, threading.Event()

    def run_http() -> None:
        def on_ready(port: int) -> None:
            running.port = port
            ready.set()

        with running.side.running():
            serve_http(config, running.side, stop=stop, on_ready=on_ready)

    def run_socket() -> None:
        with running.side.running():
            serve_socket(config, running.side, stop=stop, on_ready=ready.set)

    thread = threading.Thread(target=run_http if over_http else run_socket)
    thread.start()
    assert ready.wait(5)
    if over_http:
        running.control.deliver_to(f"http://127.0.0.1:{running.port}/slack/events")
    else:
        running.control.wait_connected()

    def finish() -> None:
        stop.set()
        thread.join(10)
        running.store.close()
        assert not thread.is_alive()

    return finish


@pytest.fixture(autouse=True)
def no_secrets_logged(caplog: pytest.LogCaptureFixture, box: Sandbox) -> Iterator[None]:
    """No log record of any test holds a token."""
    caplog.set_level(logging.DEBUG)
    yield
    secrets = (box.bot_token, box.app_token, box.signing_secret)
    assert not [one for one in secrets if one in caplog.text]
