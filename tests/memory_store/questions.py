"""Questions and feedback, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from failbot.errors import NotFoundError
from failbot.models import Feedback, Place, Question, Verdict, Viewer
from tests.memory_store.failures import visible
from tests.memory_store.heap import Heap, Values, sees, storable, utc


class MemoryQuestions:
    """`Questions`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

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
        with self._heap.open() as values:
            for known in values.questions.values():
                same = known.place.team_id, known.place.channel_id, known.message_ts
                if message_ts and same == (place.team_id, place.channel_id, message_ts):
                    return known
            question = Question(
                id=values.next_id(),
                place=replace(place, is_unsure=False),
                user_id=user_id,
                text=storable(text),
                verdict=verdict,
                shown=tuple(shown),
                asked_at=utc(now),
                message_ts=message_ts,
            )
            values.questions[question.id] = question
            if runner_up is not None:
                values.runner_ups[question.id] = (model, runner_up)
            return question

    def get(self, id: int, *, team_id: str) -> Question:
        with self._heap.open() as values:
            found = values.questions.get(id)
        if found is None or found.place.team_id != team_id:
            raise NotFoundError("That question is not kept any more.")
        return found

    def amend(self, id: int, text: str, *, team_id: str) -> None:
        with self._heap.open() as values:
            found = values.questions.get(id)
            if found is not None and found.place.team_id == team_id:
                values.questions[id] = replace(found, text=storable(text))

    def asked(
        self, *, viewer: Viewer, since: datetime, before: datetime, verdict: Verdict | None = None
    ) -> list[Question]:
        with self._heap.open() as values:
            found = [
                one
                for one in values.questions.values()
                if _sees(viewer, one)
                and since <= one.asked_at < before
                and verdict in (None, one.verdict)
            ]
        return sorted(found, key=lambda one: (one.asked_at, one.id))

    def runner_ups(self, team_id: str, *, model: str, limit: int) -> list[float]:
        with self._heap.open() as values:
            found = [
                (question.asked_at, question.id)
                for question in values.questions.values()
                if question.place.team_id == team_id
                and values.runner_ups.get(question.id, ("", 0.0))[0] == model
                and question.id in values.runner_ups
            ]
            newest = sorted(found, reverse=True)[:limit]
            return [values.runner_ups[id][1] for _, id in newest]

    def give_feedback(self, feedback: Feedback, *, team_id: str) -> None:
        with self._heap.open() as values:
            self.get(feedback.question_id, team_id=team_id)
            id = _failure_id(values, team_id, feedback.number)
            values.feedback[feedback.question_id, id, feedback.user_id] = feedback

    def feedback(self, *, viewer: Viewer, since: datetime, before: datetime) -> list[Feedback]:
        with self._heap.open() as values:
            seen = dict(visible(values, viewer))
            found = sorted(
                (one.at, key)
                for key, one in values.feedback.items()
                if key[1] in seen
                and _sees(viewer, values.questions[one.question_id])
                and since <= one.at < before
            )
            return [values.feedback[key] for _, key in found]


def _sees(viewer: Viewer, question: Question) -> bool:
    place = question.place
    where = (place.visibility, place.channel_id)
    return sees(viewer, team_id=place.team_id, place=where, writer_id=question.user_id)


def _failure_id(values: Values, team_id: str, number: int) -> int:
    for id, kept in values.failures.items():
        if (kept.failure.team_id, kept.failure.number) == (team_id, number):
            return id
    raise NotFoundError(f"F-{number} is not there any more.")
