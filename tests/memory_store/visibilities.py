"""In memory: what becomes of entries and questions when their channel is read by others."""

from __future__ import annotations

from dataclasses import replace

from failbot.errors import NotFoundError
from failbot.models import Access, Failure, Visibility
from tests.memory_store.heap import Heap

CLOSED = (Access.PRIVATE, Access.HIDDEN)


class MemoryVisibilities:
    """`Visibilities`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def follow(self, channel_id: str, access: Access, *, team_id: str) -> list[Failure]:
        changed = []
        with self._heap.open() as values:
            for id, kept in sorted(values.failures.items()):
                one = kept.failure
                if not channel_id or (one.team_id, one.channel_id) != (team_id, channel_id):
                    continue
                after = _after(one, access)
                if after != one:
                    values.failures[id] = replace(kept, failure=after)
                    changed.append(after)
            for id, question in values.questions.items():
                place = question.place
                is_here = (place.team_id, place.channel_id) == (team_id, channel_id)
                if is_here and access in CLOSED and place.visibility is Visibility.WORKSPACE:
                    narrowed = replace(place, visibility=Visibility.CHANNEL)
                    values.questions[id] = replace(question, place=narrowed)
        return sorted(changed, key=lambda one: one.number)

    def publish(self, number: int, *, team_id: str, author_id: str) -> Failure:
        with self._heap.open() as values:
            for id, kept in values.failures.items():
                one = kept.failure
                if (one.team_id, one.number, one.author_id) == (team_id, number, author_id):
                    published = replace(
                        one,
                        visibility=Visibility.WORKSPACE,
                        is_unsure=False,
                        is_published=True,
                    )
                    values.failures[id] = replace(kept, failure=published)
                    return published
        raise NotFoundError(f"There is no F-{number} of yours.")

    def detach(self, channel_id: str, *, team_id: str) -> None:
        with self._heap.open() as values:
            for id, kept in values.failures.items():
                one = kept.failure
                is_here = (one.team_id, one.channel_id) == (team_id, channel_id)
                if is_here and one.visibility is Visibility.WORKSPACE:
                    values.failures[id] = replace(kept, failure=replace(one, is_published=True))

    def followed(self, *, is_unsure: bool = False) -> list[tuple[str, str]]:
        with self._heap.open() as values:
            entries = {
                (one.failure.team_id, one.failure.channel_id)
                for one in values.failures.values()
                if one.failure.is_unsure or (_follows(one.failure) and not is_unsure)
            }
            asked = {
                (one.place.team_id, one.place.channel_id)
                for one in values.questions.values()
                if one.place.visibility is Visibility.WORKSPACE and not is_unsure
            }
            return sorted(pair for pair in entries | asked if pair[1])


def _follows(one: Failure) -> bool:
    return one.visibility is Visibility.WORKSPACE and not one.is_published


def _after(one: Failure, access: Access) -> Failure:
    if access is Access.PRIVATE and (one.is_unsure or _follows(one)):
        return replace(one, visibility=Visibility.CHANNEL, is_unsure=False)
    if access is Access.HIDDEN and _follows(one):
        return replace(one, visibility=Visibility.CHANNEL, is_unsure=True)
    if access is Access.WORKSPACE and one.is_unsure:
        return replace(one, visibility=Visibility.WORKSPACE, is_unsure=False)
    return replace(one, is_unsure=False) if access is Access.SHARED else one
