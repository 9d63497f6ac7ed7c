"""A database of any released version, with data in it, becomes one of this version."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3
import pytest
from sqlite_utils import Database

from failbot.models import Verdict
from failbot.store.sqlite import SqliteStore, migrate
from tests.make import ANA, BEN, TEAM, draft, embedding, public, viewer

RELEASED = sorted(path.stem for path in migrate.migrations_folder("sqlite").glob("*.sql"))
OPERATOR = viewer(is_operator=True)
AT = "2026-01-01T00:00:00.000000+00:00"
SAID = {"title": "", "lesson": "", "valid_while": "", "cost": "", "outcome": None}
LISTS = {"explanations": [], "modes": [], "links": [], "tags": []}


def made_at(path: Path, name: str, folder: Path) -> None:
    """A database that a failbot of this migration has filled, and one before it begun."""
    conn = sqlite3.connect(path, isolation_level=None)
    db = Database(conn, execute_plugins=False)
    for at, released in enumerate(RELEASED[: RELEASED.index(name) + 1]):
        source = migrate.migrations_folder("sqlite") / f"{released}.sql"
        shutil.copy(source, folder / source.name)
        conn.execute("BEGIN")
        migrate.load(folder).apply(db)
        if at == 0 or released == name:
            fill(conn, at + 1, renamed=at >= 2, words=at >= 3)
        conn.execute("COMMIT")
    conn.close()


def fill(conn: Any, id: int, *, renamed: bool, words: bool) -> None:
    """One row of everything that a version could hold from the first on."""
    said = SAID | {name: json.dumps(one) for name, one in LISTS.items()}
    said |= {"tried": f"Tried {id}.", "happened": f"It burst {id}.", "external_id": f"x{id}"}
    facts = {"id": id, "team_id": TEAM, "number": id, "author_id": ANA, "channel_id": "C1"}
    facts |= {"visibility": "workspace", "created_at": AT, "updated_at": AT, "version": 1}
    put(conn, "failures", said | facts | {"words": f"tri burst {id}", "card_ts": "17.1"})
    conn.execute("INSERT OR REPLACE INTO teams (team_id, last_number) VALUES (?, ?)", [TEAM, id])
    version = {"failure_id": id, "number": 1, "team_id": TEAM, "draft": json.dumps(said)}
    put(conn, "versions", version | {"changed_by": ANA, "changed_at": AT})
    text = "words" if words else "text"
    put(conn, "failures_fts", {"rowid": id, text: f"tri burst {id}"})
    made = embedding(1, id)
    vectors = {"vectors": made.vectors.tobytes(), "tokens": made.tokens.tobytes()}
    vectors |= {"token_ids": made.token_ids.tobytes(), "starts": made.starts.tobytes()}
    own = {"failure_id": id, "model": "m", "team_id": TEAM, "version": 1, "dimension": 2}
    put(conn, "embeddings", own | vectors)
    put(conn, "changes", {"failure_id": id, "team_id": TEAM, "seq": id})
    place = {"team_id": TEAM, "channel_id": "C1", "visibility": "workspace", "user_id": BEN}
    asked = {"id": id, "text": f"Why {id}?", "message_ts": f"1.{id}", "verdict": "known"}
    put(conn, "questions", place | asked | {"shown": f"[{id}]", "asked_at": AT})
    word = {"question_id": id, "failure_id": id, "user_id": BEN, "team_id": TEAM, "helped": 1}
    table, when = ("feedback", "given_at") if renamed else ("receipts", "received_at")
    put(conn, table, word | {when: AT})
    weekly = {"weekday": 0, "hour": 9, "minute": 0, "zone": "UTC", "created_by": ANA}
    put(conn, "schedules", {"team_id": TEAM, "channel_id": f"C{id}", "created_at": AT} | weekly)
    job = {"team_id": TEAM, "kind": "question", "payload": json.dumps({"n": id})}
    put(conn, "inbox", job | {"received_at": AT, "due_at": AT})


def put(conn: Any, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    conn.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])


@pytest.mark.parametrize("name", RELEASED)
def test_every_released_version_is_brought_up_to_date(
    tmp_path: Path, now: datetime, name: str
) -> None:
    """Everything is there and works: read, searched, changed, answered, backed up, erased."""
    (tmp_path / "sql").mkdir()
    made_at(tmp_path / "failbot.db", name, tmp_path / "sql")
    store = SqliteStore(tmp_path / "failbot.db")
    brought = [one for one, is_new in store.migrations() if is_new]
    assert brought == RELEASED[RELEASED.index(name) + 1 :]
    numbers = sorted({1, RELEASED.index(name) + 1})
    everything = store.failures.newest(viewer=viewer(), limit=9)
    assert [one.number for one in reversed(everything)] == numbers
    assert [one.happened for one in reversed(everything)] == [f"It burst {n}." for n in numbers]
    for number in numbers:
        found = store.failures.search(f"burst {number}", viewer=viewer(), limit=9)
        assert [one.number for one in found] == [number]
        assert len(store.failures.versions(number, viewer=viewer())) == 1
    assert store.embeddings.progress("m") == (len(numbers), len(numbers))
    asked = store.questions.asked(
        viewer=viewer(), since=datetime.min.replace(tzinfo=now.tzinfo), before=now
    )
    assert [(one.text, one.verdict) for one in asked] == [
        (f"Why {number}?", Verdict.KNOWN) for number in numbers
    ]
    said = store.questions.feedback(viewer=viewer(), since=asked[0].asked_at, before=now)
    assert [one.number for one in said] == numbers
    assert len(store.digests.schedules()) == len(numbers)
    job = store.inbox.claim(now=now, lease_s=9)
    assert job is not None
    assert job.payload == {"n": 1}
    assert store.shown.of(1, team_id=TEAM)[0].message_ts == "17.1"
    store.failures.revise(1, draft("Else."), viewer=viewer(), by=ANA, now=now)
    new = store.failures.record(draft("New."), place=public(), author_id=ANA, now=now)[0]
    assert new.number == numbers[-1] + 1
    assert store.back_up(tmp_path / "copy.db")["failures"] == len(numbers) + 1
    store.failures.delete(1, viewer=OPERATOR)
    assert store.erasures.scrub()
    assert store.connection.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert store.connection.rows("SELECT * FROM pragma_foreign_key_check") == []
    store.close()
