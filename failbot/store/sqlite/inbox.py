"""What came in and is not answered yet, in SQLite."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from failbot.store.base import Backlog, GivenUp, Job
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.outbox import forget_job, forget_outbox
from failbot.store.sqlite.rows import instant, stamp
from failbot.store.sqlite.scrubbing import erased

# Slack repeats an event for up to 6 minutes (docs.slack.dev, Events API, retries); a bot that was
# down finds questions again in the channel's history.
KEYS_KEPT = timedelta(days=8)
GIVEN_UP_KEPT = timedelta(days=30)  # a month to notice; what is in it is people's words

# Whoever claimed it last, and nobody else, knows this number of attempts.
OURS = "id = :id AND attempts = :attempts"


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
        channel_id: str = "",
    ) -> bool:
        with self._connection.write() as db:
            db.table("inbox_keys").delete_where("added_at < ?", [stamp(now - KEYS_KEPT)])
            marks = ",".join("?" * len(keys))
            if db.table("inbox_keys").count_where(f"key IN ({marks})", keys):
                return False
            added = ({"key": key, "added_at": stamp(now)} for key in dict.fromkeys(keys))
            db.table("inbox_keys").insert_all(added)
            row = {"team_id": team_id, "kind": kind, "payload": json.dumps(payload)}
            when = {"received_at": stamp(now), "due_at": stamp(now)}
            db.table("inbox").insert(row | when | {"channel_id": channel_id})
            return True

    def claim(
        self,
        *,
        now: datetime,
        lease_s: float,
        only: Collection[str] = (),
        never: Collection[str] = (),
        held: Collection[int] = (),
    ) -> Job | None:
        condition, parameters = _wanted(now, only, never, held)
        is_due = f"SELECT 1 FROM inbox WHERE {condition} LIMIT 1"
        if not self._connection.rows(is_due, parameters):
            return None  # without asking for the right to write, which others need
        with self._connection.write() as db:
            due = self._connection.rows(
                "WITH busy AS (SELECT channel_id, count(*) AS jobs FROM inbox"
                " WHERE is_held AND due_at > :now GROUP BY channel_id)"
                " SELECT id FROM inbox LEFT JOIN busy USING (channel_id)"
                f" WHERE {condition} ORDER BY coalesce(jobs, 0), due_at, id LIMIT 1",
                parameters,
            )
            if not due:
                return None
            until = stamp(now + timedelta(seconds=lease_s))
            taken = db.query(
                "UPDATE inbox SET due_at = ?, attempts = attempts + 1, is_held = 1 WHERE id = ?"
                " RETURNING *",
                [until, due[0]["id"]],
            )
            return _job_of(next(iter(taken)))

    def hold(self, job: Job, *, until: datetime) -> None:
        self._put_off(job, until, is_held=True)

    def finish(self, job: Job) -> None:
        with self._connection.write() as db:
            if db.execute(f"DELETE FROM inbox WHERE {OURS}", _key(job)).rowcount:
                forget_outbox(db, job)

    def release(self, job: Job, *, retry_at: datetime) -> None:
        self._put_off(job, retry_at, is_held=False)

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
            for old in self._connection.rows(
                "SELECT id FROM given_up WHERE given_up_at < ?", [stamp(now - GIVEN_UP_KEPT)]
            ):
                self.drop(old["id"])
            moved = {"now": stamp(now), "reason": reason}
            db.execute(
                "INSERT INTO given_up SELECT id, team_id, kind, payload, attempts, received_at,"
                f" channel_id, :now, :reason FROM inbox WHERE {OURS}",
                _key(job) | moved,
            )
            db.execute(f"DELETE FROM inbox WHERE {OURS}", _key(job))

    def given_up(self) -> list[GivenUp]:
        rows = self._connection.rows("SELECT * FROM given_up ORDER BY given_up_at, id")
        return [
            GivenUp(job=_job_of(row), at=instant(row["given_up_at"]), reason=row["reason"])
            for row in rows
        ]

    def retry(self, id: int, *, now: datetime) -> bool:
        with self._connection.write() as db:
            back = {"id": id, "now": stamp(now)}
            done = db.execute(
                "INSERT INTO inbox (id, team_id, kind, payload, attempts, received_at, channel_id,"
                " due_at) SELECT id, team_id, kind, payload, attempts, :now, channel_id, :now"
                " FROM given_up WHERE id = :id",
                back,
            )
            db.table("given_up").delete_where("id = :id", back)
            return bool(done.rowcount)

    def drop(self, id: int) -> bool:
        with self._connection.write() as db:
            erased(db)
            forget_job(db, id)
            return bool(db.execute("DELETE FROM given_up WHERE id = ?", [id]).rowcount)

    def _put_off(self, job: Job, due_at: datetime, *, is_held: bool) -> None:
        changed = {"due_at": stamp(due_at), "is_held": int(is_held)}
        with self._connection.write() as db:
            sql = f"UPDATE inbox SET due_at = :due_at, is_held = :is_held WHERE {OURS}"
            db.execute(sql, _key(job) | changed)


def _key(job: Job) -> dict[str, Any]:
    return {"id": job.id, "attempts": job.attempts}


def _wanted(
    now: datetime, only: Collection[str], never: Collection[str], held: Collection[int]
) -> tuple[str, dict[str, Any]]:
    """The condition of what may be taken, and its parameters."""
    condition = "due_at <= :now AND id NOT IN (SELECT value FROM json_each(:held))"
    for kinds, is_in in ((only, "kind IN"), (never, "kind NOT IN")):
        if kinds:
            condition += f" AND {is_in} ({', '.join(map(_quoted, sorted(kinds)))})"
    return condition, {"now": stamp(now), "held": json.dumps(sorted(held))}


def _quoted(kind: str) -> str:
    """A kind is a name in failbot's own code: as a literal the index can be used for it."""
    return "'" + kind.replace("'", "''") + "'"


def _job_of(row: dict[str, Any]) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        team_id=row["team_id"],
        payload=json.loads(row["payload"]),
        attempts=row["attempts"],
        received_at=instant(row["received_at"]),
    )
