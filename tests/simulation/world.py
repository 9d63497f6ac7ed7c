"""One seed, one run: people, Slack, a disk, two processes of a bot; and what was broken."""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3

from failbot.sandbox import factory
from failbot.sandbox.changes import OTHER_TEAM
from failbot.sandbox.control import Control
from failbot.sandbox.refusal import PersonError
from tests.simulation.chance import Chance
from tests.simulation.disk import Disk
from tests.simulation.judge import Broken, Judge
from tests.simulation.machine import Machine, Owner
from tests.simulation.model import Entry, Facts, Model
from tests.simulation.night import Night
from tests.simulation.people import Person
from tests.simulation.process import Process, config_in, empty_database
from tests.simulation.slack import Lines, workspace
from tests.simulation.stand_ins import installed
from tests.simulation.wire import STOPS_S, Wire

MORNING = datetime(2026, 3, 2, 8, 55, tzinfo=UTC)  # a Monday
DAY_S = (150.0, 420.0)  # how long people are at work
REST_S = (60.0, 1_500.0)  # until everything has come to rest: at least, at most
FOLLOWED_S = 660.0  # README: every ten minutes failbot asks what kind each channel is
EVENT_S = 20.0  # between two things that happen to the workspace or the machines, on average
DOWN_S = (0.5, 30.0)  # until a supervisor has started a killed process again
JUMPS_S = (-3_600.0, -30.0, 30.0, 3_600.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went; `trace` are lines for a reader."""

    seed: int
    broken: tuple[Broken, ...]
    faults: Counter[str]
    trace: tuple[str, ...]
    steps: int

    @property
    def kinds(self) -> set[str]:
        return {one.kind for one in self.broken}


def run(seed: int) -> Outcome:
    """What this seed brings."""
    folder = Path(tempfile.mkdtemp(prefix="failbot-simulation-", dir=_memory_disk()))
    try:
        return World(seed, folder).run()
    finally:
        shutil.rmtree(folder)


def _memory_disk() -> str | None:
    """A disk in memory where there is one: the run is not about this one's speed."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class World:
    """Everything of one run."""

    bot_user_id = factory.BOT_USER

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.draw = random.Random(seed)
        self.machine = Machine(self.draw, start_s=MORNING.timestamp())
        self.trace: list[str] = []
        self.is_evening = False
        self.has_jumped = False
        self._slept: list[tuple[float, float]] = []
        self.chance = Chance(self.draw)
        self.model = Model()
        self._owner = Owner("world")
        self.platform = workspace(self.machine)
        self.control = Control(self.platform)
        self.disk = Disk(self.machine, self.chance)
        self.wire = Wire(self.machine, self.chance, self.platform)
        self.folder_name = folder.name
        self._database = folder / "failbot.db"
        self._database.write_bytes(_empty())
        config = config_in(folder, bot_token=self.platform.app.bot_token)
        self.processes = [
            Process(self.machine, name, config, tell=self.tell)
            for name in ("bot 1", "bot 2")[: self.draw.choice((1, 2, 2, 2))]
        ]
        self.lines = Lines(self.machine, self.chance, self.platform, self.processes, tell=self.tell)
        self.judge = Judge(self)
        self.chance.tell, self.chance.on_killed = self.tell, self._on_killed
        self.wire.tell, self.wire.heard = self.tell, self.judge.heard
        self.wire.lost, self.wire.stop = self.judge.lost, self._stop
        self.channel_ids: list[str] = []
        self.people: list[str] = [factory.ADA, factory.BEN, factory.CLEO]
        self._found: sqlite3.Connection | None = None

    def tell(self, words: str) -> None:
        at_s = self.machine.now_s - self.machine.start_s
        first, *more = words.replace(self.folder_name, "FOLDER").splitlines() or [""]
        self.trace += [f"{at_s:9.3f} {first}", *(f"          | {one}" for one in more)]

    def run(self) -> Outcome:
        self.tell(f"faults: {', '.join(sorted(self.chance.there)) or 'none'}")
        with self._logged(), installed(self.machine, self.disk, self.wire.urlopen):
            try:
                self._day()
                self._evening()
            except Exception:  # a thread of the bot, or the simulation itself
                self.judge.find("a thread broke", traceback.format_exc())
            else:
                Night(self, self.judge).conclude()
            finally:
                for one in self.processes:
                    one.kill()
                self.machine.kill(self._owner)
                if self._found is not None:
                    self._found.close()
        return Outcome(
            seed=self.seed,
            broken=tuple(self.judge.broken),
            faults=self.chance.struck,
            trace=tuple(self.trace),
            steps=self.machine.steps,
        )

    # What the judge and people ask

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """What the database holds, past the bot and its disk's faults."""
        if self._found is None:
            self._found = sqlite3.connect(self._database)
            self._found.row_factory = sqlite3.Row
        return [dict(one) for one in self._found.execute(sql, parameters).fetchall()]

    def number_of(self, entry: Entry) -> int:
        found = self.rows("SELECT number FROM failures WHERE title LIKE ?", [f"%{entry.name}%"])
        return int(found[0]["number"]) if found else 0

    def entry_of(self, number: int) -> Entry | None:
        for entry in self.model.entries:
            entry.number = entry.number or self.number_of(entry)
            if entry.number == number:
                return entry
        return None

    def slept_s(self, since_s: float) -> float:
        """How long the machine slept, whenever it did for some of the time since then."""
        return sum(end - begin for begin, end in self._slept if end > since_s)

    # The day

    def _day(self) -> None:
        self._furnish()
        for one in self.processes:
            one.start()
        for user_id in self.people:
            person = Person(self, user_id)
            self.machine.spawn(person.live, name=user_id, owner=self._owner)
        self.machine.spawn(self._happen, name="events", owner=self._owner)
        self.machine.run(self.machine.now_s + self.draw.uniform(*DAY_S))

    def _evening(self) -> None:
        """Nothing goes wrong any more: whatever was promised has time to happen."""
        self.tell("evening")
        self.is_evening = self.chance.is_over = True
        self.disk.is_full = False
        for one in self.processes:
            one.jump(0.0)
            one.start()
        begun_s = self.machine.now_s
        self.machine.run(begun_s + (FOLLOWED_S if self.model.has_converted else REST_S[0]))
        while not self._is_quiet() and self.machine.now_s < begun_s + REST_S[1]:
            self.machine.run(self.machine.now_s + 10.0)
        self.tell("night")

    def _is_quiet(self) -> bool:
        is_over = all(one.is_final for one in self.platform.deliveries.all)
        is_done = not self.rows("SELECT 1 FROM inbox")
        return is_over and is_done and not self.rows("SELECT 1 FROM digests WHERE NOT finished")

    def _furnish(self) -> None:
        """Channels and people, some of them there in this run only."""
        control, draw = self.control, self.draw
        ada, ben, cleo = self.people
        lab = control.add_channel("lab", members=[ben, cleo])
        self.channel_ids = [factory.GENERAL, factory.SECRET, lab]
        if draw.random() < 0.3:
            shared = control.add_channel("partners", members=[ada, cleo], is_ext_shared=True)
            control.add_outsider("olga", channels=[shared])
            self.channel_ids.append(shared)
        if draw.random() < 0.3:
            guests = control.add_channel("guests", members=[ada, ben])
            self.people.append(control.add_guest("gus", channels=[guests]))
            self.channel_ids.append(guests)
        if draw.random() < 0.15:
            org = control.add_channel("org", members=[ada, ben, cleo])
            control.share_in_org(org)
            self.channel_ids.append(org)
        self._changed()

    def _changed(self) -> None:
        self.model.facts.append(Facts.of(self.platform, self.machine.now_s))

    # What happens by itself

    def _happen(self) -> None:
        lab = self.channel_ids[2]
        while not self.is_evening:
            self.machine.sleep(self.draw.expovariate(1 / EVENT_S))
            if self.is_evening:
                return
            self.lines.trouble()
            self._misfortune()
            if self.draw.random() < 0.35:
                self._move(lab)

    def _move(self, lab: str) -> None:
        """Someone comes or goes, or a channel becomes another kind."""
        control, channels = self.control, self.platform.workspace.channels
        _, ben, cleo = self.people[:3]
        who = self.draw.choice((ben, cleo))
        moves = [
            lambda: control.join(factory.SECRET, who),
            lambda: control.leave(factory.SECRET, who),
            lambda: control.convert(
                lab, "private" if channels[lab].kind == "public" else "public", by=ben
            ),
            lambda: control.share(lab, OTHER_TEAM),
            lambda: control.unshare(lab, OTHER_TEAM),
            lambda: control.join(lab, self._guest()),
        ]
        number = self.draw.randrange(len(moves))
        try:
            moves[number]()
        except PersonError:
            return
        names = ("joins secret", "leaves secret", "lab converted", "lab shared", "lab unshared")
        self.tell(f"moved: {(*names, 'a guest joins lab')[number]} ({who})")
        self._changed()

    def _guest(self) -> str:
        people = self.platform.workspace.people.values()
        known = next((one.id for one in people if one.is_guest), "")
        return known or self.control.add_guest("gil")

    def _misfortune(self) -> None:
        strikes, draw = self.chance.strikes, self.draw
        one = draw.choice(self.processes)
        if strikes("killed"):
            self.machine.call_at(0.0, lambda: self._on_killed(one.owner))
        if strikes("stopped"):
            one.stop(draw.choice(STOPS_S))
        if strikes("disk full"):
            self.disk.is_full = True
            self.machine.call_at(self.machine.now_s + draw.uniform(1.0, 20.0), self._make_room)
        if strikes("clock jumps"):
            self.has_jumped = True
            skew_s = draw.choice((0.0, *JUMPS_S))
            self.tell(f"the clock is wrong by {skew_s:.0f} s")
            for each in self.processes:
                each.jump(skew_s)
        if strikes("machine sleeps"):
            seconds = draw.choice((20.0, 400.0, 7_200.0))
            begin_s = self.machine.now_s
            self.machine.skip(seconds)
            self._slept.append((begin_s, self.machine.now_s))
            self.tell(f"the machine slept for {seconds:.0f} s")

    def _make_room(self) -> None:
        self.disk.is_full = False

    def _on_killed(self, owner: Owner) -> None:
        for one in self.processes:
            if one.owner is owner:
                one.kill()
                down_s = self.draw.uniform(*DOWN_S)
                self.machine.call_at(self.machine.now_s + down_s, one.start)

    def _stop(self, owner: Owner, seconds: float) -> None:
        for one in self.processes:
            if one.owner is owner:
                one.stop(seconds)

    def _logged(self) -> _Logged:
        return _Logged(self)


class _Logged(logging.Handler):
    """While it lasts, what failbot logs as an error is in the trace, and nowhere else."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.WARNING)
        self._world = world
        self._loggers = [logging.getLogger(one) for one in ("failbot", "slack_bolt", "slack_sdk")]

    def emit(self, record: logging.LogRecord) -> None:
        words = f"log: {record.getMessage()}"
        if record.exc_info and record.levelno >= logging.ERROR:
            words += "\n" + "".join(traceback.format_exception(*record.exc_info))
        self._world.tell(words)

    def __enter__(self) -> None:
        for one in self._loggers:
            one.addHandler(self)
            one.propagate = False

    def __exit__(self, *_: object) -> None:
        for one in self._loggers:
            one.removeHandler(self)
            one.propagate = True


def _empty() -> bytes:
    folder = Path(tempfile.mkdtemp(prefix="failbot-simulation-", dir=_memory_disk()))
    try:
        return empty_database(folder)
    finally:
        shutil.rmtree(folder)
