"""Seeds of the simulation; one that breaks what is not known says how to see it again."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pysqlite3
import pytest

from tests.simulation.known import KNOWN, never_found
from tests.simulation.machine import Killed, Machine, Owner
from tests.simulation.primitives import Event, Lock
from tests.simulation.world import Outcome, World, run

QUICK = range(6)
FULL = range(1_000, 1_600)


def unknown(outcome: Outcome) -> list[str]:
    """What broke and is not known, for a reader who wants to see it again."""
    again = f"python -m tests.simulation --seed {outcome.seed}"
    return [f"{one.kind}: {one.words} ({again})" for one in outcome.broken if one.kind not in KNOWN]


@pytest.mark.parametrize("seed", QUICK)
def test_a_seed_breaks_nothing_but_what_is_known(seed: int) -> None:
    """People, Slack, faults, two bots: every promise of the few seeds of a commit is kept."""
    assert unknown(run(seed)) == []


@pytest.fixture(scope="module")
def hunt() -> list[Outcome]:
    return [run(seed) for seed in FULL]


@pytest.mark.full
def test_many_seeds_break_nothing_but_what_is_known(hunt: list[Outcome]) -> None:
    """So do hundreds."""
    assert [one for outcome in hunt for one in unknown(outcome)] == []


@pytest.mark.full
def test_what_is_known_is_still_found(hunt: list[Outcome]) -> None:
    """What hundreds of seeds do not find any more is mended, or the judge has gone blind."""
    assert never_found({kind for outcome in hunt for kind in outcome.kinds}) == []


def test_a_seed_is_the_same_run_every_time() -> None:
    """Also in a process that orders its sets in another way."""
    code = "from tests.simulation.world import run; print(*run(3).trace, sep='\\n')"
    traces = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert traces[0] == traces[1]
    assert traces[0].decode().splitlines() == "\n".join(run(3).trace).splitlines()


class Forgetful(World):
    """A world in which all that was stored is gone in the night."""

    def _evening(self) -> None:
        super()._evening()
        with pysqlite3.connect(self._database) as disk:
            for table in ("versions", "failures", "schedules", "feedback"):
                disk.execute(f"DELETE FROM {table}")
        disk.close()


def test_the_judge_misses_what_is_lost(tmp_path: Path) -> None:
    """An entry, a schedule and a reader's word that were acked and are not there are found."""
    found: set[str] = set()
    for seed in range(3, 6):
        folder = tmp_path / str(seed)
        folder.mkdir()
        found |= Forgetful(seed, folder).run().kinds
    assert {"acked entry lost", "acked schedule lost", "acked feedback lost"} <= found


class Gossip(World):
    """A world in which the bot's every answer quotes all entries."""

    def _day(self) -> None:
        call = self.wire.perform

        def perform(one):  # type: ignore[no-untyped-def]
            if one.method == "chat.postMessage":
                marks = " ".join(entry.name for entry in self.model.entries)
                one.arguments["text"] = f"{one.arguments['text']} {marks}"
            return call(one)

        self.wire.perform = perform  # type: ignore[method-assign]
        super()._day()


def test_the_judge_notices_who_reads_what_they_may_not(tmp_path: Path) -> None:
    """Entries of private places in public channels, in messages and in direct ones."""
    found = Gossip(5, tmp_path).run().kinds
    assert {"shown to others than its readers", "told to who may not see it"} <= found


def test_threads_take_turns_and_a_killed_process_ends_where_it_is() -> None:
    """Locks keep out, sleeping takes no time but the machine's, and nothing runs after a kill."""
    machine = Machine(random.Random(1), start_s=100.0)
    lock, said = Lock(machine), []
    mine, other = Owner("mine"), Owner("other")

    def work(name: str, seconds: float) -> None:
        with lock:
            machine.sleep(seconds)
            said.append((name, machine.now_s))

    machine.spawn(lambda: work("slow", 5.0), name="slow", owner=mine)
    machine.spawn(lambda: work("quick", 1.0), name="quick", owner=mine)
    machine.spawn(lambda: Event(machine).wait(), name="ever", owner=other)
    machine.run(105.5)
    assert [at for _, at in said] in ([105.0], [101.0])
    machine.kill(mine)
    machine.run(200.0)
    assert len(said) == 1
    machine.kill(other)


def test_a_stopped_process_goes_on_where_it_was() -> None:
    """Its time passes meanwhile."""
    machine = Machine(random.Random(1), start_s=0.0)
    owner, woken = Owner("bot"), []

    def work() -> None:
        machine.sleep(1.0)
        woken.append(machine.now_s)

    machine.spawn(work, name="work", owner=owner)
    machine.call_at(0.5, lambda: setattr(owner, "is_stopped", True))
    machine.call_at(60.0, lambda: setattr(owner, "is_stopped", False))
    machine.run(100.0)
    assert woken == [60.0]


def test_the_world_itself_never_waits() -> None:
    """What would block the loop that runs everything is an error at once."""
    machine = Machine(random.Random(1), start_s=0.0)
    with pytest.raises(RuntimeError):
        machine.wait(1.0)
    assert issubclass(Killed, BaseException)
    assert not issubclass(Killed, Exception)
