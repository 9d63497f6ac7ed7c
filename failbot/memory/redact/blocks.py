"""Secrets that lie over several lines: private keys, tables, tokens broken by a line's end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from failbot.memory.redact import values
from failbot.memory.redact.formats import kind_of
from failbot.memory.redact.found import Found

_BREAK = r"(?:[\s>|]|\\[nr])"  # also as mail quotes it, indented or escaped
# From a private key's opening line to its closing one, or as far as it was pasted.
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:(?!-----BEGIN )[\s\S]){0,20000}?-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    rf"|(?:{_BREAK}|[A-Z][\w-]{{2,20}}:[^\n]{{1,80}}+\n|[\w+/=]{{16,}}+)*+(?:[\w+/=]{{1,64}}+)?)"
)
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[\s>|]{0,12}[A-Za-z0-9+/=]{16,100}\s{0,4}")
_PUTTY = re.compile(
    r"Private-Lines: \d{1,3}\s{1,2}(?P<value>(?:[A-Za-z0-9+/=]{8,80}\s{1,2}){1,99})"
)
_OWN_LINE = re.compile(
    r"^[ \t>*_-]{0,8}(?:pass(?:word|wd|phrase)|pwd|passwort|api[ _-]?key|(?:access[ _-]?)?token"
    r"|secret(?:[ _-]?key)?)[*_:]{0,4}[ \t]*\n{1,2}[ \t>`]{0,8}(?:\n[ \t>]{0,8})?"
    r"(?P<value>[^\s`]{6,400}+)`{0,3}[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)


def key_blocks(text: str) -> Iterator[Found]:
    """Private keys, also those of which only the beginning or the end was pasted."""
    if "PRIVATE KEY" in text:
        for match in _KEY_BLOCK.finditer(text):
            yield Found(match.start(), match.end(), "private key")
        yield from _tails(text)
    if "Private-Lines" in text:
        for match in _PUTTY.finditer(text):
            yield Found(match.start("value"), match.end("value"), "private key")


def _tails(text: str) -> Iterator[Found]:
    """The lines above a closing line whose opening line is missing."""
    last = 0
    for match in _KEY_END.finditer(text):
        start = match.start()
        lines = text[last:start].splitlines(keepends=True)
        for line in reversed(lines):
            if not _KEY_LINE.fullmatch(line):
                break
            start -= len(line)
        if start < match.start():
            yield Found(start, match.end(), "private key")
        last = match.end()


_TOKEN = r"[\w.+/=%~-]"
_BROKEN = re.compile(
    rf"(?<!{_TOKEN}){_TOKEN}{{4,400}}+(?:\r?\n[ \t>]{{0,8}}{_TOKEN}{{3,400}}+){{1,5}}", re.ASCII
)
_GLUE = re.compile(r"\r?\n[ \t>]{0,8}")


def broken(text: str) -> Iterator[Found]:
    """Tokens of a known form that the end of a line broke."""
    for match in _BROKEN.finditer(text):
        pieces = _GLUE.split(match[0])
        head = re.split(r"[=:/]", pieces[0])[-1]
        start = match.end() - len(match[0]) + len(pieces[0]) - len(head)
        for count in range(2, len(pieces) + 1):
            joined = head + "".join(pieces[1:count])
            kind = kind_of(joined.rstrip(".,;:"))
            if kind and not kind_of(head):
                end = _end_of(match, count)
                yield Found(start, end, kind)
                break


def _end_of(match: re.Match[str], count: int) -> int:
    """Where the first `count` pieces end in the text."""
    breaks = [one.start() for one in _GLUE.finditer(match[0])]
    return match.start() + (breaks[count - 1] if count <= len(breaks) else len(match[0]))


_LINES = 20
_CONTINUED = re.compile(r"\r?\n[ \t>]{0,8}(?P<rest>[\w+/=~-]{6,400}+)[\"'`]?[ \t]*(?=\r?\n|$)")


def continued(text: str, found: Found) -> Found:
    """The secret with its remainder on the next line, where that line is nothing else."""
    for _ in range(_LINES):
        match = _CONTINUED.match(text, found.end)
        if not match or not _goes_on(text[found.start : found.end], match["rest"]):
            break
        found = Found(found.start, match.end("rest"), found.kind)
    return found


def _goes_on(secret: str, rest: str) -> bool:
    if re.fullmatch(r"[0-9a-f]{12,}", secret):
        return bool(re.fullmatch(r"[0-9a-f]{6,}", rest)) and bool(re.search(r"\d", rest))
    if values.is_very_random(rest):
        return bool(kind_of(secret.partition("\n")[0])) or "_" not in rest
    mixed = re.search(r"\d", rest) and re.search(r"[a-z][A-Z0-9]|\d[A-Za-z]", rest)
    return len(secret) >= 12 and values.is_random(secret) and bool(mixed) and "_" not in rest


_COLUMN = re.compile(
    r"[*_`\"']{0,3}(?P<name>pass(?:word|wd|phrase)|pwd|pw|passwort"
    r"|(?:api|access|secret|private)[ _-]?key|key|(?:[a-z]{1,12}[ _-])?(?:token|secret))"
    r"[*_`\"']{0,3}",
    re.IGNORECASE,
)
_SPLITS = (re.compile(r"\|"), re.compile(r"\t"), re.compile(r"[,;]"), re.compile(r" {2,}"))
_LINE = 1_000  # characters: a row that is longer is something else


def tables(text: str) -> Iterator[Found]:
    """Cells below a telling heading, in tables of Markdown, CSV, TSV or blanks."""
    heads: dict[int, str] = {}
    split = _SPLITS[0]
    for match in re.finditer(r"[^\n]+", text):
        line, start = match[0], match.start()
        if len(line) <= _LINE and _COLUMN.search(line) and (made := _heading(line)):
            heads, split = made
        elif heads:
            found = list(_cells(line, start, split, heads))
            heads = {} if found and found[0] is None else heads
            yield from (one for one in found if one is not None)


def _heading(line: str) -> tuple[dict[int, str], re.Pattern[str]] | None:
    """The telling columns, and what stands between columns."""
    return next(((heads, one) for one in _SPLITS if (heads := _telling(one.split(line)))), None)


def _telling(heads: list[str]) -> dict[int, str]:
    if len(heads) < 2 or any(len(head.strip()) > 40 for head in heads):
        return {}
    matches = {at: _COLUMN.fullmatch(head.strip()) for at, head in enumerate(heads)}
    return {at: _kind(match["name"]) for at, match in matches.items() if match} | (
        {-1: str(len(heads))} if any(matches.values()) else {}
    )


def _kind(name: str) -> str:
    lowered = name.lower()
    return (
        "password"
        if lowered.startswith("p") and "key" not in lowered
        else re.split(r"[ _-]", lowered)[-1]
    )


def _cells(
    line: str, start: int, split: re.Pattern[str], columns: dict[int, str]
) -> Iterator[Found | None]:
    """What is secret in this row; None first, where it is no row of the table."""
    breaks = list(split.finditer(line)) if len(line) <= _LINE else []
    edges = [0, *(one.end() for one in breaks)], [*(one.start() for one in breaks), len(line)]
    if len(breaks) + 1 != int(columns[-1]):
        yield None
        return
    for at, kind in columns.items():
        if at >= 0 and (cell := _cell(line, edges[0][at], edges[1][at], kind)):
            yield Found(start + cell[0], start + cell[1], kind)


def _cell(line: str, start: int, end: int, kind: str) -> tuple[int, int] | None:
    match = re.compile(r"\s{0,40}[`*\"']{0,3}([^\s`*\"']{4,400})[`*\"']{0,3}\s{0,40}").fullmatch(
        line, start, end
    )
    if not match or values.is_placeholder(match[1]):
        return None
    judge = values.is_password if kind == "password" else values.is_random
    return match.span(1) if judge(match[1]) else None


def own_lines(text: str) -> Iterator[Found]:
    """A name on a line of its own, and its value on the next."""
    for match in _OWN_LINE.finditer(text):
        if not values.is_placeholder(match["value"]) and values.is_strong_password(match["value"]):
            yield Found(match.start("value"), match.end("value"), "password")
