"""Expected questions on their way into the store: without secrets, in size. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from failbot.memory.redact import redact
from failbot.models import EXPECTED_SIZE, ExpectedQuestion, QuestionOrigin


def made(
    texts: Mapping[str, QuestionOrigin], *, by: str, at: datetime
) -> tuple[ExpectedQuestion, ...]:
    """The texts as they are kept: on one line, secrets out; without what is empty or too long."""
    clean = {redacted(text): origin for text, origin in texts.items()}
    return tuple(
        ExpectedQuestion(text=text, origin=origin, by=by, at=at)
        for text, origin in clean.items()
        if 0 < len(text) <= EXPECTED_SIZE
    )


def redacted(text: str) -> str:
    """The text on one line, without secrets."""
    return " ".join(redact(text)[0].split())
