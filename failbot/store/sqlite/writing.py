"""What a language model is yet to write, and its use, in SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlite_utils import Database

from failbot.reader.base import Stats
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import Row, instant, stamp
from failbot.store.writing import Use, Wanted

SUMS = ("calls", "failed", "refused", "cached", "prompt_tokens", "completion_tokens", "seconds")


class SqliteWantedQuestions:
    """`WantedQuestions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def want(self, numbers: Sequence[int], *, team_id: str, now: datetime) -> int:
        with self._connection.write() as db:
            rows = db.query(
                "SELECT id FROM failures WHERE team_id = ?"
                " AND number IN (SELECT value FROM json_each(?))",
                [team_id, json.dumps(list(numbers))],
            )
            ids = [row["id"] for row in rows]
            want(db, ids, team_id, now)
            return _count(
                db,
                "due_at IS NOT NULL AND failure_id IN (SELECT value FROM json_each(?))",
                json.dumps(ids),
            )

    def claim(self, *, now: datetime, lease_s: float, team_id: str = "") -> Wanted | None:
        with self._connection.write() as db:
            found = db.query(
                "SELECT wanted_questions.*, number FROM wanted_questions"
                " JOIN failures ON failures.id = failure_id"
                " WHERE due_at <= ? AND ? IN ('', failures.team_id)"
                " ORDER BY failure_id DESC LIMIT 1",
                [stamp(now), team_id],
            )
            row = next(iter(found), None)
            if row is None:
                return None
            until = now + timedelta(seconds=lease_s)
            again = {"due_at": stamp(until), "attempts": row["attempts"] + 1}
            db.table("wanted_questions").update(row["failure_id"], again)
        return Wanted(
            id=row["failure_id"],
            team_id=row["team_id"],
            number=row["number"],
            attempts=row["attempts"] + 1,
            until=until,
        )

    def finish(self, wanted: Wanted) -> None:
        with self._connection.write() as db:
            db.execute(f"DELETE FROM wanted_questions WHERE {HELD}", _held(wanted))

    def release(self, wanted: Wanted, *, retry_at: datetime) -> None:
        with self._connection.write() as db:
            db.execute(
                f"UPDATE wanted_questions SET due_at = ? WHERE {HELD}",
                [stamp(retry_at), *_held(wanted)],
            )

    def close(self, number: int, *, team_id: str) -> None:
        with self._connection.write() as db:
            db.execute(
                "INSERT INTO wanted_questions (failure_id, team_id, due_at)"
                " SELECT id, team_id, NULL FROM failures WHERE team_id = ? AND number = ?"
                " ON CONFLICT (failure_id) DO UPDATE SET due_at = NULL",
                [team_id, number],
            )

    def is_closed(self, number: int, *, team_id: str) -> bool:
        rows = self._connection.rows(
            "SELECT 1 FROM wanted_questions JOIN failures ON failures.id = failure_id"
            " WHERE due_at IS NULL AND failures.team_id = ? AND number = ?",
            [team_id, number],
        )
        return bool(rows)

    def lacking(self, team_id: str, *, limit: int) -> list[int]:
        rows = self._connection.rows(
            "SELECT number FROM failures WHERE team_id = ? AND id NOT IN"
            " (SELECT failure_id FROM expected_questions WHERE origin = 'model')"
            " AND id NOT IN (SELECT failure_id FROM wanted_questions WHERE due_at IS NULL)"
            " ORDER BY number LIMIT ?",
            [team_id, limit],
        )
        return [row["number"] for row in rows]

    def waiting(self, team_id: str = "") -> int:
        with self._connection.read() as db:
            return _count(db, "due_at IS NOT NULL AND ? IN ('', team_id)", team_id)


# The claim as it was made: an entry that is wanted anew has another moment, or no attempt.
HELD = "failure_id = ? AND due_at = ? AND attempts = ?"


def _held(wanted: Wanted) -> list[object]:
    return [wanted.id, stamp(wanted.until), wanted.attempts]


def want(db: Database, failure_ids: Sequence[int], team_id: str, now: datetime) -> None:
    """A model is to write their expected questions; inside the transaction that wrote them."""
    db.execute(
        "INSERT INTO wanted_questions (failure_id, team_id, due_at)"
        " SELECT value, ?, ? FROM json_each(?) WHERE true"
        " ON CONFLICT (failure_id) DO UPDATE SET attempts = 0, due_at = excluded.due_at"
        " WHERE due_at IS NOT NULL",
        [team_id, stamp(now), json.dumps(list(failure_ids))],
    )


def _count(db: Database, condition: str, *values: object) -> int:
    return int(db.table("wanted_questions").count_where(condition, list(values)))


class SqliteModelUse:
    """`ModelUse`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, model: str, more: Stats, *, now: datetime) -> None:
        row = {name: getattr(more, name) for name in SUMS} | {
            "day": now.astimezone(UTC).date().isoformat(),
            "model": model,
            "is_open": more.is_open,
            "reported_at": stamp(now),
        }
        sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
        with self._connection.write() as db:
            db.execute(
                f"INSERT INTO model_use ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
                f" ON CONFLICT (day, model) DO UPDATE SET {sums},"
                " is_open = excluded.is_open, reported_at = excluded.reported_at",
                list(row.values()),
            )

    def since(self, day: date) -> list[Use]:
        rows = self._connection.rows(
            "SELECT * FROM model_use WHERE day >= ? ORDER BY day, model", [day.isoformat()]
        )
        return [_use_of(row) for row in rows]


def _use_of(row: Row) -> Use:
    sums = {name: row[name] for name in SUMS}
    return Use(
        day=date.fromisoformat(row["day"]),
        model=row["model"],
        stats=Stats(**sums, is_open=bool(row["is_open"])),
        reported_at=instant(row["reported_at"]),
    )
