"""In SQLite: what becomes of entries and questions when their channel is read by others."""

from __future__ import annotations

from failbot.errors import NotFoundError
from failbot.models import Access, Failure
from failbot.store.sqlite.changes import touch
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import failure_of

HERE = "team_id = :team_id AND channel_id = :channel_id"
ASKED = f"{HERE} AND visibility = 'workspace'"
FOLLOWS = "(visibility = 'workspace' AND NOT is_published)"
CLOSED = (Access.PRIVATE, Access.HIDDEN)
# Which entries of a channel change with what Slack says of it, and to what.
CONDITIONS = {
    Access.WORKSPACE: "is_unsure",
    Access.SHARED: "is_unsure",
    Access.PRIVATE: f"(is_unsure OR {FOLLOWS})",
    Access.HIDDEN: FOLLOWS,
}
VALUES = {
    Access.WORKSPACE: "visibility = 'workspace', is_unsure = 0",
    Access.SHARED: "is_unsure = 0",
    Access.PRIVATE: "visibility = 'channel', is_unsure = 0",
    Access.HIDDEN: "visibility = 'channel', is_unsure = 1",
}


class SqliteVisibilities:
    """`Visibilities`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def follow(self, channel_id: str, access: Access, *, team_id: str) -> list[Failure]:
        here = {"team_id": team_id, "channel_id": channel_id}
        if not channel_id or not self._has_changes(here, access):
            return []
        with self._connection.write() as db:
            changed = list(
                db.query(
                    f"UPDATE failures SET {VALUES[access]}"
                    f" WHERE {HERE} AND {CONDITIONS[access]} RETURNING *",
                    here,
                )
            )
            touch(db, [row["id"] for row in changed], team_id)
            if access in CLOSED:
                db.execute(f"UPDATE questions SET visibility = 'channel' WHERE {ASKED}", here)
        return sorted(map(failure_of, changed), key=lambda one: one.number)

    def _has_changes(self, here: dict[str, str], access: Access) -> bool:
        """Nearly always there are none: no writer is kept waiting for that."""
        query = f"SELECT 1 FROM failures WHERE {HERE} AND {CONDITIONS[access]}"
        if access in CLOSED:
            query += f" UNION ALL SELECT 1 FROM questions WHERE {ASKED}"
        return bool(self._connection.rows(f"{query} LIMIT 1", here))

    def publish(self, number: int, *, team_id: str, author_id: str) -> Failure:
        with self._connection.write() as db:
            found = list(
                db.query(
                    "UPDATE failures SET visibility = 'workspace', is_unsure = 0, is_published = 1"
                    " WHERE team_id = ? AND number = ? AND author_id = ? RETURNING *",
                    [team_id, number, author_id],
                )
            )
            if not found:
                raise NotFoundError(f"There is no F-{number} of yours.")
            touch(db, [found[0]["id"]], team_id)
        return failure_of(found[0])

    def detach(self, channel_id: str, *, team_id: str) -> None:
        with self._connection.write() as db:
            db.execute(
                f"UPDATE failures SET is_published = 1 WHERE {HERE} AND {FOLLOWS}",
                {"team_id": team_id, "channel_id": channel_id},
            )

    def followed(self, *, is_unsure: bool = False) -> list[tuple[str, str]]:
        entries = "SELECT DISTINCT team_id, channel_id FROM failures WHERE channel_id <> '' AND"
        asked = "SELECT team_id, channel_id FROM questions WHERE channel_id <> '' AND"
        query = (
            f"{entries} is_unsure"
            if is_unsure
            else f"{entries} (is_unsure OR {FOLLOWS}) UNION {asked} visibility = 'workspace'"
        )
        rows = self._connection.rows(f"{query} ORDER BY team_id, channel_id")
        return [(row["team_id"], row["channel_id"]) for row in rows]
