"""Every store gives each channel's week to one claimant at a time."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from failbot.models import Schedule
from failbot.store.base import Claim, Store

WEEK = {"team_id": "T1", "channel_id": "C1", "week": "2026-W10"}


def schedule(now: datetime, **more: object) -> Schedule:
    facts = {"team_id": "T1", "channel_id": "C1", "weekday": 0, "hour": 9, "minute": 30}
    facts |= {"zone": "Europe/Berlin", "created_by": "U1", "created_at": now}
    return Schedule(**{**facts, **more})


def claim(store: Store, now: datetime, **more: str) -> Claim | None:
    return store.digests.claim(**{**WEEK, **more}, now=now, lease_s=60)


def test_a_channel_has_one_schedule(store: Store, now: datetime) -> None:
    """A new one takes the place of the old; dropping says whether there was one."""
    store.digests.set_schedule(schedule(now))
    store.digests.set_schedule(schedule(now, weekday=4))
    store.digests.set_schedule(schedule(now, team_id="T2"))
    assert store.digests.schedules(team_id="T1") == [schedule(now, weekday=4)]
    assert len(store.digests.schedules()) == 2
    assert store.digests.drop_schedule(team_id="T1", channel_id="C1")
    assert not store.digests.drop_schedule(team_id="T1", channel_id="C1")
    assert store.digests.schedules(team_id="T1") == []


def test_a_week_is_claimed_by_one(store: Store, now: datetime) -> None:
    """While one holds it, and once it is done, nobody else gets it."""
    mine = claim(store, now)
    assert mine is not None
    assert mine.attempts == 1
    assert claim(store, now) is None
    store.digests.finish(mine, message_ts="17.1")
    assert claim(store, now + timedelta(days=1)) is None


@pytest.mark.parametrize("other", [{"week": "2026-W11"}, {"channel_id": "C2"}, {"team_id": "T2"}])
def test_other_weeks_and_channels_are_free(store: Store, now: datetime, other: dict) -> None:
    """A claim holds one channel's one week."""
    assert claim(store, now) is not None
    assert claim(store, now, **other) is not None


def test_a_dead_holder_is_followed_after_its_lease(store: Store, now: datetime) -> None:
    """The follower learns that it is not the first: it may have been posted."""
    claim(store, now)
    assert claim(store, now + timedelta(seconds=59)) is None
    second = claim(store, now + timedelta(seconds=60))
    assert second is not None
    assert second.attempts == 2


def test_of_eight_claimants_one_wins(store: Store, now: datetime) -> None:
    """Threads that claim at the same moment do not both post."""
    won: list[Claim | None] = []
    threads = [threading.Thread(target=lambda: won.append(claim(store, now))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in won if one]) == 1


def test_schedules_come_by_workspace_and_channel(store: Store, now: datetime) -> None:
    """In whatever order they were set."""
    wanted = [("T1", "C1"), ("T1", "C2"), ("T2", "C0")]
    for team_id, channel_id in reversed(wanted):
        store.digests.set_schedule(schedule(now, team_id=team_id, channel_id=channel_id))
    found = store.digests.schedules()
    assert [(one.team_id, one.channel_id) for one in found] == wanted
    assert not store.digests.drop_schedule(team_id="T2", channel_id="C1")
    assert len(store.digests.schedules()) == 3


def test_only_the_latest_holder_finishes_a_week(store: Store, now: datetime) -> None:
    """Whoever was paused past the lease does not take the week from whoever follows."""
    first = claim(store, now)
    second = claim(store, now + timedelta(seconds=60))
    assert first is not None
    assert second is not None
    store.digests.finish(first, message_ts="17.1")
    assert claim(store, now + timedelta(seconds=120)) is not None, "it is not done"
