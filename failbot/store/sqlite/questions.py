"""Questions and feedback in SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from failbot.errors import NotFoundError
from failbot.models import Feedback, Place, Question, Verdict, Viewer
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import instant, question_of, stamp, storable, visible
from failbot.store.sqlite.scrubbing import erased


class SqliteQuestions:
    """`Questions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(
        self,
        text: str,
        *,
        place: Place,
        user_id: str,
        message_ts: str,
        verdict: Verdict,
        shown: Sequence[int],
        now: datetime,
        model: str = "",
        runner_up: float | None = None,
    ) -> Question:
        row = {
            "team_id": place.team_id,
            "channel_id": place.channel_id,
            "visibility": place.visibility,
            "user_id": user_id,
            "message_ts": message_ts,
            "text": storable(text),
            "verdict": verdict,
            "shown": json.dumps(list(shown)),
            "asked_at": stamp(now),
            "model": model,
            "runner_up": runner_up,
        }
        with self._connection.write() as db:
            same = "team_id = ? AND channel_id = ? AND message_ts = ? AND message_ts <> ''"
            keys = [place.team_id, place.channel_id, message_ts]
            for known in db.table("questions").rows_where(same, keys):
                return question_of(known)
            kept = db.table("questions").insert(row).last_pk
            return question_of(row | {"id": kept})

    def get(self, id: int, *, team_id: str) -> Question:
        with self._connection.read() as db:
            rows = list(db.table("questions").rows_where("id = ? AND team_id = ?", [id, team_id]))
        if not rows:
            raise NotFoundError("That question is not kept any more.")
        return question_of(rows[0])

    def amend(self, id: int, text: str, *, team_id: str) -> None:
        with self._connection.write() as db:
            db.execute(
                "UPDATE questions SET text = ? WHERE id = ? AND team_id = ?",
                [storable(text), id, team_id],
            )
            erased(db)

    def asked(
        self, *, viewer: Viewer, since: datetime, before: datetime, verdict: Verdict | None = None
    ) -> list[Question]:
        condition, parameters = visible(viewer, author="user_id")
        rows = self._connection.rows(
            f"SELECT * FROM questions WHERE {condition}"
            " AND asked_at >= :since AND asked_at < :before"
            " AND (:verdict IS NULL OR verdict = :verdict) ORDER BY asked_at, id",
            parameters | {"since": stamp(since), "before": stamp(before), "verdict": verdict},
        )
        return [question_of(row) for row in rows]

    def runner_ups(self, team_id: str, *, model: str, limit: int) -> list[float]:
        rows = self._connection.rows(
            "SELECT runner_up FROM questions WHERE team_id = ? AND model = ?"
            " AND runner_up IS NOT NULL ORDER BY asked_at DESC, id DESC LIMIT ?",
            [team_id, model, limit],
        )
        return [row["runner_up"] for row in rows]

    def give_feedback(self, feedback: Feedback, *, team_id: str) -> None:
        with self._connection.write() as db:
            self.get(feedback.question_id, team_id=team_id)
            numbered = [team_id, feedback.number]
            ids = [
                row["id"]
                for row in db.table("failures").rows_where("team_id = ? AND number = ?", numbered)
            ]
            if not ids:
                raise NotFoundError(f"F-{feedback.number} is not there any more.")
            row = {"question_id": feedback.question_id, "failure_id": ids[0], "team_id": team_id}
            row |= {"user_id": feedback.user_id, "helped": int(feedback.helped)}
            db.table("feedback").upsert(
                row | {"given_at": stamp(feedback.at)},
                pk=("question_id", "failure_id", "user_id"),
            )

    def feedback(self, *, viewer: Viewer, since: datetime, before: datetime) -> list[Feedback]:
        seen, parameters = visible(viewer)
        asked, _ = visible(viewer, author="user_id")
        rows = self._connection.rows(
            "SELECT feedback.*, number FROM feedback"
            f" JOIN (SELECT id, number FROM failures WHERE {seen}) AS failure"
            " ON failure.id = failure_id"
            f" JOIN (SELECT id FROM questions WHERE {asked}) AS question"
            " ON question.id = question_id"
            " WHERE given_at >= :since AND given_at < :before"
            " ORDER BY given_at, question_id, failure_id, user_id",
            parameters | {"since": stamp(since), "before": stamp(before)},
        )
        return [
            Feedback(
                question_id=row["question_id"],
                number=row["number"],
                user_id=row["user_id"],
                helped=bool(row["helped"]),
                at=instant(row["given_at"]),
            )
            for row in rows
        ]
