"""Whatever Slack asks for is on the disk before Slack is told that it came: all ways in, walked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from slack_bolt import BoltRequest, BoltResponse

from failbot.config import Config
from failbot.errors import StoreError
from failbot.memory.service import Service
from failbot.slack.app import SlackSide, build
from failbot.slack.duties import BUTTONS, EVENTS, OPEN_FORM, duty_in
from failbot.slack.jobs.expecting import TELL_EXPECTED
from failbot.slack.jobs.following import TELL_AUTHOR
from failbot.slack.jobs.handlers import SHOW_CARD
from failbot.slack.jobs.kinds import HANDLERS
from failbot.slack.manifest import CHANGES, COMMAND, SHORTCUT, manifest
from failbot.slack.manifest import EVENTS as SUBSCRIBED
from failbot.slack.views import forms
from failbot.store.base import Store
from failbot.store.sqlite import SqliteStore
from failbot.threads import Stop
from tests.conftest import NOW
from tests.slack.conftest import ReadySource
from tests.slack.test_events import DIRECT, MENTION, envelope

AFTER_A_FORM = {SHOW_CARD, TELL_EXPECTED, TELL_AUTHOR}
LOOK_S = 0.15  # how long an ack that comes too early is waited for
KEY = "ghp_" + "a1B2" * 9
WHERE = {"team_id": "T1", "user_id": "U0BEN", "channel_id": "C0ML", "channel_name": "ml"}
PRESSED = {
    "type": "block_actions",
    "team": {"id": "T1"},
    "user": {"id": "U0BEN"},
    "channel": {"id": "C0ML", "name": "ml"},
    "trigger_id": "7.1",
    "response_url": "http://127.0.0.1:9/",
}
HAPPENED = "It diverged."


def typed(text: str) -> dict[str, Any]:
    return WHERE | {"command": COMMAND, "text": text, "trigger_id": f"7.{len(text)}"}


def pressed(action_id: str, value: str = "1") -> dict[str, Any]:
    return PRESSED | {"actions": [{"type": "button", "action_id": action_id, "value": value}]}


SHORTCUT_USED = PRESSED | {
    "type": "message_action",
    "callback_id": SHORTCUT,
    "message": {"ts": "1700000000.000100", "text": HAPPENED},
}
HOME = envelope({"type": "app_home_opened", "user": "U0BEN", "tab": "home", "channel": "D0BEN"})
SUBMITTED = {
    "type": "view_submission",
    "team": {"id": "T1"},
    "user": {"id": "U0BEN"},
    "view": {
        "id": "V1",
        "type": "modal",
        "callback_id": forms.CALLBACK,
        "private_metadata": forms.Origin(channel_id="C0ML", hint="privategroup").to_json(),
        "state": {
            "values": {
                name: {name: {"type": "plain_text_input", "value": HAPPENED}}
                for name in ("tried", "happened")
            }
        },
    },
}
REQUESTS: dict[str, dict[str, Any]] = {
    "a mention": envelope(MENTION),
    "a direct message": envelope(DIRECT),
    "the Home tab": HOME,
    "a command": typed("digest here monday 09:00"),
    "a command that is not one": typed("shw F-1"),
    "a command that opens a form": typed("the loss went NaN again"),
    "a shortcut": SHORTCUT_USED,
    "log it": pressed("log_question", "why?"),
    "that's it": pressed("helped-1-1"),
    "edit": pressed("edit_failure"),
    "delete": pressed("delete_failure"),
    "keep it": pressed("keep_failure"),
    "a form": SUBMITTED,
}
EVERY = pytest.mark.parametrize("name", sorted(REQUESTS))


@dataclass
class Gate:
    """A disk that is told how long a commit takes, and whether it fails."""

    opened: Event = field(default_factory=Event)
    is_full: bool = False
    committed: list[str] = field(default_factory=list)

    def guard(self, part: Any, *names: str) -> Any:
        """The part of a store, whose methods of these names commit when the gate is open."""
        return Guarded(self, part, names)


class Guarded:
    def __init__(self, gate: Gate, part: Any, names: tuple[str, ...]) -> None:
        self._gate, self._part, self._names = gate, part, names

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)
        if name not in self._names:
            return method

        def guarded(*arguments: Any, **named: Any) -> Any:
            assert self._gate.opened.wait(10)
            if self._gate.is_full:
                raise StoreError("the disk is full")
            result = method(*arguments, **named)
            self._gate.committed.append(name)
            return result

        return guarded


class GatedStore:
    """A store whose writes of what came in pass through the gate."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self._store = store
        self.inbox = gate.guard(store.inbox, "add")
        self.failures = gate.guard(store.failures, "record", "revise", "delete")
        self.questions = gate.guard(store.questions, "keep", "give_feedback")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@dataclass
class Door:
    """The way in alone: what Slack sends, and the answer; no worker does anything."""

    side: SlackSide
    store: Store
    gate: Gate
    threads: ThreadPoolExecutor

    def send(self, body: dict[str, Any]) -> Future[BoltResponse]:
        request = BoltRequest(body=body, mode="socket_mode")  # no signature
        return self.threads.submit(self.side.app.dispatch, request)

    def jobs(self) -> list[tuple[str, dict[str, object]]]:
        found = []
        while job := self.store.inbox.claim(now=NOW, lease_s=60):
            found.append((job.kind, job.payload))
        return found


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    store, gate = SqliteStore(tmp_path / "failbot.db"), Gate()
    gated: Any = GatedStore(store, gate)
    # Slack is away: whoever asked it anything before the ack would be seen to wait.
    config = Config(
        data_folder=tmp_path,
        slack_bot_token="xoxb-1",
        slack_signing_secret="s",
        slack_api_url="http://127.0.0.1:9/",
    )
    side = build(config, Service(gated, ReadySource(None)), gated, stop=Stop(), now=lambda: NOW)
    with ThreadPoolExecutor(2) as threads:
        yield Door(side, store, gate, threads)
        gate.opened.set()
    side.bot.places.close()
    side.listeners.close()
    store.close()


@EVERY
def test_nothing_is_acknowledged_before_it_is_on_the_disk(door: Door, name: str) -> None:
    """While the commit takes its time there is no ack; afterwards there is, and it is kept."""
    answer = door.send(REQUESTS[name])
    with pytest.raises(TimeoutError):
        answer.result(timeout=LOOK_S)
    door.gate.opened.set()
    assert answer.result(timeout=5).status == 200
    assert door.gate.committed
    assert len(door.jobs()) == 1


@EVERY
def test_what_is_not_stored_is_not_acknowledged(door: Door, name: str) -> None:
    """Slack sends an event again, a form stays open, and whoever typed or pressed sees a fault."""
    door.gate.is_full = True
    door.gate.opened.set()
    answer = door.send(REQUESTS[name]).result(timeout=5)
    assert door.jobs() == []
    if name == "a form":
        assert '"response_action": "errors"' in answer.body
    else:
        assert answer.status == 503


def test_bolt_leaves_failbots_own_log_alone(door: Door) -> None:
    """It configures the logger of its app's name, once a listener runs."""
    ours = logging.getLogger("failbot")
    before = ours.level
    ours.setLevel(logging.INFO)
    door.gate.opened.set()
    assert door.send(SUBMITTED).result(timeout=5).status == 200
    assert ours.level == logging.INFO
    ours.setLevel(before)


def test_every_way_in_is_walked(door: Door) -> None:
    """Each event, command, shortcut and button that Slack may send, and each kind of job."""
    kinds = {duty.kind for body in REQUESTS.values() if (duty := duty_in(body))}
    assert kinds == set(HANDLERS) - AFTER_A_FORM
    events = {one["event"]["type"] for one in REQUESTS.values() if "event" in one}
    assert events == set(EVENTS) == {one.partition(".")[0] for one in SUBSCRIBED} - {*CHANGES}
    buttons = [one["actions"][0]["action_id"] for one in REQUESTS.values() if "actions" in one]
    assert all(any(wanted(one) for one in buttons) for wanted in BUTTONS)
    features: Any = manifest()["features"]
    assert [one["command"] for one in features["slash_commands"]] == [COMMAND]
    assert [one["callback_id"] for one in features["shortcuts"]] == [SHORTCUT]
    assert len(door.side.app._listeners) == 1, "a form alone is answered by a listener"


@pytest.mark.parametrize("name", sorted({*REQUESTS} - {"a form"}))
def test_what_is_sent_again_is_stored_once(door: Door, name: str) -> None:
    """Slack repeats what it had no answer to in time."""
    door.gate.opened.set()
    for _ in range(2):
        assert door.send(REQUESTS[name]).result(timeout=5).status == 200
    assert len(door.jobs()) == 1


@pytest.mark.parametrize(
    "body",
    [
        typed(f"the token {KEY} was refused"),
        typed(f"search {KEY}"),
        pressed("log_question", f"is {KEY} stale?"),
        SHORTCUT_USED | {"message": {"ts": "17.1", "text": f"token {KEY}"}},
        SHORTCUT_USED | {"message": {"ts": "17.1", "attachments": [{"text": f"token {KEY}"}]}},
    ],
)
def test_no_secret_is_in_the_inbox(door: Door, body: dict[str, Any]) -> None:
    """It is taken out before anything is stored."""
    door.gate.opened.set()
    door.send(body).result(timeout=5)
    [(_, payload)] = door.jobs()
    assert KEY not in str(payload)
    assert "[redacted: github token]" in str(payload)


def test_whoever_opened_a_form_with_a_secret_is_told(start: Any, ada: Any) -> None:
    """The form lacks it, and says nothing of that itself."""
    bot = start()
    ada.command("/failure", f"the token {KEY} was refused", "C0GENERAL01")
    view = bot.control.wait_for(ada.view)
    assert "[redacted: github token]" in str(view)
    bot.control.wait_for(lambda: "looks like a secret" in str(ada.messages("C0GENERAL01")))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": "/other", "text": ""},
        {"type": "message_action", "callback_id": "other"},
        pressed("other"),
        PRESSED | {"actions": "none"},
        PRESSED | {"actions": ["none"]},
        envelope({"type": "reaction_added", "user": "U0BEN"}),
        envelope(MENTION | {"bot_id": "B0OTHER"}),
        envelope({"type": "app_home_opened", "user": "U0BEN", "tab": "messages"}),
        SUBMITTED,
    ],
)
def test_all_else_is_no_duty(body: dict[str, Any]) -> None:
    """Other apps' commands and buttons, events that nobody wants, and the form."""
    assert duty_in(body) is None


def test_a_form_is_a_duty_of_its_own_kind() -> None:
    """Whatever opens it: it must not wait behind what takes long."""
    for name in ("a command that opens a form", "a shortcut", "log it"):
        duty = duty_in(REQUESTS[name])
        assert duty is not None
        assert duty.kind == OPEN_FORM
