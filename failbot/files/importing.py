"""Rows of a file made into drafts: which columns feed which fields, and what is wrong where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from failbot.errors import InputError
from failbot.files.cells import CellError, Entry, entry_in, is_wanted
from failbot.files.planning import FIELDS, Plan, feeds, parse_plan
from failbot.files.tabular import Bad, Row
from failbot.models import Draft, QuestionOrigin, Visibility
from failbot.search.expected import problems

__all__ = ["Entry", "Plan", "Reading", "entry_of", "parse_plan", "read"]

# What an export says of a record itself: the new memory gives its own.
RECORD_KEYS = frozenset(
    [
        "number",
        "reference",
        "author_id",
        "channel_id",
        "visibility",
        "created_at",
        "updated_at",
        "version",
    ]
)
NAMED = 5  # lines that a warning names


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file holds: drafts with their external ids, what is wrong, and what to know."""

    entries: tuple[Entry, ...]
    bad: tuple[Bad, ...]
    left_out: int  # rows that `wheres` excludes
    warnings: tuple[str, ...]

    @property
    def drafts(self) -> tuple[Draft, ...]:
        return tuple(entry.draft for entry in self.entries)

    @property
    def questions(self) -> tuple[Mapping[str, QuestionOrigin], ...]:
        """How someone would ask about each draft, and whose words that is."""
        return tuple(entry.questions for entry in self.entries)


def read(rows: Iterable[Row | Bad], plan: Plan) -> Reading:
    """Every row's draft, or what is wrong with it.

    An entry without an external id gets one from its row's content, so that the same file read
    twice gives the same ids. :raises InputError: the plan does not fit the file.
    """
    return _Reader(plan).read(rows)


def entry_of(cells: dict[str, object]) -> Entry:
    """The entry that one JSON object describes, under the same names as in a file.

    :raises InputError: naming the field.
    """
    plan = Plan()
    unknown = [name for name in cells if not feeds(name, plan) and name not in RECORD_KEYS]
    if unknown:
        raise InputError(f"unknown field {unknown[0]!r}; known: {', '.join(FIELDS)}")
    try:
        return entry_in(Row(line=1, cells=cells), plan)
    except CellError as error:
        raise InputError(f"{error.field}: {error.words}") from error


class _Reader:
    """Collects one file's reading: ids and columns that were seen, in one pass."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._entries: list[Entry] = []
        self._bad: list[Bad] = []
        self._left_out = 0
        self._columns: dict[str, None] = {}
        self._wide: list[int] = []
        self._copies: dict[str, int] = {}
        self._by_id: dict[str, Entry] = {}

    def read(self, rows: Iterable[Row | Bad]) -> Reading:
        for row in rows:
            if isinstance(row, Bad):
                self._bad.append(row)
            else:
                self._columns |= dict.fromkeys(row.cells)
                self._take(row)
        self._check_columns()
        return Reading(
            entries=tuple(self._entries),
            bad=tuple(self._bad),
            left_out=self._left_out,
            warnings=tuple(self._warnings()),
        )

    def _take(self, row: Row) -> None:
        if not is_wanted(row, self._plan):
            self._left_out += 1
            return
        if row.extra:
            self._wide.append(row.line)
        try:
            entry = self._entry(row)
        except CellError as error:
            self._bad.append(Bad(line=row.line, field=error.field, words=error.words))
            return
        found = entry.draft.problems() | problems(entry.questions)
        for name, words in found.items():
            self._bad.append(Bad(line=row.line, field=name, words=words))
        if not found:
            self._entries.append(entry)

    def _entry(self, row: Row) -> Entry:
        _refuse_private(row, self._plan)
        entry = entry_in(row, self._plan)
        if not entry.draft.external_id:
            return replace(entry, draft=replace(entry.draft, external_id=self._derived(row)))
        own_id = entry.draft.external_id
        first = self._by_id.setdefault(own_id, entry)
        if replace(first, line=entry.line) != entry:
            raise CellError("external_id", f"{own_id!r} is line {first.line}'s; each needs its own")
        return entry

    def _derived(self, row: Row) -> str:
        """Equal rows are counted: a file that says a thing twice means it twice."""
        content = json.dumps([row.cells, row.extra], sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()[:24]
        copy = self._copies[digest] = self._copies.get(digest, 0) + 1
        return f"row-{digest}" + (f"-{copy}" if copy > 1 else "")

    def _check_columns(self) -> None:
        if not self._columns:
            return
        named = [column for column, _ in self._plan.maps] + [one for one, *_ in self._plan.wheres]
        missing = [name for name in named if name not in self._columns]
        columns = ", ".join(self._columns)
        if missing:
            raise InputError(f"the file has no column {missing[0]!r}; it has: {columns}")
        fed = {name for column in self._columns for name in feeds(column, self._plan)}
        unfed = [name for name in ("tried", "happened") if name not in fed]
        if unfed:
            raise InputError(
                f"nothing feeds {unfed[0]!r}; say --map COLUMN={unfed[0]}, columns: {columns}"
            )

    def _warnings(self) -> Iterator[str]:
        unused = [
            name
            for name in self._columns
            if not feeds(name, self._plan) and name not in RECORD_KEYS
        ]
        if unused:
            yield f"not imported, since no --map names them: {', '.join(unused)}"
        if self._wide:
            lines = ", ".join(map(str, self._wide[:NAMED]))
            yield (
                f"{len(self._wide)} rows have more cells than the header; those are kept at the "
                f"end of the last mapped column (lines {lines}"
                f"{', …' if len(self._wide) > NAMED else ''})"
            )


def _refuse_private(row: Row, plan: Plan) -> None:
    seen_by = row.cells.get("visibility")
    if seen_by in (Visibility.CHANNEL, Visibility.AUTHOR) and not plan.publish:
        raise CellError(
            "visibility",
            f"the entry is private ({seen_by!r}) and would become the whole workspace's; "
            "leave it out of the export, or say --publish",
        )
