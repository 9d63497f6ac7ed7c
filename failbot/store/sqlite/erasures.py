"""What goes for good, and what is remembered of it, in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from failbot.models import Failure, Viewer, Visibility
from failbot.store import tombstones
from failbot.store.erasing import Forgotten, Pruned, Traces
from failbot.store.sqlite.changes import touch
from failbot.store.sqlite.connection import Connection, said_in_words
from failbot.store.sqlite.expected import questions_changed
from failbot.store.sqlite.failures import SqliteFailures, remove
from failbot.store.sqlite.rows import Row, failure_of, put_tombstone, stamp, tombstone_of
from failbot.store.sqlite.scrubbing import erased, is_marked
from failbot.store.tombstones import Tombstone

# Where a person's id stands, and since when; what stays of each loses it.
NAMED = {
    "failures": ("author_id", "created_at"),
    "versions": ("changed_by", "changed_at"),
    "questions": ("user_id", "asked_at"),
    "feedback": ("user_id", "given_at"),
    "expected_questions": ("written_by", "written_at"),
    "schedules": ("created_by", "created_at"),
    "imports": ("imported_by", "imported_at"),
}
ALWAYS = "9999"  # after every stamp
# What somebody asked and confirmed is theirs, and goes; what an author wrote is the entry's.
ASKED = "origin = 'asker'"
JOBS = ("inbox", "given_up")
# Wherever a job's payload names them, under whatever key.
NAMES_THEM = "EXISTS (SELECT 1 FROM json_tree(payload) WHERE atom = :user)"


class SqliteErasures:
    """`Erasures`."""

    def __init__(self, connection: Connection, failures: SqliteFailures) -> None:
        self._connection = connection
        self._failures = failures
        self._beside = connection.path.with_suffix(".tombstones")

    def delete(self, numbers: Sequence[int], *, viewer: Viewer) -> list[Failure]:
        with self._connection.write():
            gone = []
            for number in numbers:
                gone.append(self._failures.get(number, viewer=viewer))
                self._failures.delete(number, viewer=viewer)
            return gone

    def traces(self, user_id: str, *, team_id: str) -> Traces:
        who = {"user": user_id, "team": team_id, "until": ALWAYS}
        jobs = f"team_id = :team AND {NAMES_THEM}"
        with self._connection.read() as db:
            entries = _rows(db, "failures", "", who)
            others = "AND failure_id NOT IN (SELECT id FROM failures WHERE author_id = :user)"
            return Traces(
                entries=tuple(row["number"] for row in entries),
                own=tuple(row["number"] for row in entries if _is_own(row)),
                edits=len(_rows(db, "versions", others, who)),
                questions=len(_rows(db, "questions", "", who)),
                feedback=len(_rows(db, "feedback", "", who)),
                expected=len(_rows(db, "expected_questions", others, who)),
                waiting=sum(db.table(one).count_where(jobs, who) for one in JOBS),
                schedules=len(_rows(db, "schedules", "", who)),
                imports=len(_rows(db, "imports", "", who)),
            )

    def forget(self, user_id: str, tombstone: Tombstone) -> Forgotten:
        who = {"user": user_id, "team": tombstone.team_id, "until": stamp(tombstone.at)}
        with self._connection.write() as db:
            entries = _rows(db, "failures", "", who)
            kept = [row for row in entries if tombstone.keeps_entries and not _is_own(row)]
            gone = [row for row in entries if row not in kept]
            for row in gone:
                remove(db, row)
            _forget_asked(db, who)
            for table in ("feedback", "questions"):
                db.execute(f"DELETE FROM {table} WHERE {_theirs(table)}", who)
            _drop_jobs(db, f"team_id = :team AND received_at <= :until AND {NAMES_THEM}", who)
            _take_name(db, who)
            touch(db, [row["id"] for row in kept], tombstone.team_id)
            put_tombstone(db, tombstone)
            erased(db)
            return Forgotten(
                deleted=tuple(map(failure_of, gone)),
                kept=tuple(failure_of({**row, "author_id": ""}) for row in kept),
            )

    def people(self) -> list[tuple[str, str]]:
        found = " UNION ".join(
            f"SELECT team_id, {column} AS user_id FROM {table}"
            for table, (column, _) in NAMED.items()
        )
        rows = self._connection.rows(f"SELECT * FROM ({found}) WHERE user_id <> '' ORDER BY 1, 2")
        return [(row["team_id"], row["user_id"]) for row in rows]

    def tombstones(self) -> list[Tombstone]:
        rows = self._connection.rows("SELECT * FROM tombstones ORDER BY id")
        return [tombstone_of(row) for row in rows]

    def unheeded(self) -> list[Tombstone]:
        known = {one.key for one in self.tombstones()}
        return [one for one in tombstones.read(self._beside) if one.key not in known]

    def bury(self, tombstones: Sequence[Tombstone]) -> list[Failure]:
        with self._connection.write() as db:
            gone = []
            for one in tombstones:
                put_tombstone(db, one)
                named = [one.number, stamp(one.at)]
                for row in list(db.table("failures").rows_where(IS_NAMED, named)):
                    remove(db, row)
                    gone.append(failure_of(row))
            return gone

    def prune(self, *, before: datetime) -> Pruned:
        with self._connection.write() as db:
            old = {"before": stamp(before)}
            questions = db.execute("DELETE FROM questions WHERE asked_at < :before", old).rowcount
            waiting = _drop_jobs(db, "received_at < :before", old)
            if questions or waiting:
                erased(db)
        return Pruned(questions=questions, waiting=waiting)

    def is_scrubbed(self) -> bool:
        with self._connection.read() as db:
            return not is_marked(db)

    def scrub(self) -> bool:
        self._keep_beside()
        return self.is_scrubbed() or self._connection.scrub()

    def _keep_beside(self) -> None:
        """A database that is lost, or replaced by an older one, takes its tombstones along."""
        kept = tombstones.read(self._beside)
        known = {one.key for one in kept}
        new = [one for one in self.tombstones() if one.key not in known]
        if new:
            with said_in_words(self._beside):
                tombstones.write(self._beside, [*kept, *new])


# By its moment too: numbers begin anew in a database that begins anew.
IS_NAMED = "number = ? AND created_at = ?"


def _theirs(table: str) -> str:
    column, at = NAMED[table]
    return f"team_id = :team AND {column} = :user AND {at} <= :until"


def _rows(db: Database, table: str, more: str, who: dict[str, Any]) -> list[Row]:
    return list(db.query(f"SELECT * FROM {table} WHERE {_theirs(table)} {more}", who))


def _is_own(row: Row) -> bool:
    """Whether it was written where nobody else reads."""
    return bool(row["visibility"] == Visibility.AUTHOR)


def _drop_jobs(db: Database, condition: str, parameters: dict[str, Any]) -> int:
    """How many jobs there were; what the outbox knows of their messages goes with them."""
    for table in JOBS:
        names = f"SELECT 'job ' || id FROM {table} WHERE {condition}"
        db.execute(f"DELETE FROM outbox WHERE holder IN ({names})", parameters)
    deleted = [db.execute(f"DELETE FROM {table} WHERE {condition}", parameters) for table in JOBS]
    return sum(one.rowcount for one in deleted)


def _forget_asked(db: Database, who: dict[str, Any]) -> None:
    """Takes what they asked out of what entries are found by; the vectors follow."""
    for row in _rows(db, "expected_questions", f"AND {ASKED} GROUP BY failure_id", who):
        db.execute(
            f"DELETE FROM expected_questions WHERE failure_id = :id AND {ASKED}"
            f" AND {_theirs('expected_questions')}",
            who | {"id": row["failure_id"]},
        )
        questions_changed(db, row["failure_id"], erases=True)
        touch(db, [row["failure_id"]], who["team"])


def _take_name(db: Database, who: dict[str, Any]) -> None:
    for table, (column, _) in NAMED.items():
        db.execute(f"UPDATE {table} SET {column} = '' WHERE {_theirs(table)}", who)
