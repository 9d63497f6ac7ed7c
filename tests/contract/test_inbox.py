"""Every store hands each thing that came in to one worker at a time, until it is finished."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from failbot.store.base import Store

MINUTE = timedelta(minutes=1)


def add(store: Store, now: datetime, *keys: str, text: str = "hello", **more: str) -> bool:
    facts = {"kind": "question", "channel_id": ""} | more
    kind, channel_id = facts["kind"], facts["channel_id"]
    payload: dict[str, object] = {"text": text}
    return store.inbox.add(kind, payload, team_id="T1", keys=keys, now=now, channel_id=channel_id)


def claimed(store: Store, now: datetime, count: int, **wanted: Any) -> list[object]:
    """The texts of so many jobs, in the order in which they are handed out."""
    found = [store.inbox.claim(now=now, lease_s=60, **wanted) for _ in range(count)]
    return [one and one.payload["text"] for one in found]


def test_an_item_comes_back_whole(store: Store, now: datetime) -> None:
    """Kind, payload, workspace and time of arrival."""
    assert add(store, now, "event:1", text="ünïcode \ud800")
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    assert (job.kind, job.team_id, job.attempts) == ("question", "T1", 1)
    assert job.received_at == now
    assert job.payload == {"text": "ünïcode \ud800"}


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


def test_a_key_is_known_for_eight_days(store: Store, now: datetime) -> None:
    """To the end of the eighth and no longer, and whatever workspace it came from."""
    assert add(store, now, "event:1")
    week = timedelta(days=8)
    assert not add(store, now + week, "event:1")
    other = {"team_id": "T2", "keys": ["event:1"], "now": now + week}
    assert not store.inbox.add("question", {}, **other)
    assert add(store, now + week + timedelta(microseconds=1), "event:1")
    assert not add(store, now + 2 * week, "event:1"), "it counts from its latest arrival"


def test_keys_may_repeat_or_be_none(store: Store, now: datetime) -> None:
    """A key named twice is one; what has none is always new."""
    assert add(store, now, "event:1", "event:1")
    assert add(store, now)
    assert add(store, now)
    assert store.inbox.waiting() == 3


def test_what_cannot_be_stored_leaves_no_keys(store: Store, now: datetime) -> None:
    """A payload that is no JSON is refused, and may come again as one that is."""
    with pytest.raises(TypeError):
        store.inbox.add("question", {"at": now}, team_id="T1", keys=["1"], now=now)
    assert store.inbox.waiting() == 0
    assert add(store, now, "1")


def test_what_is_due_for_longest_goes_first(store: Store, now: datetime) -> None:
    """One that was put off waits behind those that came meanwhile; of one moment, the older."""
    add(store, now, "1", text="put off")
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    store.inbox.release(job, retry_at=now + 2 * MINUTE)
    for text in ("second", "third"):
        add(store, now + MINUTE, text, text=text)
    later = now + 3 * MINUTE
    claimed = [store.inbox.claim(now=later, lease_s=60) for _ in range(4)]
    assert [one and one.payload["text"] for one in claimed] == ["second", "third", "put off", None]
    assert [one and one.attempts for one in claimed] == [1, 1, 2, None]


def test_a_lease_ends_to_the_moment(store: Store, now: datetime) -> None:
    """A job is another's at the very end of its lease and not before."""
    add(store, now, "1")
    assert store.inbox.claim(now=now - timedelta(microseconds=1), lease_s=60) is None
    assert store.inbox.claim(now=now, lease_s=60) is not None
    assert store.inbox.claim(now=now + MINUTE - timedelta(microseconds=1), lease_s=60) is None
    assert store.inbox.claim(now=now + MINUTE, lease_s=60) is not None


def test_one_busy_channel_does_not_keep_the_others_waiting(store: Store, now: datetime) -> None:
    """Whoever is free goes where the fewest are at work; a released job occupies nobody."""
    for number in range(4):
        add(store, now, text=f"flood {number}", channel_id="C1")
    for number in range(2):
        add(store, now + MINUTE, text=f"late {number}", channel_id="C2")
    add(store, now + MINUTE, text="last", channel_id="C3")
    later = now + 2 * MINUTE
    assert claimed(store, later, 4) == ["flood 0", "late 0", "last", "flood 1"]
    job = store.inbox.claim(now=later, lease_s=60)
    assert job is not None
    assert job.payload["text"] == "late 1"
    store.inbox.release(job, retry_at=later + MINUTE)
    add(store, later, text="more", channel_id="C2")
    assert claimed(store, later, 2) == ["more", "flood 2"]


def test_a_lease_that_ended_occupies_no_channel(store: Store, now: datetime) -> None:
    """What a dead process held is no reason to wait."""
    add(store, now, text="dead", channel_id="C1")
    assert claimed(store, now, 1) == ["dead"]
    add(store, now + MINUTE, text="first", channel_id="C1")
    add(store, now + MINUTE, text="second", channel_id="C2")
    assert claimed(store, now + MINUTE, 3) == ["dead", "second", "first"]


def test_a_worker_takes_the_kinds_that_it_is_there_for(store: Store, now: datetime) -> None:
    """Only some, or all but some."""
    for kind in ("card", "question", "it's"):
        add(store, now, text=kind, kind=kind)
    assert claimed(store, now, 2, only={"question"}) == ["question", None]
    assert claimed(store, now, 2, never={"card", "question"}) == ["it's", None]
    assert claimed(store, now, 1, never={"question"}) == ["card"]


def test_what_a_process_holds_it_does_not_take_again(store: Store, now: datetime) -> None:
    """After a pause past its lease its other threads leave it; another process takes it."""
    add(store, now, text="mine")
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    later = now + 2 * MINUTE
    assert claimed(store, later, 1, held={job.id}) == [None]
    assert claimed(store, later, 1, held={job.id + 1}) == ["mine"]


def test_a_job_that_was_taken_over_is_nobody_elses(store: Store, now: datetime) -> None:
    """Who held it before neither finishes it, gives it back, nor keeps it."""
    add(store, now)
    late = store.inbox.claim(now=now, lease_s=60)
    assert late is not None
    mine = store.inbox.claim(now=now + MINUTE, lease_s=60)
    assert mine is not None
    store.inbox.finish(late)
    store.inbox.release(late, retry_at=now)
    store.inbox.hold(late, until=now)
    assert store.inbox.claim(now=now + MINUTE, lease_s=60) is None
    assert store.inbox.waiting() == 1
    store.inbox.finish(mine)
    assert store.inbox.waiting() == 0
