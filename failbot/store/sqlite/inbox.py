"""What came in and is not answered yet, in SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from failbot.store.base import Backlog, GivenUp, Job
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import instant, stamp

# Slack repeats an event for up to 6 minutes (docs.slack.dev, Events API, retries); a bot that was
# down finds questions again in the channel's history.
KEYS_KEPT = timedelta(days=8)
GIVEN_UP_KEPT = timedelta(days=30)  # a month to notice; what is in it is people's words


class SqliteInbox:
    """An `Inbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        kind: str,
        payload: dict[str, object],
        *,
        team_id: str,
        keys: Sequence[str],
        now: datetime,
    ) -> bool:
        with self._connection.write() as db:
            db.table("inbox_keys").delete_where("added_at < ?", [stamp(now - KEYS_KEPT)])
            marks = ",".join("?" * len(keys))
            if db.table("inbox_keys").count_where(f"key IN ({marks})", keys):
                return False
            added = ({"key": key, "added_at": stamp(now)} for key in dict.fromkeys(keys))
            db.table("inbox_keys").insert_all(added)
            row = {"team_id": team_id, "kind": kind, "payload": json.dumps(payload)}
            db.table("inbox").insert(row | {"received_at": stamp(now), "due_at": stamp(now)})
            return True

    def claim(self, *, now: datetime, lease_s: float) -> Job | None:
        with self._connection.write() as db:
            due = db.query(
                "SELECT * FROM inbox WHERE due_at <= ? ORDER BY due_at, id LIMIT 1", [stamp(now)]
            )
            row = next(iter(due), None)
            if row is None:
                return None
            until = stamp(now + timedelta(seconds=lease_s))
            db.table("inbox").update(row["id"], {"due_at": until, "attempts": row["attempts"] + 1})
        return _job(row | {"attempts": row["attempts"] + 1})

    def hold(self, job: Job, *, until: datetime) -> None:
        with self._connection.write() as db:
            db.execute("UPDATE inbox SET due_at = ? WHERE id = ?", [stamp(until), job.id])

    def finish(self, job: Job) -> None:
        with self._connection.write() as db:
            db.table("inbox").delete_where("id = ?", [job.id])

    def release(self, job: Job, *, retry_at: datetime) -> None:
        self.hold(job, until=retry_at)

    def waiting(self) -> int:
        with self._connection.read() as db:
            return int(db.table("inbox").count)

    def backlog(self) -> Backlog:
        rows = self._connection.rows(
            "SELECT count(*) AS waiting, min(received_at) AS oldest_at, min(due_at) AS due_at,"
            " (SELECT count(*) FROM given_up) AS given_up FROM inbox"
        )
        found = rows[0]
        return Backlog(
            waiting=found["waiting"],
            oldest_at=instant(found["oldest_at"]) if found["oldest_at"] else None,
            due_at=instant(found["due_at"]) if found["due_at"] else None,
            given_up=found["given_up"],
        )

    def give_up(self, job: Job, *, reason: str, now: datetime) -> None:
        with self._connection.write() as db:
            db.table("given_up").delete_where("given_up_at < ?", [stamp(now - GIVEN_UP_KEPT)])
            db.execute(
                "INSERT INTO given_up SELECT id, team_id, kind, payload, attempts, received_at,"
                " ?, ? FROM inbox WHERE id = ?",
                [stamp(now), reason, job.id],
            )
            db.table("inbox").delete_where("id = ?", [job.id])

    def given_up(self) -> list[GivenUp]:
        rows = self._connection.rows("SELECT * FROM given_up ORDER BY given_up_at, id")
        return [
            GivenUp(job=_job(row), at=instant(row["given_up_at"]), reason=row["reason"])
            for row in rows
        ]

    def retry(self, id: int, *, now: datetime) -> bool:
        with self._connection.write() as db:
            db.execute(
                "INSERT INTO inbox (id, team_id, kind, payload, attempts, received_at, due_at)"
                " SELECT id, team_id, kind, payload, attempts, :now, :now FROM given_up"
                " WHERE id = :id",
                {"id": id, "now": stamp(now)},
            )
            return self.drop(id)

    def drop(self, id: int) -> bool:
        with self._connection.write() as db:
            return bool(db.execute("DELETE FROM given_up WHERE id = ?", [id]).rowcount)


def _job(row: dict[str, Any]) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        team_id=row["team_id"],
        payload=json.loads(row["payload"]),
        attempts=row["attempts"],
        received_at=instant(row["received_at"]),
    )
