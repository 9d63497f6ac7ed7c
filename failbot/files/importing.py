"""Rows of a file made into drafts: which columns feed which fields, and what is wrong where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from failbot.errors import InputError
from failbot.fields import kinds, lists, texts
from failbot.files.tabular import Bad, Row
from failbot.models import (
    NAME_LIMIT,
    Draft,
    Explanation,
    ExplanationStatus,
    QuestionOrigin,
    Visibility,
    first_sentence,
    shorten,
)
from failbot.search.expected import problems
from failbot.taxonomy import Outcome
from failbot.text import clean

# A column is named as its field, but for this one: a row has one explanation, not a list.
COLUMN = {"explanations": "explanation"}
# Beside the draft's own fields, how someone would ask about it.
FIELDS = (*(COLUMN.get(name, name) for name in kinds(Draft)), "questions")
# Texts in which lines can be joined; an id is no such.
PROSE = frozenset(texts(Draft)) - {"external_id"}
# Other names of a field. The last two are what people write, or an export.
ALIASES = {"id": "external_id", "why": "explanation"} | COLUMN
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
class Plan:
    """How a file's columns become fields.

    `maps` are (column, field) as given: several columns of one text field are joined as lines
    "column: value"; one column may feed several fields. A column that bears a field's name feeds
    it unless either is mapped. `wheres` are (column, value, whether it must be equal). `outcomes`
    translates a file's words into outcomes; "*" stands for all others, "" for none.
    """

    maps: tuple[tuple[str, str], ...] = ()
    wheres: tuple[tuple[str, str, bool], ...] = ()
    outcomes: dict[str, str] = field(default_factory=dict)
    publish: bool = False  # take entries that their export calls private


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A draft, how someone would ask about it, and the line that it begins on."""

    line: int
    draft: Draft
    questions: Mapping[str, QuestionOrigin] = field(default_factory=dict)


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


def parse_plan(
    maps: Sequence[str] = (),
    wheres: Sequence[str] = (),
    outcomes: Sequence[str] = (),
    *,
    publish: bool = False,
) -> Plan:
    """The plan that the options say. :raises InputError: naming the option that cannot be read."""
    return Plan(
        maps=tuple(_map(text) for text in maps),
        wheres=tuple(_where(text) for text in wheres),
        outcomes=dict(_outcome_word(text) for text in outcomes),
        publish=publish,
    )


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
    unknown = [name for name in cells if not _feeds(name, plan) and name not in RECORD_KEYS]
    if unknown:
        raise InputError(f"unknown field {unknown[0]!r}; known: {', '.join(FIELDS)}")
    try:
        return _entry(Row(line=1, cells=cells), plan)
    except _CellError as error:
        raise InputError(f"{error.field}: {error.words}") from error


class _CellError(Exception):
    """What stands in a row for one field cannot be taken."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(field, words)
        self.field, self.words = field, words


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
        if not _is_wanted(row, self._plan):
            self._left_out += 1
            return
        if row.extra:
            self._wide.append(row.line)
        try:
            entry = self._entry(row)
        except _CellError as error:
            self._bad.append(Bad(line=row.line, field=error.field, words=error.words))
            return
        found = entry.draft.problems() | problems(entry.questions)
        for name, words in found.items():
            self._bad.append(Bad(line=row.line, field=name, words=words))
        if not found:
            self._entries.append(entry)

    def _entry(self, row: Row) -> Entry:
        _refuse_private(row, self._plan)
        entry = _entry(row, self._plan)
        if not entry.draft.external_id:
            return replace(entry, draft=replace(entry.draft, external_id=self._derived(row)))
        own_id = entry.draft.external_id
        first = self._by_id.setdefault(own_id, entry)
        if replace(first, line=entry.line) != entry:
            raise _CellError(
                "external_id", f"{own_id!r} is line {first.line}'s; each needs its own"
            )
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
        fed = {name for column in self._columns for name in _feeds(column, self._plan)}
        unfed = [name for name in ("tried", "happened") if name not in fed]
        if unfed:
            raise InputError(
                f"nothing feeds {unfed[0]!r}; say --map COLUMN={unfed[0]}, columns: {columns}"
            )

    def _warnings(self) -> Iterator[str]:
        unused = [
            name
            for name in self._columns
            if not _feeds(name, self._plan) and name not in RECORD_KEYS
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


def _feeds(column: str, plan: Plan) -> tuple[str, ...]:
    """The fields that a column feeds."""
    mapped = tuple(name for source, name in plan.maps if source == column)
    own = ALIASES.get(column, column)
    if mapped or own not in FIELDS or any(name == own for _, name in plan.maps):
        return mapped
    return (own,)


def _is_wanted(row: Row, plan: Plan) -> bool:
    """Values of one column are alternatives, columns are conditions."""
    wanted: dict[str, bool] = {}
    for column, value, equal in plan.wheres:
        cell = row.cells.get(column)
        holds = value in ([str(one) for one in cell] if isinstance(cell, list) else [_plain(cell)])
        if not equal and holds:
            return False
        if equal:
            wanted[column] = wanted.get(column, False) or holds
    return all(wanted.values())


def _refuse_private(row: Row, plan: Plan) -> None:
    seen_by = row.cells.get("visibility")
    if seen_by in (Visibility.CHANNEL, Visibility.AUTHOR) and not plan.publish:
        raise _CellError(
            "visibility",
            f"the entry is private ({seen_by!r}) and would become the whole workspace's; "
            "leave it out of the export, or say --publish",
        )


def _entry(row: Row, plan: Plan) -> Entry:
    sources = _sources(row, plan)
    draft = _draft(sources, plan)
    return Entry(line=row.line, draft=draft, questions=dict(_questions(sources)))


def _sources(row: Row, plan: Plan) -> dict[str, list[tuple[str, object]]]:
    """By field: the columns that feed it, each with its value, in the plan's order."""
    sources: dict[str, list[tuple[str, object]]] = {}
    for column, value in _with_extra(row, plan).items():
        for name in _feeds(column, plan):
            sources.setdefault(name, []).append((column, value))
    order = {pair: place for place, pair in enumerate(plan.maps)}
    for name, found in sources.items():
        found.sort(key=lambda pair: order.get((pair[0], name), 0))
    return sources


def _draft(sources: dict[str, list[tuple[str, object]]], plan: Plan) -> Draft:
    made: dict[str, Any] = {name: _text(name, sources.get(name, [])) for name in texts(Draft)}
    made |= {name: _items(name, sources.get(name, [])) for name in lists(Draft)}
    made["title"] = _title(made["title"], sources)
    made["outcome"] = _outcome(_text("outcome", sources.get("outcome", [])), plan)
    made["explanations"] = tuple(_explanations(sources.get("explanation", [])))
    return Draft(**made)


def _with_extra(row: Row, plan: Plan) -> dict[str, object]:
    """The cells, those beyond the header joined onto the last column that feeds a text."""
    if not row.extra:
        return row.cells
    fields = PROSE | {"explanation"}
    prose = [name for name in row.cells if fields & {*_feeds(name, plan)}]
    last = (prose or list(row.cells))[-1]
    joined = " | ".join([str(row.cells[last]), *row.extra])
    return row.cells | {last: joined}


def _text(name: str, sources: list[tuple[str, object]]) -> str:
    values = [(column, _cell_text(name, value)) for column, value in sources]
    if len(values) == 1:
        return values[0][1]
    return "\n".join(f"{column}: {value}" for column, value in values if value.strip())


def _title(text: str, sources: dict[str, list[tuple[str, object]]]) -> str:
    """A title that is too long is cut where another field keeps the whole of it."""
    columns = {column for column, _ in sources.get("title", [])}
    kept = {column for name in ("tried", "happened") for column, _ in sources.get(name, [])}
    if columns <= kept:
        return shorten(first_sentence(text), NAME_LIMIT)
    return text


def _items(name: str, sources: list[tuple[str, object]]) -> tuple[str, ...]:
    """A JSON list's items as they are; a text's, parted by commas (links by spaces)."""
    found: list[str] = []
    for _, value in sources:
        if isinstance(value, list):
            found += [_cell_text(name, one) for one in value]
        else:
            text = _cell_text(name, value)
            parts = text.split() if name == "links" else text.replace(";", ",").split(",")
            found += [part.strip() for part in parts]
    return tuple(item for item in found if item)


def _outcome(text: str, plan: Plan) -> Outcome | None:
    text = text.strip()
    text = plan.outcomes.get(text, plan.outcomes.get("*", text) if text else "")
    try:
        return Outcome(text.lower()) if text else None
    except ValueError:
        known = ", ".join(Outcome)
        raise _CellError(
            "outcome", f"{text!r} is none of: {known}; translate it: --outcome {text!r}='no effect'"
        ) from None


def _questions(
    sources: dict[str, list[tuple[str, object]]],
) -> Iterator[tuple[str, QuestionOrigin]]:
    """A list's items, texts or an export's {text, origin}; of a text each line is one."""
    for _, value in sources.get("questions", []):
        for one in value if isinstance(value, list) else _plain(value).splitlines():
            said = one if isinstance(one, dict) else {"text": one}
            text = _cell_text("questions", said.get("text")).strip()
            if text:
                yield text, _origin(said.get("origin"))


def _origin(value: object) -> QuestionOrigin:
    """Who worded it; without a word, whoever made the file."""
    if value is None:
        return QuestionOrigin.AUTHOR
    if value not in tuple(QuestionOrigin):
        known = ", ".join(QuestionOrigin)
        raise _CellError("questions", f"the origin {value!r} is none of: {known}")
    return QuestionOrigin(str(value))


def _explanations(sources: list[tuple[str, object]]) -> Iterator[Explanation]:
    for _, value in sources:
        for one in value if isinstance(value, list) else [value]:
            made = _explanation(one)
            if made.text or made.evidence:
                yield made


def _explanation(value: object) -> Explanation:
    if not isinstance(value, dict):
        return Explanation(text=_cell_text("explanation", value))
    status = value.get("status", ExplanationStatus.OPEN)
    if status not in tuple(ExplanationStatus):
        known = ", ".join(ExplanationStatus)
        raise _CellError("explanation", f"the status {status!r} is none of: {known}")
    return Explanation(
        text=_cell_text("explanation", value.get("text")),
        status=ExplanationStatus(status),
        evidence=_cell_text("explanation", value.get("evidence")),
    )


def _cell_text(name: str, value: object) -> str:
    if isinstance(value, list) and name in PROSE:
        return "\n".join(_line(name, one) for one in value)
    return _line(name, value)


def _line(name: str, value: object) -> str:
    if isinstance(value, dict | list):
        raise _CellError(name, f"must be text, not {json.dumps(value)[:40]}")
    return clean(_plain(value))


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _map(text: str) -> tuple[str, str]:
    column, sign, name = text.rpartition("=")
    name = ALIASES.get(name.strip(), name.strip())
    if not sign or not column.strip() or name not in FIELDS:
        raise InputError(f"--map {text!r}: must be COLUMN=FIELD; fields: {', '.join(FIELDS)}")
    return column.strip(), name


def _where(text: str) -> tuple[str, str, bool]:
    column, sign, value = text.partition("=")
    if not sign or not column.rstrip("!").strip():
        raise InputError(f"--where {text!r}: must be COLUMN=VALUE or COLUMN!=VALUE")
    return column.rstrip("!").strip(), value.strip(), not column.endswith("!")


def _outcome_word(text: str) -> tuple[str, str]:
    word, sign, outcome = text.rpartition("=")
    if not sign or (outcome and outcome.lower() not in tuple(Outcome)):
        raise InputError(
            f"--outcome {text!r}: must be WORD=OUTCOME; outcomes: {', '.join(Outcome)}, "
            "or nothing for none"
        )
    return word.strip(), outcome.lower()
