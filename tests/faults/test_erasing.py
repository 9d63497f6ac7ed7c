"""What people delete is in no file any more, while the bot that serves them goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pysqlite3 as sqlite3
import pytest

from failbot.sandbox import factory
from failbot.sandbox.server import Sandbox
from failbot.store.sqlite import SqliteStore
from tests.faults.test_stop import Process, prepared, serving
from tests.make import viewer

WAIT_S = 30.0
OPERATOR = viewer(team_id=factory.TEAM_ID, is_operator=True)
MARK = "zqcanary"
LABELS = {
    "What we tried and expected": "tried",
    "What happened instead": "happened",
    "Why, as far as you know": "why",
    "Lesson": "lesson",
    "Cost": "cost",
    "Tags": "tags",
    "Title": "title",
    "How would someone ask about this?": "like",
}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(rate_limits=False) as box:
        yield box


def wait(condition: Callable[[], object]) -> None:
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def holding(data: Path, text: str = MARK) -> list[str]:
    """The files of the data folder, the log among them, in which this stands."""
    files = [one for one in data.iterdir() if one.is_file()]
    return sorted(one.name for one in files if text.encode() in one.read_bytes())


def failbot(data: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "failbot", *arguments],
        env=os.environ | {"FAILBOT_DATA": str(data)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def is_embedded(data: Path, count: int) -> bool:
    with closing(SqliteStore(data / "failbot.db")) as store:
        active = store.embeddings.active()
        return active is not None and store.embeddings.progress(active.name) == (count, count)


def said(word: str) -> dict[str, str]:
    return {label: f"{MARK}{name} {word} sang." for label, name in LABELS.items()}


def speak(box: Sandbox, process: Process, data: Path) -> None:
    """Ada logs F-1 and edits it, Ben asks about it and says that it helped; F-2 is imported."""
    ada, ben = box.control.as_(factory.ADA), box.control.as_(factory.BEN)
    ada.command("/failure", "", factory.GENERAL)
    wait(ada.view)
    assert ada.submit(said("first"))["status"] == "acked"
    wait(lambda: [one for one in ada.messages(factory.GENERAL) if "F-1" in str(one)])
    ada.command("/failure", "edit F-1", factory.GENERAL)
    wait(ada.view)
    assert ada.submit({"Lesson": f"{MARK}later."})["status"] == "acked"
    asked = ben.say(
        factory.GENERAL, f"@failbot has anyone seen that the {MARK}happened first sang?"
    )
    wait(lambda: ben.messages(factory.GENERAL, asked["ts"])[1:])
    rows = data.parent / "rows.csv"
    rows.write_text(f"tried,happened\n{MARK}tried it,{MARK}happened then\n")
    failbot(data, "import", str(rows))
    wait(lambda: is_embedded(data, 2))


ALONE = pytest.param(False, id="alone", marks=pytest.mark.full)


@pytest.mark.parametrize("reads", [ALONE, pytest.param(True, id="beside a reader")])
def test_not_a_byte_of_what_is_deleted_is_left(
    box: Sandbox, tmp_path: Path, models: Path, reads: bool
) -> None:
    """In the database, its log, its index or the bot's own log: while the bot runs, and after."""
    data = prepared(tmp_path / "data", models)
    with serving(box, data) as process:
        process.wait_said("ready")
        speak(box, process, data)
        assert "failbot.db" in " ".join(holding(data))
        reader = sqlite3.connect(data / "failbot.db", isolation_level=None)
        if reads:  # an old state, until it is done
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM failures").fetchall()
        ada = box.control.as_(factory.ADA)
        ada.command("/failure", "delete F-1", factory.GENERAL)
        wait(lambda: [one for one in ada.messages(factory.GENERAL) if "Delete" in str(one)])
        ada.click("delete_failure")
        wait(lambda: "F-1 is deleted" in str(ada.messages(factory.GENERAL)))
        failbot(data, "undo-import", "1", "--yes")
        for person in (factory.BEN, factory.ADA):
            failbot(data, "forget", "--user", person, "--yes")
        if reads:
            assert holding(data), "an old state is read still"
            reader.execute("COMMIT")
        reader.close()
        wait(lambda: not holding(data))
        for person in (factory.BEN, factory.ADA):
            assert holding(data, person) == []
        assert MARK not in failbot(data, "export", "--everything")
        ada.command("/failure", "", factory.GENERAL)  # and it goes on
        wait(ada.view)
        assert process.stop(signal.SIGTERM).is_clean(), process.log.read_text()
    assert holding(data) == []
    with closing(SqliteStore(data / "failbot.db")) as store:
        store.check()
        assert store.failures.count(viewer=OPERATOR) == 0


DIES = f"""
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from failbot.store.sqlite import SqliteStore
from tests.make import ANA, draft, public, viewer
store = SqliteStore(Path(sys.argv[1]))
place = public(team_id=sys.argv[2])
store.failures.record(draft("{MARK} sang."), place=place, author_id=ANA, now=datetime.now(UTC))
store.failures.delete(1, viewer=viewer(team_id=sys.argv[2], is_operator=True))
os._exit(0)
"""


def test_what_a_killed_bot_left_is_taken_out_by_the_next(
    box: Sandbox, tmp_path: Path, models: Path
) -> None:
    """Between a deletion and the scrub a process may die: the mark is in the database."""
    data = prepared(tmp_path / "data", models)
    dies = [sys.executable, "-c", DIES, str(data / "failbot.db"), factory.TEAM_ID]
    subprocess.run(dies, check=True)
    assert holding(data)
    with serving(box, data) as process:
        process.wait_said("ready")
        wait(lambda: not holding(data))
