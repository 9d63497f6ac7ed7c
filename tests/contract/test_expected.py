"""Every store keeps expected questions with their entry, and finds the entry by them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from failbot.errors import NotFoundError
from failbot.models import ExpectedQuestion, QuestionOrigin, Viewer
from failbot.search.values import Embedding, Expected
from failbot.store.base import Store
from failbot.store.embedding import ActiveModel
from tests.make import ANA, BEN, direct, draft, embedding, private, public, viewer

MODEL = "toy"
TOY = ActiveModel(name=MODEL, setting="/models/toy")


def question(text: str, now: datetime, **more: object) -> ExpectedQuestion:
    facts = {"origin": QuestionOrigin.AUTHOR, "by": ANA, "at": now} | more
    return ExpectedQuestion(text=text, **facts)  # type: ignore[arg-type]  # fields by name


def record(store: Store, now: datetime, happened: str, *texts: str, **more: object) -> None:
    expected = [question(text, now) for text in texts]
    place = more.pop("place", public())
    store.failures.record(
        draft(happened, **more), place=place, author_id=ANA, now=now, expected=expected
    )


def asked_like(store: Store, number: int, who: Viewer | None = None) -> list[str]:
    found = store.expected.of([number], viewer=who or viewer())
    return [one.text for one in found.get(number, ())]


def with_expected(own: Embedding, *directions: tuple[float, float]) -> Embedding:
    """The embedding with one token for each expected question, in its direction."""
    vectors = np.array(directions, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return replace(
        own,
        expected=Expected(
            vectors=vectors.astype(np.float16),
            tokens=np.round(vectors * 127).astype(np.int8),
            token_ids=np.arange(len(vectors), dtype=np.int32),
            lengths=np.ones(len(vectors), np.int32),
        ),
    )


def put(store: Store, *embeddings: Embedding) -> None:
    """Gives the failures that lack vectors these ones, oldest first."""
    missing = store.embeddings.missing(MODEL, limit=len(embeddings))
    store.embeddings.put(MODEL, list(zip(missing, embeddings, strict=True)))


def nearest(store: Store, *direction: float, who: Viewer | None = None, limit: int = 1):
    return store.search.candidates(
        (),
        viewer=who or viewer(),
        vector=np.array(direction, np.float32),
        by_vector=limit,
        by_words=0,
    )


def numbers(store: Store, *direction: float, **more: object) -> list[int]:
    return [one.number for one in nearest(store, *direction, **more)]  # type: ignore[arg-type]


def test_they_come_back_whole_and_in_order(store: Store, now: datetime) -> None:
    """Text, origin, who and when, as they were given with the entry."""
    given = (
        question("why nan?", now),
        question("loss explodes", now, origin=QuestionOrigin.MODEL, by="gpt"),
        question("spike", now + timedelta(days=1), origin=QuestionOrigin.ASKER, by=BEN),
    )
    store.failures.record(draft(), place=public(), author_id=ANA, now=now, expected=given)
    store.failures.record(draft("Other."), place=public(), author_id=ANA, now=now)
    assert store.expected.of([1, 2, 9], viewer=viewer()) == {1: given}


def test_many_are_recorded_each_with_its_own(store: Store, now: datetime) -> None:
    """In one transaction with their entries; the same entry again adds none."""
    drafts = [draft("One.", external_id="1"), draft("Two."), draft("One.", external_id="1")]
    given = [[question("first", now)], [], [question("again", now)]]
    store.failures.record_many(drafts, place=public(), author_id=ANA, now=now, expected=given)
    assert (asked_like(store, 1), asked_like(store, 2)) == (["first"], [])


def test_a_change_starts_from_what_is_there(store: Store, now: datetime) -> None:
    """Whoever adds one takes none away, and the entry keeps its version."""
    record(store, now, "alpha", "first")
    added = question("second", now, by=BEN)
    after = store.expected.change(1, lambda before: (*before, added), viewer=viewer())
    assert [one.text for one in after] == asked_like(store, 1) == ["first", "second"]
    assert store.failures.get(1, viewer=viewer()).version == 1
    store.expected.change(1, lambda before: (), viewer=viewer())
    assert asked_like(store, 1) == []


SEEN = [
    (viewer(BEN), {1}),
    (viewer(BEN, "G0SECRET"), {1, 2}),
    (viewer(ANA), {1, 3}),
    (viewer(BEN, is_operator=True), {1, 2, 3}),
    (viewer(ANA, "G0SECRET", team_id="T2", is_operator=True), set()),
]


@pytest.mark.parametrize(("who", "seen"), SEEN)
def test_who_sees_the_entry_sees_them(
    store: Store, now: datetime, who: Viewer, seen: set[int]
) -> None:
    """To everyone else they are not there: neither read, nor changed, nor found by."""
    store.embeddings.activate(TOY)
    for happened, place in (("alpha", public()), ("beta", private()), ("gamma", direct())):
        record(store, now, happened, "how?", place=place)
    put(store, *[with_expected(embedding(1, 0), (0, 1))] * 3)
    assert set(store.expected.of([1, 2, 3], viewer=who)) == seen
    assert set(numbers(store, 0, 1, who=who, limit=9)) == seen
    for number in {1, 2, 3} - seen:
        with pytest.raises(NotFoundError):
            store.expected.change(number, lambda before: before, viewer=who)


def test_a_deleted_entry_takes_them_with_it(store: Store, now: datetime) -> None:
    """Nothing of them is read or found any more."""
    store.embeddings.activate(TOY)
    record(store, now, "alpha", "how?")
    put(store, with_expected(embedding(1, 0), (0, 1)))
    store.failures.delete(1, viewer=viewer())
    assert store.expected.of([1], viewer=viewer(is_operator=True)) == {}
    assert numbers(store, 0, 1) == []


def test_a_revised_entry_keeps_them(store: Store, now: datetime) -> None:
    """A mended word in the text does not cost what people ask."""
    record(store, now, "alpha", "how?")
    store.failures.revise(1, draft("beta"), viewer=viewer(), by=ANA, now=now)
    assert asked_like(store, 1) == ["how?"]


def test_an_adopted_entry_keeps_them(store: Store, now: datetime) -> None:
    """The workspace that connects finds the local entries by them, too."""
    store.embeddings.activate(TOY)
    record(store, now, "alpha", "how?", place=public(team_id="local"))
    put(store, with_expected(embedding(1, 0), (0, 1)))
    store.failures.adopt("T1", source_team_id="local")
    assert asked_like(store, 1) == ["how?"]
    assert [len(one.embedding.expected.lengths) for one in nearest(store, 0, 1)] == [1]


def test_an_entry_is_found_by_any_of_them_once(store: Store, now: datetime) -> None:
    """Several near rows of one entry leave room for the other entries that are wanted."""
    store.embeddings.activate(TOY)
    for happened in ("alpha", "beta", "gamma"):
        record(store, now, happened, *(f"how {at}?" for at in range(9)))
    near = [(0.1, 1 + at / 100) for at in range(9)]
    put(
        store,
        with_expected(embedding(1, 0), *near),
        with_expected(embedding(1, 0.1), *[(1, 0.2)] * 9),
        with_expected(embedding(1, -1), *[(1, -0.9)] * 9),
    )
    assert numbers(store, 0, 1) == [1]
    assert numbers(store, 0, 1, limit=2) == [1, 2]
    assert numbers(store, 0, 1, limit=3) == [1, 2, 3]


def test_a_candidate_carries_their_vectors(store: Store, now: datetime) -> None:
    """Bit by bit as they were put; none where the entry has none."""
    store.embeddings.activate(TOY)
    record(store, now, "alpha", "how?", "why?")
    record(store, now, "beta")
    made = with_expected(embedding(1, 0), (0, 1), (1, 1))
    put(store, made, embedding(1, 0.1))
    first, second = nearest(store, 1, 0, limit=2)
    assert first.embedding is not None
    assert second.embedding is not None
    assert second.embedding.expected is None
    for name in ("vectors", "tokens", "token_ids", "lengths"):
        got, wanted = (getattr(one, name) for one in (first.embedding.expected, made.expected))
        assert got.dtype == wanted.dtype
        assert np.array_equal(got, wanted)


def test_an_entry_is_embedded_only_with_them(store: Store, now: datetime) -> None:
    """New questions make it missing again; its own vectors serve meanwhile."""
    store.embeddings.activate(TOY)
    record(store, now, "alpha")
    put(store, embedding(1, 0))
    assert store.embeddings.is_complete(MODEL)
    store.expected.change(1, lambda before: (question("how?", now),), viewer=viewer())
    assert not store.embeddings.is_complete(MODEL)
    assert store.embeddings.progress(MODEL) == (0, 1)
    assert [one.questions for one in store.embeddings.missing(MODEL, limit=9)] == [("how?",)]
    assert [one.embedding is not None for one in nearest(store, 1, 0)] == [True]
    put(store, with_expected(embedding(1, 0), (0, 1)))
    assert store.embeddings.is_complete(MODEL)
    assert store.embeddings.progress(MODEL) == (1, 1)


def test_questions_that_went_find_nothing_at_once(store: Store, now: datetime) -> None:
    """Before anything is embedded anew, and a store without any is complete afterwards."""
    store.embeddings.activate(TOY)
    record(store, now, "alpha", "how?")
    record(store, now, "beta")
    put(store, with_expected(embedding(1, 0), (0, 1)), embedding(1, 0.1))
    assert numbers(store, 0, 1) == [1]
    store.expected.change(1, lambda before: (), viewer=viewer())
    assert numbers(store, 0, 1) == [2]
    put(store, embedding(1, 0))
    assert store.embeddings.is_complete(MODEL)
    assert numbers(store, 0, 1) == [2]


def test_vectors_of_questions_that_changed_meanwhile_are_not_kept(
    store: Store, now: datetime
) -> None:
    """The model was at work on others: the entry stays missing."""
    store.embeddings.activate(TOY)
    record(store, now, "alpha", "how?")
    missing = store.embeddings.missing(MODEL, limit=1)
    store.expected.change(1, lambda before: (question("why?", now),), viewer=viewer())
    store.embeddings.put(MODEL, [(missing[0], with_expected(embedding(1, 0), (0, 1)))])
    assert [one.questions for one in store.embeddings.missing(MODEL, limit=9)] == [("why?",)]
    assert numbers(store, 0, 1) == []


def test_another_model_has_vectors_of_its_own(store: Store, now: datetime) -> None:
    """They fill up beside the first model's, and are searched once it is activated."""
    store.embeddings.activate(TOY)
    record(store, now, "alpha", "how?")
    put(store, with_expected(embedding(1, 0), (0, 1)))
    missing = store.embeddings.missing("other", limit=9)
    assert [one.questions for one in missing] == [("how?",)]
    store.embeddings.put("other", [(missing[0], with_expected(embedding(0, 1), (1, 0)))])
    store.embeddings.activate(ActiveModel(name="other", setting="/models/other"))
    (found,) = nearest(store, 1, 0)
    assert found.embedding is not None
    assert found.embedding.expected is not None
    assert found.embedding.expected.tokens.tolist() == [[127, 0]]
    assert store.embeddings.progress(MODEL) == (0, 1)


def test_they_make_no_token_more_frequent(store: Store, now: datetime) -> None:
    """Statistics are of what people recorded: entries without questions are scored as ever."""
    store.embeddings.activate(TOY)
    record(store, now, "alpha", "how?")
    put(store, with_expected(embedding(1, 0), (0, 1)))
    corpus = store.search.corpus("T1")
    assert corpus.size == 1
    assert corpus.token_frequency.sum() == 1
