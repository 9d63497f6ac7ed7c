"""A language model's expected questions, written of one wanted entry after another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from failbot.errors import (
    NotFoundError,
    PrivateTextError,
    ReaderError,
    StoppedError,
    StoreError,
    UnusableError,
)
from failbot.memory.reading import passage_of
from failbot.models import ExpectedQuestion, Failure, QuestionOrigin, Viewer
from failbot.reader.base import Reader
from failbot.store.base import Store
from failbot.store.writing import Wanted
from failbot.threads import Stop, Worker

log = logging.getLogger(__name__)

LEASE_S = 120.0  # a call takes 30 s at most; what a killed process held is taken up after this
LOOK_S = 5.0  # how often a serving process looks for what another process has recorded
REST_S = 60.0  # after a failure: the breaker of `reader/guards.py` rests as long
LONGEST_REST_S = 3_600.0
# What a model cannot use three times it will not use the fourth; one that is away is waited for.
ATTEMPTS = 3

Keep = Callable[..., tuple[ExpectedQuestion, ...]]  # Service.keep_expected
Told = Callable[[Failure, tuple[ExpectedQuestion, ...]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of one wanted entry.

    `questions` are a model's, now beside it. Without any, `error` says why: for good where
    `is_given_up`, else it is tried again; "" where the entry is gone or was changed meanwhile.
    """

    number: int
    questions: tuple[ExpectedQuestion, ...] = ()
    error: str = ""
    is_given_up: bool = False


class QuestionWriter:
    """Has a reader write the expected questions of what is wanted. Any thread."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        keep: Keep,
        *,
        now: Callable[[], datetime],
        pause_s: float = 0.0,
        told: Told = lambda failure, questions: None,
    ) -> None:
        """:param pause_s: between two entries: people who ask come first.

        :param told: hears of each entry that has its questions, before it counts as done; what it
            raises leaves the entry wanted.
        """
        self._store = store
        self._reader = reader
        self._keep = keep
        self._now = now
        self._pause_s = pause_s
        self._told = told
        self._woken = threading.Event()

    def wake(self) -> None:
        """Something was recorded, or `keep_writing` is to end."""
        self._woken.set()

    def worker(self, stop: Stop) -> Worker:
        """The thread, not yet started, that writes whatever is wanted."""
        return Worker("expect", self.keep_writing, stop=stop, wake=self.wake)

    def keep_writing(self, ending: threading.Event) -> None:
        """Writes whatever is wanted, until `ending` is set."""
        while not ending.is_set():
            self._woken.clear()
            try:
                written = self.write_next()
            except (StoreError, StoppedError) as error:
                if not ending.is_set():
                    log.warning("expected questions are not written: %s", error)
                ending.wait(REST_S)
                continue
            if written is None:
                if not ending.is_set():
                    self._woken.wait(LOOK_S)
            else:
                ending.wait(REST_S if self._is_away(written) else self._pause_s)

    def write_next(self, *, team_id: str = "") -> Written | None:
        """What became of the next wanted entry, of this workspace or of any; None: none is due."""
        if not self._store.wanted.waiting(team_id):
            return None
        now = self._now()
        wanted = self._store.wanted.claim(now=now, lease_s=LEASE_S, team_id=team_id)
        if wanted is None:
            return None
        try:
            written = self._write(wanted)
        except NotFoundError:
            written = Written(number=wanted.number)
        except ReaderError as error:
            written = self._failed(wanted, error)
        if written.error and not written.is_given_up:
            rest_s = min(LONGEST_REST_S, REST_S * 2.0 ** (wanted.attempts - 1))
            retry_at = now + timedelta(seconds=rest_s)
            self._store.wanted.release(wanted, retry_at=retry_at)
        else:
            self._store.wanted.finish(wanted)
        return written

    def _write(self, wanted: Wanted) -> Written:
        viewer = Viewer(team_id=wanted.team_id, is_operator=True)
        failure = self._store.failures.get(wanted.number, viewer=viewer)
        passage = passage_of(failure)
        lines = self._reader.expected_questions(passage.text, is_private=passage.is_private)
        current = self._store.failures.get(wanted.number, viewer=viewer)
        is_closed = self._store.wanted.is_closed(wanted.number, team_id=wanted.team_id)
        if is_closed or current.version != failure.version:
            return Written(number=wanted.number)
        kept = self._keep(
            wanted.number,
            lines,
            QuestionOrigin.MODEL,
            by=self._reader.name,
            viewer=viewer,
            now=self._now(),
        )
        questions = tuple(one for one in kept if one.origin is QuestionOrigin.MODEL)
        if questions:
            self._told(current, questions)
        return Written(number=wanted.number, questions=questions)

    def _failed(self, wanted: Wanted, error: ReaderError) -> Written:
        is_given_up = isinstance(error, PrivateTextError) or (
            isinstance(error, UnusableError) and wanted.attempts >= ATTEMPTS
        )
        log.info(
            "no expected questions for F-%d of %s, attempt %d: %s",
            wanted.number,
            wanted.team_id,
            wanted.attempts,
            error,
        )
        return Written(number=wanted.number, error=str(error), is_given_up=is_given_up)

    def _is_away(self, written: Written) -> bool:
        """Whether another entry would fare no better now."""
        return bool(written.error) and not written.is_given_up
