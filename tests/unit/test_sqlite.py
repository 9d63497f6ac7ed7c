"""What the SQLite backend does beyond the contract: migrations, several processes, bad files."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pysqlite3 as sqlite3
import pytest

from failbot.errors import StoreError
from failbot.models import Feedback, Verdict
from failbot.search.calibration import load
from failbot.store.base import StoredNull
from failbot.store.sqlite import SqliteStore, migrate
from tests.contract.test_expected import question, with_expected
from tests.make import ANA, draft, embedding, public, viewer


def open_at(path: Path) -> SqliteStore:
    return SqliteStore(path / "failbot.db")


def test_what_is_recorded_survives_reopening(tmp_path: Path, now: datetime) -> None:
    """A restart keeps everything."""
    store = open_at(tmp_path)
    store.failures.record(draft(), place=public(), author_id=ANA, now=now)
    store.close()
    again = open_at(tmp_path)
    assert again.failures.get(1, viewer=viewer()).happened == draft().happened
    assert again.connection.pending() == []
    assert again.connection.applied() == sorted(
        path.stem for path in migrate.migrations_folder("sqlite").glob("*.sql")
    )
    again.check()
    again.close()


def test_adoption_leaves_no_row_behind(tmp_path: Path, now: datetime) -> None:
    """Every table that names a workspace is moved, save those of channels and jobs."""
    store = open_at(tmp_path)
    there = {"place": public(team_id="local"), "now": now}
    asked_like = [question("Who has seen it diverge?", now)]
    store.failures.record(draft(), author_id=ANA, **there, expected=asked_like, wants=True)
    made = store.embeddings.missing("toy", limit=1)
    store.embeddings.put("toy", [(made[0], with_expected(embedding(1, 0), (1, 0)))])
    asked = store.questions.keep(
        "Seen?", user_id=ANA, message_ts="", verdict=Verdict.KNOWN, shown=[1], **there
    )
    word = Feedback(question_id=asked.id, number=1, user_id=ANA, helped=True, at=now)
    store.questions.give_feedback(word, team_id="local")
    calibration = replace(load("all-MiniLM-L6-v2"), origin="own")
    store.calibrations.keep(calibration, team_id="local", now=now)
    store.calibrations.keep_null(StoredNull(entries=1, level=0.0), team_id="local", model="toy")
    store.imports.record([draft(), draft()], name="a.csv", author_id=ANA, **there)
    store.failures.delete(3, viewer=viewer(team_id="local"))
    store.failures.adopt("T1", source_team_id="local")
    tables = {
        table.name: [row["team_id"] for row in table.rows]
        for table in store.connection.db.tables
        if "team_id" in table.columns_dict
    }
    unmoved = {name: teams for name, teams in tables.items() if set(teams) != {"T1"}}
    empty = ("schedules", "digests", "inbox", "given_up", "shown")
    assert unmoved == {name: [] for name in empty}
    store.close()


def test_the_connection_is_durable(tmp_path: Path) -> None:
    """WAL, FULL and foreign keys: an acknowledged write survives a power cut."""
    connection = open_at(tmp_path).connection
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
    values = {name: next(iter(connection.rows(f"PRAGMA {name}")[0].values())) for name in pragmas}
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


def test_a_new_database_is_private(tmp_path: Path) -> None:
    """Nobody else on the machine reads it, even in a folder that is open to all."""
    open_at(tmp_path).close()
    assert (tmp_path / "failbot.db").stat().st_mode & 0o077 == 0


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """Older code must not write what it does not understand."""
    store = open_at(tmp_path)
    with store.connection.write() as db:
        db.table("_sqlite_migrations").insert(
            {"migration_set": "failbot", "name": "9999_future", "applied_at": "2030"}
        )
    store.close()
    with pytest.raises(StoreError, match="it holds 9999_future"):
        open_at(tmp_path)


def test_a_failed_migration_leaves_the_old_schema(tmp_path: Path) -> None:
    """All migrations are one transaction: old or new, nothing between."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_good.sql").write_text("CREATE TABLE good (id);")
    (folder / "0002_bad.sql").write_text("CREATE TABLE bad (id);\nINSERT INTO nowhere VALUES (1);")
    connection = open_at(tmp_path).connection
    migrations = migrate.load(folder)
    with pytest.raises(StoreError, match="nowhere"), connection.write():
        migrations.apply(connection.db)
    tables = connection.db.table_names()
    assert "good" not in tables
    assert "bad" not in tables


def test_statements_are_split_where_sqlite_would() -> None:
    """A semicolon inside a trigger or a string ends nothing."""
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\nSELECT 1;\nEND;\n"
    script = "CREATE TABLE a (x DEFAULT ';');\n" + trigger
    assert len(list(migrate.statements(script))) == 2


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    """The message names the file and what to do."""
    (tmp_path / "failbot.db").write_text("this is a text file, not a database, and long enough")
    with pytest.raises(StoreError, match=r"failbot\.db: file is not a database\. The file is"):
        open_at(tmp_path)


def test_a_lock_held_by_another_is_said_in_words(tmp_path: Path, now: datetime) -> None:
    """A write that cannot have the lock raises, and has kept nothing."""
    store = open_at(tmp_path)
    store.connection.db.execute("PRAGMA busy_timeout = 50").fetchall()
    other = sqlite3.connect(tmp_path / "failbot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.failures.record(draft(), place=public(), author_id=ANA, now=now)
    other.execute("ROLLBACK")
    store.failures.record(draft(), place=public(), author_id=ANA, now=now)
    assert store.failures.count(viewer=viewer()) == 1


WRITER = """
import sys
from dataclasses import replace
from datetime import datetime, UTC
from pathlib import Path
from failbot.store.sqlite import SqliteStore
from tests.make import draft, public
store = SqliteStore(Path(sys.argv[1]))
for index in range(int(sys.argv[2])):
    said = draft(f"alpha {sys.argv[3]} {index}")
    store.failures.record(said, place=public(), author_id="U", now=datetime.now(UTC))
    print(index, flush=True)
"""


def writer(path: Path, count: int, name: str) -> subprocess.Popen[str]:
    """A process that records `count` failures and says each when it is committed."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path / "failbot.db"), str(count), name],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_another_process_is_seen_by_the_next_search(tmp_path: Path) -> None:
    """The index in memory takes in what a second process wrote; three writers lose nothing."""
    store = open_at(tmp_path)
    assert store.search.corpus("T1").size == 0
    writers = [writer(tmp_path, 20, name) for name in "abc"]
    for one in writers:
        one.communicate()
    assert [one.returncode for one in writers] == [0, 0, 0]
    assert store.search.corpus("T1").size == 60
    found = store.search.candidates(
        ("alpha",), viewer=viewer(), vector=None, by_vector=0, by_words=100
    )
    assert [one.number for one in found] == list(range(1, 61))
    store.close()


def test_a_killed_writer_has_lost_nothing_that_it_said(tmp_path: Path) -> None:
    """kill -9 right after a commit keeps the commit."""
    process = writer(tmp_path, 10_000, "a")
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(5)]
    assert said == [f"{index}\n" for index in range(5)]
    process.kill()
    process.wait()
    process.stdout.close()
    store = open_at(tmp_path)
    store.check()
    assert store.failures.count(viewer=viewer()) >= len(said)
    store.close()
