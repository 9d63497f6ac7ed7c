"""Calibrations, digests and the inbox, in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from failbot.models import Schedule
from failbot.search.calibration import Calibration
from failbot.store.base import Backlog, Claim, GivenUp, Job, StoredNull
from tests.memory_store.heap import Heap, Values, Waiting, Week, utc

KEYS_KEPT = timedelta(days=8)  # the contract's figures
GIVEN_UP_KEPT = timedelta(days=30)


class MemoryCalibrations:
    """`Calibrations`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def current(self, team_id: str, *, model: str, reranker: str = "") -> Calibration | None:
        with self._heap.open() as values:
            latest = _latest(values, team_id, model, reranker)
            return values.calibrations[latest][1] if latest else None

    def keep(self, calibration: Calibration, *, team_id: str, now: datetime) -> None:
        with self._heap.open() as values:
            values.calibrations[values.next_id()] = (team_id, calibration)

    def undo(self, team_id: str, *, model: str, reranker: str = "") -> bool:
        with self._heap.open() as values:
            latest = _latest(values, team_id, model, reranker)
            return values.calibrations.pop(latest, None) is not None

    def null(self, team_id: str, *, model: str) -> StoredNull | None:
        with self._heap.open() as values:
            return values.nulls.get((team_id, model))

    def keep_null(self, null: StoredNull, *, team_id: str, model: str) -> None:
        with self._heap.open() as values:
            values.nulls[team_id, model] = null


class MemoryDigests:
    """`Digests`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def set_schedule(self, schedule: Schedule) -> None:
        with self._heap.open() as values:
            values.schedules[schedule.team_id, schedule.channel_id] = schedule

    def drop_schedule(self, *, team_id: str, channel_id: str) -> bool:
        with self._heap.open() as values:
            return values.schedules.pop((team_id, channel_id), None) is not None

    def schedules(self, *, team_id: str = "") -> list[Schedule]:
        with self._heap.open() as values:
            found = sorted(values.schedules.items())
        return [one for (owner, _), one in found if team_id in ("", owner)]

    def claim(
        self, *, team_id: str, channel_id: str, week: str, now: datetime, lease_s: float
    ) -> Claim | None:
        key = (team_id, channel_id, week)
        with self._heap.open() as values:
            held = values.weeks.get(key)
            if held and (held.is_finished or held.leased_until > now):
                return None
            attempts = held.attempts + 1 if held else 1
            until = now + timedelta(seconds=lease_s)
            values.weeks[key] = Week(attempts=attempts, leased_until=until)
        return Claim(team_id=team_id, channel_id=channel_id, week=week, attempts=attempts)

    def finish(self, claim: Claim, *, message_ts: str) -> None:
        key = (claim.team_id, claim.channel_id, claim.week)
        with self._heap.open() as values:
            week = values.weeks[key]
            values.weeks[key] = replace(week, is_finished=True, message_ts=message_ts)

    def last_posted_at(self) -> datetime | None:
        with self._heap.open() as values:
            posted = [float(one.message_ts) for one in values.weeks.values() if one.message_ts]
        return datetime.fromtimestamp(max(posted), UTC) if posted else None


class MemoryInbox:
    """`Inbox`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def add(
        self,
        kind: str,
        payload: dict[str, object],
        *,
        team_id: str,
        keys: Sequence[str],
        now: datetime,
    ) -> bool:
        with self._heap.open() as values:
            recent = {key for key, at in values.inbox_keys.items() if at >= now - KEYS_KEPT}
            if recent & set(keys):
                return False
            values.inbox_keys |= dict.fromkeys(keys, now)
            job = Job(
                id=values.next_id(),
                kind=kind,
                team_id=team_id,
                payload={},
                attempts=0,
                received_at=utc(now),
            )
            values.inbox[job.id] = Waiting(job=job, payload=json.dumps(payload), due_at=now)
            return True

    def claim(self, *, now: datetime, lease_s: float) -> Job | None:
        with self._heap.open() as values:
            due = sorted((one.due_at, id) for id, one in values.inbox.items() if one.due_at <= now)
            if not due:
                return None
            waiting = values.inbox[due[0][1]]
            job = replace(waiting.job, attempts=waiting.job.attempts + 1)
            until = now + timedelta(seconds=lease_s)
            values.inbox[job.id] = replace(waiting, job=job, due_at=until)
            return replace(job, payload=json.loads(waiting.payload))

    def hold(self, job: Job, *, until: datetime) -> None:
        with self._heap.open() as values:
            if waiting := values.inbox.get(job.id):
                values.inbox[job.id] = replace(waiting, due_at=until)

    def finish(self, job: Job) -> None:
        with self._heap.open() as values:
            values.inbox.pop(job.id, None)

    def release(self, job: Job, *, retry_at: datetime) -> None:
        self.hold(job, until=retry_at)

    def waiting(self) -> int:
        with self._heap.open() as values:
            return len(values.inbox)

    def backlog(self) -> Backlog:
        with self._heap.open() as values:
            waiting = list(values.inbox.values())
            return Backlog(
                waiting=len(waiting),
                oldest_at=min((one.job.received_at for one in waiting), default=None),
                due_at=min((one.due_at for one in waiting), default=None),
                given_up=len(values.given_up),
            )

    def give_up(self, job: Job, *, reason: str, now: datetime) -> None:
        with self._heap.open() as values:
            for old in [one for one in values.given_up.values() if one.at < now - GIVEN_UP_KEPT]:
                values.given_up.pop(old.job.id)
            if waiting := values.inbox.pop(job.id, None):
                kept = replace(waiting.job, payload=json.loads(waiting.payload))
                values.given_up[job.id] = GivenUp(job=kept, at=utc(now), reason=reason)

    def given_up(self) -> list[GivenUp]:
        with self._heap.open() as values:
            return sorted(values.given_up.values(), key=lambda one: (one.at, one.job.id))

    def retry(self, id: int, *, now: datetime) -> bool:
        with self._heap.open() as values:
            found = values.given_up.pop(id, None)
            if found is None:
                return False
            job = replace(found.job, payload={}, received_at=utc(now))
            payload = json.dumps(found.job.payload)
            values.inbox[id] = Waiting(job=job, payload=payload, due_at=now)
            return True

    def drop(self, id: int) -> bool:
        with self._heap.open() as values:
            return values.given_up.pop(id, None) is not None


def _latest(values: Values, team_id: str, model: str, reranker: str) -> int:
    """The id of the one in force; 0 where there is none."""
    wanted = (team_id, model, reranker)
    found = [
        id
        for id, (owner, one) in values.calibrations.items()
        if (owner, one.model, one.reranker) == wanted
    ]
    return max(found, default=0)
