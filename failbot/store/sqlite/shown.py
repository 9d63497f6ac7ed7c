"""Messages in Slack that show entries, in SQLite."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlite_utils import Database

from failbot.store.base import MessageKind, ShownMessage
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import Row, instant, stamp

ONE = "team_id = :team_id AND channel_id = :channel_id AND message_ts = :message_ts"
ALL_OF_IT = (
    "SELECT team_id, channel_id, message_ts, kind, about, min(posted_at) AS posted_at,"
    " json_group_array(number ORDER BY number) AS numbers FROM shown"
    " WHERE (team_id, channel_id, message_ts) IN (SELECT team_id, channel_id, message_ts FROM shown"
    " WHERE {})"
    " GROUP BY team_id, channel_id, message_ts ORDER BY min(posted_at), channel_id, message_ts"
)


class SqliteShownMessages:
    """`ShownMessages`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def remember(self, message: ShownMessage) -> None:
        row = _key(message) | {"kind": message.kind, "about": message.about}
        with self._connection.write() as db:
            for number in message.numbers:
                db.execute(
                    "INSERT INTO shown"
                    " (team_id, channel_id, message_ts, number, kind, about, posted_at)"
                    " VALUES"
                    " (:team_id, :channel_id, :message_ts, :number, :kind, :about, :posted_at)"
                    " ON CONFLICT DO NOTHING",
                    row | {"number": number, "posted_at": stamp(message.posted_at)},
                )
            _mark_gone(db, message)

    def of(self, number: int, *, team_id: str) -> list[ShownMessage]:
        condition = "team_id = :team_id AND number = :number"
        return self._messages(condition, {"team_id": team_id, "number": number})

    def recall(self, number: int, *, team_id: str) -> int:
        with self._connection.write() as db:
            return db.execute(
                "UPDATE shown SET is_stale = 1 WHERE team_id = ? AND number = ?", [team_id, number]
            ).rowcount

    def stale(self, *, limit: int) -> list[ShownMessage]:
        return self._messages("is_stale", {})[:limit]

    def settle(self, message: ShownMessage, *, still: Collection[int]) -> None:
        key = _key(message)
        kept = {"still": json.dumps(sorted(still))}
        with self._connection.write() as db:
            db.execute(
                f"DELETE FROM shown WHERE {ONE}"
                " AND number NOT IN (SELECT value FROM json_each(:still))",
                key | kept,
            )
            db.execute(f"UPDATE shown SET is_stale = 0 WHERE {ONE}", key)
            _mark_gone(db, message)

    def _messages(self, condition: str, parameters: dict[str, Any]) -> list[ShownMessage]:
        rows = self._connection.rows(ALL_OF_IT.format(condition), parameters)
        return [_message_of(row) for row in rows]


def _mark_gone(db: Database, message: ShownMessage) -> None:
    """The message is stale if an entry that it shows was deleted before it was known to show it."""
    db.execute(
        f"UPDATE shown SET is_stale = 1 WHERE {ONE} AND NOT EXISTS (SELECT 1 FROM failures"
        " WHERE failures.team_id = shown.team_id AND failures.number = shown.number)",
        _key(message),
    )


def _key(message: ShownMessage) -> dict[str, Any]:
    return {name: getattr(message, name) for name in ("team_id", "channel_id", "message_ts")}


def _message_of(row: Row) -> ShownMessage:
    return ShownMessage(
        team_id=row["team_id"],
        channel_id=row["channel_id"],
        message_ts=row["message_ts"],
        kind=MessageKind(row["kind"]),
        numbers=tuple(json.loads(row["numbers"])),
        posted_at=instant(row["posted_at"]),
        about=row["about"],
    )
