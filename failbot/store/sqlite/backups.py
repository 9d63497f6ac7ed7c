"""Copies of the database that are read before anybody relies on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3

from failbot.errors import StoreError
from failbot.store.sqlite.connection import Connection, make_private, said_in_words

TRIES = 5  # others may write in the moment between counting and copying


def copy_to(connection: Connection, path: Path) -> dict[str, int]:
    """Writes a whole, compact copy of the database as it is now; others may write meanwhile.

    It is on the disk, read and whole, and holds as many rows as there are: how many, by table.
    :raises StoreError: if the file is there already, cannot be written, or is not the same.
    """
    if path.exists():
        raise StoreError(f"{path} is there already; name a new file.")
    for _ in range(TRIES):
        with removed_on_error(path):
            expected = _copy(connection, path)
            counts = verified(path)
            if counts == expected:
                return counts
        path.unlink()
    raise StoreError(f"{path}: the copy is never what was copied. Run `failbot doctor`.")


def verified(path: Path) -> dict[str, int]:
    """How many rows the tables of a database hold that nobody else has open; it is whole.

    :raises StoreError: it is damaged, or no database.
    """
    with said_in_words(path), closing(sqlite3.connect(str(path))) as conn:
        [result] = conn.execute("PRAGMA integrity_check(1)").fetchone()
        if result != "ok":
            raise StoreError(f"{path} is damaged: {result}. Use another backup.")
        if conn.execute("PRAGMA foreign_key_check").fetchone():
            raise StoreError(f"{path} is damaged: rows belong to nothing. Use another backup.")
        return _counts(conn)


def _copy(connection: Connection, path: Path) -> dict[str, int]:
    """How many rows each table held when the copy was begun."""
    with said_in_words(path):
        make_private(path)
        with closing(sqlite3.connect(str(connection.path), isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()  # it begins here
            connection.vacuum_into(path)
            counts = _counts(reader)
        _sync(path)
        _sync(path.parent)
    return counts


def _counts(conn: Any) -> dict[str, int]:
    names = conn.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    ).fetchall()
    return {
        name: int(conn.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for (name,) in names
    }


def _sync(path: Path) -> None:
    """SQLite does not promise that a vacuumed copy is on the disk (sqlite.org/lang_vacuum.html)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def removed_on_error(path: Path) -> Iterator[None]:
    """Half a copy opens as a store, and says that it is there already."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
