"""A backup is put back whole, and what was deleted since stays deleted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pysqlite3 as sqlite3
import pytest

from failbot.config import Config
from failbot.errors import StoreError
from failbot.memory.erasing import Eraser
from failbot.models import Schedule, Verdict
from failbot.restoring import Restored
from failbot.restoring import restore as run
from failbot.search.values import Vector
from failbot.store.base import MessageKind, ShownMessage
from failbot.store.embedding import ActiveModel
from failbot.store.sqlite import SqliteStore, backups, restoring
from failbot.store.tombstones import Tombstone, write
from tests.make import ANA, BEN, TEAM, draft, embedding, public, viewer

OPERATOR = viewer(is_operator=True)
DAY = timedelta(days=1)
SECRET = "ghp_" + "a1B2" * 9


class Memory:
    """A data folder, a backup of it, and what was done since."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder, self.now = folder, now
        self.config = Config(data_folder=folder / "data")
        self.backup = folder / "backup.db"

    def store(self) -> SqliteStore:
        return SqliteStore(self.config.database)

    def log(self, *said: str, author_id: str = ANA) -> None:
        store = self.store()
        for one in said:
            store.failures.record(draft(one), place=public(), author_id=author_id, now=self.now)
        store.close()

    def back_up(self) -> None:
        store = self.store()
        store.back_up(self.backup)
        store.close()

    def delete(self, *numbers: int) -> None:
        store = self.store()
        store.erasures.delete(numbers, viewer=OPERATOR)
        store.erasures.scrub()
        store.close()

    def restore(self, **more: object) -> Restored:
        return run(self.config, self.backup, now=self.now + DAY, **more)  # type: ignore[arg-type]

    def left(self) -> list[str]:
        store = self.store()
        found = store.failures.newest(viewer=OPERATOR, limit=99)
        store.check()
        store.close()
        return [one.happened for one in reversed(found)]


@pytest.fixture
def memory(tmp_path: Path, now: datetime) -> Memory:
    memory = Memory(tmp_path, now)
    memory.log("One.", "Two.", "Three.")
    return memory


def holding(folder: Path, text: bytes) -> list[str]:
    return sorted(
        one.name for one in folder.iterdir() if one.is_file() and text in one.read_bytes()
    )


def test_the_drill(memory: Memory) -> None:
    """Back up, go on, lose the whole folder, restore: the memory is what it was, and works."""
    memory.back_up()
    memory.log("Four.")
    shutil.rmtree(memory.config.data_folder)
    done = memory.restore()
    assert (done.rows["failures"], done.aside, done.is_clean) == (3, (), True)
    assert memory.left() == ["One.", "Two.", "Three."]
    memory.log("Five.")
    assert memory.left()[-1] == "Five."
    assert [
        one.name for one in memory.config.data_folder.iterdir() if "restoring" in one.name
    ] == []
    assert memory.config.database.stat().st_mode & 0o077 == 0


def test_what_was_deleted_since_is_deleted_again(memory: Memory, now: datetime) -> None:
    """Not one byte comes back, neither of an entry nor of a person."""
    memory.log("zqcanary is hers.", author_id=BEN)
    memory.back_up()
    memory.delete(2)
    store = memory.store()
    Eraser(store).forget(BEN, team_id=TEAM, keeps_entries=False, now=now)
    store.erasures.scrub()
    store.close()
    done = memory.restore()
    assert (done.deleted, memory.left()) == (2, ["One.", "Three."])
    for gone in (b"zqcanary", b"Two.", BEN.encode()):
        assert holding(memory.config.data_folder, gone) == []
    assert holding(memory.folder, b"zqcanary") == ["backup.db"]


@pytest.mark.parametrize("kept", ["beside", "named"])
def test_tombstones_outlive_the_database(memory: Memory, kept: str) -> None:
    """Beside a database that is damaged, or wherever they were copied to."""
    memory.back_up()
    memory.delete(1)
    beside = memory.config.database.with_suffix(".tombstones")
    if kept == "beside":
        memory.config.database.write_bytes(b"this is no database any more" * 99)
        done = memory.restore()
        assert [one.read_bytes()[:7] for one in done.aside] == [b"this is"]
    else:
        copy = memory.folder / "elsewhere"
        beside.replace(copy)
        shutil.rmtree(memory.config.data_folder)
        done = memory.restore(tombstones=copy)
    assert (done.deleted, memory.left()) == (1, ["Two.", "Three."])
    assert len(beside.read_text().splitlines()) == 1


def test_the_replaced_database_is_kept(memory: Memory) -> None:
    """Whole, under a name that says when."""
    memory.back_up()
    memory.log("Four.")
    [aside] = memory.restore().aside
    assert aside.name == "failbot-replaced-20260303T090000.db"
    assert backups.verified(aside)["failures"] == 4
    assert memory.left() == ["One.", "Two.", "Three."]
    assert memory.restore().aside[0].name == "failbot-replaced-20260303T090000-2.db"


def test_numbers_and_ids_are_not_given_again(memory: Memory, now: datetime) -> None:
    """What people wrote of F-4 must not become another entry's."""
    memory.back_up()
    memory.log("Four.")
    store = memory.store()
    place = {"place": public(), "user_id": ANA, "message_ts": "", "now": now}
    asked = store.questions.keep("Why?", verdict=Verdict.KNOWN, shown=[], **place)
    store.close()
    memory.restore()
    store = memory.store()
    again = store.failures.record(draft("New."), place=public(), author_id=ANA, now=now)[0]
    assert again.number == 5
    later = store.questions.keep("Why?", verdict=Verdict.KNOWN, shown=[], **place)
    assert later.id > asked.id
    store.close()


def test_what_is_to_be_done_stays_to_be_done(memory: Memory, now: datetime) -> None:
    """Jobs that came since wait still, those that were done since are not done again, and no
    message is answered or posted twice."""
    store = memory.store()
    weekly = {"weekday": 0, "hour": 9, "minute": 0, "zone": "UTC", "created_at": now - 7 * DAY}
    store.digests.set_schedule(Schedule(team_id=TEAM, channel_id="C1", created_by=ANA, **weekly))
    store.inbox.add("question", {"n": 1}, team_id=TEAM, keys=["one"], now=now)
    store.close()
    memory.back_up()
    store = memory.store()
    done = store.inbox.claim(now=now, lease_s=9)
    assert done is not None
    store.inbox.finish(done)
    store.inbox.add("question", {"n": 2}, team_id=TEAM, keys=["two"], now=now)
    week = {"team_id": TEAM, "channel_id": "C1", "week": "2026-W10", "now": now}
    claim = store.digests.claim(**week, lease_s=9)
    assert claim is not None
    store.digests.finish(claim, message_ts="17.1")
    shown = ShownMessage(
        team_id=TEAM,
        channel_id="C1",
        message_ts="17.1",
        kind=MessageKind.DIGEST,
        numbers=(1,),
        posted_at=now,
    )
    store.shown.remember(shown)
    store.close()
    memory.restore()
    store = memory.store()
    job = store.inbox.claim(now=now, lease_s=9)
    assert job is not None
    assert (job.payload, store.inbox.waiting()) == ({"n": 2}, 1)
    assert not store.inbox.add("question", {}, team_id=TEAM, keys=["two"], now=now)
    assert store.digests.claim(**week, lease_s=9) is None
    assert store.shown.of(1, team_id=TEAM) == [shown]
    store.close()


def test_what_was_given_up_is_as_it_was_at_last(memory: Memory, now: datetime) -> None:
    """What was dropped since stays dropped; no id stands in two lists, which nothing could end."""
    store = memory.store()
    give_up(store, now, "one")
    memory.back_up()
    store.inbox.drop(store.inbox.given_up()[0].job.id)
    give_up(store, now, "two")
    store.close()
    memory.restore()
    store = memory.store()
    assert [one.reason for one in store.inbox.given_up()] == ["two"]
    store.close()


def give_up(store: SqliteStore, now: datetime, reason: str) -> None:
    store.inbox.add("question", {}, team_id=TEAM, keys=[reason], now=now)
    job = store.inbox.claim(now=now, lease_s=9)
    assert job is not None
    store.inbox.give_up(job, reason=reason, now=now)


def test_a_digest_is_looked_for_where_all_is_lost(memory: Memory, now: datetime) -> None:
    """Whoever posts this week's is told that it may have been posted."""
    store = memory.store()
    weekly = {"weekday": 0, "hour": 9, "minute": 0, "zone": "UTC", "created_at": now - 7 * DAY}
    store.digests.set_schedule(Schedule(team_id=TEAM, channel_id="C1", created_by=ANA, **weekly))
    store.close()
    memory.back_up()
    shutil.rmtree(memory.config.data_folder)
    memory.restore()
    store = memory.store()
    week = {"team_id": TEAM, "channel_id": "C1", "week": "2026-W10", "now": now + 2 * DAY}
    claim = store.digests.claim(**week, lease_s=9)
    assert claim is not None
    assert claim.attempts == 2
    store.close()


def test_secrets_and_old_questions_go_as_ever(memory: Memory, now: datetime) -> None:
    """By today's rules, which the backup is older than."""
    store = memory.store()
    store.failures.amend(1, lambda one: replace(one, happened=f"With {SECRET}."), viewer=OPERATOR)
    old = {"place": public(), "user_id": ANA, "message_ts": "", "now": now - 200 * DAY}
    store.questions.keep("Old?", verdict=Verdict.KNOWN, shown=[], **old)
    store.close()
    memory.back_up()
    done = memory.restore()
    assert (done.secrets, done.rows["questions"]) == ({"github token": 1}, 0)
    assert memory.left()[0] == "With [redacted: github token]."
    assert holding(memory.config.data_folder, SECRET.encode()) == [done.aside[0].name]


HOLDER = """
import sys
from pathlib import Path
from failbot.store.sqlite import SqliteStore
from tests.make import viewer
store = SqliteStore(Path(sys.argv[1]))
def told():
    how = {"viewer": viewer(), "vector": None, "by_vector": 0, "by_words": 9}
    found = store.search.candidates(("alpha",), **how)
    print([one.number for one in found], store.search.corpus("T1").size, flush=True)
told()
for _ in sys.stdin:
    told()
"""


def test_a_database_in_use_is_left_alone_unless_forced(memory: Memory) -> None:
    """Whoever serves meanwhile goes on with the restored one, without a stale index."""
    memory.log("Alpha stays.")
    memory.back_up()
    memory.delete(1)
    memory.log("Alpha goes.")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(memory.config.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "[4, 5] 4\n"
        with pytest.raises(StoreError, match="is in use: stop the bot, or say --force"):
            memory.restore()
        assert memory.restore(force=True).is_clean
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "[4] 3\n"
    finally:
        holder.communicate(timeout=20)
    assert memory.left() == ["Two.", "Three.", "Alpha stays."]


def test_a_damaged_database_in_use_is_never_swapped(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has it open would go on writing into what was put aside."""
    memory.back_up()
    memory.config.database.write_bytes(b"this is no database any more" * 99)
    monkeypatch.setattr(restoring, "is_open_elsewhere", lambda _: True)
    with pytest.raises(StoreError, match="damaged and in use"):
        memory.restore(force=True)
    assert memory.config.database.read_bytes().startswith(b"this is no database")


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[16384 * 3 : 16384 * 9] = b"\xff" * (16384 * 6)
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["damaged", "text", "missing", "foreign", "newer", "itself", "no"])
def test_what_is_no_backup_changes_nothing(memory: Memory, how: str) -> None:
    """It is said why, and the memory is as it was, without a trace of the attempt."""
    memory.back_up()
    memory.log("Four.")
    if how == "damaged":
        spoil(memory.backup)
    elif how == "text":
        memory.backup.write_text("this is a text file, and no database at all" * 9)
    elif how == "missing":
        memory.backup.unlink()
    elif how == "itself":
        memory.backup = memory.config.database
    elif how == "no":
        memory.backup = memory.folder
    else:
        conn = sqlite3.connect(memory.backup)
        if how == "foreign":
            conn.execute("ALTER TABLE failures RENAME TO others")
        else:
            conn.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
                " VALUES ('failbot', '9999_future', '2030')"
            )
        conn.commit()
        conn.close()
    before = sorted(one.name for one in memory.config.data_folder.iterdir())
    with pytest.raises(StoreError):
        memory.restore()
    assert memory.left() == ["One.", "Two.", "Three.", "Four."]
    assert sorted(one.name for one in memory.config.data_folder.iterdir()) == before


def test_a_database_that_was_copied_as_it_lay_is_taken(memory: Memory) -> None:
    """With its log beside it, in which its newest entries are."""
    store = memory.store()
    store.failures.record(draft("Four."), place=public(), author_id=ANA, now=memory.now)
    for end in ("", "-wal"):
        lies = memory.config.database.with_name(f"failbot.db{end}")
        shutil.copyfile(lies, memory.backup.with_name(f"backup.db{end}"))
    store.close()
    shutil.rmtree(memory.config.data_folder)
    memory.restore()
    assert memory.left() == ["One.", "Two.", "Three.", "Four."]


def test_a_copy_that_differs_is_made_again(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others write between counting and copying; at last it is refused, and not left."""
    store = memory.store()
    counted = backups._counts
    wrong = [1]

    def miscounted(conn: object) -> dict[str, int]:
        counts = counted(conn)
        return counts | {"failures": counts["failures"] + (wrong.pop() if wrong else 0)}

    monkeypatch.setattr(backups, "_counts", miscounted)
    assert store.back_up(memory.backup)["failures"] == 3
    wrong += list(range(1, 20))
    with pytest.raises(StoreError, match="never what was copied"):
        store.back_up(memory.folder / "again.db")
    assert not (memory.folder / "again.db").exists()
    store.close()


def test_vectors_come_back_with_their_entries(memory: Memory) -> None:
    """A restored memory needs no model to be searched by vectors."""
    store = memory.store()
    store.embeddings.activate(ActiveModel(name="m", setting="m"))
    missing = store.embeddings.missing("m", limit=9)
    store.embeddings.put("m", [(one, embedding(1, one.number)) for one in missing])
    store.close()
    memory.back_up()
    shutil.rmtree(memory.config.data_folder)
    memory.restore()
    store = memory.store()
    vector: Vector = embedding(1, 3).vectors[0]
    found = store.search.candidates((), viewer=OPERATOR, vector=vector, by_vector=1, by_words=0)
    assert [one.number for one in found] == [3]
    store.close()


def test_an_old_database_put_back_by_hand_forgets_again(memory: Memory, now: datetime) -> None:
    """The next bot that starts finds the tombstones beside it."""
    memory.back_up()
    memory.delete(1)
    shutil.copyfile(memory.backup, memory.config.database)
    for end in ("-wal", "-shm"):
        memory.config.database.with_name(f"failbot.db{end}").unlink(missing_ok=True)
    store = memory.store()
    Eraser(store)._heed_beside()
    store.close()
    assert memory.left() == ["Two.", "Three."]


def test_a_spoilt_list_of_tombstones_stops_it(memory: Memory, now: datetime) -> None:
    """Else what it names would come back, and nobody would know."""
    memory.back_up()
    memory.config.database.with_suffix(".tombstones").write_text("{}\n")
    with pytest.raises(StoreError, match="line 1: this is no tombstone"):
        memory.restore()
    write(memory.config.database.with_suffix(".tombstones"), [Tombstone(team_id=TEAM, at=now)])
    memory.restore()
    assert restoring.tombstones_in(memory.config.database) == [Tombstone(team_id=TEAM, at=now)]
