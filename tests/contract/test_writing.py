"""Every store knows what a language model is yet to write, and how much it was used."""

from __future__ import annotations

from datetime import datetime, timedelta

from failbot.models import ExpectedQuestion, QuestionOrigin
from failbot.reader.base import Stats
from failbot.store.base import Store
from tests.make import ANA, draft, public, viewer

SECOND = timedelta(seconds=1)


def record(store: Store, now: datetime, *happened: str, wants: bool = True) -> None:
    for one in happened:
        store.failures.record(draft(one), place=public(), author_id=ANA, now=now, wants=wants)


def claimed(store: Store, now: datetime) -> list[int]:
    """The numbers of all that is due, in the order in which they are taken."""
    found = []
    while wanted := store.wanted.claim(now=now, lease_s=60):
        found.append(wanted.number)
    return found


def test_what_is_recorded_is_wanted_with_it(store: Store, now: datetime) -> None:
    """Where the writer says so; the youngest first, once each."""
    record(store, now, "One.", "Two.")
    record(store, now, "Three.", wants=False)
    drafts = [draft("Four.", external_id="4"), draft("Five.", external_id="5")]
    for _ in range(2):  # the same file again adds nothing
        store.failures.record_many(drafts, place=public(), author_id=ANA, now=now, wants=True)
    assert store.wanted.waiting() == store.wanted.waiting("T1") == 4
    assert store.wanted.waiting("T2") == 0
    assert claimed(store, now) == [5, 4, 2, 1]


def test_one_that_fails_is_not_recorded_wanted(store: Store, now: datetime) -> None:
    """All or nothing, as its entry."""
    bad = [draft("One."), draft("Two."), object()]
    try:
        store.failures.record_many(bad, place=public(), author_id=ANA, now=now, wants=True)  # type: ignore[list-item]
    except Exception:
        assert store.wanted.waiting() == 0
    else:
        raise AssertionError("it was recorded")


def test_a_changed_text_is_wanted_anew(store: Store, now: datetime) -> None:
    """An unchanged one is not; nor is one that its writer does not say so of."""
    record(store, now, "One.")
    first = store.wanted.claim(now=now, lease_s=60)
    assert first is not None
    store.wanted.finish(first)
    change = {"viewer": viewer(ANA), "by": ANA, "now": now}
    store.failures.revise(1, draft("One."), **change, wants=True)
    store.failures.revise(1, draft("Two."), **change)
    assert store.wanted.waiting() == 0
    store.failures.revise(1, draft("Three."), **change, wants=True)
    assert claimed(store, now) == [1]


def test_a_claim_is_leased_and_counted(store: Store, now: datetime) -> None:
    """Whoever died is followed at the lease's end, with the next attempt."""
    record(store, now, "One.")
    first = store.wanted.claim(now=now, lease_s=60)
    assert first is not None
    assert (first.team_id, first.number, first.attempts) == ("T1", 1, 1)
    assert store.wanted.claim(now=now + 59 * SECOND, lease_s=60) is None
    second = store.wanted.claim(now=now + 60 * SECOND, lease_s=60)
    assert second is not None
    assert second.attempts == 2
    store.wanted.finish(first)  # too late: it is another's
    assert store.wanted.waiting() == 1
    store.wanted.finish(second)
    assert store.wanted.waiting() == 0


def test_what_is_released_comes_back_at_its_time(store: Store, now: datetime) -> None:
    """Not before, and with its attempts."""
    record(store, now, "One.")
    first = store.wanted.claim(now=now, lease_s=60)
    assert first is not None
    store.wanted.release(first, retry_at=now + 300 * SECOND)
    assert store.wanted.claim(now=now + 299 * SECOND, lease_s=60) is None
    again = store.wanted.claim(now=now + 300 * SECOND, lease_s=60)
    assert again is not None
    assert again.attempts == 2


def test_an_entry_that_changed_meanwhile_stays_wanted(store: Store, now: datetime) -> None:
    """What was written of its old text finishes nothing, and does not put it off."""
    record(store, now, "One.")
    first = store.wanted.claim(now=now, lease_s=60)
    assert first is not None
    store.failures.revise(1, draft("Two."), viewer=viewer(ANA), by=ANA, now=now, wants=True)
    store.wanted.finish(first)
    store.wanted.release(first, retry_at=now + 300 * SECOND)
    again = store.wanted.claim(now=now, lease_s=60)
    assert again is not None
    assert again.attempts == 1


def test_a_deleted_entry_is_not_wanted(store: Store, now: datetime) -> None:
    """Nor is what it left behind in another's way."""
    record(store, now, "One.", "Two.")
    store.failures.delete(2, viewer=viewer(ANA))
    assert store.wanted.waiting() == 1
    assert claimed(store, now) == [1]


def test_a_closed_entry_is_never_wanted(store: Store, now: datetime) -> None:
    """Neither by a change, nor by whoever fills in what is missing."""
    record(store, now, "One.", "Two.")
    assert not store.wanted.is_closed(1, team_id="T1")
    store.wanted.close(1, team_id="T1")
    store.wanted.close(7, team_id="T1")  # there is none
    assert store.wanted.is_closed(1, team_id="T1")
    assert not store.wanted.is_closed(1, team_id="T2")
    store.failures.revise(1, draft("More."), viewer=viewer(ANA), by=ANA, now=now, wants=True)
    assert store.wanted.want([1, 2], team_id="T1", now=now) == 1
    assert store.wanted.lacking("T1", limit=9) == [2]
    assert claimed(store, now) == [2]


def test_what_lacks_a_models_questions_is_found(store: Store, now: datetime) -> None:
    """People's own do not count; the oldest come first, as many as are asked for."""
    record(store, now, "One.", "Two.", "Three.", wants=False)
    for number, origin in ((1, QuestionOrigin.AUTHOR), (2, QuestionOrigin.MODEL)):
        question = ExpectedQuestion(text="why?", origin=origin, by=ANA, at=now)
        store.expected.change(number, lambda _, one=question: (one,), viewer=viewer())
    assert store.wanted.lacking("T1", limit=9) == [1, 3]
    assert store.wanted.lacking("T1", limit=1) == [1]
    assert store.wanted.lacking("T2", limit=9) == []
    assert store.wanted.want([1, 3, 99], team_id="T1", now=now) == 2
    assert store.wanted.want([1], team_id="T2", now=now) == 0
    assert store.wanted.claim(now=now, lease_s=60, team_id="T2") is None
    assert claimed(store, now) == [3, 1]


def test_what_is_adopted_is_wanted_there(store: Store, now: datetime) -> None:
    """Entries that are logged before any Slack keep waiting in their workspace."""
    record(store, now, "One.")
    store.failures.adopt("T9", source_team_id="T1")
    assert (store.wanted.waiting("T1"), store.wanted.waiting("T9")) == (0, 1)
    wanted = store.wanted.claim(now=now, lease_s=60)
    assert wanted is not None
    assert wanted.team_id == "T9"


def test_use_is_summed_by_day_and_model(store: Store, now: datetime) -> None:
    """By whoever reports it; whether it rests is the last one's word."""
    day = now.date()
    more = Stats(calls=2, failed=1, prompt_tokens=100, seconds=1.5, is_open=True, form="text")
    store.use.add("a", more, now=now)
    store.use.add("a", Stats(calls=1, cached=3, refused=4, completion_tokens=9), now=now + SECOND)
    store.use.add("b", Stats(calls=5), now=now)
    store.use.add("a", Stats(calls=7), now=now - timedelta(days=1))
    first, second = store.use.since(day)
    assert (first.model, first.day, first.reported_at) == ("a", day, now + SECOND)
    assert first.stats == Stats(
        calls=3, failed=1, refused=4, cached=3, prompt_tokens=100, completion_tokens=9, seconds=1.5
    )
    assert (second.model, second.stats.calls) == ("b", 5)
    assert [one.stats.calls for one in store.use.since(day - timedelta(days=1))] == [7, 3, 5]
