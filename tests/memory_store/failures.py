"""Entries and their versions, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from failbot.errors import NotFoundError, StoreError
from failbot.models import Draft, ExpectedQuestion, Failure, Place, Version, Viewer, Visibility
from failbot.search.bm25 import Words
from failbot.search.passages import text_of
from failbot.search.words import words
from failbot.store.tombstones import Tombstone
from tests.memory_store.heap import Heap, Kept, Values, sees, storable, texts_of, utc
from tests.memory_store.shown import make_stale
from tests.memory_store.writing import want


class MemoryFailures:
    """`Failures`."""

    def __init__(self, heap: Heap) -> None:
        self._heap = heap

    def record(
        self,
        draft: Draft,
        *,
        place: Place,
        author_id: str,
        now: datetime,
        source: str = "",
        expected: Sequence[ExpectedQuestion] = (),
        wants: bool = False,
    ) -> tuple[Failure, bool]:
        draft = kept_draft(draft)
        with self._heap.open() as values:
            if known := _known(values, place.team_id, source, draft.external_id):
                return known, False
            failure = _numbered(values, draft, place, author_id, utc(now))
            first = Version(number=1, draft=draft, changed_by=author_id, changed_at=utc(now))
            kept = Kept(failure=failure, source=source, versions=(first,), words=_words(draft))
            id = values.next_id()
            values.failures[id] = with_expected(kept, expected) if expected else kept
            if wants:
                want(values, id, now)
            return failure, True

    def record_many(
        self,
        drafts: Sequence[Draft],
        *,
        place: Place,
        author_id: str,
        now: datetime,
        expected: Sequence[Sequence[ExpectedQuestion]] = (),
        wants: bool = False,
    ) -> list[tuple[Failure, bool]]:
        with self._heap.open():
            return [
                self.record(
                    one,
                    place=place,
                    author_id=author_id,
                    now=now,
                    expected=questions,
                    wants=wants,
                )
                for one, questions in zip(drafts, expected or [()] * len(drafts), strict=True)
            ]

    def revise(
        self,
        number: int,
        draft: Draft,
        *,
        viewer: Viewer,
        by: str,
        now: datetime,
        wants: bool = False,
    ) -> Failure:
        draft = kept_draft(draft)
        with self._heap.open() as values:
            id, kept = find(values, number, viewer)
            if kept.failure.draft() == draft:
                return kept.failure
            _refuse_taken(values, id, viewer.team_id, draft.external_id)
            version = kept.failure.version + 1
            changed = replace(kept.failure, **_said(draft), version=version, updated_at=utc(now))
            made = Version(number=version, draft=draft, changed_by=by, changed_at=utc(now))
            values.failures[id] = replace(
                kept, failure=changed, versions=(*kept.versions, made), words=_words(draft)
            )
            if wants:
                want(values, id, now)
            return changed

    def amend(self, number: int, change: Callable[[Draft], Draft], *, viewer: Viewer) -> bool:
        with self._heap.open() as values:
            id, kept = find(values, number, viewer)
            drafts = [kept_draft(change(one.draft)) for one in kept.versions]
            if drafts == [one.draft for one in kept.versions]:
                return False
            newest = _unique(values, id, viewer.team_id, drafts[-1])
            version = kept.failure.version + 1
            older = zip(kept.versions[:-1], drafts[:-1], strict=True)
            values.failures[id] = replace(
                kept,
                failure=replace(kept.failure, **_said(newest), version=version),
                versions=(
                    *(replace(one, draft=draft) for one, draft in older),
                    replace(kept.versions[-1], number=version, draft=newest),
                ),
                words=_words(newest),
            )
            for key in [one for one in values.embeddings if one[0] == id]:
                del values.embeddings[key]
            return True

    def delete(self, number: int, *, viewer: Viewer) -> None:
        with self._heap.open() as values:
            id, kept = find(values, number, viewer)
            del values.failures[id]
            one = kept.failure
            stone = Tombstone(team_id=one.team_id, number=one.number, at=one.created_at)
            values.tombstones.setdefault(stone.key, stone)
            for key in [one for one in values.embeddings if one[0] == id]:
                del values.embeddings[key]
            values.wanted.pop(id, None)
            for said in [one for one in values.feedback if one[1] == id]:
                del values.feedback[said]
            make_stale(values, viewer.team_id, number)

    def set_card(self, number: int, *, team_id: str, message_ts: str) -> None:
        with self._heap.open() as values:
            for id, kept in list(values.failures.items()):
                if (kept.failure.team_id, kept.failure.number) == (team_id, number):
                    shown = replace(kept.failure, card_ts=message_ts)
                    values.failures[id] = replace(kept, failure=shown)

    def get(self, number: int, *, viewer: Viewer) -> Failure:
        with self._heap.open() as values:
            return find(values, number, viewer)[1].failure

    def at(self, numbers: Sequence[int], *, viewer: Viewer) -> dict[int, Failure]:
        with self._heap.open() as values:
            seen = [kept.failure for _, kept in visible(values, viewer)]
            return {one.number: one for one in seen if one.number in numbers}

    def versions(self, number: int, *, viewer: Viewer) -> list[Version]:
        with self._heap.open() as values:
            return list(find(values, number, viewer)[1].versions)

    def newest(
        self,
        *,
        viewer: Viewer,
        limit: int,
        author_id: str = "",
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Failure]:
        def is_wanted(one: Failure) -> bool:
            return (
                author_id in ("", one.author_id)
                and (since is None or one.created_at >= since)
                and (before is None or one.created_at < before)
            )

        return self._seen(viewer, is_wanted)[:limit]

    def count(self, *, viewer: Viewer, author_id: str = "") -> int:
        return len(self._seen(viewer, lambda one: author_id in ("", one.author_id)))

    def search(self, text: str, *, viewer: Viewer, limit: int) -> list[Failure]:
        wanted = words(storable(text))
        if not wanted:
            return []
        with self._heap.open() as values:
            seen = {kept.failure.number: kept for _, kept in visible(values, viewer)}
            ranked = Words()
            for kept in values.failures.values():
                if kept.failure.team_id == viewer.team_id:
                    ranked.add(kept.failure.number, kept.words)
            best = ranked.top(wanted, len(ranked))
            holding = [
                seen[number].failure
                for number, _ in best
                if number in seen and set(wanted) <= set(seen[number].words)
            ]
            return holding[:limit]

    def channels(self, team_id: str) -> list[str]:
        shared = (Visibility.WORKSPACE, Visibility.CHANNEL)
        return [one for one in self._channels(team_id, *shared) if one]

    def private_channels(self, team_id: str) -> list[str]:
        return self._channels(team_id, Visibility.CHANNEL)

    def teams(self) -> list[str]:
        with self._heap.open() as values:
            return sorted(values.last_number)

    def adopt(self, team_id: str, *, source_team_id: str) -> int:
        with self._heap.open() as values:
            held = [kept.failure.team_id for kept in values.failures.values()]
            if team_id in held or source_team_id not in held:
                return 0
            for id, kept in values.failures.items():
                if kept.failure.team_id == source_team_id:
                    moved = replace(kept.failure, team_id=team_id)
                    values.failures[id] = replace(kept, failure=moved)
            _move_what_hangs_on_them(values, source_team_id, team_id)
            return held.count(source_team_id)

    def _channels(self, team_id: str, *visibilities: Visibility) -> list[str]:
        with self._heap.open() as values:
            mine = (one.failure for one in values.failures.values())
            found = {
                one.channel_id
                for one in mine
                if one.team_id == team_id and one.visibility in visibilities
            }
            return sorted(found)

    def _seen(self, viewer: Viewer, is_wanted: Callable[[Failure], bool]) -> list[Failure]:
        with self._heap.open() as values:
            seen = [kept.failure for _, kept in visible(values, viewer)]
        newest = sorted(seen, key=lambda one: (one.created_at, one.number), reverse=True)
        return [one for one in newest if is_wanted(one)]


def kept_draft(draft: Draft) -> Draft:
    """The draft as it is stored. :raises TypeError: if a list of it holds what is no text."""
    for name in ("modes", "links", "tags"):
        if not all(isinstance(one, str) for one in getattr(draft, name)):
            raise TypeError(f"{name} holds what is no text")
    return replace(draft, **texts_of(draft, storable))


def with_expected(kept: Kept, questions: Sequence[ExpectedQuestion]) -> Kept:
    """With these in place of those that were there."""
    stored = (replace(one, text=storable(one.text), at=utc(one.at)) for one in questions)
    return replace(kept, expected=tuple(stored), expected_version=kept.expected_version + 1)


def visible(values: Values, viewer: Viewer) -> Iterator[tuple[int, Kept]]:
    """What this viewer sees, by id, oldest first."""
    for id, kept in sorted(values.failures.items()):
        one = kept.failure
        place = (one.visibility, one.channel_id)
        if sees(viewer, team_id=one.team_id, place=place, writer_id=one.author_id):
            yield id, kept


def _unique(values: Values, id: int, team_id: str, draft: Draft) -> Draft:
    """The draft, without an external id that is another failure's."""
    taken = [
        kept.failure.external_id
        for other, kept in values.failures.items()
        if other != id and kept.failure.team_id == team_id
    ]
    return replace(draft, external_id="") if draft.external_id in taken else draft


def find(values: Values, number: int, viewer: Viewer) -> tuple[int, Kept]:
    """:raises NotFoundError: if the viewer sees no such one."""
    for id, kept in visible(values, viewer):
        if kept.failure.number == number:
            return id, kept
    raise NotFoundError(f"There is no F-{number} that you can see.")


def _known(values: Values, team_id: str, source: str, external_id: str) -> Failure | None:
    mine = [kept for kept in values.failures.values() if kept.failure.team_id == team_id]
    by_source = [kept for kept in mine if source and kept.source == source]
    by_id = [kept for kept in mine if external_id and kept.failure.external_id == external_id]
    return next((kept.failure for kept in [*by_source, *by_id]), None)


def _refuse_taken(values: Values, id: int, team_id: str, external_id: str) -> None:
    known = _known(values, team_id, "", external_id)
    if known is not None and known.number != values.failures[id].failure.number:
        raise StoreError(f"{known.reference} has the external id {external_id!r} already.")


def _numbered(values: Values, draft: Draft, place: Place, author_id: str, now: datetime) -> Failure:
    number = values.last_number.get(place.team_id, 0) + 1
    values.last_number[place.team_id] = number
    return Failure(
        **_said(draft),
        team_id=place.team_id,
        number=number,
        author_id=author_id,
        channel_id=place.channel_id,
        visibility=place.visibility,
        is_unsure=place.is_unsure,
        created_at=now,
        updated_at=now,
    )


def _said(draft: Draft) -> dict[str, Any]:
    return {part.name: getattr(draft, part.name) for part in fields(Draft)}


def _words(draft: Draft) -> tuple[str, ...]:
    return tuple(words(storable(text_of(draft))))


def _move_what_hangs_on_them(values: Values, source: str, target: str) -> None:
    if _messages(values, source) & _messages(values, target):
        raise StoreError("Both workspaces hold a question of the same message.")
    last = max(values.last_number.pop(source), values.last_number.get(target, 0))
    values.last_number[target] = last
    for id, question in values.questions.items():
        if question.place.team_id == source:
            place = replace(question.place, team_id=target)
            values.questions[id] = replace(question, place=place)
    for id, (team_id, calibration) in values.calibrations.items():
        if team_id == source:
            values.calibrations[id] = (target, calibration)
    for id, (team_id, one) in values.imports.items():
        if team_id == source:
            values.imports[id] = (target, one)
    for key, stone in list(values.tombstones.items()):
        if stone.team_id == source:
            moved = replace(values.tombstones.pop(key), team_id=target)
            values.tombstones[moved.key] = moved
    for team_id, model in list(values.nulls):
        if team_id == source:
            values.nulls[target, model] = values.nulls.pop((source, model))


def _messages(values: Values, team_id: str) -> set[tuple[str, str]]:
    return {
        (one.place.channel_id, one.message_ts)
        for one in values.questions.values()
        if one.place.team_id == team_id and one.message_ts
    }
