"""What came in and is not answered yet, in SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from failbot.store.base import Job
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import instant, stamp

# Slack repeats an event for up to 6 minutes (docs.slack.dev, Events API, retries); a bot that was
# down finds questions again in the channel's history.
KEYS_KEPT = timedelta(days=8)


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
        return Job(
            id=row["id"],
            kind=row["kind"],
            team_id=row["team_id"],
            payload=json.loads(row["payload"]),
            attempts=row["attempts"] + 1,
            received_at=instant(row["received_at"]),
        )

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
