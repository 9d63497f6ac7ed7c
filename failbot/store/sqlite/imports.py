"""What came in together, in SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from failbot.models import Draft, ExpectedQuestion, Failure, Place
from failbot.store.erasing import Import
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.failures import SqliteFailures
from failbot.store.sqlite.rows import instant, stamp, storable


class SqliteImports:
    """`Imports`."""

    def __init__(self, connection: Connection, failures: SqliteFailures) -> None:
        self._connection = connection
        self._failures = failures

    def record(
        self,
        drafts: Sequence[Draft],
        *,
        name: str,
        place: Place,
        author_id: str,
        now: datetime,
        expected: Sequence[Sequence[ExpectedQuestion]] = (),
        wants: bool = False,
    ) -> tuple[int, list[tuple[Failure, bool]]]:
        with self._connection.write() as db:
            recorded = self._failures.record_many(
                drafts,
                place=place,
                author_id=author_id,
                now=now,
                expected=expected,
                wants=wants,
            )
            numbers = [failure.number for failure, is_new in recorded if is_new]
            if not numbers:
                return 0, recorded
            row = {"team_id": place.team_id, "name": storable(name)}
            row |= {"imported_by": author_id, "imported_at": stamp(now)}
            import_id = int(db.table("imports").insert(row).last_pk or 0)
            db.execute(
                "INSERT INTO imported (import_id, failure_id, team_id)"
                " SELECT ?, id, team_id FROM failures WHERE team_id = ?"
                " AND number IN (SELECT value FROM json_each(?))",
                [import_id, place.team_id, json.dumps(numbers)],
            )
            return import_id, recorded

    def all(self, team_id: str) -> list[Import]:
        rows = self._connection.rows(
            "SELECT imports.*, json_group_array(number ORDER BY number) AS numbers FROM imports"
            " JOIN imported ON import_id = imports.id JOIN failures ON failures.id = failure_id"
            " WHERE imports.team_id = ? GROUP BY imports.id ORDER BY imports.id DESC",
            [team_id],
        )
        return [
            Import(
                id=row["id"],
                name=row["name"],
                by=row["imported_by"],
                at=instant(row["imported_at"]),
                numbers=tuple(json.loads(row["numbers"])),
            )
            for row in rows
        ]

    def drop(self, id: int, *, team_id: str) -> None:
        with self._connection.write() as db:
            db.table("imports").delete_where("id = ? AND team_id = ?", [id, team_id])
