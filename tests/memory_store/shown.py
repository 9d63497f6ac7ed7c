"""Messages in Slack that show entries, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from failbot.store.base import ShownMessage
from tests.memory_store.heap import Heap, Posted, Values, utc

Key = tuple[str, str, str]


class MemoryShownMessages:
    """`ShownMessages`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def remember(self, message: ShownMessage) -> None:
        with self._heap.open() as values:
            if not message.numbers:
                return
            at = utc(message.posted_at)
            first = Posted(
                kind=message.kind, about=message.about, posted_at=at, numbers=frozenset()
            )
            known = values.shown.get(_key(message), first)
            numbers = known.numbers | set(message.numbers)
            values.shown[_key(message)] = _checked(values, message, replace(known, numbers=numbers))

    def of(self, number: int, *, team_id: str) -> list[ShownMessage]:
        with self._heap.open() as values:
            return _found(values, lambda key, one: key[0] == team_id and number in one.numbers)

    def recall(self, number: int, *, team_id: str) -> int:
        with self._heap.open() as values:
            return make_stale(values, team_id, number)

    def stale(self, *, limit: int) -> list[ShownMessage]:
        with self._heap.open() as values:
            return _found(values, lambda _, one: bool(one.stale))[:limit]

    def settle(self, message: ShownMessage, *, still: Collection[int]) -> None:
        with self._heap.open() as values:
            known = values.shown.pop(_key(message), None)
            if known and (numbers := known.numbers & set(still)):
                kept = replace(known, numbers=numbers, stale=frozenset())
                values.shown[_key(message)] = _checked(values, message, kept)


def make_stale(values: Values, team_id: str, number: int) -> int:
    """Every message of the workspace that shows this number is stale; how many."""
    found = [
        key for key, one in values.shown.items() if key[0] == team_id and number in one.numbers
    ]
    for key in found:
        one = values.shown[key]
        values.shown[key] = replace(one, stale=one.stale | {number})
    return len(found)


def _checked(values: Values, message: ShownMessage, posted: Posted) -> Posted:
    """It, stale if it shows what is not there."""
    there = {
        kept.failure.number
        for kept in values.failures.values()
        if kept.failure.team_id == message.team_id
    }
    return replace(posted, stale=posted.stale | (posted.numbers - there))


def _found(values: Values, wanted: Callable[[Key, Posted], bool]) -> list[ShownMessage]:
    found = [
        ShownMessage(
            team_id=key[0],
            channel_id=key[1],
            message_ts=key[2],
            kind=one.kind,
            about=one.about,
            numbers=tuple(sorted(one.numbers)),
            posted_at=one.posted_at,
        )
        for key, one in values.shown.items()
        if wanted(key, one)
    ]
    return sorted(found, key=lambda one: (one.posted_at, one.channel_id, one.message_ts))


def _key(message: ShownMessage) -> Key:
    return (message.team_id, message.channel_id, message.message_ts)
