"""A backup put in the place of the database: checked first, and in one step."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3

from failbot.errors import StoreError
from failbot.store.sqlite import backups
from failbot.store.sqlite.connection import BUSY_TIMEOUT_S, make_private, said_in_words
from failbot.store.sqlite.rows import tombstone_of
from failbot.store.sqlite.scrubbing import ERASED
from failbot.store.tombstones import Tombstone

# What lies beside a database while it is open.
BESIDE = ("-wal", "-shm")
# sqlite.org/src, os.h: in WAL mode every connection holds a shared lock on these bytes.
SHARED_FIRST, SHARED_SIZE = 0x40000000 + 2, 510
# What the replaced database knows better: what is still to be done or was done since, and what
# must never be given twice.
TAKEN = {
    "DELETE FROM {0}": ("inbox", "outbox", "given_up"),
    "INSERT OR REPLACE INTO {0} ({1}) SELECT {1} FROM replaced.{0}": (
        *("inbox", "outbox", "given_up"),
        "digests",
    ),
    "INSERT OR IGNORE INTO {0} ({1}) SELECT {1} FROM replaced.{0}": ("inbox_keys",),
    "INSERT OR IGNORE INTO {0} ({1}) SELECT {1} FROM replaced.{0} AS old WHERE EXISTS"
    " (SELECT 1 FROM failures WHERE team_id = old.team_id AND number = old.number)": ("shown",),
}
COUNTERS = (
    "INSERT INTO teams (team_id, last_number) SELECT team_id, last_number FROM replaced.teams"
    " WHERE true ON CONFLICT (team_id) DO UPDATE"
    " SET last_number = max(last_number, excluded.last_number)",
    "UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM replaced.sqlite_sequence"
    " AS old WHERE old.name = sqlite_sequence.name), 0))",
    "INSERT INTO sqlite_sequence (name, seq) SELECT name, seq FROM replaced.sqlite_sequence"
    " WHERE name NOT IN (SELECT name FROM sqlite_sequence)",
)
# Whoever serves meanwhile takes all of it in anew, and lets go of what is not there any more.
CHANGED = (
    "UPDATE changes SET seq = seq + (SELECT max(seq) FROM"
    " (SELECT seq FROM changes UNION ALL SELECT seq FROM replaced.changes))",
    "INSERT INTO changes (failure_id, team_id, seq) SELECT failure_id, team_id,"
    " (SELECT coalesce(max(seq), 0) FROM (SELECT seq FROM changes"
    " UNION ALL SELECT seq FROM replaced.changes)) + row_number() OVER ()"
    " FROM replaced.changes WHERE failure_id NOT IN (SELECT failure_id FROM changes)",
)

# The replaced database's pages are still in its log.
MARKED = f"INSERT OR REPLACE INTO settings (name, value) VALUES ('{ERASED}', hex(randomblob(16)))"


def checked_copy(source: Path, target: Path) -> dict[str, int]:
    """A copy of the backup that may be opened and migrated: how many rows its tables hold.

    :raises StoreError: there is none, it is damaged, or not failbot's.
    """
    if not source.is_file():
        raise StoreError(f"{source}: there is no such file.")
    with said_in_words(source):
        make_private(target)
        shutil.copyfile(source, target)
        if (log := _beside(source, "-wal")).exists():  # a database that was copied as it lay
            shutil.copyfile(log, _beside(target, "-wal"))
    counts = backups.verified(target)
    if not {"failures", "_sqlite_migrations"} <= counts.keys():
        raise StoreError(f"{source} is no failbot database.")
    return counts


def is_open_elsewhere(database: Path) -> bool:
    """Whether another process has it open; this one must not."""
    if not database.exists():
        return False
    descriptor = os.open(database, os.O_RDWR)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def is_readable(database: Path) -> bool:
    """Whether it is there, and sound enough to be copied."""
    with suppress(StoreError):
        return database.exists() and "failures" in backups.verified(database)
    return False


def tombstones_in(database: Path) -> list[Tombstone]:
    """Those of a readable database of whatever version."""
    with closing(_opened(database)) as conn:
        conn.row_factory = sqlite3.Row
        with suppress(sqlite3.OperationalError):  # of a version that left none
            rows = conn.execute("SELECT * FROM tombstones ORDER BY id").fetchall()
            return [tombstone_of(row) for row in rows]
        return []


def replace(database: Path, new: Path, *, aside: Path, is_readable: bool) -> list[Path]:
    """Puts the closed database `new` in the place of this one; where what it replaces is now.

    A readable one keeps its file: its content changes in one transaction, so that whoever has it
    open goes on with the new one. Another is put aside as it is.
    :raises StoreError: nothing is changed then.
    """
    if not database.exists():
        with said_in_words(database):
            new.replace(database)
        return []
    if not is_readable:
        with said_in_words(database):
            return _swap(database, new, aside)
    with backups.removed_on_error(aside):
        with said_in_words(aside), closing(_opened(database)) as conn:
            make_private(aside)
            conn.execute("VACUUM INTO ?", [str(aside)])
        backups.verified(aside)
    with said_in_words(database):
        _take_over(new, database)
        _overwrite(database, new)
    return [aside]


def _swap(database: Path, new: Path, aside: Path) -> list[Path]:
    moved = []
    for end in ("", *BESIDE):
        if (old := _beside(database, end)).exists():
            moved.append(old.replace(_beside(aside, end)))
    new.replace(database)
    return moved


def _take_over(new: Path, database: Path) -> None:
    """Gives the new database what the replaced one knows better."""
    with closing(_opened(new)) as conn:
        conn.execute("ATTACH ? AS replaced", [str(database)])
        conn.execute("BEGIN IMMEDIATE")
        for sql, tables in TAKEN.items():
            for table in tables:
                if columns := _common(conn, table):
                    conn.execute(sql.format(table, ", ".join(columns)))
        for sql in (*COUNTERS, *CHANGED, MARKED):
            conn.execute(sql)
        conn.execute("COMMIT")
        conn.execute("DETACH replaced")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _common(conn: Any, table: str) -> Sequence[str]:
    """The columns that both know; none where the replaced one is of a version without the table."""
    own, other = (
        [row[1] for row in conn.execute(f"PRAGMA {schema}.table_info({table})")]
        for schema in ("main", "replaced")
    )
    return [name for name in own if name in other]


def _overwrite(database: Path, new: Path) -> None:
    with closing(_opened(new)) as source, closing(_opened(database)) as target:
        target.execute("PRAGMA synchronous=FULL").fetchall()
        source.backup(target)
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _opened(path: Path) -> Any:
    return sqlite3.connect(str(path), isolation_level=None, timeout=BUSY_TIMEOUT_S)


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)
