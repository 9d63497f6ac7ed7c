"""Expected questions in SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlite_utils import Database

from failbot.errors import NotFoundError
from failbot.models import ExpectedQuestion, QuestionOrigin, Viewer
from failbot.store.sqlite.changes import touch
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import Row, instant, stamp, storable, visible
from failbot.store.sqlite.scrubbing import erased


class SqliteExpectedQuestions:
    """`ExpectedQuestions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(
        self, numbers: Sequence[int], *, viewer: Viewer
    ) -> dict[int, tuple[ExpectedQuestion, ...]]:
        condition, parameters = visible(viewer)
        rows = self._connection.rows(
            "SELECT number, expected_questions.* FROM"
            f" (SELECT id, number FROM failures WHERE {condition}"
            " AND number IN (SELECT value FROM json_each(:numbers)))"
            " JOIN expected_questions ON failure_id = id"
            " WHERE origin <> 'asker' OR :sees_workspace OR :is_operator"
            " ORDER BY number, position",
            parameters | {"numbers": json.dumps(list(numbers))},
        )
        found: dict[int, tuple[ExpectedQuestion, ...]] = {}
        for row in rows:
            found[row["number"]] = (*found.get(row["number"], ()), _question_of(row))
        return found

    def change(
        self,
        number: int,
        change: Callable[[tuple[ExpectedQuestion, ...]], tuple[ExpectedQuestion, ...]],
        *,
        viewer: Viewer,
    ) -> tuple[ExpectedQuestion, ...]:
        with self._connection.write() as db:
            failure_id = self._find(number, viewer)
            everything = Viewer(team_id=viewer.team_id, is_operator=True)
            shown = self.of([number], viewer=viewer).get(number, ())
            kept = self.of([number], viewer=everything).get(number, ())
            after = change(shown)
            if after != shown:
                hidden = [one for one in kept if one not in shown]
                lost = {one.text for one in shown} - {one.text for one in after}
                questions = [*after, *hidden]
                put_expected(db, failure_id, viewer.team_id, questions, erases=bool(lost))
                touch(db, [failure_id], viewer.team_id)
            return after

    def _find(self, number: int, viewer: Viewer) -> int:
        condition, parameters = visible(viewer)
        rows = self._connection.rows(
            f"SELECT id FROM failures WHERE {condition} AND number = :number",
            parameters | {"number": number},
        )
        if not rows:
            raise NotFoundError(f"There is no F-{number} that you can see.")
        return int(rows[0]["id"])


def put_expected(
    db: Database,
    failure_id: int,
    team_id: str,
    questions: Sequence[ExpectedQuestion],
    *,
    erases: bool = False,
) -> None:
    """These in place of those that were there; whoever calls it touches the failure."""
    db.execute("DELETE FROM expected_questions WHERE failure_id = ?", [failure_id])
    for position, one in enumerate(questions):
        row = _row(one) | {"failure_id": failure_id, "position": position, "team_id": team_id}
        db.table("expected_questions").insert(row)
    questions_changed(db, failure_id, erases=erases)


def questions_changed(db: Database, failure_id: int, *, erases: bool) -> None:
    """Others than before; where it `erases`, what was made of those before goes at once."""
    db.execute(
        "UPDATE failures SET expected_version = expected_version + 1 WHERE id = ?", [failure_id]
    )
    if erases:
        db.execute("DELETE FROM expected_embeddings WHERE failure_id = ?", [failure_id])
        erased(db)


def _row(question: ExpectedQuestion) -> dict[str, Any]:
    return {
        "text": storable(question.text),
        "origin": question.origin,
        "written_by": question.by,
        "written_at": stamp(question.at),
    }


def _question_of(row: Row) -> ExpectedQuestion:
    return ExpectedQuestion(
        text=row["text"],
        origin=QuestionOrigin(row["origin"]),
        by=row["written_by"],
        at=instant(row["written_at"]),
    )
