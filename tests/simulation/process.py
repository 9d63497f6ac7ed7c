"""One bot process, with everything that serves but its transport; killed, stopped, started."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slack_bolt.adapter.socket_mode.internals import run_bolt_app
from slack_sdk.socket_mode.request import SocketModeRequest

from failbot.bootstrap import Runtime
from failbot.config import Config
from failbot.encoder.base import Kind
from failbot.errors import StoreError
from failbot.memory.service import Service
from failbot.sandbox.delivery import Delivery, Reply
from failbot.sandbox.factory import TEAM_ID
from failbot.sandbox.refusal import JsonObject
from failbot.search.calibration import Calibration
from failbot.search.values import Encoding
from failbot.serving import working
from failbot.slack.app import SlackSide
from failbot.store.sqlite import SqliteStore
from failbot.threads import Stop
from tests.fakes import WordEncoder
from tests.simulation.machine import Machine, Owner
from tests.simulation.primitives import Event
from tests.simulation.wire import ADDRESS

# Sure of what shares the words that a question was made of, and of nothing else.
CALIBRATION = Calibration(
    model="words",
    intercept=-3.0,
    coefficients={"late_interaction": 6.0},
    floor=0.3,
    known=0.5,
    related=0.2,
    questions=9,
)


class CachedEncoder(WordEncoder):
    """The made-up encoder, which gives the same for the same text."""

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        return [_encoded(one) for one in texts]


@functools.lru_cache(maxsize=4_000)
def _encoded(text: str) -> Encoding:
    return WordEncoder().encode([text])[0]


class Model:
    """A model that is there at once."""

    setting = "words"
    is_ready = True

    def __init__(self) -> None:
        self._encoder = CachedEncoder()

    def start(self) -> None: ...

    def prepare(self) -> None: ...

    def close(self) -> None: ...

    def wait(self, timeout_s: float | None) -> CachedEncoder:
        return self._encoder

    def switch(self, setting: str) -> None:
        raise AssertionError("no simulation switches models")


@functools.cache
def empty_database(folder: Path) -> bytes:
    """A migrated database without entries, to be copied: made in this folder."""
    path = folder / "empty.db"
    store = SqliteStore(path)
    store.calibrations.keep(CALIBRATION, team_id=TEAM_ID, now=datetime(2026, 1, 1, tzinfo=UTC))
    store.close()
    return path.read_bytes()


class Process:
    """A process as its supervisor sees it: started again whenever it has ended."""

    def __init__(
        self, machine: Machine, name: str, config: Config, *, tell: Callable[[str], None]
    ) -> None:
        self.name = name
        self.owner = Owner(name, is_alive=False)
        self._machine, self._config, self._tell = machine, config, tell
        self._side: SlackSide | None = None
        self._store: SqliteStore | None = None
        self.skew_s = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether Slack's requests reach it; a stopped one has them in its socket."""
        return self.owner.is_alive and self._side is not None

    def start(self) -> None:
        if self.owner.is_alive:
            return
        self.owner = Owner(self.name, skew_s=self.skew_s)
        self._tell(f"{self.name} starts")
        self._machine.spawn(self._serve, name=f"{self.name} main", owner=self.owner)

    def kill(self) -> None:
        """From the world."""
        self._tell(f"{self.name} is killed")
        self._machine.kill(self.owner)
        self._side = None
        store, self._store = self._store, None
        if store is not None:
            store.connection.db.conn.close()

    def stop(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so many seconds."""
        owner, since_s = self.owner, self._machine.now_s
        if owner.is_stopped or not owner.is_alive:
            return
        self._tell(f"{self.name} is stopped for {seconds:.0f} s")
        owner.is_stopped = True

        def go_on() -> None:
            owner.is_stopped = False
            owner.stopped_at.append((since_s, self._machine.now_s))
            self._tell(f"{self.name} goes on")

        self._machine.call_at(since_s + seconds, go_on)

    def jump(self, skew_s: float) -> None:
        """Its wall clock is wrong by so much from now on."""
        self.skew_s = self.owner.skew_s = skew_s

    def take(self, delivery: Delivery, reply: Callable[[Reply], None]) -> None:
        """A request of Slack's comes in: one more thread."""
        side = self._side
        assert side is not None
        request = SocketModeRequest(
            type=delivery.kind,
            envelope_id=delivery.id,
            payload=json.loads(json.dumps(delivery.payload)),
            retry_attempt=delivery.retry_attempt or None,
            retry_reason=delivery.retry_reason,
        )

        def answer() -> None:
            response = run_bolt_app(side.app, request)
            if response.status == 200:
                reply(Reply(_body(response)))

        self._machine.spawn(answer, name=f"{self.name} request", owner=self.owner)

    def _serve(self) -> None:
        stop = Stop()
        try:
            store = self._store = SqliteStore(self._config.database)
        except StoreError as error:
            self._tell(f"{self.name} cannot start: {error}")
            self.owner.is_alive = False
            return
        service = Service(store, Model(), stop=stop)
        model: Any = Model()
        runtime = Runtime(self._config, store, service, model, stop=stop, owns_stop=False)
        with working(runtime, stop=stop, now=self._now, clock=lambda: self._machine.now_s) as side:
            self._side = side
            Event(self._machine).wait()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._machine.now_s + self.owner.skew_s, UTC)


def config_in(folder: Path, *, bot_token: str) -> Config:
    return Config(data_folder=folder, slack_bot_token=bot_token, slack_api_url=f"{ADDRESS}/api/")


def _body(response: Any) -> JsonObject | None:
    """What Slack reads of an ack over Socket Mode."""
    if not response.body:
        return None
    kind = response.first_headers().get("content-type", "")
    if kind.startswith("application/json"):
        return dict(json.loads(response.body))
    return {"text": response.body}
