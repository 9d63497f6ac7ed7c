"""One SQLite connection a process, one lock, and one context manager for lock and transaction."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3
from sqlite_utils import Database

from failbot.errors import StoreError
from failbot.store.sqlite import migrate, scrubbing

# How long a write waits for another process. Slack wants its answer within 3 s: later than this
# the request fails unacknowledged and is sent again.
BUSY_TIMEOUT_S = 2.5
# 3.7.0 to 3.51.2 may corrupt the database when a WAL is reset (sqlite.org/wal.html, "the WAL-reset
# bug"); pysqlite3 brings a newer one than Python does.
FIRST_SAFE_SQLITE = (3, 51, 3)


class Connection:
    """The database of one file, migrated; any thread may use it, one at a time."""

    def __init__(self, path: Path) -> None:
        """:raises StoreError: if it cannot be opened, is damaged, or is newer than this code."""
        _refuse_unsafe_sqlite()
        self.path = path
        self._lock = threading.RLock()
        self._raw = -1
        with said_in_words(path):
            make_private(path)
            self.db = _connect(path)
            self.migrations = migrate.load(migrate.migrations_folder("sqlite"))
            migrate.refuse_newer(self.db, self.migrations)
        self.brought = self.pending()  # the migrations that this very opening applied
        if self.brought:
            with self.write():
                self.migrations.apply(self.db)

    def pending(self) -> list[str]:
        """The names of migrations not yet applied."""
        return [one.name for one in self.migrations.pending(self.db)]

    def applied(self) -> list[str]:
        with self.read() as db:
            return [one.name for one in self.migrations.applied(db)]

    @contextmanager
    def read(self) -> Iterator[Database]:
        """The database, for queries that see one state of it."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[Database]:
        """The database inside an immediate transaction: committed at the end, else undone.

        A deferred one that reads and then writes fails under load ("database is locked").
        """
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Database]:
        with self._lock, said_in_words(self.path):
            if self.db.conn.in_transaction:  # a method that calls another joins its transaction
                yield self.db
                return
            self.db.conn.execute(begin)
            try:
                yield self.db
                self.db.conn.execute("COMMIT")
            except BaseException:
                self.db.rollback()
                raise

    def rows(self, sql: str, parameters: Any = ()) -> list[dict[str, Any]]:
        """The rows of a query, in a transaction of their own or the one that is open."""
        with self.read() as db:
            cursor = db.conn.execute(sql, parameters)
            names = [one[0] for one in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def tuples(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """As `rows`, without names: a fifth of the time where there are 100,000."""
        with self.read() as db:
            return list(db.conn.execute(sql, parameters).fetchall())

    def vacuum_into(self, path: Path) -> None:
        """Writes what the database holds now into this empty file; others may write meanwhile."""
        with self._lock, said_in_words(path):
            self.db.conn.execute("VACUUM INTO ?", [str(path)])

    def scrub(self) -> bool:
        """See `Erasures.scrub`; this connection's own queries go on meanwhile."""
        with said_in_words(self.path):
            if self._raw < 0:
                self._raw = os.open(self.path, os.O_RDWR)
            return scrubbing.scrub(self.path, self._raw)

    def close(self) -> None:
        """Closes the raw file last: closing any descriptor of a file drops all locks on it that
        the process has (sqlite.org/howtocorrupt.html, 2.2)."""
        with self._lock:
            self.db.close()
            if self._raw >= 0:
                os.close(self._raw)
                self._raw = -1


def _connect(path: Path) -> Database:
    conn = sqlite3.connect(
        str(path), check_same_thread=False, isolation_level=None, timeout=BUSY_TIMEOUT_S
    )
    # A failure's token vectors take 30 KB: in pages of 16 KB they are read in a third of the time.
    # It holds for a new file only, and before WAL is on.
    # FULL: a commit is on the disk when it returns, and only then is Slack answered.
    # secure_delete: what was erased is overwritten, not only unlinked.
    for pragma in (
        "page_size=16384",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        conn.execute(f"PRAGMA {pragma}").fetchall()
    return Database(conn, execute_plugins=False)


def make_private(path: Path) -> None:
    """Post-mortems are nobody else's to read; SQLite gives its other files the same rights."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)


def _refuse_unsafe_sqlite() -> None:
    if sqlite3.sqlite_version_info < FIRST_SAFE_SQLITE:
        raise StoreError(
            f"SQLite {sqlite3.sqlite_version} can corrupt a database in WAL mode. "
            "Install failbot with its dependency pysqlite3, which brings a newer one."
        )


@contextmanager
def said_in_words(path: Path) -> Iterator[None]:
    """What the driver or the system says of this file, as a StoreError with what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(_words(path, str(error))) from error
    except OSError as error:
        raise StoreError(f"{path}: {os.strerror(error.errno or 0)}. Check the folder.") from error


def _words(path: Path, said: str) -> str:
    for sign, advice in ADVICE.items():
        if sign in said:
            return f"{path}: {said}. {advice}"
    return f"{path}: {said}. Run `failbot doctor`."


ADVICE = {
    "locked": "Another program holds it; try again in a moment.",
    "readonly": "Give this user the right to write the file and its folder.",
    "unable to open": "Check that the folder exists and that this user may write it.",
    "disk is full": "Make room and try again; nothing of this change was kept.",
    "not a database": "The file is something else; name another folder with FAILBOT_DATA.",
    "malformed": "Restore the last backup.",
}
