"""Every store knows which messages of a job or a digest were sent, and who may still send."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from failbot.errors import TakenOverError
from failbot.store.base import Begun, Claim, Job, Store

MINUTE = timedelta(minutes=1)
FIRST = Begun(is_repeated=False, message_ts=None)
UNSURE = Begun(is_repeated=True, message_ts=None)


def job(store: Store, now: datetime) -> Job | None:
    return store.inbox.claim(now=now, lease_s=60)


def claim(store: Store, now: datetime) -> Claim | None:
    return store.digests.claim(team_id="T1", channel_id="C1", week="2026-W10", now=now, lease_s=60)


Take = Callable[[Store, datetime], Job | Claim | None]
EITHER = pytest.mark.parametrize("take", [job, claim])


def taken(store: Store, now: datetime, take: Take) -> Job | Claim:
    """The same job or week, by whoever comes at `now`."""
    if not store.inbox.waiting():
        store.inbox.add("question", {}, team_id="T1", keys=["1"], now=now)
    holder = take(store, now)
    assert holder is not None
    return holder


def finish(store: Store, holder: Job | Claim) -> None:
    if isinstance(holder, Job):
        store.inbox.finish(holder)
    else:
        store.digests.finish(holder, message_ts="17.1")


@EITHER
def test_a_step_is_begun_once_and_then_sent(store: Store, now: datetime, take: Take) -> None:
    """Whoever does the job again learns what is known of each of its messages."""
    holder = taken(store, now, take)
    until = now + MINUTE
    assert store.outbox.begin(holder, "answer", until=until) == FIRST
    assert store.outbox.begin(holder, "answer", until=until) == UNSURE
    store.outbox.mark_sent(holder, "answer", message_ts="17.1")
    sent = Begun(is_repeated=True, message_ts="17.1")
    assert store.outbox.begin(holder, "answer", until=until) == sent
    assert store.outbox.begin(holder, "hint", until=until) == FIRST
    second = taken(store, until, take)
    assert store.outbox.begin(second, "answer", until=until + MINUTE) == sent
    assert store.outbox.begin(second, "hint", until=until + MINUTE) == UNSURE


@EITHER
def test_a_step_that_did_not_leave_is_a_first_one(store: Store, now: datetime, take: Take) -> None:
    """Slack refused it: it may be sent as if nothing had been."""
    holder = taken(store, now, take)
    store.outbox.begin(holder, "answer", until=now + MINUTE)
    store.outbox.withdraw(holder, "answer")
    assert store.outbox.begin(holder, "answer", until=now + MINUTE) == FIRST


@EITHER
def test_who_was_overtaken_may_not_send(store: Store, now: datetime, take: Take) -> None:
    """Nor say what was sent; the follower's word counts."""
    late = taken(store, now, take)
    store.outbox.begin(late, "answer", until=now + MINUTE)
    follower = taken(store, now + MINUTE, take)
    with pytest.raises(TakenOverError):
        store.outbox.begin(late, "answer", until=now + 3 * MINUTE)
    store.outbox.mark_sent(late, "answer", message_ts="17.1")
    store.outbox.withdraw(late, "answer")
    assert store.outbox.begin(follower, "answer", until=now + 2 * MINUTE) == UNSURE
    finish(store, follower)
    with pytest.raises(TakenOverError):
        store.outbox.begin(follower, "answer", until=now + 3 * MINUTE)


@EITHER
def test_to_begin_makes_the_lease_longer(store: Store, now: datetime, take: Take) -> None:
    """Also one that has ended, as long as nobody has taken the job since."""
    holder = taken(store, now, take)
    store.outbox.begin(holder, "answer", until=now + 5 * MINUTE)
    assert take(store, now + 5 * MINUTE - timedelta(microseconds=1)) is None
    assert take(store, now + 5 * MINUTE) is not None


def test_a_finished_job_leaves_nothing_in_the_outbox(store: Store, now: datetime) -> None:
    """And the next week of a channel begins anew, as does another job."""
    for take in (job, claim):
        holder = taken(store, now, take)
        store.outbox.begin(holder, "answer", until=now + MINUTE)
        finish(store, holder)
    store.inbox.add("question", {}, team_id="T1", keys=["2"], now=now)
    again = job(store, now)
    assert again is not None
    assert store.outbox.begin(again, "answer", until=now) == FIRST
