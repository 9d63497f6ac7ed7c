"""Calibrations, digests, the inbox and the outbox, in memory."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from failbot.errors import TakenOverError
from failbot.models import Schedule
from failbot.search.calibration import Calibration
from failbot.store.base import Backlog, Begun, Claim, GivenUp, Job, StoredNull
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
        with self._heap.open() as values:
            if is_held_by(values, claim):
                key = name_of(claim)
                week = values.weeks[key]
                values.weeks[key] = replace(week, is_finished=True, message_ts=message_ts)
                forget_outbox(values, claim)

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
        channel_id: str = "",
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
            values.inbox[job.id] = Waiting(
                job=job, payload=json.dumps(payload), due_at=now, channel_id=channel_id
            )
            return True

    def claim(
        self,
        *,
        now: datetime,
        lease_s: float,
        only: Collection[str] = (),
        never: Collection[str] = (),
        held: Collection[int] = (),
    ) -> Job | None:
        with self._heap.open() as values:
            due = [
                one
                for id, one in values.inbox.items()
                if one.due_at <= now
                and id not in held
                and (not only or one.job.kind in only)
                and one.job.kind not in never
            ]
            if not due:
                return None
            waiting = min(due, key=lambda one: _turn(values, one, now))
            job = replace(waiting.job, attempts=waiting.job.attempts + 1)
            until = now + timedelta(seconds=lease_s)
            values.inbox[job.id] = replace(waiting, job=job, due_at=until, is_held=True)
            return replace(job, payload=json.loads(waiting.payload))

    def hold(self, job: Job, *, until: datetime) -> None:
        self._put_off(job, until, is_held=True)

    def finish(self, job: Job) -> None:
        with self._heap.open() as values:
            if is_held_by(values, job):
                del values.inbox[job.id]
                forget_outbox(values, job)

    def release(self, job: Job, *, retry_at: datetime) -> None:
        self._put_off(job, retry_at, is_held=False)

    def _put_off(self, job: Job, due_at: datetime, *, is_held: bool) -> None:
        with self._heap.open() as values:
            if is_held_by(values, job):
                waiting = values.inbox[job.id]
                values.inbox[job.id] = replace(waiting, due_at=due_at, is_held=is_held)

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
                forget_outbox(values, old.job)
            if is_held_by(values, job):
                waiting = values.inbox.pop(job.id)
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
            channel_id = str(found.job.payload.get("channel_id", ""))
            values.inbox[id] = Waiting(job=job, payload=payload, due_at=now, channel_id=channel_id)
            return True

    def drop(self, id: int) -> bool:
        with self._heap.open() as values:
            found = values.given_up.pop(id, None)
            if found is not None:
                forget_outbox(values, found.job)
            return found is not None


class MemoryOutbox:
    """An `Outbox`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def begin(self, holder: Job | Claim, step: str, *, until: datetime) -> Begun:
        with self._heap.open() as values:
            if not is_held_by(values, holder):
                raise TakenOverError
            if isinstance(holder, Job):
                values.inbox[holder.id] = replace(values.inbox[holder.id], due_at=until)
            else:
                key = name_of(holder)
                values.weeks[key] = replace(values.weeks[key], leased_until=until)
            known = (_name(holder), step)
            is_repeated = known in values.outbox
            ts = values.outbox.setdefault(known, None)
            return Begun(is_repeated=is_repeated, message_ts=ts)

    def mark_sent(self, holder: Job | Claim, step: str, *, message_ts: str) -> None:
        with self._heap.open() as values:
            if is_held_by(values, holder) and (_name(holder), step) in values.outbox:
                values.outbox[_name(holder), step] = message_ts

    def withdraw(self, holder: Job | Claim, step: str) -> None:
        with self._heap.open() as values:
            if is_held_by(values, holder):
                values.outbox.pop((_name(holder), step), None)


def is_held_by(values: Values, holder: Job | Claim) -> bool:
    """Whether nobody else has claimed it since, and it is not finished."""
    if isinstance(holder, Job):
        waiting = values.inbox.get(holder.id)
        return waiting is not None and waiting.job.attempts == holder.attempts
    week = values.weeks.get(name_of(holder))
    return week is not None and not week.is_finished and week.attempts == holder.attempts


def forget_outbox(values: Values, holder: Job | Claim) -> None:
    for key in [one for one in values.outbox if one[0] == _name(holder)]:
        del values.outbox[key]


def name_of(claim: Claim) -> tuple[str, str, str]:
    return (claim.team_id, claim.channel_id, claim.week)


def _name(holder: Job | Claim) -> object:
    return holder.id if isinstance(holder, Job) else name_of(holder)


def _turn(values: Values, waiting: Waiting, now: datetime) -> tuple[int, datetime, int]:
    busy = [
        one
        for one in values.inbox.values()
        if one.is_held and one.due_at > now and one.channel_id == waiting.channel_id
    ]
    return len(busy), waiting.due_at, waiting.job.id


def _latest(values: Values, team_id: str, model: str, reranker: str) -> int:
    """The id of the one in force; 0 where there is none."""
    wanted = (team_id, model, reranker)
    found = [
        id
        for id, (owner, one) in values.calibrations.items()
        if (owner, one.model, one.reranker) == wanted
    ]
    return max(found, default=0)
