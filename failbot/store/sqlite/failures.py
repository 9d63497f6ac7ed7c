"""Entries and their versions in SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from failbot.errors import NotFoundError
from failbot.models import Draft, ExpectedQuestion, Failure, Place, Version, Viewer
from failbot.search.passages import text_of
from failbot.search.words import words
from failbot.store.sqlite.changes import touch
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.expected import put_expected
from failbot.store.sqlite.rows import (
    Row,
    draft_json,
    draft_of,
    draft_row,
    failure_of,
    instant,
    put_tombstone,
    stamp,
    storable,
    visible,
)
from failbot.store.sqlite.scrubbing import erased
from failbot.store.sqlite.writing import want
from failbot.store.tombstones import Tombstone


class SqliteFailures:
    """`Failures`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(
        self,
        draft: Draft,
        *,
        place: Place,
        author_id: str,
        now: datetime,
        source: str = "",
        expected: Sequence[ExpectedQuestion] = (),
        wants: bool = False,
    ) -> tuple[Failure, bool]:
        with self._connection.write() as db:
            known = _known(db, place.team_id, source, draft.external_id)
            if known is not None:
                return failure_of(known), False
            failure_id = _insert(db, draft, place, author_id, source, now)
            if expected:
                put_expected(db, failure_id, place.team_id, expected)
            if wants:
                want(db, [failure_id], place.team_id, now)
            return failure_of(_row(db, failure_id)), True

    def record_many(
        self,
        drafts: Sequence[Draft],
        *,
        place: Place,
        author_id: str,
        now: datetime,
        expected: Sequence[Sequence[ExpectedQuestion]] = (),
        wants: bool = False,
    ) -> list[tuple[Failure, bool]]:
        with self._connection.write():
            return [
                self.record(
                    draft,
                    place=place,
                    author_id=author_id,
                    now=now,
                    expected=questions,
                    wants=wants,
                )
                for draft, questions in zip(drafts, expected or [()] * len(drafts), strict=True)
            ]

    def revise(
        self,
        number: int,
        draft: Draft,
        *,
        viewer: Viewer,
        by: str,
        now: datetime,
        wants: bool = False,
    ) -> Failure:
        with self._connection.write() as db:
            row = self._find(number, viewer)
            if draft_row(draft_of(row)) == draft_row(draft):
                return failure_of(row)
            version = row["version"] + 1
            changed = draft_row(draft) | {"version": version, "updated_at": stamp(now)}
            db.table("failures").update(row["id"], changed | {"words": _words(draft)})
            _keep_version(db, row["id"], viewer.team_id, version, draft, by, now)
            _index_words(db, row["id"], _words(draft))
            if wants:
                want(db, [row["id"]], viewer.team_id, now)
            touch(db, [row["id"]], viewer.team_id)
            return failure_of(_row(db, row["id"]))

    def amend(self, number: int, change: Callable[[Draft], Draft], *, viewer: Viewer) -> bool:
        with self._connection.write() as db:
            row = self._find(number, viewer)
            rows = list(db.table("versions").rows_where("failure_id = ?", [row["id"]]))
            drafts = {one["number"]: draft_of(json.loads(one["draft"])) for one in rows}
            now = draft_of(row)
            amended = _unique(db, row, change(now))
            kept = {at: change(draft) for at, draft in drafts.items() if at != row["version"]}
            if amended == now and all(drafts[at] == draft for at, draft in kept.items()):
                return False
            _amend_versions(db, row, amended, kept)
            _put(db, row["id"], amended, {"version": row["version"] + 1})
            db.table("embeddings").delete_where("failure_id = ?", [row["id"]])
            touch(db, [row["id"]], viewer.team_id)
            erased(db)
            return True

    def delete(self, number: int, *, viewer: Viewer) -> None:
        with self._connection.write() as db:
            remove(db, self._find(number, viewer))

    def set_card(self, number: int, *, team_id: str, message_ts: str) -> None:
        with self._connection.write() as db:
            db.execute(
                "UPDATE failures SET card_ts = ? WHERE team_id = ? AND number = ?",
                [message_ts, team_id, number],
            )

    def get(self, number: int, *, viewer: Viewer) -> Failure:
        return failure_of(self._find(number, viewer))

    def at(self, numbers: Sequence[int], *, viewer: Viewer) -> dict[int, Failure]:
        marks = ",".join(str(int(number)) for number in numbers)
        rows = self._select(viewer, f"AND number IN ({marks})")
        return {row["number"]: failure_of(row) for row in rows}

    def versions(self, number: int, *, viewer: Viewer) -> list[Version]:
        with self._connection.read() as db:
            failure_id = self._find(number, viewer)["id"]
            rows = db.table("versions").rows_where(
                "failure_id = ?", [failure_id], order_by="number"
            )
            return [_version_of(row) for row in rows]

    def newest(
        self,
        *,
        viewer: Viewer,
        limit: int,
        author_id: str = "",
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Failure]:
        sql, more = _narrowed(author_id, since, before)
        order = " ORDER BY created_at DESC, number DESC LIMIT :limit"
        return [failure_of(row) for row in self._select(viewer, sql + order, limit=limit, **more)]

    def count(self, *, viewer: Viewer, author_id: str = "") -> int:
        sql, more = _narrowed(author_id, None, None)
        condition, parameters = visible(viewer)
        query = f"SELECT count(*) AS n FROM failures WHERE {condition} {sql}"
        return int(self._connection.rows(query, parameters | more)[0]["n"])

    def search(self, text: str, *, viewer: Viewer, limit: int) -> list[Failure]:
        terms = " ".join(f'"{word}"' for word in words(storable(text)))
        if not terms:
            return []
        condition, parameters = visible(viewer)
        rows = self._connection.rows(
            "SELECT failures.* FROM failures_fts JOIN failures ON failures.id = failures_fts.rowid"
            f" WHERE failures_fts MATCH :terms AND {condition}"
            " ORDER BY failures_fts.rank, number LIMIT :limit",
            parameters | {"terms": terms, "limit": limit},
        )
        return [failure_of(row) for row in rows]

    def channels(self, team_id: str) -> list[str]:
        return self._channels(team_id, "visibility <> 'author' AND channel_id <> ''")

    def private_channels(self, team_id: str) -> list[str]:
        return self._channels(team_id, "visibility = 'channel'")

    def teams(self) -> list[str]:
        rows = self._connection.rows("SELECT team_id FROM teams ORDER BY team_id")
        return [row["team_id"] for row in rows]

    def adopt(self, team_id: str, *, source_team_id: str) -> int:
        with self._connection.write() as db:
            if db.table("failures").count_where("team_id = ?", [team_id]):
                return 0
            moved = [
                row["id"]
                for row in db.table("failures").rows_where("team_id = ?", [source_team_id])
            ]
            if moved:
                touch(db, moved, source_team_id)
                _move_counter(db, source_team_id, team_id)
                for table in TEAM_TABLES:
                    db.execute(
                        f"UPDATE {table} SET team_id = ? WHERE team_id = ?",
                        [team_id, source_team_id],
                    )
            return len(moved)

    def _channels(self, team_id: str, condition: str) -> list[str]:
        rows = self._connection.rows(
            f"SELECT DISTINCT channel_id FROM failures WHERE team_id = ? AND {condition}"
            " ORDER BY channel_id",
            [team_id],
        )
        return [row["channel_id"] for row in rows]

    def _select(self, viewer: Viewer, more: str = "", **parameters: Any) -> list[dict[str, Any]]:
        condition, own = visible(viewer)
        return self._connection.rows(
            f"SELECT * FROM failures WHERE {condition} {more}", own | parameters
        )

    def _find(self, number: int, viewer: Viewer) -> dict[str, Any]:
        rows = self._select(viewer, "AND number = :number", number=number)
        if not rows:
            raise NotFoundError(
                f"There is no F-{number} that you can see. `/failure list` shows what there is."
            )
        return rows[0]


def remove(db: Database, row: Row) -> None:
    """Erases the failure with all that hangs on it, and leaves a tombstone."""
    touch(db, [row["id"]], row["team_id"])
    db.table("failures_fts").delete_where("rowid = ?", [row["id"]])
    db.table("failures").delete(row["id"])  # versions, vectors and feedback go with it
    stone = Tombstone(team_id=row["team_id"], number=row["number"], at=instant(row["created_at"]))
    put_tombstone(db, stone)
    erased(db)


TEAM_TABLES = (
    "failures",
    "versions",
    "expected_questions",
    "embeddings",
    "expected_embeddings",
    "changes",
    "questions",
    "feedback",
    "calibrations",
    "nulls",
    "imports",
    "imported",
    "tombstones",
    "wanted_questions",
)


def _known(db: Database, team_id: str, source: str, external_id: str) -> Row | None:
    for column, value in (("source", source), ("external_id", storable(external_id))):
        if value:
            found = db.table("failures").rows_where(
                f"team_id = ? AND {column} = ? AND {column} <> ''", [team_id, value]
            )
            if (row := next(iter(found), None)) is not None:
                return row
    return None


def _insert(
    db: Database, draft: Draft, place: Place, author_id: str, source: str, now: datetime
) -> int:
    row = draft_row(draft) | {
        "team_id": place.team_id,
        "number": _next_number(db, place.team_id),
        "author_id": author_id,
        "channel_id": place.channel_id,
        "visibility": place.visibility,
        "is_unsure": int(place.is_unsure),
        "created_at": stamp(now),
        "updated_at": stamp(now),
        "version": 1,
        "source": source,
        "words": _words(draft),
    }
    columns = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    done = db.execute(f"INSERT INTO failures ({columns}) VALUES ({marks})", row)
    failure_id = int(done.lastrowid or 0)
    _keep_version(db, failure_id, place.team_id, 1, draft, author_id, now)
    _index_words(db, failure_id, row["words"])
    touch(db, [failure_id], place.team_id)
    return failure_id


def _next_number(db: Database, team_id: str) -> int:
    rows = db.query(
        "INSERT INTO teams (team_id, last_number) VALUES (?, 1)"
        " ON CONFLICT (team_id) DO UPDATE SET last_number = last_number + 1 RETURNING last_number",
        [team_id],
    )
    return int(next(iter(rows))["last_number"])


def _keep_version(
    db: Database, failure_id: int, team_id: str, number: int, draft: Draft, by: str, now: datetime
) -> None:
    db.execute(
        "INSERT INTO versions (failure_id, number, team_id, draft, changed_by, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [failure_id, number, team_id, draft_json(draft), by, stamp(now)],
    )


def _unique(db: Database, row: Row, draft: Draft) -> Draft:
    """The draft, without an external id that is another failure's."""
    other = "team_id = ? AND external_id = ? AND external_id <> '' AND id <> ?"
    taken = [row["team_id"], storable(draft.external_id), row["id"]]
    if db.table("failures").count_where(other, taken):
        return replace(draft, external_id="")
    return draft


def _amend_versions(db: Database, row: Row, newest: Draft, older: dict[int, Draft]) -> None:
    """The newest gets the next number, so that what is made of the old text is known for stale."""
    sql = "UPDATE versions SET number = ?, draft = ? WHERE failure_id = ? AND number = ?"
    db.execute(sql, [row["version"] + 1, draft_json(newest), row["id"], row["version"]])
    for at, draft in older.items():
        db.execute(sql, [at, draft_json(draft), row["id"], at])


def _put(db: Database, failure_id: int, draft: Draft, more: dict[str, Any]) -> None:
    """The failure's row and words are this draft's."""
    words = _words(draft)
    db.table("failures").update(failure_id, draft_row(draft) | more | {"words": words})
    _index_words(db, failure_id, words)


def _index_words(db: Database, failure_id: int, stems: str) -> None:
    db.execute("DELETE FROM failures_fts WHERE rowid = ?", [failure_id])
    db.execute("INSERT INTO failures_fts (rowid, words) VALUES (?, ?)", [failure_id, stems])


def _words(draft: Draft) -> str:
    return " ".join(words(storable(text_of(draft))))


def _move_counter(db: Database, source: str, target: str) -> None:
    """The target's next number is beyond both: none is ever given twice."""
    db.execute(
        "INSERT INTO teams (team_id, last_number) SELECT ?, last_number FROM teams"
        " WHERE team_id = ? ON CONFLICT (team_id)"
        " DO UPDATE SET last_number = max(last_number, excluded.last_number)",
        [target, source],
    )
    db.table("teams").delete_where("team_id = ?", [source])


def _row(db: Database, failure_id: int) -> Row:
    return next(iter(db.query("SELECT * FROM failures WHERE id = ?", [failure_id])))


def _narrowed(
    author_id: str, since: datetime | None, before: datetime | None
) -> tuple[str, dict[str, str]]:
    wanted = {
        "author": author_id,
        "since": since and stamp(since),
        "before": before and stamp(before),
    }
    given = {name: value for name, value in wanted.items() if value}
    return "".join(NARROWED[name] for name in given), given


NARROWED = {
    "author": " AND author_id = :author",
    "since": " AND created_at >= :since",
    "before": " AND created_at < :before",
}


def _version_of(row: Row) -> Version:
    return Version(
        number=row["number"],
        draft=draft_of(json.loads(row["draft"])),
        changed_by=row["changed_by"],
        changed_at=instant(row["changed_at"]),
    )
