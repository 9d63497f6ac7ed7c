"""Which messages have been sent, in SQLite."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlite_utils import Database

from failbot.errors import TakenOverError
from failbot.store.base import Begun, Claim, Job
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import stamp


class SqliteOutbox:
    """An `Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, holder: Job | Claim, step: str, *, until: datetime) -> Begun:
        key = {"holder": name_of(holder), "step": step}
        with self._connection.write() as db:
            if not _renew(db, holder, until):
                raise TakenOverError
            known = list(db.table("outbox").rows_where("holder = :holder AND step = :step", key))
            if not known:
                db.table("outbox").insert(key | {"message_ts": None})
        return Begun(is_repeated=bool(known), message_ts=known[0]["message_ts"] if known else None)

    def mark_sent(self, holder: Job | Claim, step: str, *, message_ts: str) -> None:
        self._change(
            holder,
            "UPDATE outbox SET message_ts = :ts WHERE holder = :holder AND step = :step",
            {"step": step, "ts": message_ts},
        )

    def withdraw(self, holder: Job | Claim, step: str) -> None:
        sql = "DELETE FROM outbox WHERE holder = :holder AND step = :step"
        self._change(holder, sql, {"step": step})

    def _change(self, holder: Job | Claim, sql: str, parameters: dict[str, Any]) -> None:
        with self._connection.write() as db:
            if _renew(db, holder, None):
                db.execute(sql, parameters | {"holder": name_of(holder)})


def name_of(holder: Job | Claim) -> str:
    if isinstance(holder, Job):
        return _job_name(holder.id)
    return f"digest {holder.team_id} {holder.channel_id} {holder.week}"


def _job_name(id: int) -> str:
    return f"job {id}"


def forget_job(db: Database, id: int) -> None:
    """As `forget_outbox`, for a job that was given up and is dropped."""
    db.table("outbox").delete_where("holder = ?", [_job_name(id)])


def forget_outbox(db: Database, holder: Job | Claim) -> None:
    """Inside the transaction that finishes it."""
    db.table("outbox").delete_where("holder = ?", [name_of(holder)])


def _renew(db: Database, holder: Job | Claim, until: datetime | None) -> bool:
    """Whether nobody else holds it by now; its lease ends at `until` then, if there is one."""
    till = {"until": stamp(until) if until else None}
    if isinstance(holder, Job):
        sql = "UPDATE inbox SET due_at = coalesce(:until, due_at) WHERE id = :id"
        key: dict[str, Any] = {"id": holder.id}
    else:
        sql = (
            "UPDATE digests SET leased_until = coalesce(:until, leased_until)"
            " WHERE team_id = :team_id AND channel_id = :channel_id AND week = :week"
            " AND NOT finished"
        )
        key = {name: getattr(holder, name) for name in ("team_id", "channel_id", "week")}
    key |= till | {"attempts": holder.attempts}
    return bool(db.execute(f"{sql} AND attempts = :attempts", key).rowcount)
