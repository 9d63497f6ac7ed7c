"""Calibrations as JSON in SQLite."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from failbot.search.calibration import Calibration
from failbot.store.base import StoredNull
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import stamp

LATEST = (
    "SELECT id, calibration FROM calibrations"
    " WHERE team_id = ? AND model = ? AND reranker = ? ORDER BY id DESC LIMIT 1"
)


class SqliteCalibrations:
    """`Calibrations`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def current(self, team_id: str, *, model: str, reranker: str = "") -> Calibration | None:
        rows = self._connection.rows(LATEST, [team_id, model, reranker])
        return Calibration.from_json(rows[0]["calibration"]) if rows else None

    def keep(self, calibration: Calibration, *, team_id: str, now: datetime) -> None:
        row = {
            "team_id": team_id,
            "model": calibration.model,
            "reranker": calibration.reranker,
            "calibration": calibration.to_json(),
            "made_at": stamp(now),
        }
        with self._connection.write() as db:
            db.table("calibrations").insert(row)

    def undo(self, team_id: str, *, model: str, reranker: str = "") -> bool:
        with self._connection.write() as db:
            found = list(db.query(LATEST, [team_id, model, reranker]))
            for row in found:
                db.table("calibrations").delete(row["id"])
            return bool(found)

    def null(self, team_id: str, *, model: str) -> StoredNull | None:
        rows = self._connection.rows(
            "SELECT entries, level FROM nulls WHERE team_id = ? AND model = ?", [team_id, model]
        )
        return StoredNull(**rows[0]) if rows else None

    def keep_null(self, null: StoredNull, *, team_id: str, model: str) -> None:
        row = {"team_id": team_id, "model": model} | asdict(null)
        with self._connection.write() as db:
            db.table("nulls").upsert(row, pk=("team_id", "model"))
