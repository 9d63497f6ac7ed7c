"""A workspace's null, measured on its entries and kept by its questions."""

from __future__ import annotations

from datetime import datetime

import pytest

from failbot.memory.nulls import LEAST_ENTRIES, measure, null_of
from failbot.memory.service import Service
from failbot.models import Answer, Viewer
from failbot.search.null import log_odds
from failbot.store.base import Store
from tests.fakes import WordEncoder
from tests.make import ANA, BEN, draft, private, public, viewer
from tests.unit.test_matching import Source


def fill(store: Store, count: int, now: datetime, *, first: int = 0) -> None:
    drafts = [draft(f"Run {at} of model{at} stopped.") for at in range(first, first + count)]
    store.failures.record_many(drafts, place=public(), author_id=ANA, now=now)


class Asked:
    """Answers with this confidence, and remembers what was hidden."""

    def __init__(self, confidence: float) -> None:
        self.confidence = confidence
        self.hidden: list[int] = []

    def __call__(self, text: str, viewer: Viewer, hidden: list[int]) -> Answer:
        self.hidden += hidden
        return Answer(verdict="unknown", hits=(), confidence=self.confidence)  # type: ignore[arg-type]


def test_entries_are_asked_without_themselves(store: Store, now: datetime) -> None:
    """Each of a sample; what comes back is kept, and counts until questions do."""
    fill(store, 30, now)
    ask = Asked(0.6)
    made = measure(store, "T1", model="m", ask=ask)
    assert made is not None
    assert made.level == pytest.approx(log_odds(0.6))
    assert sorted(ask.hidden) == list(range(1, 31))
    found = null_of(store, "T1", model="m")
    assert found is not None
    assert (found.level, found.source) == (made.level, "entries")
    assert null_of(store, "T1", model="other") is None
    assert null_of(store, "T2", model="m") is None


def test_it_is_measured_again_only_when_outgrown(store: Store, now: datetime) -> None:
    """A fifth more entries."""
    fill(store, 30, now)
    measure(store, "T1", model="m", ask=Asked(0.6))
    fill(store, 5, now, first=100)
    again = Asked(0.9)
    measure(store, "T1", model="m", ask=again)
    assert again.hidden == []
    fill(store, 5, now, first=200)
    made = measure(store, "T1", model="m", ask=again)
    assert made is not None
    assert made.entries == 40


def test_a_small_memory_has_none(store: Store, now: datetime) -> None:
    """Everything is a stranger there."""
    fill(store, LEAST_ENTRIES - 1, now)
    assert measure(store, "T1", model="m", ask=Asked(0.6)) is None


def test_questions_that_were_asked_raise_the_bar(store: Store, now: datetime) -> None:
    """Fifty of them, each kept with what was second; the answer says what it needs."""
    service = Service(store, Source(WordEncoder("first")))
    fill(store, 5, now)
    service.embed_missing()
    asked = service.ask("run of model3 stopped", viewer=viewer())
    assert asked.runner_up is not None
    assert asked.basis is not None
    for at in range(50):
        store.questions.keep(
            "q",
            place=public(),
            user_id=BEN,
            message_ts=str(at),
            verdict=asked.verdict,
            shown=(),
            now=now,
            model="first",
            runner_up=log_odds(0.97),
        )
    again = service.ask("run of model3 stopped", viewer=viewer())
    assert again.basis is not None
    assert asked.basis.known < 0.97
    assert again.basis.known == pytest.approx(0.97)


def test_a_kept_question_remembers_what_was_second(store: Store, now: datetime) -> None:
    """Under the model that answered it."""
    service = Service(store, Source(WordEncoder("first")))
    fill(store, 5, now)
    service.embed_missing()
    answer = service.ask("run of model3 stopped", viewer=viewer())
    service.keep_question(
        "run of model3 stopped", answer, place=public(), user_id=BEN, message_ts="1", now=now
    )
    assert store.questions.runner_ups("T1", model="first", limit=9) == [answer.runner_up]
    assert store.questions.runner_ups("T1", model="", limit=9) == []


def test_the_sample_is_of_everything_and_asks_what_happened(store: Store, now: datetime) -> None:
    """Private entries, too, on behalf of someone who sees them; each by its first sentence."""
    fill(store, LEAST_ENTRIES - 1, now)
    hidden = draft("It hung. Nobody knew why.")
    store.failures.record(hidden, place=private(), author_id=ANA, now=now)
    asked: list[tuple[str, Viewer]] = []

    def ask(text: str, viewer: Viewer, without: object) -> Answer:
        asked.append((text, viewer))
        return Answer(verdict="unknown", hits=(), confidence=1.0)  # type: ignore[arg-type]

    made = measure(store, "T1", model="m", ask=ask)
    assert made is not None
    assert made.entries == LEAST_ENTRIES == len(asked)
    assert "It hung" in [text for text, _ in asked]
    assert {viewer for _, viewer in asked} == {Viewer(team_id="T1", is_operator=True)}
    assert 20 < made.level < 21, "a certainty has odds, too"


def test_the_sample_is_a_hundred_spread_over_all(store: Store, now: datetime) -> None:
    """Of a memory of any size, from the first entry to the last; of one under twenty, nothing."""
    fill(store, 19, now)
    assert measure(store, "T1", model="m", ask=Asked(0.6)) is None
    fill(store, 231, now, first=100)
    ask = Asked(0.6)
    measure(store, "T1", model="m", ask=ask)
    assert 95 <= len(ask.hidden) <= 100
    assert (min(ask.hidden), max(ask.hidden)) == (1, 250)
