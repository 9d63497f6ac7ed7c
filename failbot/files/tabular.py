"""A file's rows, one at a time: JSON Lines, CSV and TSV, and what is wrong with which line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO

from failbot.errors import InputError

FORMATS = ("jsonl", "csv", "tsv")
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv"} | {
    ".tsv": "tsv",
    ".tab": "tsv",
}
# One entry holds a dozen texts of 40,000 characters at most, of up to four bytes each.
LINE_LIMIT_BYTES = 2_000_000
ROW_LIMIT = 200_000
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One record: what stands in each column; `extra` are the cells beyond the header's."""

    line: int  # where it begins, from 1
    cells: dict[str, object]
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """Why one line cannot be taken; `field` is empty where the line as a whole cannot."""

    line: int
    field: str
    words: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field + ': ' if self.field else ''}{self.words}"


def format_of(name: str, head: bytes) -> str:
    """The file's format, from its name or, for standard input, its first bytes.

    :raises InputError: neither tells.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if head.removeprefix(BOM).lstrip().startswith(b"{"):
        return "jsonl"
    if suffix or not head:
        raise InputError(f"{name}: unknown kind of file; say --format jsonl, csv or tsv")
    return "tsv" if b"\t" in head.split(b"\n", 1)[0] else "csv"


def rows(stream: IO[bytes], *, format: str) -> Iterator[Row | Bad]:
    """The file's records in order; a line that cannot be read comes as `Bad` and the next follows.

    :raises InputError: the file as a whole cannot be read: encoding, header, size.
    """
    lines = _lines(stream)
    found = _json_rows(lines) if format == "jsonl" else _table_rows(lines, format=format)
    for count, row in enumerate(found, start=1):
        if count > ROW_LIMIT:
            raise InputError(f"more than {ROW_LIMIT:,} rows; split the file")
        yield row


def _lines(stream: IO[bytes]) -> Iterator[str]:
    number = 0
    while raw := stream.readline(LINE_LIMIT_BYTES + 1):
        number += 1
        if len(raw) > LINE_LIMIT_BYTES:
            raise InputError(f"line {number}: longer than {LINE_LIMIT_BYTES:,} bytes; is it text?")
        if number == 1:
            raw = _without_bom(raw)
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"line {number}: byte {error.start + 1} is not UTF-8; "
                "convert the file first: iconv -f WINDOWS-1252 -t UTF-8 FILE"
            ) from error


def _without_bom(raw: bytes) -> bytes:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("line 1: the file is UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE")
    return raw.removeprefix(BOM)


def _json_rows(lines: Iterable[str]) -> Iterator[Row | Bad]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            words = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            yield Bad(line=number, field="", words=f"not a JSON object on one line ({words})")
            continue
        if isinstance(value, dict):
            yield Row(line=number, cells=value)
        else:
            yield Bad(line=number, field="", words="must be one JSON object, such as {…}")


def _table_rows(lines: Iterator[str], *, format: str) -> Iterator[Row | Bad]:
    head = next(lines, "")
    delimiter = "\t" if format == "tsv" else ";" if ";" in head and "," not in head else ","
    reader = csv.reader(
        _prepend(head, lines),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if format == "tsv" else csv.QUOTE_MINIMAL,  # IANA: TSV has no quotes
        strict=format != "tsv",
    )
    header = _header(reader)
    begins = reader.line_num + 1
    for cells in _parsed(reader):
        cells = [cell.strip() for cell in cells]
        if any(cells):
            yield _row(begins, header, cells)
        begins = reader.line_num + 1


def _prepend(head: str, lines: Iterator[str]) -> Iterator[str]:
    yield head
    yield from lines


# csv's own type has no public name.
def _parsed(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """:raises InputError: a quote without its end, or a cell beyond csv.field_size_limit()."""
    try:
        yield from reader
    except csv.Error as error:
        line = getattr(reader, "line_num", 0)
        raise InputError(
            f"line {line}: {error}; a quote before it may lack its closing one"
        ) from error


def _header(reader: Iterator[list[str]]) -> list[str]:
    names = [
        name.strip() or f"column {place}"
        for place, name in enumerate(next(_parsed(reader), []), start=1)
    ]
    if not names:
        raise InputError("the file is empty; its first line must name the columns")
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise InputError(f"line 1: the column {twice!r} occurs twice; rename one")
    return names


def _row(line: int, header: list[str], cells: list[str]) -> Row:
    """A short row's missing cells are empty."""
    full = cells + [""] * (len(header) - len(cells))
    return Row(
        line=line,
        cells=dict(zip(header, full, strict=False)),
        extra=tuple(cell for cell in full[len(header) :] if cell),
    )
