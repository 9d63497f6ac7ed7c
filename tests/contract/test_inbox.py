"""Every store hands each thing that came in to one worker at a time, until it is finished."""

from __future__ import annotations

from datetime import datetime, timedelta

from failbot.store.base import Store

MINUTE = timedelta(minutes=1)


def add(store: Store, now: datetime, *keys: str, text: str = "hello") -> bool:
    return store.inbox.add("question", {"text": text}, team_id="T1", keys=keys, now=now)


def test_an_item_comes_back_whole(store: Store, now: datetime) -> None:
    """Kind, payload, workspace and time of arrival."""
    assert add(store, now, "event:1", text="ünïcode \ud800")
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    assert (job.kind, job.team_id, job.attempts) == ("question", "T1", 1)
    assert job.received_at == now
    assert str(job.payload["text"]).startswith("ünïcode")


def test_any_known_key_makes_it_a_repetition(store: Store, now: datetime) -> None:
    """Slack may repeat a message under a new event id: one key in common is enough."""
    assert add(store, now, "event:1", "message:17.1")
    assert not add(store, now, "event:2", "message:17.1")
    assert not add(store, now, "event:1")
    assert add(store, now, "event:2"), "a refused repetition must not keep its keys"
    assert store.inbox.waiting() == 2


def test_keys_outlive_their_item(store: Store, now: datetime) -> None:
    """A repetition that comes after the answer is still one."""
    add(store, now, "event:1")
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    store.inbox.finish(job)
    assert store.inbox.waiting() == 0
    assert not add(store, now + timedelta(days=7), "event:1")
    assert add(store, now + timedelta(days=9), "event:1")


def test_the_oldest_due_item_is_claimed_once(store: Store, now: datetime) -> None:
    """While its lease lasts, nobody else gets it; afterwards they do."""
    add(store, now, "1", text="first")
    add(store, now + MINUTE, "2", text="second")
    later = now + 2 * MINUTE
    texts = [store.inbox.claim(now=later, lease_s=60).payload["text"] for _ in range(2)]
    assert texts == ["first", "second"]
    assert store.inbox.claim(now=later, lease_s=60) is None
    again = store.inbox.claim(now=later + MINUTE, lease_s=60)
    assert again is not None
    assert again.attempts == 2


def test_a_lease_can_be_made_longer(store: Store, now: datetime) -> None:
    """Who is still at work keeps the job; one that is finished stays so."""
    add(store, now, "1")
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    store.inbox.hold(job, until=now + 3 * MINUTE)
    assert store.inbox.claim(now=now + 2 * MINUTE, lease_s=60) is None
    store.inbox.finish(job)
    store.inbox.hold(job, until=now)
    assert store.inbox.claim(now=now + 4 * MINUTE, lease_s=60) is None


def test_a_released_item_waits_until_it_is_due(store: Store, now: datetime) -> None:
    """Slack said when to try again."""
    add(store, now, "1")
    job = store.inbox.claim(now=now, lease_s=600)
    assert job is not None
    store.inbox.release(job, retry_at=now + MINUTE)
    assert store.inbox.claim(now=now, lease_s=60) is None
    assert store.inbox.claim(now=now + MINUTE, lease_s=60) is not None
