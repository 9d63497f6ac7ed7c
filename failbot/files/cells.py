"""One row of a file made into an entry: its cells as the plan assigns them to fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from failbot.fields import lists, texts
from failbot.files.planning import Plan, feeds
from failbot.files.tabular import Row
from failbot.models import (
    NAME_LIMIT,
    Draft,
    Explanation,
    ExplanationStatus,
    QuestionOrigin,
    first_sentence,
    shorten,
)
from failbot.taxonomy import Outcome
from failbot.text import clean

# Texts in which lines can be joined; an id is no such.
PROSE = frozenset(texts(Draft)) - {"external_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A draft, how someone would ask about it, and the line that it begins on."""

    line: int
    draft: Draft
    questions: Mapping[str, QuestionOrigin] = field(default_factory=dict)


class CellError(Exception):
    """What stands in a row for one field cannot be taken."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(field, words)
        self.field, self.words = field, words


def is_wanted(row: Row, plan: Plan) -> bool:
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


def entry_in(row: Row, plan: Plan) -> Entry:
    """What the row says under this plan. :raises CellError: a cell cannot be taken."""
    sources = _sources(row, plan)
    draft = _draft(sources, plan)
    return Entry(line=row.line, draft=draft, questions=dict(_questions(sources)))


def _sources(row: Row, plan: Plan) -> dict[str, list[tuple[str, object]]]:
    """By field: the columns that feed it, each with its value, in the plan's order."""
    sources: dict[str, list[tuple[str, object]]] = {}
    for column, value in _with_extra(row, plan).items():
        for name in feeds(column, plan):
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
    prose = [name for name in row.cells if fields & {*feeds(name, plan)}]
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
        raise CellError(
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
        raise CellError("questions", f"the origin {value!r} is none of: {known}")
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
        raise CellError("explanation", f"the status {status!r} is none of: {known}")
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
        raise CellError(name, f"must be text, not {json.dumps(value)[:40]}")
    return clean(_plain(value))


def _plain(value: object) -> str:
    return "" if value is None else str(value)
