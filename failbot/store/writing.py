"""The contract of what a language model leaves in a store: what it is yet to write, and its use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from failbot.reader.base import Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One entry taken from `WantedQuestions`, to be finished, or released, before its lease ends.

    `id` and `until`, the lease's end, tell it from the same entry wanted anew meanwhile.
    """

    id: int
    team_id: str
    number: int
    attempts: int  # 1 the first time
    until: datetime


class WantedQuestions(Protocol):
    """The entries whose expected questions a language model is yet to write.

    `Failures.record` and `revise` add to them in their own transaction. A deleted entry is none.
    """

    def want(self, numbers: Sequence[int], *, team_id: str, now: datetime) -> int:
        """Adds these entries, to be taken at once, as if never tried; how many are wanted now.

        One that is closed stays closed; what is no entry is passed by.
        """

    def claim(self, *, now: datetime, lease_s: float, team_id: str = "") -> Wanted | None:
        """Of those that are due at `now` the youngest entry: somebody has just written it.

        One is due from when it was wanted on; once claimed, from the end of its lease on; once
        released, from its `retry_at` on. :param team_id: of this workspace alone.
        """

    def finish(self, wanted: Wanted) -> None:
        """It is written; nothing happens where the entry was wanted anew since it was claimed."""

    def release(self, wanted: Wanted, *, retry_at: datetime) -> None:
        """Gives it back, to be taken at that time; as `finish`, not where it was wanted anew."""

    def close(self, number: int, *, team_id: str) -> None:
        """From now on nothing is wanted for this entry: somebody chose among what there was."""

    def is_closed(self, number: int, *, team_id: str) -> bool: ...

    def lacking(self, team_id: str, *, limit: int) -> list[int]:
        """The entries that are not closed and hold no question of a model's, oldest first."""

    def waiting(self, team_id: str = "") -> int:
        """How many are wanted, of this workspace or of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one model was asked on one day (UTC), by all processes together.

    `stats.is_open` and `stats.form` are as last reported, at `reported_at`.
    """

    day: date
    model: str
    stats: Stats
    reported_at: datetime


class ModelUse(Protocol):
    """How much language models were used, day by day; numbers alone."""

    def add(self, model: str, more: Stats, *, now: datetime) -> None:
        """Adds to the figures of this moment's day; commits."""

    def since(self, day: date) -> list[Use]:
        """From this day (UTC) on, oldest first, of one day by model."""
