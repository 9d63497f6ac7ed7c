"""Migrations: numbered SQL files, each applied once, all of them in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from failbot.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations


def migrations_folder(backend: str) -> Path:
    """The folder of this backend's `.sql` files: inside the wheel, else beside the package."""
    package = Path(str(files("failbot")))
    shipped = package / "migrations" / backend
    return shipped if shipped.is_dir() else package.parent / "migrations" / backend


def load(folder: Path) -> Migrations:
    """The folder's files as migrations, in the order of their names."""
    from sqlite_utils import Migrations

    migrations = Migrations("failbot")
    for path in sorted(folder.glob("*.sql")):
        migrations(name=path.stem)(_runner(path))
    return migrations


def refuse_newer(db: Database, migrations: Migrations) -> None:
    """:raises StoreError: if the database holds migrations that this failbot does not know."""
    known = {one.name for one in migrations.pending(db)} | {
        one.name for one in migrations._migrations
    }
    newer = sorted({one.name for one in migrations.applied(db)} - known)
    if newer:
        raise StoreError(
            f"This database was written by a newer failbot (it holds {newer[-1]}). "
            "Upgrade failbot, or restore a backup made before the upgrade."
        )


def statements(script: str) -> Iterator[str]:
    """The script's statements, each ending its line: `executescript` commits the transaction."""
    import pysqlite3 as sqlite3

    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def _runner(path: Path):  # type: ignore[no-untyped-def]  # sqlite-utils' own protocol is private
    def run(db: Database) -> None:
        for statement in statements(path.read_text(encoding="utf-8")):
            db.execute(statement)

    return run
