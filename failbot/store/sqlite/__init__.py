"""The SQLite backend: one file, WAL, full-text search, vectors as blobs."""

from __future__ import annotations

from pathlib import Path

from failbot.errors import StoreError
from failbot.store.sqlite import backups
from failbot.store.sqlite.calibrations import SqliteCalibrations
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.digests import SqliteDigests
from failbot.store.sqlite.embeddings import SqliteEmbeddings
from failbot.store.sqlite.erasures import SqliteErasures
from failbot.store.sqlite.expected import SqliteExpectedQuestions
from failbot.store.sqlite.failures import SqliteFailures
from failbot.store.sqlite.imports import SqliteImports
from failbot.store.sqlite.inbox import SqliteInbox
from failbot.store.sqlite.outbox import SqliteOutbox
from failbot.store.sqlite.questions import SqliteQuestions
from failbot.store.sqlite.search import SqliteSearch
from failbot.store.sqlite.shown import SqliteShownMessages
from failbot.store.sqlite.visibilities import SqliteVisibilities
from failbot.store.sqlite.writing import SqliteModelUse, SqliteWantedQuestions


class SqliteStore:
    """A `Store` in the file at `path`; made and migrated when it is opened."""

    def __init__(self, path: Path) -> None:
        """:raises StoreError: if it cannot be opened, is damaged, or is newer than this code."""
        self.connection = Connection(path)
        self.failures = SqliteFailures(self.connection)
        self.expected = SqliteExpectedQuestions(self.connection)
        self.embeddings = SqliteEmbeddings(self.connection)
        self.calibrations = SqliteCalibrations(self.connection)
        self.search = SqliteSearch(self.connection)
        self.questions = SqliteQuestions(self.connection)
        self.digests = SqliteDigests(self.connection)
        self.inbox = SqliteInbox(self.connection)
        self.imports = SqliteImports(self.connection, self.failures)
        self.erasures = SqliteErasures(self.connection, self.failures)
        self.wanted = SqliteWantedQuestions(self.connection)
        self.use = SqliteModelUse(self.connection)
        self.outbox = SqliteOutbox(self.connection)
        self.shown = SqliteShownMessages(self.connection)
        self.visibilities = SqliteVisibilities(self.connection)

    def migrations(self) -> list[tuple[str, bool]]:
        brought = set(self.connection.brought)
        return [(name, name in brought) for name in self.connection.applied()]

    def back_up(self, path: Path) -> dict[str, int]:
        return backups.copy_to(self.connection, path)

    def check(self) -> None:
        result = self.connection.rows("PRAGMA quick_check(1)")[0]["quick_check"]
        if result != "ok":
            raise StoreError(f"{self.connection.path} is damaged: {result}. Restore a backup.")

    def close(self) -> None:
        self.connection.close()
