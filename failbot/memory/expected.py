"""Expected questions on their way into the store: without secrets, in size, and of this text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from failbot.memory.redact import redact
from failbot.models import EXPECTED_SIZE, ExpectedQuestion, Failure, QuestionOrigin, Viewer
from failbot.search.expected import Questions, edited, is_chosen, rewritten
from failbot.store.base import Store


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


def follow_edit(
    store: Store,
    revised: Failure,
    *,
    changed: bool,
    lines: Sequence[str] | None,
    viewer: Viewer,
    now: datetime,
) -> None:
    """Makes the failure's expected questions those of its edit.

    What a model wrote of an older text goes, unless somebody has chosen among it; whoever does so
    here closes the list to models.
    :param changed: the failure's text is another than before. :param lines: without secrets; the
        whole list from now on, or None to leave it.
    """
    number, team_id = revised.number, revised.team_id
    before = store.expected.of([number], viewer=viewer).get(number, ())
    if lines is not None and is_chosen(before, lines):
        store.wanted.close(number, team_id=team_id)
    goes = changed and not store.wanted.is_closed(number, team_id=team_id)

    def change(found: Questions) -> Questions:
        kept = found if lines is None else edited(found, lines, by=viewer.user_id, at=now)
        return rewritten(kept, ()) if goes else kept

    store.expected.change(number, change, viewer=viewer)
