"""The part of a store that erases, and remembers what must stay erased; as `store.base`'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from failbot.models import Draft, ExpectedQuestion, Failure, Place, Viewer
from failbot.store.tombstones import Tombstone


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What a store holds of one person in one workspace."""

    entries: tuple[int, ...] = ()  # the numbers of those that they logged
    own: tuple[int, ...] = ()  # of these, the numbers of those that nobody else ever saw
    edits: int = 0  # versions of others' entries
    questions: int = 0
    feedback: int = 0
    expected: int = 0  # what they asked, kept with others' entries, or wrote there
    waiting: int = 0  # jobs of the inbox that name them
    schedules: int = 0
    imports: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What became of a person's entries: those that are gone, and those without a name."""

    deleted: tuple[Failure, ...] = ()
    kept: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many were too old."""

    questions: int
    waiting: int  # jobs of the inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Entries that came in together, and those of them that are there still, by number."""

    id: int
    name: str
    by: str
    at: datetime
    numbers: tuple[int, ...]


class Erasures(Protocol):
    """What goes at somebody's word or by age, for good: from the files, too, once `scrub` says."""

    def delete(self, numbers: Sequence[int], *, viewer: Viewer) -> list[Failure]:
        """As `Failures.delete` for each, all of them or none: what is gone, in this order."""

    def traces(self, user_id: str, *, team_id: str) -> Traces:
        """What there is of this person now."""

    def forget(self, user_id: str, tombstone: Tombstone) -> Forgotten:
        """Erases what this person did in the tombstone's workspace up to its time, inclusive.

        Their entries with all that hangs on them, questions, feedback, what they asked and others'
        entries are found by, jobs that name them. Where it keeps their entries, these lose the
        name alone, but for those that nobody else ever saw. In what stays (versions, schedules,
        imports, expected questions that they wrote as authors) their id becomes empty. The
        tombstone is kept.
        """

    def people(self) -> list[tuple[str, str]]:
        """The workspace and id of everyone of whom there is a trace, sorted, each once."""

    def tombstones(self) -> list[Tombstone]:
        """Of all workspaces, oldest first. Deleting a failure leaves one, forgetting a person."""

    def unheeded(self) -> list[Tombstone]:
        """Those kept beside the store that it does not know: it is an older state of itself."""

    def bury(self, tombstones: Sequence[Tombstone]) -> list[Failure]:
        """Keeps them, and deletes the failures that they name, of whatever workspace: which."""

    def prune(self, *, before: datetime) -> Pruned:
        """Removes questions, with their feedback, and jobs that came before this moment."""

    def is_scrubbed(self) -> bool:
        """Whether nothing that was erased can be in the store's files."""

    def scrub(self) -> bool:
        """Takes what was erased out of the files; False where somebody reads: try again.

        Waits half a second at most. The tombstones are in the file beside the store by then.
        """


class Imports(Protocol):
    """What came in together."""

    def record(
        self,
        drafts: Sequence[Draft],
        *,
        name: str,
        place: Place,
        author_id: str,
        now: datetime,
        expected: Sequence[Sequence[ExpectedQuestion]] = (),
        wants: bool = False,
    ) -> tuple[int, list[tuple[Failure, bool]]]:
        """As `Failures.record_many`, with the import's id; 0 where none of them was new."""

    def all(self, team_id: str) -> list[Import]:
        """Newest first; one whose entries are all gone is none."""

    def drop(self, id: int, *, team_id: str) -> None:
        """Forgets that there was such an import; its entries stay."""
