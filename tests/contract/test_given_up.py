"""Every store keeps what was given up, for whoever runs failbot to retry or to drop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from failbot.store.base import Job, Store

LATER = timedelta(hours=1)


def given_up(store: Store, now: datetime, text: str = "hello", *, key: str = "event:1") -> Job:
    """A job that came at `now` and was given up an hour later."""
    store.inbox.add("question", {"text": text}, team_id="T1", keys=[key], now=now)
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    store.inbox.give_up(job, reason="Slack says is_archived", now=now + LATER)
    return job


def test_what_is_given_up_is_kept_whole(store: Store, now: datetime) -> None:
    """Out of the inbox, with when and why."""
    job = given_up(store, now, "ünïcode")
    assert store.inbox.waiting() == 0
    assert store.inbox.claim(now=now + LATER, lease_s=60) is None
    (found,) = store.inbox.given_up()
    assert found.job == job
    assert (found.at, found.reason) == (now + LATER, "Slack says is_archived")


def test_the_oldest_comes_first(store: Store, now: datetime) -> None:
    """By when they were given up."""
    second = given_up(store, now + LATER, key="1")
    first = given_up(store, now, key="2")
    assert [one.job.id for one in store.inbox.given_up()] == [first.id, second.id]


def test_a_retry_comes_back_as_if_it_had_just_come(store: Store, now: datetime) -> None:
    """Its attempts count on, so that what was sent before is looked for; its age does not."""
    job = given_up(store, now)
    again = now + timedelta(days=2)
    assert store.inbox.retry(job.id, now=again)
    assert store.inbox.given_up() == []
    back = store.inbox.claim(now=again, lease_s=60)
    assert back is not None
    assert (back.kind, back.team_id, back.payload) == (job.kind, job.team_id, job.payload)
    assert (back.attempts, back.received_at) == (2, again)
    assert not store.inbox.retry(job.id, now=again), "it is no longer given up"


def test_what_is_dropped_is_gone(store: Store, now: datetime) -> None:
    """Once."""
    job = given_up(store, now)
    assert store.inbox.drop(job.id)
    assert not store.inbox.drop(job.id)
    assert store.inbox.given_up() == []
    assert not store.inbox.retry(job.id, now=now)
    assert store.inbox.waiting() == 0


def test_what_is_finished_cannot_be_given_up(store: Store, now: datetime) -> None:
    """Another process was faster."""
    store.inbox.add("question", {}, team_id="T1", keys=[], now=now)
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    store.inbox.finish(job)
    store.inbox.give_up(job, reason="late", now=now)
    assert store.inbox.given_up() == []


def test_it_is_kept_for_a_month(store: Store, now: datetime) -> None:
    """Longer nobody will look; what is in it is people's words."""
    given_up(store, now, key="1")
    given_up(store, now + timedelta(days=29), key="2")
    assert len(store.inbox.given_up()) == 2
    given_up(store, now + timedelta(days=31), key="3")
    assert len(store.inbox.given_up()) == 2


def test_the_backlog_tells_how_long_it_waits(store: Store, now: datetime) -> None:
    """The oldest by arrival, the most overdue by when it is to be taken."""
    assert store.inbox.backlog().oldest_at is None
    for minutes in (0, 5):
        at = now + timedelta(minutes=minutes)
        store.inbox.add("question", {}, team_id="T1", keys=[], now=at)
    store.inbox.claim(now=now, lease_s=3_600)
    given_up(store, now - LATER)
    found = store.inbox.backlog()
    assert (found.waiting, found.given_up) == (2, 1)
    assert (found.oldest_at, found.due_at) == (now, now + timedelta(minutes=5))


def test_the_last_digest_is_known_by_its_ts(store: Store, now: datetime) -> None:
    """Of any channel; a week without one does not count."""
    assert store.digests.last_posted_at() is None
    for channel_id, ts in (("C1", "1700000100.000100"), ("C2", "1700000000.000100"), ("C3", "")):
        claim = store.digests.claim(
            team_id="T1", channel_id=channel_id, week="2026-W10", now=now, lease_s=60
        )
        assert claim is not None
        store.digests.finish(claim, message_ts=ts)
    assert store.digests.last_posted_at() == datetime.fromtimestamp(1700000100.0001, UTC)


def test_what_a_given_up_job_had_sent_is_known_when_it_is_retried(
    store: Store, now: datetime
) -> None:
    """It is not sent twice; what is dropped leaves nothing behind."""
    for key in ("1", "2"):
        store.inbox.add("question", {}, team_id="T1", keys=[key], now=now)
        job = store.inbox.claim(now=now, lease_s=60)
        assert job is not None
        store.outbox.begin(job, "answer", until=now + LATER)
        store.outbox.mark_sent(job, "answer", message_ts="17.1")
        store.inbox.give_up(job, reason="a defect", now=now)
        if key == "2":
            store.inbox.drop(job.id)
        else:
            store.inbox.retry(job.id, now=now)
            again = store.inbox.claim(now=now, lease_s=60)
            assert again is not None
            begun = store.outbox.begin(again, "answer", until=now + LATER)
            assert (begun.is_repeated, begun.message_ts) == (True, "17.1")
            store.inbox.finish(again)
