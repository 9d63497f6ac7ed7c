"""What is deleted is gone: from the store, from its files, and from a backup that is restored."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from failbot.config import LOCAL_TEAM_ID
from failbot.errors import FailbotError, NotFoundError
from failbot.memory.redact import redact
from failbot.models import Draft, ExpectedQuestion, Failure, Place, Viewer
from failbot.store.base import Store
from failbot.store.erasing import Forgotten, Import, Pruned
from failbot.store.tombstones import Tombstone, of_person
from failbot.threads import Stop, Worker

log = logging.getLogger(__name__)

SWEEP_S = 20.0  # another process may have erased something, and ended before the files were clean
RETRY_S = 0.5
TOLD_AFTER_S = 60.0  # nobody reads for as long: whoever does should be ended


class Eraser:
    """Erases in one store, and sees to its files. Any thread may call it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._woken = threading.Event()

    def background(self, stop: Stop) -> Worker:
        """The thread, not yet started, that takes what is erased out of the store's files."""
        return Worker("erase", self.keep_scrubbing, stop=stop, wake=self.wake)

    def wake(self) -> None:
        """Something was erased, or `keep_scrubbing` is to end."""
        self._woken.set()

    def delete(self, numbers: Sequence[int], *, viewer: Viewer) -> list[Failure]:
        """The failures that are gone, all of these or none. :raises NotFoundError:"""
        gone = self._store.erasures.delete(numbers, viewer=viewer)
        self.wake()
        return gone

    def forget(
        self, user_id: str, *, team_id: str, keeps_entries: bool, now: datetime
    ) -> Forgotten:
        """See `Erasures.forget`."""
        stone = of_person(
            user_id,
            team_id=team_id,
            at=now,
            keeps_entries=keeps_entries,
            known=self._store.erasures.tombstones(),
        )
        done = self._store.erasures.forget(user_id, stone)
        self.wake()
        return done

    def heed(self, tombstones: Sequence[Tombstone]) -> int:
        """Erases again what these name; how many entries went.

        What was logged before a workspace was known is that workspace's: see `Failures.adopt`.
        """
        gone = len(self._store.erasures.bury(tombstones))
        people = self._store.erasures.people()
        for stone in tombstones:
            for team_id, user_id in people:
                if _is_same(stone.team_id, team_id) and stone.is_of(user_id):
                    done = self._store.erasures.forget(user_id, replace(stone, team_id=team_id))
                    gone += len(done.deleted)
        self.wake()
        return gone

    def prune(self, *, days: int, now: datetime) -> Pruned:
        """Removes questions and jobs older than this many days; 0 keeps all of them."""
        if not days:
            return Pruned(questions=0, waiting=0)
        pruned = self._store.erasures.prune(before=now - timedelta(days=days))
        self.wake()
        return pruned

    def record_import(
        self,
        drafts: Sequence[Draft],
        *,
        name: str,
        place: Place,
        author_id: str,
        now: datetime,
        expected: Sequence[Sequence[ExpectedQuestion]],
        wants: bool,
    ) -> tuple[int, list[tuple[Failure, bool]]]:
        """See `Imports.record`; the name is kept without its secrets."""
        return self._store.imports.record(
            drafts,
            name=redact(name)[0],
            place=place,
            author_id=author_id,
            now=now,
            expected=expected,
            wants=wants,
        )

    def imports(self, team_id: str) -> list[Import]:
        """Newest first, each with those of its entries that are there still."""
        return self._store.imports.all(team_id)

    def import_of(self, id: int, team_id: str) -> Import:
        """:raises NotFoundError: there is none, or nothing is left of it."""
        for one in self.imports(team_id):
            if one.id == id:
                return one
        raise NotFoundError(
            f"Nothing is left of an import {id}. `failbot undo-import --list` shows what there is."
        )

    def undo_import(self, id: int, *, viewer: Viewer) -> list[Failure]:
        """The entries of the import that are gone now. :raises NotFoundError:"""
        gone = self.delete(self.import_of(id, viewer.team_id).numbers, viewer=viewer)
        self._store.imports.drop(id, team_id=viewer.team_id)
        return gone

    def scrub(self, *, patience_s: float) -> bool:
        """Whether what was erased is out of the files, tried again for this long."""
        until = time.monotonic() + patience_s
        while not self._store.erasures.scrub():
            if time.monotonic() >= until:
                return False
            time.sleep(RETRY_S / 5)
        return True

    def keep_scrubbing(self, ending: threading.Event) -> None:
        """Takes whatever is erased out of the files, until `ending` is set; `wake` after that.

        Begins with what a store that was put back by hand must forget again.
        """
        waiting_since: float | None = None
        self._heed_beside()
        while not ending.is_set():
            self._woken.clear()
            is_clean = self._try_scrub()
            if is_clean or waiting_since is None:
                waiting_since = None if is_clean else time.monotonic()
            elif time.monotonic() - waiting_since > TOLD_AFTER_S:
                log.warning(
                    "what was deleted is still in the database's files: another program has been "
                    "reading for over %.0f s; end it",
                    TOLD_AFTER_S,
                )
                waiting_since = None
            if not ending.is_set():
                self._woken.wait(SWEEP_S if is_clean else RETRY_S)

    def _try_scrub(self) -> bool:
        try:
            return self._store.erasures.scrub()
        except FailbotError as error:
            log.warning("the database's files are not scrubbed: %s", error)
            return True  # said; the next sweep tries again

    def _heed_beside(self) -> None:
        try:
            if stones := self._store.erasures.unheeded():
                count = self.heed(stones)
                log.warning(
                    "this database is older than the deletions beside it: %d tombstones were "
                    "heeded, %d entries deleted again",
                    len(stones),
                    count,
                )
        except FailbotError as error:
            log.warning("tombstones are not heeded: %s", error)


def _is_same(one: str, other: str) -> bool:
    return one == other or LOCAL_TEAM_ID in (one, other)
