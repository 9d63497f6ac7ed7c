"""What a language model is yet to write, and its use, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta

from failbot.models import QuestionOrigin
from failbot.reader.base import Stats
from failbot.store.writing import Use, Wanted
from tests.memory_store.heap import Due, Heap, Values, utc


class MemoryWantedQuestions:
    """`WantedQuestions`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def want(self, numbers: Sequence[int], *, team_id: str, now: datetime) -> int:
        with self._heap.open() as values:
            ids = [id for id in values.failures if _name(values, id) in _names(team_id, numbers)]
            for id in ids:
                want(values, id, now)
            return sum(values.wanted[id].at is not None for id in ids)

    def claim(self, *, now: datetime, lease_s: float, team_id: str = "") -> Wanted | None:
        with self._heap.open() as values:
            due = [
                id
                for id, one in values.wanted.items()
                if one.at is not None and one.at <= now and team_id in ("", _name(values, id)[0])
            ]
            if not due:
                return None
            id, until = max(due), utc(now) + timedelta(seconds=lease_s)
            taken = Due(at=until, attempts=values.wanted[id].attempts + 1)
            values.wanted[id] = taken
            team, number = _name(values, id)
            return Wanted(id=id, team_id=team, number=number, attempts=taken.attempts, until=until)

    def finish(self, wanted: Wanted) -> None:
        with self._heap.open() as values:
            if _is_held(values, wanted):
                del values.wanted[wanted.id]

    def release(self, wanted: Wanted, *, retry_at: datetime) -> None:
        with self._heap.open() as values:
            if _is_held(values, wanted):
                again = replace(values.wanted[wanted.id], at=utc(retry_at))
                values.wanted[wanted.id] = again

    def close(self, number: int, *, team_id: str) -> None:
        with self._heap.open() as values:
            for id in values.failures:
                if _name(values, id) == (team_id, number):
                    values.wanted[id] = Due(at=None)

    def is_closed(self, number: int, *, team_id: str) -> bool:
        with self._heap.open() as values:
            return any(
                one.at is None and _name(values, id) == (team_id, number)
                for id, one in values.wanted.items()
            )

    def lacking(self, team_id: str, *, limit: int) -> list[int]:
        with self._heap.open() as values:
            found = [
                kept.failure.number
                for id, kept in values.failures.items()
                if kept.failure.team_id == team_id
                and not any(one.origin is QuestionOrigin.MODEL for one in kept.expected)
                and not (id in values.wanted and values.wanted[id].at is None)
            ]
        return sorted(found)[:limit]

    def waiting(self, team_id: str = "") -> int:
        with self._heap.open() as values:
            return sum(
                one.at is not None and team_id in ("", _name(values, id)[0])
                for id, one in values.wanted.items()
            )


def want(values: Values, id: int, now: datetime) -> None:
    """A model is to write this failure's expected questions, unless it is closed."""
    if values.wanted.get(id) != Due(at=None):
        values.wanted[id] = Due(at=utc(now))


def _name(values: Values, id: int) -> tuple[str, int]:
    failure = values.failures[id].failure
    return failure.team_id, failure.number


def _names(team_id: str, numbers: Sequence[int]) -> set[tuple[str, int]]:
    return {(team_id, number) for number in numbers}


def _is_held(values: Values, wanted: Wanted) -> bool:
    return values.wanted.get(wanted.id) == Due(at=wanted.until, attempts=wanted.attempts)


class MemoryModelUse:
    """`ModelUse`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def add(self, model: str, more: Stats, *, now: datetime) -> None:
        key = (utc(now).date(), model)
        with self._heap.open() as values:
            before = values.use.get(key)
            stats = _sum(before.stats, more) if before else replace(more, form="")
            values.use[key] = Use(day=key[0], model=model, stats=stats, reported_at=utc(now))

    def since(self, day: date) -> list[Use]:
        with self._heap.open() as values:
            return [one for key, one in sorted(values.use.items()) if key[0] >= day]


def _sum(before: Stats, more: Stats) -> Stats:
    numbers = [part.name for part in fields(Stats) if part.name not in ("is_open", "form")]
    sums = {name: getattr(before, name) + getattr(more, name) for name in numbers}
    return Stats(**sums, is_open=more.is_open)
