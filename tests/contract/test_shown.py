"""Every store knows which messages in Slack show an entry, and which may not any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from failbot.store.base import MessageKind, ShownMessage, Store
from tests.make import ANA, draft, public, viewer

EVERYTHING = viewer(ANA, "G0SECRET")


def message(now: datetime, ts: str = "17.1", *numbers: int, **more: object) -> ShownMessage:
    facts = {"team_id": "T1", "channel_id": "C1", "kind": MessageKind.ANSWER, "posted_at": now}
    return ShownMessage(message_ts=ts, numbers=numbers, **facts | more)  # type: ignore[arg-type]


def filled(store: Store, now: datetime, count: int = 3) -> None:
    for at in range(count):
        store.failures.record(draft(f"Run {at}"), place=public(), author_id=ANA, now=now)


def test_a_message_is_found_by_each_entry_that_it_shows(store: Store, now: datetime) -> None:
    """Whole, oldest first; of one workspace; remembered twice is once."""
    filled(store, now)
    later = message(now + timedelta(days=1), "18.1", 2, kind=MessageKind.DIGEST, about="2026-W10")
    first = message(now, "17.1", 1, 2, about="7")
    for one in (later, first, first):
        store.shown.remember(one)
    assert store.shown.of(2, team_id="T1") == [first, later]
    assert store.shown.of(1, team_id="T1") == [first]
    assert store.shown.of(2, team_id="T2") == []
    assert store.shown.stale(limit=9) == []


def test_a_message_may_come_to_show_more(store: Store, now: datetime) -> None:
    """What was known of it stays."""
    filled(store, now)
    store.shown.remember(message(now, "17.1", 2))
    store.shown.remember(message(now, "17.1", 1))
    assert [one.numbers for one in store.shown.of(1, team_id="T1")] == [(1, 2)]


def test_what_shows_nothing_is_not_kept(store: Store, now: datetime) -> None:
    """An answer without matches may stay for ever."""
    store.shown.remember(message(now, "17.1"))
    assert store.shown.stale(limit=9) == []


def test_a_deleted_entry_makes_its_messages_stale(store: Store, now: datetime) -> None:
    """Whoever deleted it, until each is settled; the limit is kept to."""
    filled(store, now)
    first, second = message(now, "17.1", 1, 2), message(now, "17.2", 1)
    for one in (first, second, message(now, "17.3", 3)):
        store.shown.remember(one)
    store.failures.delete(1, viewer=EVERYTHING)
    assert store.shown.stale(limit=9) == [first, second]
    assert store.shown.stale(limit=1) == [first]
    store.shown.settle(first, still=[2])
    store.shown.settle(second, still=[])
    assert store.shown.stale(limit=9) == []
    assert [one.numbers for one in store.shown.of(2, team_id="T1")] == [(2,)]
    assert store.shown.of(1, team_id="T1") == []


def test_a_message_of_an_entry_that_is_gone_is_stale_at_once(store: Store, now: datetime) -> None:
    """It was deleted while the message was on its way."""
    filled(store, now)
    store.failures.delete(2, viewer=EVERYTHING)
    card = message(now, "17.1", 2, kind=MessageKind.CARD)
    store.shown.remember(card)
    assert store.shown.stale(limit=9) == [card]
    answer = message(now, "17.2", 1, 3)
    store.shown.remember(answer)
    store.failures.delete(1, viewer=EVERYTHING)
    store.failures.delete(3, viewer=EVERYTHING)
    store.shown.settle(answer, still=[3])
    assert [one.numbers for one in store.shown.stale(limit=9)] == [(2,), (3,)]


def test_a_recalled_entry_makes_its_messages_stale(store: Store, now: datetime) -> None:
    """It is there, and fewer may see it."""
    filled(store, now)
    for ts in ("17.1", "17.2"):
        store.shown.remember(message(now, ts, 1, 2))
    assert store.shown.recall(2, team_id="T1") == 2
    assert store.shown.recall(2, team_id="T2") == 0
    assert len(store.shown.stale(limit=9)) == 2
    for one in store.shown.stale(limit=9):
        store.shown.settle(one, still=[1, 2])
    assert store.shown.stale(limit=9) == []


def test_a_message_keeps_apart_from_those_of_other_workspaces(store: Store, now: datetime) -> None:
    """The same number elsewhere is another entry."""
    filled(store, now, 1)
    store.failures.record(draft(), place=public(team_id="T2"), author_id=ANA, now=now)
    store.shown.remember(message(now, "17.1", 1))
    store.shown.remember(message(now, "17.1", 1, team_id="T2"))
    store.failures.delete(1, viewer=EVERYTHING)
    assert [one.team_id for one in store.shown.stale(limit=9)] == ["T1"]
