"""A draft and its expected questions on their way into the store: checked, without secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from failbot.errors import DraftError
from failbot.memory import expected
from failbot.memory.redact import redact_draft
from failbot.models import Draft, ExpectedQuestion, QuestionOrigin
from failbot.search.expected import problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is stored of a draft and its expected questions, and the kinds of secrets that are not.

    `questions` are without secrets, each on one line, with whose words it is.
    """

    draft: Draft
    questions: Mapping[str, QuestionOrigin]
    redacted: tuple[str, ...]

    def expected(self, *, by: str, at: datetime) -> tuple[ExpectedQuestion, ...]:
        return expected.made(self.questions, by=by, at=at)


def ready_of(draft: Draft, questions: Mapping[str, QuestionOrigin]) -> Ready:
    """:raises DraftError: what keeps it from being recorded."""
    if found := draft.problems() | problems(questions):
        raise DraftError(found)
    without, redacted = redact_draft(draft)
    lines, more = expected.redacted(questions)
    return Ready(
        draft=without,
        questions=dict(zip(lines, questions.values(), strict=True)),
        redacted=tuple(dict.fromkeys([*redacted, *more])),
    )


def refuse_merged(given: Sequence[Draft], ready: Sequence[Draft]) -> None:
    """:raises DraftError: two external ids differ in a secret alone."""
    ids: dict[str, str] = {}
    for before, after in zip(given, ready, strict=True):
        if ids.setdefault(after.external_id, before.external_id) != before.external_id:
            words = f"{after.external_id!r} would be several entries': they differ in a secret,"
            raise DraftError({"external_id": f"{words} which is not stored; give each another id"})
