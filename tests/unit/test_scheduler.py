"""Digests are posted once a week and channel, also after downtime and by two processes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from failbot.errors import SlackError, StoreError
from failbot.models import Digest, Schedule, Viewer
from failbot.scheduler import LEASE_S, Scheduler
from failbot.store.base import Claim, Store
from tests.make import failure

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLAN = Schedule(
    team_id="T1",
    channel_id="C1",
    weekday=0,
    hour=9,
    minute=0,
    zone="UTC",
    created_by="U1",
    created_at=MONDAY - timedelta(days=3),
)
FULL = Digest(week="", until=MONDAY, pattern=None, lessons=(failure(),), questions=(), thanks=())


class Composer:
    """Stands for the service: the digest that it was given."""

    def __init__(self, digest: Digest) -> None:
        self._digest = digest

    def digest(self, *, audience: Viewer, now: datetime, week: str) -> Digest:
        return replace(self._digest, week=week)


class Channel:
    """Where digests are posted; raises what it was told to, once each."""

    def __init__(self, *errors: Exception) -> None:
        self.posted: list[tuple[str, str, int]] = []
        self._errors = list(errors)

    def publish(self, schedule: Schedule, digest: Digest, claim: Claim) -> str:
        if self._errors:
            raise self._errors.pop(0)
        self.posted.append((schedule.channel_id, digest.week, claim.attempts))
        return "17.1"


def scheduler(store: Store, channel: Channel, digest: Digest = FULL, **more: Any) -> Scheduler:
    composer: Any = Composer(digest)
    return Scheduler(
        composer,
        store.digests,
        audience=lambda plan: Viewer(team_id=plan.team_id),
        publish=channel.publish,
        **more,
    )


@pytest.fixture
def channel() -> Channel:
    return Channel()


def test_a_digest_is_posted_when_due_and_once(store: Store, channel: Channel) -> None:
    """Not before; then once, however often and by however many it is looked at."""
    store.digests.set_schedule(PLAN)
    one, other = scheduler(store, channel), scheduler(store, channel)
    assert one.tick(MONDAY - timedelta(seconds=1)) == 0
    assert one.tick(MONDAY) == 1
    assert other.tick(MONDAY) == 0
    assert one.tick(MONDAY + timedelta(days=6)) == 0
    assert one.tick(MONDAY + timedelta(days=7)) == 1
    assert channel.posted == [("C1", "2026-W10", 1), ("C1", "2026-W11", 1)]


def test_downtime_is_made_up_for_by_one(store: Store, channel: Channel) -> None:
    """After three weeks of silence one late digest comes, the latest."""
    store.digests.set_schedule(PLAN)
    assert scheduler(store, channel).tick(MONDAY + timedelta(days=23)) == 1
    assert [week for _, week, _ in channel.posted] == ["2026-W13"]


def test_an_empty_week_is_skipped_for_good(store: Store, channel: Channel) -> None:
    """Nothing to say is said once, in silence."""
    store.digests.set_schedule(PLAN)
    empty = replace(FULL, lessons=())
    assert scheduler(store, channel, empty).tick(MONDAY) == 0
    assert scheduler(store, channel).tick(MONDAY + timedelta(hours=1)) == 0


def test_a_passing_fault_is_tried_again_after_the_lease(store: Store) -> None:
    """The second attempt knows that the first may have posted."""
    store.digests.set_schedule(PLAN)
    channel = Channel(TimeoutError())
    one = scheduler(store, channel)
    assert one.tick(MONDAY) == 0
    assert one.tick(MONDAY + timedelta(seconds=LEASE_S - 1)) == 0
    assert one.tick(MONDAY + timedelta(seconds=LEASE_S)) == 1
    assert channel.posted == [("C1", "2026-W10", 2)]


def test_a_lasting_refusal_is_not_repeated(store: Store) -> None:
    """An archived channel gets no second try this week; other channels get theirs."""
    store.digests.set_schedule(PLAN)
    store.digests.set_schedule(replace(PLAN, channel_id="C2"))
    channel = Channel(SlackError("is_archived"))
    one = scheduler(store, channel)
    assert one.tick(MONDAY) == 1
    assert one.tick(MONDAY + timedelta(days=1)) == 0
    assert [place for place, _, _ in channel.posted] == ["C2"]


def test_a_dropped_schedule_posts_nothing(store: Store, channel: Channel) -> None:
    """`digest off` holds from the next look on."""
    store.digests.set_schedule(PLAN)
    store.digests.drop_schedule(team_id="T1", channel_id="C1")
    assert scheduler(store, channel).tick(MONDAY) == 0


def test_what_is_daily_comes_daily(store: Store) -> None:
    """At the first tick, then a day later; what fails is tried again at the next tick."""
    came: list[datetime] = []
    failing = [StoreError("no")]

    def daily(now: datetime) -> None:
        if failing:
            raise failing.pop()
        came.append(now)

    one = scheduler(store, Channel(), daily=daily)
    with pytest.raises(StoreError):
        one.tick(MONDAY)
    for hours in (1, 2, 24, 25, 26, 49):
        one.tick(MONDAY + timedelta(hours=hours))
    assert [(at - MONDAY) / timedelta(hours=1) for at in came] == [1, 25, 49]


def test_digests_do_not_wait_for_what_is_daily(store: Store) -> None:
    """They are posted first."""

    def daily(now: datetime) -> None:
        raise StoreError("no")

    store.digests.set_schedule(PLAN)
    channel = Channel()
    with pytest.raises(StoreError):
        scheduler(store, channel, daily=daily).tick(MONDAY)
    assert len(channel.posted) == 1
