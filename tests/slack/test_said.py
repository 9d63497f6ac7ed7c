"""What breaks is told to people in words: no path reaches Slack, wherever something is raised."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from failbot.errors import ConfigError, ModelError, StoreError
from failbot.memory.service import Service
from failbot.models import Schedule
from failbot.scheduler import Scheduler
from failbot.slack.bot import Bot
from failbot.slack.commands import VERBS
from failbot.slack.jobs import digesting
from failbot.slack.jobs.handlers import apologize
from failbot.slack.jobs.kinds import HANDLERS
from failbot.slack.jobs.worker import Bells, Workers
from failbot.slack.listeners import Listeners
from failbot.slack.places import Places
from failbot.slack.views import forms
from failbot.threads import Stop
from tests.conftest import NOW
from tests.fakes import WordEncoder
from tests.make import BEN, draft, public
from tests.memory_store import MemoryStore
from tests.slack.conftest import Clock, ReadySource
from tests.slack.fake_slack import FakeSlack

CANARY = "/srv/canary/failbot.db"
ERRORS = [
    RuntimeError(f"cannot open {CANARY}"),
    KeyError(CANARY),
    OSError(28, "No space left on device", CANARY),
    StoreError(f"{CANARY}: database or disk is full. Make room and try again."),
    ModelError(f"There is no folder {CANARY}. Set FAILBOT_MODEL to one that exists."),
    ConfigError(f"{CANARY} is not TOML"),
]
TEXTS = ("", *VERBS, "show F-1", "edit F-1", "delete F-1", "search x", "digest here monday 09:00")


WEEKLY = Schedule(
    team_id="T1",
    channel_id="C0ML",
    weekday=0,
    hour=9,
    minute=0,
    zone="UTC",
    created_by=BEN,
    created_at=NOW - timedelta(days=30),
)


class Breaking:
    """A part whose every method raises this; one that a test has never heard of, too."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.reached = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def broken(*_: object, **__: object) -> Any:
            self.reached += 1
            raise self.error

        return broken


class Registered:
    """As much of a Bolt app as listeners are registered with."""

    def __init__(self) -> None:
        self.listeners: dict[str, Callable[..., None]] = {}

    def __getattr__(self, kind: str) -> Callable[[object], Callable[..., None]]:
        def constrained(constraint: object) -> Callable[..., None]:
            return lambda listener: self.listeners.update({f"{kind} {constraint}": listener})

        return constrained


@dataclass
class Line:
    """A bot with one part broken, and everything that people can read of it."""

    error: Exception
    part: str
    slack: FakeSlack = field(default_factory=FakeSlack)
    store: MemoryStore = field(default_factory=MemoryStore)
    acked: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stop, self.broken = Stop(), Breaking(self.error)
        service = Service(self.store, ReadySource(WordEncoder()))
        service.record(draft("NaN"), place=public(), author_id=BEN, now=NOW)
        self.store.digests.set_schedule(WEEKLY)
        self.places = Places(self.slack, service, clock=Clock(), stop=self.stop)  # type: ignore[arg-type]
        parts: dict[str, Any] = {
            "service": service,
            "inbox": self.store.inbox,
            "outbox": self.store.outbox,
            "shown": self.store.shown,
            "places": self.places,
            "client_for": lambda _: self.slack,
            "now": lambda: NOW,
            "knock": lambda _: None,
        }
        parts[self.part] = self.broken
        self.bot = Bot(**parts)

    def listeners(self) -> dict[str, Callable[..., None]]:
        app = Registered()
        Listeners(self.bot).register(app)  # type: ignore[arg-type]
        return app.listeners

    def press(self, listener: Callable[..., None], text: str = "") -> None:
        """One payload that holds whatever any listener looks for."""
        view = forms.failure_form(draft("NaN"), forms.Origin(channel_id="C0ML", hint="ml"))
        payload = {
            "type": "view_submission" if "view" in text else "block_actions",
            "team": {"id": "T1"},
            "user": {"id": BEN},
            "channel": {"id": "C0ML", "name": "ml"},
            "trigger_id": "1",
            "text": text,
            "message": {"ts": "1.000100", "text": "NaN"},
            "event": {"user": BEN, "channel": "C0ML", "tab": "home"},
            "tab": "home",
            "action_id": "helped-1-1",
            "value": "1",
            "view": view,
            "id": "V1",
            "state": {"values": _typed(view)},
        } | {key: view[key] for key in ("blocks", "private_metadata")}
        listener(self.ack, payload, payload)

    def ack(self, *_: object, **said: object) -> None:
        self.acked.append(said)

    ack.response = None  # type: ignore[attr-defined]  # as Bolt's has before it is called

    def read_by_people(self) -> str:
        said = [self.slack.messages, self.slack.whispers, self.acked]
        return json.dumps(said, default=str)


def _typed(view: dict[str, Any]) -> dict[str, Any]:
    """What a person would send who fills in the two fields that must be."""
    filled: dict[str, Any] = {}
    for block in view["blocks"]:
        if block.get("type") == "input":
            text = "It broke." if block["block_id"] in ("tried", "happened") else None
            filled[block["block_id"]] = {block["element"]["action_id"]: {"value": text}}
    return filled


@pytest.fixture(params=ERRORS, ids=lambda error: type(error).__name__)
def error(request: pytest.FixtureRequest) -> Exception:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=["service", "places", "inbox"])
def line(request: pytest.FixtureRequest, error: Exception) -> Iterator[Line]:
    """By default with each part broken in turn; without an inbox there is no job."""
    line = Line(error, request.param)
    yield line
    line.places.close()


def test_no_listener_tells_a_path(line: Line) -> None:
    """Whichever is pressed, typed or sent."""
    for name, listener in line.listeners().items():
        for text in TEXTS if name.startswith("command") else (name,):
            line.press(listener, text)
    assert line.broken.reached, "the broken part was asked"
    assert "canary" not in line.read_by_people()
    assert line.slack.whispers or line.acked, "and somebody was told"


@pytest.mark.parametrize("line", ["service", "places"], indirect=True)
def test_no_job_tells_a_path(line: Line) -> None:
    """Every kind, and the digest."""
    workers = Workers(line.bot, HANDLERS, apologize=apologize, bells=Bells(), stop=line.stop)
    payload: dict[str, Any] = {
        "team_id": "T1",
        "channel_id": "C0ML",
        "user_id": BEN,
        "text": "the loss is NaN",
        "message_ts": "1700000000.000100",
        "number": 1,
        "value": "1",
        "button": "helped-1-1",
        "entry_channel_id": "C0ML",
        "posts_card": True,
    }
    for kind in HANDLERS:
        line.store.inbox.add(kind, payload, team_id="T1", keys=[], now=NOW)
    while workers.run_one():
        pass
    Scheduler(
        line.bot.service,
        line.store.digests,
        audience=lambda schedule: digesting.audience_of(line.bot, schedule),
        publish=lambda *facts: digesting.publish(line.bot, *facts),
    ).tick(NOW)
    assert line.broken.reached
    assert "canary" not in line.read_by_people()


def test_whoever_runs_it_finds_in_the_log_why_a_form_was_not_stored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The path that people are not told."""
    line = Line(StoreError(f"{CANARY}: disk is full"), "service")
    name = next(one for one in line.listeners() if one.startswith("view"))
    line.press(line.listeners()[name], name)
    line.places.close()
    assert "try again in a minute" in line.read_by_people()
    assert CANARY in caplog.text
