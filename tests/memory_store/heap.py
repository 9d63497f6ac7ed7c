"""All that a store in memory holds, one lock over it, and transactions by copying."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from failbot.errors import StoreError
from failbot.models import (
    Draft,
    ExpectedQuestion,
    Failure,
    Feedback,
    Question,
    Schedule,
    Version,
    Viewer,
    Visibility,
)
from failbot.search.calibration import Calibration
from failbot.search.values import Embedding
from failbot.store.base import GivenUp, Job, MessageKind, StoredNull
from failbot.store.embedding import ActiveModel
from failbot.store.erasing import Import
from failbot.store.tombstones import Tombstone
from failbot.store.writing import Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One failure and what hangs on it."""

    failure: Failure
    source: str
    versions: tuple[Version, ...]
    words: tuple[str, ...]
    expected: tuple[ExpectedQuestion, ...] = ()
    expected_version: int = 0  # 0 until there are some


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job of the inbox; it may be taken from `due_at` on."""

    job: Job
    payload: str  # JSON
    due_at: datetime
    channel_id: str = ""
    is_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A message in Slack that shows entries; `stale` are those that it may not show any more."""

    kind: MessageKind
    about: str
    posted_at: datetime
    numbers: frozenset[int]
    stale: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One channel's claim on one ISO week."""

    attempts: int
    leased_until: datetime
    is_finished: bool = False
    message_ts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a failure's expected questions are to be written; None: closed."""

    at: datetime | None
    attempts: int = 0


@dataclass(slots=True)
class Values:
    """Mappings of frozen values only, so that a shallow copy is a snapshot."""

    failures: dict[int, Kept] = field(default_factory=dict)  # by an id that is never given twice
    last_number: dict[str, int] = field(default_factory=dict)  # by workspace
    # By failure and model: of which version, and of which of its expected questions.
    embeddings: dict[tuple[int, str], tuple[int, int, Embedding]] = field(default_factory=dict)
    active: dict[str, ActiveModel] = field(default_factory=dict)  # one at most, under ""
    calibrations: dict[int, tuple[str, Calibration]] = field(default_factory=dict)
    nulls: dict[tuple[str, str], StoredNull] = field(default_factory=dict)
    questions: dict[int, Question] = field(default_factory=dict)
    # By question: the model, and what was second.
    runner_ups: dict[int, tuple[str, float]] = field(default_factory=dict)
    feedback: dict[tuple[int, int, str], Feedback] = field(default_factory=dict)
    schedules: dict[tuple[str, str], Schedule] = field(default_factory=dict)
    weeks: dict[tuple[str, str, str], Week] = field(default_factory=dict)
    inbox: dict[int, Waiting] = field(default_factory=dict)
    given_up: dict[int, GivenUp] = field(default_factory=dict)
    inbox_keys: dict[str, datetime] = field(default_factory=dict)
    imports: dict[int, tuple[str, Import]] = field(default_factory=dict)  # with their workspace
    tombstones: dict[tuple[str, int, datetime, str], Tombstone] = field(default_factory=dict)
    wanted: dict[int, Due] = field(default_factory=dict)  # by failure
    use: dict[tuple[date, str], Use] = field(default_factory=dict)  # by day and model
    # By holder and step: the ts, None until it is sent.
    outbox: dict[tuple[object, str], str | None] = field(default_factory=dict)
    # By workspace, channel and ts.
    shown: dict[tuple[str, str, str], Posted] = field(default_factory=dict)
    last_id: dict[str, int] = field(default_factory=dict)  # one counter, under ""

    def copy(self) -> Values:
        return Values(*(dict(getattr(self, part.name)) for part in fields(Values)))

    def next_id(self) -> int:
        self.last_id[""] = self.last_id.get("", 0) + 1
        return self.last_id[""]


class Heap:
    """The values; any thread, one at a time."""

    def __init__(self, values: Values | None = None) -> None:
        self._values = values or Values()
        self._lock = threading.RLock()
        self._is_closed = False

    @classmethod
    def read(cls, path: Path) -> Heap:
        """What `write_to` wrote. :raises StoreError: if it is something else."""
        try:
            values = pickle.loads(path.read_bytes())
        except Exception as error:  # a damaged pickle raises whatever it likes
            raise StoreError(f"{path} is no backup: {error}") from error
        if not isinstance(values, Values):
            raise StoreError(f"{path} is no backup.")
        return cls(values)

    @contextmanager
    def open(self) -> Iterator[Values]:
        """The values, to read, or to write: on an error they are as before.

        :raises StoreError: if the store is closed.
        """
        with self._lock:
            if self._is_closed:
                raise StoreError("The store is closed.")
            before = self._values.copy()
            try:
                yield self._values
            except BaseException:
                self._restore(before)
                raise

    def write_to(self, path: Path) -> None:
        """:raises StoreError: if the file is there already, or cannot be written."""
        with self.open() as values:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    pickle.dump(values, file)
            except FileExistsError as error:
                raise StoreError(f"{path} is there already; name a new file.") from error
            except OSError as error:
                raise StoreError(f"{path}: {error.strerror}") from error

    def close(self) -> None:
        with self._lock:
            self._is_closed = True

    def _restore(self, before: Values) -> None:
        """In place: an outer transaction goes on with the same values."""
        for part in fields(Values):
            setattr(self._values, part.name, getattr(before, part.name))


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def storable(text: str) -> str:
    """What UTF-8 can hold of it, without NUL."""
    kept = ("?" if "\ud800" <= char <= "\udfff" else char for char in text if char != "\0")
    return "".join(kept)


def texts_of(draft: Draft, change: Callable[[str], str]) -> dict[str, Any]:
    """Every field of the draft that is a plain text, changed."""
    values = {part.name: getattr(draft, part.name) for part in fields(Draft)}
    return {name: change(one) for name, one in values.items() if type(one) is str}


def sees(viewer: Viewer, *, team_id: str, place: tuple[Visibility, str], writer_id: str) -> bool:
    """Whether this viewer sees what this person wrote there."""
    if viewer.team_id != team_id:
        return False
    visibility, channel_id = place
    if viewer.is_operator:
        return True
    if visibility is Visibility.AUTHOR:
        return bool(viewer.user_id) and viewer.user_id == writer_id
    if visibility is Visibility.WORKSPACE and viewer.sees_workspace:
        return True
    return channel_id in viewer.channel_ids
