"""Takes what was erased out of the database's files, byte by byte, while others use them.

SQLite leaves it in three places. The write-ahead log holds pages as they were, until it is
overwritten. The index of words marks what is deleted, until its parts are merged (its own option
`secure-delete` leaves it corrupt: "checksum mismatch" after 5 to 200 changes, SQLite 3.53.4). And
where rows move from page to page, `secure_delete` overwrites them in their new place only: what
they left in the free middle of the old page stays (3 of 673 deleted entries).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pysqlite3 as sqlite3
from sqlite_utils import Database

ERASED = "erased"  # a row of `settings`: something was erased, and the files hold it still
# Others wait as long while this waits for them: far less than the 3 s that Slack waits.
PATIENCE_S = 0.25
MERGED_PAGES = 64  # of 4 KB in one transaction, for which others wait
# sqlite.org/fileformat2.html, 1.3 and 1.6: the first byte of a page that is part of a b-tree. The
# first byte of every other page is zero, as long as the file has fewer than 2^24 pages.
BTREE = frozenset({0x02, 0x05, 0x0A, 0x0D})
INTERIOR = frozenset({0x02, 0x05})
MOST_PAGES = 1 << 24
ZEROS = bytes(65_536)


def erased(db: Database) -> None:
    """Remembers, inside the transaction that erases, that the files are still to be scrubbed."""
    db.table("settings").upsert({"name": ERASED, "value": uuid4().hex}, pk="name")


def is_marked(db: Database) -> bool:
    """Whether something was erased that the files may hold still."""
    return db.table("settings").count_where("name = ?", [ERASED]) > 0


def scrub(path: Path, raw: int) -> bool:
    """Whether what was erased before this call is in none of the files; False: try again.

    It is False where another process reads an old state, or something was erased meanwhile.
    :param raw: the database's file, open for reading and writing; see `Connection`.
    :raises sqlite3.Error: :raises OSError:
    """
    try:
        return _scrub(path, raw)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return False
        raise


def _scrub(path: Path, raw: int) -> bool:
    with closing(_opened(path)) as conn:
        mark = _mark(conn)
        if mark is None:
            return True
        _merge_words(conn)
        if not _truncated(conn):
            return False
    found = list(_leftovers(raw))
    # Another connection: the first one's cache may hold a page with what is now taken out of it.
    with closing(_opened(path)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        if not _is_log_empty(path):  # somebody wrote meanwhile: look again, while nobody does
            conn.execute("ROLLBACK")
            if not _truncated(conn):
                return False
            conn.execute("BEGIN IMMEDIATE")
            if not _is_log_empty(path):
                conn.execute("ROLLBACK")
                return False
            found = list(_leftovers(raw))
        _clean(raw, found)
        # A commit also makes every other connection read the pages anew (sqlite.org/walformat).
        gone = conn.execute("DELETE FROM settings WHERE name = ? AND value = ?", [ERASED, mark])
        conn.execute("COMMIT")
        return bool(gone.rowcount)


def _opened(path: Path) -> Any:
    conn = sqlite3.connect(str(path), isolation_level=None, timeout=PATIENCE_S)
    conn.execute("PRAGMA secure_delete=ON").fetchall()
    return conn


def _mark(conn: Any) -> str | None:
    row = conn.execute("SELECT value FROM settings WHERE name = ?", [ERASED]).fetchone()
    return str(row[0]) if row else None


def _merge_words(conn: Any) -> None:
    """Makes one part of all parts of the index, a little at a time: what is deleted goes.

    sqlite.org/fts5.html, 6.8: begin with a negative number, go on until nothing changes.
    """
    merge = "INSERT INTO failures_fts (failures_fts, rank) VALUES ('merge', ?)"
    conn.execute(merge, [-MERGED_PAGES])
    while True:
        before = conn.total_changes
        conn.execute(merge, [MERGED_PAGES])
        if conn.total_changes - before < 2:
            return


def _truncated(conn: Any) -> bool:
    """Whether the log is empty: first as far as nobody waits for it, then the rest."""
    conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return bool(conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def _is_log_empty(path: Path) -> bool:
    """Whether the file is the database's whole state; under the write lock it stays so."""
    log = path.with_name(f"{path.name}-wal")
    return not log.exists() or log.stat().st_size == 0


def _clean(raw: int, found: Sequence[tuple[int, int]]) -> None:
    """Overwrites what is left over, under the write lock and while the log is empty.

    It is no part of the database, so that a reader, or a crash halfway, does not mind.
    """
    for start, size in found:
        os.pwrite(raw, bytes(size), start)
    if found:
        os.fsync(raw)


def _leftovers(raw: int) -> Iterator[tuple[int, int]]:
    """The free middles of pages that are not empty: where they begin in the file, and their size.

    Between a page's list of cells and the first of these lies what is free (fileformat2, 1.6).
    """
    header = os.pread(raw, 100, 0)
    page_size = int.from_bytes(header[16:18]) or 1
    page_size = 65_536 if page_size == 1 else page_size
    pages = os.fstat(raw).st_size // page_size
    for page in range(min(pages, MOST_PAGES)):
        head = page * page_size + (100 if page == 0 else 0)
        kind, *rest = os.pread(raw, 8, head)
        if kind in BTREE:
            cells, content = int.from_bytes(rest[2:4]), int.from_bytes(rest[4:6]) or 65_536
            start = head + (12 if kind in INTERIOR else 8) + 2 * cells
            size = page * page_size + content - start
            if 0 < size < page_size and os.pread(raw, size, start) != ZEROS[:size]:
                yield start, size
