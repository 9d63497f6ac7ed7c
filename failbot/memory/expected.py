"""Expected questions on their way into the store: without secrets, in size. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from failbot.memory.redact import redact
from failbot.models import EXPECTED_SIZE, ExpectedQuestion, QuestionOrigin


def made(
    lines: Mapping[str, QuestionOrigin], *, by: str, at: datetime
) -> tuple[ExpectedQuestion, ...]:
    """The `redacted` lines as they are kept, without what is empty or too long."""
    return tuple(
        ExpectedQuestion(text=text, origin=origin, by=by, at=at)
        for text, origin in lines.items()
        if 0 < len(text) <= EXPECTED_SIZE
    )


def redacted(texts: Iterable[str]) -> tuple[list[str], tuple[str, ...]]:
    """The texts on one line each, without secrets, and the kinds of those, in order, once each."""
    left = [redact(text) for text in texts]
    kinds = dict.fromkeys(kind for _, found in left for kind in found)
    return [" ".join(text.split()) for text, _ in left], tuple(kinds)
