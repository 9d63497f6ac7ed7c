"""A secret's place in a text, and the mark that takes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# A kind is a few short words: no secret can hide within what looks like a mark.
KIND = r"[a-z0-9.]{1,16}(?:[ -][a-z0-9.]{1,16}){0,5}"
MARK = re.compile(rf"\[redacted: {KIND}\]")


class Found(NamedTuple):
    """text[start:end] is a secret of this kind."""

    start: int
    end: int
    kind: str


def mark(kind: str) -> str:
    return f"[redacted: {kind}]"


def united(found: Iterable[Found]) -> Iterator[Found]:
    """In the text's order, those that overlap as one: its kind is that of the first given."""
    ranked = sorted(enumerate(found), key=lambda one: (one[1].start, one[0]))
    held: tuple[int, Found] | None = None
    for rank, one in ranked:
        if held is None:
            held = rank, one
        elif one.start < held[1].end:
            first = min(held, (rank, one))
            held = first[0], Found(held[1].start, max(held[1].end, one.end), first[1].kind)
        else:
            yield held[1]
            held = rank, one
    if held is not None:
        yield held[1]
