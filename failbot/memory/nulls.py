"""A workspace's own null: kept by its questions, and until there are enough by its entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from failbot.models import Answer, Failure, Viewer, first_sentence
from failbot.search.null import MOST_QUESTIONS, PERCENTILE, Null, log_odds
from failbot.search.null import from_questions as of_questions
from failbot.store.base import Store, StoredNull

SENTENCES = 100  # entries whose sentence is asked: five of them lie above the 95th percentile
LEAST_ENTRIES = 20  # in a smaller memory everything is a stranger
GROWTH = 1.2  # measured again when there are a fifth more entries, or fewer

Asker = Callable[[str, Viewer, Sequence[int]], Answer]


def null_of(store: Store, team_id: str, *, model: str) -> Null | None:
    """What the workspace's questions say, else its entries; None where neither says anything."""
    runner_ups = store.questions.runner_ups(team_id, model=model, limit=MOST_QUESTIONS)
    asked = of_questions(runner_ups)
    if asked is not None:
        return asked
    kept = store.calibrations.null(team_id, model=model)
    if kept is None:
        return None
    return Null(level=kept.level, source="entries", count=kept.entries)


def measure(store: Store, team_id: str, *, model: str, ask: Asker) -> StoredNull | None:
    """The level of the entries' own sentences, measured and kept where it is missing or outgrown.

    Nobody sees what was asked, only how sure the answers were: entries of private places count as
    all others do. None in a memory of fewer than `LEAST_ENTRIES`.
    :param ask: the answer to a text for a viewer, without the failures of these numbers.
    """
    viewer = Viewer(team_id=team_id, is_operator=True)
    entries = store.failures.count(viewer=viewer)
    kept = store.calibrations.null(team_id, model=model)
    if entries < LEAST_ENTRIES or (kept and not _is_outgrown(kept, entries)):
        return kept
    levels = [_level(ask, one, viewer) for one in _sample(store, viewer)]
    level = float(np.percentile(levels, PERCENTILE))
    made = StoredNull(entries=entries, level=level)
    store.calibrations.keep_null(made, team_id=team_id, model=model)
    return made


def _is_outgrown(kept: StoredNull, entries: int) -> bool:
    return not kept.entries / GROWTH <= entries <= kept.entries * GROWTH


def _sample(store: Store, viewer: Viewer) -> list[Failure]:
    """At most `SENTENCES` entries, spread evenly over their numbers."""
    last = store.failures.newest(viewer=viewer, limit=1)[0].number
    numbers = {int(one) for one in np.linspace(1, last, SENTENCES)}
    return list(store.failures.at(sorted(numbers), viewer=viewer).values())


def _level(ask: Asker, failure: Failure, viewer: Viewer) -> float:
    answer = ask(first_sentence(failure.happened), viewer, [failure.number])
    return log_odds(min(max(answer.confidence, 1e-9), 1 - 1e-9))
