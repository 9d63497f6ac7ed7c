"""Erasures and imports, in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from failbot.models import (
    Draft,
    ExpectedQuestion,
    Failure,
    Place,
    QuestionOrigin,
    Viewer,
    Visibility,
)
from failbot.store.base import Job
from failbot.store.erasing import Forgotten, Import, Pruned, Traces
from failbot.store.tombstones import Tombstone
from tests.memory_store.failures import MemoryFailures, with_expected
from tests.memory_store.heap import Heap, Kept, Values, utc
from tests.memory_store.work import forget_outbox

ALWAYS = datetime.max.replace(tzinfo=UTC)


class MemoryErasures:
    """`Erasures`: there are no files, so that nothing is left in one."""

    def __init__(self, heap: Heap, failures: MemoryFailures) -> None:
        self._heap = heap
        self._failures = failures

    def delete(self, numbers: Sequence[int], *, viewer: Viewer) -> list[Failure]:
        with self._heap.open():
            gone = []
            for number in numbers:
                gone.append(self._failures.get(number, viewer=viewer))
                self._failures.delete(number, viewer=viewer)
            return gone

    def traces(self, user_id: str, *, team_id: str) -> Traces:
        with self._heap.open() as values:
            mine = _Mine(values, user_id, team_id, ALWAYS)
            entries = [kept.failure for _, kept in mine.entries()]
            others = [kept for _, kept in mine.others()]
            return Traces(
                entries=tuple(one.number for one in entries),
                own=tuple(one.number for one in entries if _is_own(one)),
                edits=sum(one.changed_by == user_id for kept in others for one in kept.versions),
                questions=len(mine.questions()),
                feedback=len(mine.feedback()),
                expected=sum(one.by == user_id for kept in others for one in kept.expected),
                waiting=len(mine.waiting()),
                schedules=len(mine.schedules()),
                imports=len(mine.imports()),
            )

    def forget(self, user_id: str, tombstone: Tombstone) -> Forgotten:
        with self._heap.open() as values:
            mine = _Mine(values, user_id, tombstone.team_id, utc(tombstone.at))
            deleted, kept = [], []
            for id, one in mine.entries():
                if tombstone.keeps_entries and not _is_own(one.failure):
                    nameless = replace(one.failure, author_id="")
                    values.failures[id] = replace(one, failure=nameless)
                    kept.append(nameless)
                else:
                    deleted.append(one.failure)
                    self._remove(values, one.failure)
            mine.erase()
            bury(values, tombstone)
            return Forgotten(deleted=tuple(deleted), kept=tuple(kept))

    def people(self) -> list[tuple[str, str]]:
        with self._heap.open() as values:
            found = set()
            for kept in values.failures.values():
                names = {kept.failure.author_id}
                names |= {one.changed_by for one in kept.versions}
                names |= {one.by for one in kept.expected}
                found |= {(kept.failure.team_id, name) for name in names}
            for asked in values.questions.values():
                found.add((asked.place.team_id, asked.user_id))
            for question_id, _, user_id in values.feedback:
                found.add((values.questions[question_id].place.team_id, user_id))
            found |= {(one.team_id, one.created_by) for one in values.schedules.values()}
            found |= {(team_id, one.by) for team_id, one in values.imports.values()}
            return sorted((team_id, name) for team_id, name in found if name)

    def tombstones(self) -> list[Tombstone]:
        with self._heap.open() as values:
            return list(values.tombstones.values())

    def unheeded(self) -> list[Tombstone]:
        return []

    def bury(self, tombstones: Sequence[Tombstone]) -> list[Failure]:
        with self._heap.open() as values:
            gone = []
            for stone in tombstones:
                bury(values, stone)
                for kept in list(values.failures.values()):
                    if (kept.failure.number, kept.failure.created_at) == (stone.number, stone.at):
                        gone.append(kept.failure)
                        self._remove(values, kept.failure)
            return gone

    def prune(self, *, before: datetime) -> Pruned:
        with self._heap.open() as values:
            old = [id for id, one in values.questions.items() if one.asked_at < before]
            jobs = [id for id, (job, _) in jobs_of(values) if job.received_at < before]
            for id in old:
                drop_question(values, id)
            for id in jobs:
                drop_job(values, id)
            return Pruned(questions=len(old), waiting=len(jobs))

    def is_scrubbed(self) -> bool:
        with self._heap.open():
            return True

    def scrub(self) -> bool:
        return self.is_scrubbed()

    def _remove(self, values: Values, failure: Failure) -> None:
        operator = Viewer(team_id=failure.team_id, is_operator=True)
        self._failures.delete(failure.number, viewer=operator)


class MemoryImports:
    """`Imports`."""

    def __init__(self, heap: Heap, failures: MemoryFailures) -> None:
        self._heap = heap
        self._failures = failures

    def record(
        self,
        drafts: Sequence[Draft],
        *,
        name: str,
        place: Place,
        author_id: str,
        now: datetime,
        expected: Sequence[Sequence[ExpectedQuestion]] = (),
        wants: bool = False,
    ) -> tuple[int, list[tuple[Failure, bool]]]:
        with self._heap.open() as values:
            recorded = self._failures.record_many(
                drafts,
                place=place,
                author_id=author_id,
                now=now,
                expected=expected,
                wants=wants,
            )
            numbers = tuple(sorted({failure.number for failure, is_new in recorded if is_new}))
            if not numbers:
                return 0, recorded
            id = values.next_id()
            made = Import(id=id, name=name, by=author_id, at=utc(now), numbers=numbers)
            values.imports[id] = (place.team_id, made)
            return id, recorded

    def all(self, team_id: str) -> list[Import]:
        with self._heap.open() as values:
            there = {
                kept.failure.number
                for kept in values.failures.values()
                if kept.failure.team_id == team_id
            }
            found = [
                replace(one, numbers=tuple(number for number in one.numbers if number in there))
                for _, (owner, one) in sorted(values.imports.items(), reverse=True)
                if owner == team_id
            ]
            return [one for one in found if one.numbers]

    def drop(self, id: int, *, team_id: str) -> None:
        with self._heap.open() as values:
            if values.imports.get(id, ("",))[0] == team_id:
                del values.imports[id]


class _Mine:
    """What is one person's, in one workspace, up to a moment."""

    def __init__(self, values: Values, user_id: str, team_id: str, until: datetime) -> None:
        self._values, self._user_id, self._team_id = values, user_id, team_id
        self._until = until

    def _is_mine(self, user_id: str, at: datetime) -> bool:
        return user_id == self._user_id and at <= self._until

    def _here(self) -> list[tuple[int, Kept]]:
        found = sorted(self._values.failures.items(), key=lambda one: one[1].failure.number)
        return [(id, one) for id, one in found if one.failure.team_id == self._team_id]

    def entries(self) -> list[tuple[int, Kept]]:
        return [
            (id, one)
            for id, one in self._here()
            if self._is_mine(one.failure.author_id, one.failure.created_at)
        ]

    def others(self) -> list[tuple[int, Kept]]:
        return [(id, one) for id, one in self._here() if one.failure.author_id != self._user_id]

    def questions(self) -> list[int]:
        return [
            id
            for id, one in self._values.questions.items()
            if one.place.team_id == self._team_id and self._is_mine(one.user_id, one.asked_at)
        ]

    def feedback(self) -> list[tuple[int, int, str]]:
        return [
            key
            for key, one in self._values.feedback.items()
            if self._values.questions[one.question_id].place.team_id == self._team_id
            and self._is_mine(one.user_id, one.at)
        ]

    def waiting(self) -> list[int]:
        return [
            id
            for id, (job, payload) in jobs_of(self._values)
            if job.team_id == self._team_id
            and job.received_at <= self._until
            and _holds(payload, self._user_id)
        ]

    def schedules(self) -> list[tuple[str, str]]:
        return [
            key
            for key, one in self._values.schedules.items()
            if one.team_id == self._team_id and self._is_mine(one.created_by, one.created_at)
        ]

    def imports(self) -> list[int]:
        return [
            id
            for id, (team_id, one) in self._values.imports.items()
            if team_id == self._team_id and self._is_mine(one.by, one.at)
        ]

    def erase(self) -> None:
        """All but the entries, which are gone by now, or nameless."""
        values = self._values
        for key in self.feedback():
            del values.feedback[key]
        for id in self.questions():
            drop_question(values, id)
        for id in self.waiting():
            drop_job(values, id)
        for key in self.schedules():
            values.schedules[key] = replace(values.schedules[key], created_by="")
        for id in self.imports():
            team_id, one = values.imports[id]
            values.imports[id] = (team_id, replace(one, by=""))
        for id, kept in self._here():
            values.failures[id] = self._without(kept)

    def _without(self, kept: Kept) -> Kept:
        versions = tuple(
            replace(one, changed_by="") if self._is_mine(one.changed_by, one.changed_at) else one
            for one in kept.versions
        )
        stay = [
            replace(one, by="") if self._is_mine(one.by, one.at) else one
            for one in kept.expected
            if not (self._is_mine(one.by, one.at) and one.origin is QuestionOrigin.ASKER)
        ]
        kept = replace(kept, versions=versions)
        if len(stay) < len(kept.expected):
            return with_expected(kept, stay)
        return replace(kept, expected=tuple(stay))


def bury(values: Values, stone: Tombstone) -> None:
    """Keeps it, unless it is there."""
    values.tombstones.setdefault(stone.key, replace(stone, at=utc(stone.at)))


def drop_question(values: Values, id: int) -> None:
    """With what readers said to its answer."""
    del values.questions[id]
    values.runner_ups.pop(id, None)
    for key in [one for one in values.feedback if one[0] == id]:
        del values.feedback[key]


def jobs_of(values: Values) -> list[tuple[int, tuple[Job, Any]]]:
    """Those that wait and those that were given up, by id, each with its payload."""
    waiting = [(id, (one.job, json.loads(one.payload))) for id, one in values.inbox.items()]
    return waiting + [(id, (one.job, one.job.payload)) for id, one in values.given_up.items()]


def drop_job(values: Values, id: int) -> None:
    """With what is known of its messages."""
    if values.given_up.pop(id, None) is None:
        forget_outbox(values, values.inbox.pop(id).job)


def _is_own(failure: Failure) -> bool:
    return failure.visibility is Visibility.AUTHOR


def _holds(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return any(_holds(one, text) for one in value.values())
    if isinstance(value, list):
        return any(_holds(one, text) for one in value)
    return bool(value == text)
