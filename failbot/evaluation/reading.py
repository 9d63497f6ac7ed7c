"""A labelled set read from files: the entries of a memory, and questions with their answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from failbot.errors import InputError
from failbot.fields import TEXT_LIMIT
from failbot.files import importing, tabular
from failbot.files.tabular import Bad, Row
from failbot.models import TITLE_LIMIT, Draft, QuestionOrigin, shorten
from failbot.search.passages import text_of
from failbot.text import clean

BAD_SHOWN = 3
EXPECTED = "expected.jsonl"  # in a folder: how someone would ask about its entries
KEPT = ("id", "external_id", "tags", "links", "questions")  # of a row of {id, title, text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One entry of the memory; `text` is all that it says, as the baseline embeds it."""

    id: str
    draft: Draft
    text: str
    questions: Mapping[str, QuestionOrigin] = field(default_factory=dict)  # how one would ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A question and what answers it: 2 the same failure, 1 it helps; nothing: nobody knows."""

    id: str
    text: str
    relevant: dict[str, int]
    kind: str = ""
    line: int = 0  # of the file that it is from


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """One memory and the questions to it; `name` is its folder's, or its questions' file's."""

    name: str
    documents: tuple[Document, ...]
    questions: tuple[Labelled, ...]


def read_sets(
    paths: Sequence[Path], *, expected: Path | None = None, with_expected: bool = False
) -> list[LabelledSet]:
    """The sets of folders that hold `failures.jsonl` and `queries.jsonl`, or of two such files.

    :param expected: a file of expected questions, where there is one set.
    :param with_expected: those of each folder's `expected.jsonl`.
    :raises InputError: naming the path that is neither, or the line that cannot be understood.
    """
    if len(paths) == 2 and all(path.is_file() for path in paths):
        if with_expected:
            raise InputError("--with-expected is for folders; name two files' with --expected FILE")
        return [_read_set(paths[1].stem, *paths, expected=[expected])]
    if expected and len(paths) > 1:
        raise InputError("--expected FILE is for one set; with several say --with-expected")
    return [_read_folder(path, expected, with_expected=with_expected) for path in paths]


def _read_folder(folder: Path, expected: Path | None, *, with_expected: bool) -> LabelledSet:
    failures, questions = _file_in(folder, "failures.jsonl"), _file_in(folder, "queries.jsonl")
    own = folder / EXPECTED
    if with_expected and not own.is_file():
        raise InputError(f"{folder} holds no {EXPECTED}, which --with-expected asks for")
    files = [expected, own if with_expected else None]
    return _read_set(folder.name, failures, questions, expected=files)


def _read_set(
    name: str, failures: Path, questions: Path, *, expected: Sequence[Path | None]
) -> LabelledSet:
    documents = read_documents(failures)
    for path in filter(None, expected):
        documents = _with_expected(documents, path)
    return LabelledSet(
        name=name, documents=tuple(documents), questions=tuple(read_questions(questions))
    )


def _file_in(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise InputError(
            f"{folder} holds no {name}: name two files, FAILURES and QUESTIONS, or folders that "
            "hold failures.jsonl and queries.jsonl"
        )
    return folder / name


def read_documents(path: Path) -> list[Document]:
    """The entries of a JSON Lines file; texts beyond the limits are cut.

    An entry is written as for import, or has but `id`, `title` and `text`.
    :raises InputError: naming line and field.
    """
    with path.open("rb") as stream:
        rows = list(_with_fields(tabular.rows(stream, format="jsonl")))
    reading = importing.read(rows, importing.Plan(publish=True))
    if reading.bad:
        raise InputError(f"{path}: " + "; ".join(map(str, reading.bad[:BAD_SHOWN])))
    if not reading.entries:
        raise InputError(f"{path} holds no entries")
    texts = {row.line: row.cells.get("text") for row in rows if isinstance(row, Row)}
    return [
        Document(
            id=entry.draft.external_id,
            draft=entry.draft,
            text=clean(f"{entry.draft.title}. {texts[entry.line]}")
            if texts[entry.line]
            else text_of(entry.draft),
            questions=entry.questions,
        )
        for entry in reading.entries
    ]


def _with_fields(rows: Iterable[Row | Bad]) -> Iterator[Row | Bad]:
    """Rows of {id, title, text} with the text parted into the two mandatory fields."""
    for row in rows:
        if isinstance(row, Row) and not (row.cells.get("id") or row.cells.get("external_id")):
            yield Bad(line=row.line, field="id", words="is missing")
        elif isinstance(row, Row) and "tried" not in row.cells:
            yield replace(row, cells=_parted(row.cells))
        else:
            yield row


def _parted(cells: dict[str, object]) -> dict[str, object]:
    """Nothing is said twice: the first sentence is what was tried, the rest what happened."""
    title = shorten(clean(str(cells.get("title") or "")), TITLE_LIMIT)
    text = clean(str(cells.get("text") or "")).strip()[:TEXT_LIMIT] or title
    middle = re.search(r"(?<=[.!?\n])\s+(?=\S)", text) or re.search(r"\s+(?=\S)", text)
    at = middle.end() if middle else 0
    return {
        **{name: cells[name] for name in KEPT if name in cells},
        "title": title,
        "tried": text[:at].strip() or text,
        "happened": text[at:],
        "text": cells.get("text"),
    }


def _with_expected(documents: Sequence[Document], path: Path) -> list[Document]:
    """The documents with the expected questions of a file's lines {"id", "questions": [...]}.

    They come on top of a document's own, as a model's. :raises InputError: naming line and field.
    """
    found: dict[str, dict[str, QuestionOrigin]] = {}
    with path.open("rb") as stream:
        for row in tabular.rows(stream, format="jsonl"):
            if isinstance(row, Bad):
                raise InputError(f"{path}: {row}")
            found.setdefault(_id_of(row, path), {}).update(_expected(row, path))
    if unknown := found.keys() - {one.id for one in documents}:
        raise InputError(f"{path}: {min(unknown)!r} is no entry's id")
    return [replace(one, questions={**found.get(one.id, {}), **one.questions}) for one in documents]


def _id_of(row: Row, path: Path) -> str:
    if not isinstance(row.cells.get("id"), str):
        raise InputError(f"{path}: line {row.line}: id: must be text")
    return str(row.cells["id"])


def _expected(row: Row, path: Path) -> dict[str, QuestionOrigin]:
    texts = row.cells.get("questions")
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise InputError(f"{path}: line {row.line}: questions: must be a list of texts")
    return {clean(one): QuestionOrigin.MODEL for one in texts}


def read_questions(path: Path) -> list[Labelled]:
    """The labelled questions of a JSON Lines file. :raises InputError: naming line and field."""
    questions: dict[str, Labelled] = {}
    with path.open("rb") as stream:
        for row in tabular.rows(stream, format="jsonl"):
            if isinstance(row, Bad):
                raise InputError(f"{path}: {row}")
            question = _question(row, path)
            if question.id in questions:
                raise InputError(f"{path}: line {row.line}: id: {question.id!r} occurs twice")
            questions[question.id] = question
    if not questions:
        raise InputError(f"{path} holds no questions")
    return list(questions.values())


def _question(row: Row, path: Path) -> Labelled:
    relevant = row.cells.get("relevant", {})
    for name in ("id", "text"):
        if not isinstance(row.cells.get(name), str) or not str(row.cells[name]).strip():
            raise InputError(f"{path}: line {row.line}: {name}: must be text")
    if not isinstance(relevant, dict) or not all(
        isinstance(grade, int) and grade > 0 for grade in relevant.values()
    ):
        raise InputError(f'{path}: line {row.line}: relevant: must be like {{"F001": 2}}')
    return Labelled(
        id=str(row.cells["id"]),
        text=clean(str(row.cells["text"]))[:TEXT_LIMIT],
        relevant=dict(relevant),
        kind=str(row.cells.get("kind") or ""),
        line=row.line,
    )
