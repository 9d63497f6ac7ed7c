"""Schedules and claims in SQLite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from failbot.models import Schedule
from failbot.store.base import Claim
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.outbox import forget_outbox
from failbot.store.sqlite.rows import schedule_of, schedule_row, stamp

KEY = ("team_id", "channel_id", "week")


class SqliteDigests:
    """`Digests`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def set_schedule(self, schedule: Schedule) -> None:
        with self._connection.write() as db:
            db.table("schedules").upsert(schedule_row(schedule), pk=("team_id", "channel_id"))

    def drop_schedule(self, *, team_id: str, channel_id: str) -> bool:
        with self._connection.write() as db:
            done = db.execute(
                "DELETE FROM schedules WHERE team_id = ? AND channel_id = ?", [team_id, channel_id]
            )
            return bool(done.rowcount)

    def schedules(self, *, team_id: str = "") -> list[Schedule]:
        rows = self._connection.rows(
            "SELECT * FROM schedules WHERE :team_id IN ('', team_id) ORDER BY team_id, channel_id",
            {"team_id": team_id},
        )
        return [schedule_of(row) for row in rows]

    def claim(
        self, *, team_id: str, channel_id: str, week: str, now: datetime, lease_s: float
    ) -> Claim | None:
        key = {"team_id": team_id, "channel_id": channel_id, "week": week}
        until = {"until": stamp(now + timedelta(seconds=lease_s)), "now": stamp(now)}
        with self._connection.write() as db:
            taken = list(
                db.query(
                    "INSERT INTO digests (team_id, channel_id, week, attempts, leased_until)"
                    " VALUES (:team_id, :channel_id, :week, 1, :until)"
                    " ON CONFLICT DO UPDATE SET attempts = attempts + 1, leased_until = :until"
                    " WHERE NOT finished AND leased_until <= :now RETURNING attempts",
                    key | until,
                )
            )
        return Claim(**key, attempts=taken[0]["attempts"]) if taken else None

    def finish(self, claim: Claim, *, message_ts: str) -> None:
        values = {name: getattr(claim, name) for name in (*KEY, "attempts")}
        with self._connection.write() as db:
            done = db.execute(
                "UPDATE digests SET finished = 1, message_ts = :message_ts WHERE team_id = :team_id"
                " AND channel_id = :channel_id AND week = :week AND attempts = :attempts",
                values | {"message_ts": message_ts},
            )
            if done.rowcount:
                forget_outbox(db, claim)

    def last_posted_at(self) -> datetime | None:
        # A ts is Unix seconds (docs.slack.dev, "Retrieving messages"): a string, of one length.
        rows = self._connection.rows("SELECT max(message_ts) AS ts FROM digests")
        return datetime.fromtimestamp(float(rows[0]["ts"]), UTC) if rows[0]["ts"] else None
