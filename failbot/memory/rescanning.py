"""Takes out of what is stored the secrets that older rules let in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from failbot.errors import NotFoundError
from failbot.memory import expected
from failbot.memory.redact import redact, redact_texts
from failbot.models import Draft, ExpectedQuestion, Viewer
from failbot.store.base import Store

ALL = 1_000_000_000
EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


@dataclass(slots=True)
class Rescan:
    """What was found: how often each kind in how many texts, and where; never the secret."""

    kinds: Counter[str] = field(default_factory=Counter)
    failures: dict[int, list[str]] = field(default_factory=dict)  # by number
    questions: list[int] = field(default_factory=list)  # by id


def rescan(store: Store, *, viewer: Viewer, dry_run: bool) -> Rescan:
    """See Service.rescan."""
    done = Rescan()
    for failure in reversed(store.failures.newest(viewer=viewer, limit=ALL)):
        _rescan_failure(store, failure.number, done, viewer=viewer, dry_run=dry_run)
    for question in store.questions.asked(viewer=viewer, since=EVER[0], before=EVER[1]):
        text, kinds = redact(question.text)
        if kinds:
            done.kinds.update(kinds)
            done.questions.append(question.id)
            if not dry_run:
                store.questions.amend(question.id, text, team_id=viewer.team_id)
    return done


def _rescan_failure(
    store: Store, number: int, done: Rescan, *, viewer: Viewer, dry_run: bool
) -> None:
    found: Counter[str] = Counter()
    with suppress(NotFoundError):  # deleted since it was listed
        for version in store.failures.versions(number, viewer=viewer):
            cleaned(version.draft, found.update)
        asked = store.expected.of([number], viewer=viewer).get(number, ())
        without_secrets(asked, found.update)
        if found and not dry_run:
            store.failures.amend(number, cleaned, viewer=viewer)
            store.expected.change(number, without_secrets, viewer=viewer)
        if found:
            done.kinds.update(found)
            done.failures[number] = list(found)


def cleaned(draft: Draft, tell: Callable[[tuple[str, ...]], object] = lambda _: None) -> Draft:
    """The draft without secrets in any field that holds words; the kinds are told text by text."""
    return redact_texts(draft, tell)


def without_secrets(
    questions: Sequence[ExpectedQuestion],
    tell: Callable[[tuple[str, ...]], object] = lambda _: None,
) -> tuple[ExpectedQuestion, ...]:
    """The expected questions without secrets; the kinds are told text by text."""
    kept = []
    for one in questions:
        [text], kinds = expected.redacted([one.text])
        tell(kinds)
        kept.append(replace(one, text=text) if kinds else one)
    return tuple(kept)
