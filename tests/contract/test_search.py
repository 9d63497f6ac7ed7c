"""Every store finds the same candidates, for those who may see them, once they are written."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from failbot.models import Viewer
from failbot.search.values import Embedding
from failbot.store.base import Store
from failbot.store.embedding import ActiveModel
from tests.contract.test_failures import PLACES, SEEN
from tests.make import ANA, BEN, direct, draft, embedding, private, public, viewer

MODEL = "toy"
TOY = ActiveModel(name=MODEL, setting="/models/toy")


def put(store: Store, *embeddings: Embedding) -> None:
    """Gives the failures without vectors these ones, oldest first."""
    missing = store.embeddings.missing(MODEL, limit=len(embeddings))
    store.embeddings.put(MODEL, list(zip(missing, embeddings, strict=True)))


def found(store: Store, *direction: float, who: object = None, words: tuple = (), **more: int):
    limits = {"by_vector": 10, "by_words": 10} | more
    vector = np.array(direction, np.float32) if direction else None
    candidates = store.search.candidates(words, viewer=who or viewer(), vector=vector, **limits)
    return [one.number for one in candidates]


@pytest.fixture
def filled(store: Store, now: datetime) -> Store:
    """Three failures: public, private, direct; their vectors fan out from (1, 0)."""
    store.embeddings.activate(TOY)
    for happened, place in (("alpha", public()), ("beta", private()), ("gamma", direct())):
        store.failures.record(draft(happened), place=place, author_id=ANA, now=now)
    put(store, embedding(1, 0), embedding(1, 0.1), embedding(1, 0.2))
    return store


def test_the_nearest_are_found(filled: Store) -> None:
    """Candidates are the nearest that the viewer sees, however near the others are."""
    everything = viewer(ANA, "G0SECRET")
    assert found(filled, 1, 0, who=everything) == [1, 2, 3]
    assert found(filled, 1, 0.2, who=everything, by_vector=1) == [3]
    assert found(filled, 1, 0.2, who=viewer(BEN, "G0SECRET"), by_vector=1) == [2]
    assert found(filled, 1, 0.2, who=viewer(BEN), by_vector=1) == [1]
    assert found(filled, 1, 0.2, who=viewer(BEN, team_id="T2")) == []
    assert found(filled, 1, 0.2, who=viewer("", sees_workspace=False)) == []


def test_words_find_what_vectors_do_not(filled: Store) -> None:
    """The two lists are united, none twice, in the order of numbers, under the same filter."""
    member = viewer(BEN, "G0SECRET")
    assert found(filled, 1, 0, who=member, words=("beta",), by_vector=1) == [1, 2]
    assert found(filled, 1, 0, who=viewer(BEN), words=("beta",), by_vector=1) == [1]
    assert found(filled, who=member, words=("beta",)) == [2]


def test_a_candidate_carries_what_a_scorer_needs(filled: Store) -> None:
    """Vectors and tokens come back bit by bit, words as the tokeniser made them."""
    one = filled.search.candidates(
        ("alpha",), viewer=viewer(), vector=None, by_vector=0, by_words=1
    )[0]
    assert "alpha" in one.words
    assert one.embedding is not None
    expected = embedding(1, 0)
    for name in ("vectors", "tokens", "token_ids", "starts"):
        got, wanted = getattr(one.embedding, name), getattr(expected, name)
        assert got.dtype == wanted.dtype
        assert np.array_equal(got, wanted)


def test_a_failure_is_findable_by_words_before_its_vectors_are_there(
    store: Store, now: datetime
) -> None:
    """Embedding happens later; nothing recorded is ever out of reach."""
    store.failures.record(draft("omega"), place=public(), author_id=ANA, now=now)
    assert found(store, 1, 0, words=("omega",)) == [1]
    store.embeddings.activate(TOY)
    put(store, embedding(0, 1))
    assert found(store, 0, 1) == [1]


def test_a_revised_failure_is_found_by_its_new_text_only(filled: Store, now: datetime) -> None:
    """Old words and old vectors are gone at once."""
    later = now + timedelta(hours=1)
    filled.failures.revise(1, draft("delta"), viewer=viewer(), by=ANA, now=later)
    assert found(filled, 1, 0, words=("alpha",)) == []
    assert found(filled, words=("delta",)) == [1]
    put(filled, embedding(0, 1))
    assert found(filled, 0, 1, by_vector=1) == [1]


def test_vectors_of_an_old_version_are_not_kept(filled: Store, now: datetime) -> None:
    """What was changed or deleted while the model was at work keeps no stale vectors."""
    filled.failures.revise(1, draft("delta"), viewer=viewer(), by=ANA, now=now)
    missing = filled.embeddings.missing(MODEL, limit=5)
    assert [one.version for one in missing] == [2]
    filled.failures.revise(1, draft("epsilon"), viewer=viewer(), by=ANA, now=now)
    assert filled.embeddings.put(MODEL, [(missing[0], embedding(0, 1))]) == []
    current = filled.embeddings.missing(MODEL, limit=5)
    assert [(one.team_id, one.number, one.version) for one in current] == [("T1", 1, 3)]
    assert filled.embeddings.put(MODEL, [(current[0], embedding(0, 1))]) == current
    filled.failures.delete(1, viewer=viewer())
    filled.embeddings.put(MODEL, [(missing[0], embedding(0, 1))])
    assert filled.embeddings.progress(MODEL) == (2, 2)


def test_a_deleted_failure_is_never_found(filled: Store) -> None:
    """Neither by vector nor by words."""
    filled.failures.delete(1, viewer=viewer())
    assert found(filled, 1, 0, words=("alpha",)) == []
    assert filled.search.corpus("T1").size == 2


def test_the_corpus_counts_the_workspace(filled: Store) -> None:
    """Size and frequencies are of live entries with the team's id alone."""
    corpus = filled.search.corpus("T1")
    assert corpus.size == 3
    assert corpus.token_frequency[7] == 3
    assert filled.search.corpus("T2").size == 0


def test_another_model_is_searched_only_once_it_is_activated(filled: Store) -> None:
    """A second model fills up beside the first; the switch removes the first one's vectors."""
    missing = filled.embeddings.missing("other", limit=9)
    assert len(missing) == 3
    other = [embedding(0, 1, 0), embedding(0, 0, 1), embedding(1, 0, 0)]
    filled.embeddings.put("other", list(zip(missing, other, strict=True)))
    assert found(filled, 1, 0) == [1]
    assert filled.embeddings.active() == TOY
    filled.embeddings.activate(ActiveModel(name="other", setting="/models/other"))
    assert found(filled, 0, 1, 0, by_vector=1) == [1]
    assert filled.embeddings.progress(MODEL) == (0, 3)


def test_many_changes_leave_the_right_ones_findable(store: Store, now: datetime) -> None:
    """However often entries were changed, only their newest vectors count."""
    store.embeddings.activate(TOY)
    store.failures.record_many(
        [draft(f"w{one}") for one in range(300)], place=public(), author_id=ANA, now=now
    )
    put(store, *(embedding(1, one / 300) for one in range(300)))
    for turn in range(1, 5):
        for number in range(1, 251):
            store.failures.revise(
                number, draft(f"w{number} {turn}"), viewer=viewer(), by=ANA, now=now
            )
        put(store, *(embedding(0, 1) for _ in range(250)))
        assert len(found(store, 0, 1, by_vector=250)) == 250
    assert set(found(store, 1, 1, by_vector=300)) == set(range(1, 301))
    assert set(found(store, 1, 0, by_vector=50)) == set(range(251, 301))


def test_what_is_complete_for_one_model_is_not_for_another(filled: Store, now: datetime) -> None:
    """What is known of the active model's vectors does not outlive its activation."""
    missing = filled.embeddings.missing("other", limit=9)
    filled.embeddings.put("other", [(one, embedding(0, 1)) for one in missing])
    assert filled.embeddings.is_complete("other")
    assert filled.embeddings.is_complete(MODEL)
    filled.embeddings.activate(ActiveModel(name="other", setting="/models/other"))
    assert [one.id for one in filled.embeddings.missing(MODEL, limit=9)] == [
        one.id for one in missing
    ]
    assert not filled.embeddings.is_complete(MODEL)
    filled.embeddings.activate(TOY)
    assert len(filled.embeddings.missing("other", limit=9)) == 3
    assert len(filled.embeddings.missing(MODEL, limit=9)) == 3


def test_missing_entries_can_be_asked_for_by_number(store: Store, now: datetime) -> None:
    """Those of one workspace and number, whatever else is missing."""
    for team_id in ("T1", "T2"):
        for happened in ("alpha", "beta"):
            place = public(team_id=team_id)
            store.failures.record(draft(happened), place=place, author_id=ANA, now=now)
    found = store.embeddings.missing(MODEL, limit=9, among=[("T2", 2), ("T3", 1)])
    assert [one.draft.happened for one in found] == ["beta"]
    assert store.embeddings.missing(MODEL, limit=9, among=[]) == []
    assert not store.embeddings.is_complete(MODEL)


def test_before_a_model_is_active_words_alone_are_compared(store: Store, now: datetime) -> None:
    """Vectors that nobody activated are nobody's: neither found by nor handed out."""
    store.failures.record(draft("alpha"), place=public(), author_id=ANA, now=now)
    put(store, embedding(1, 0))
    assert found(store, 1, 0) == []
    limits = {"by_vector": 1, "by_words": 1}
    vector = np.array([1, 0], np.float32)
    one = store.search.candidates(("alpha",), viewer=viewer(), vector=vector, **limits)[0]
    assert one.embedding is None
    assert not len(store.search.corpus("T1").token_frequency)


def test_vectors_handed_out_cannot_be_changed(filled: Store) -> None:
    """Whoever scores shares them with the index."""
    one = filled.search.candidates(
        ("alpha",), viewer=viewer(), vector=None, by_vector=0, by_words=1
    )[0]
    assert one.embedding is not None
    with pytest.raises(ValueError, match="read-only"):
        one.embedding.vectors[0, 0] = 2


def test_words_are_limited_to_the_best_that_one_sees(store: Store, now: datetime) -> None:
    """Hidden entries take no place, and of two as good the first recorded is taken."""
    store.failures.record(draft("alpha " * 9), place=private(), author_id=ANA, now=now)
    for happened in ("alpha and so much more", "alpha", "alpha"):
        store.failures.record(draft(happened), place=public(), author_id=ANA, now=now)
    assert found(store, words=("alpha",), by_words=1) == [3]
    assert found(store, words=("alpha",), by_words=2) == [3, 4]
    assert found(store, words=("alpha", "omega")) == [2, 3, 4]
    assert found(store, words=("alpha",), by_words=0) == []


def test_the_corpus_tells_words_apart_from_entries(store: Store, now: datetime) -> None:
    """A word counts once for each entry that holds it, a length is in words, repeats included."""
    store.failures.record(
        draft("alpha alpha", tried="beta"), place=public(), author_id=ANA, now=now
    )
    store.failures.record(draft("gamma", tried="beta"), place=private(), author_id=ANA, now=now)
    corpus = store.search.corpus("T1")
    assert dict(corpus.word_frequency) == {"alpha": 1, "beta": 2, "gamma": 1}
    assert corpus.average_length == 2.5


def test_missing_and_progress_count_what_is_current(filled: Store, now: datetime) -> None:
    """Oldest first and no more than asked for; a revised failure is missing again."""
    filled.failures.revise(3, draft("delta"), viewer=viewer(ANA), by=ANA, now=now)
    filled.failures.revise(1, draft("delta"), viewer=viewer(), by=ANA, now=now)
    assert filled.embeddings.progress(MODEL) == (1, 3)
    missing = filled.embeddings.missing(MODEL, limit=9)
    assert [(one.draft.happened, one.version) for one in missing] == [("delta", 2), ("delta", 2)]
    assert missing[0].id < missing[1].id
    assert filled.embeddings.missing(MODEL, limit=1) == missing[:1]
    assert filled.embeddings.missing(MODEL, limit=9, among=[("T1", 2)]) == []


def test_how_much_is_searched_is_what_the_viewer_sees(store: Store, now: datetime) -> None:
    """Whatever is recorded, moved or deleted, embedded or not."""
    for place in (public(), private(), private("G0OTHER"), direct(), public(team_id="T2")):
        store.failures.record(draft(), place=place, author_id=ANA, now=now)
    seen = [viewer(BEN), viewer(BEN, "G0SECRET"), viewer(ANA), viewer(is_operator=True)]
    seen += [viewer(team_id="T2"), viewer(team_id="T3")]
    assert [store.search.size(who) for who in seen] == [1, 2, 2, 4, 1, 0]
    store.failures.delete(1, viewer=seen[-3])
    assert [store.search.size(who) for who in seen] == [0, 1, 1, 3, 1, 0]
    assert [store.failures.count(viewer=who) for who in seen] == [0, 1, 1, 3, 1, 0]


@pytest.mark.parametrize(("who", "channels"), SEEN)
def test_candidates_are_what_a_viewer_sees(
    store: Store, now: datetime, who: Viewer, channels: set[str]
) -> None:
    """By vector and by words as in every other read, whoever wrote first."""
    store.embeddings.activate(TOY)
    for place in PLACES:
        store.failures.record(draft("alpha"), place=place, author_id=ANA, now=now)
    put(store, *[embedding(1, 0)] * 3)
    allowed = [at for at, place in enumerate(PLACES, start=1) if place.channel_id in channels]
    assert found(store, 1, 0, who=who) == allowed
    assert found(store, who=who, words=("alpha",)) == allowed


def test_nobody_is_no_author(store: Store, now: datetime) -> None:
    """A channel's audience sees no direct message, not even one that nobody wrote."""
    store.embeddings.activate(TOY)
    store.failures.record(draft("alpha"), place=direct(), author_id="", now=now)
    put(store, embedding(1, 0))
    assert found(store, 1, 0, who=viewer(""), words=("alpha",)) == []
    assert store.failures.newest(viewer=viewer(""), limit=9) == []


def test_what_was_changed_or_deleted_is_counted_no_more(filled: Store, now: datetime) -> None:
    """Neither its words nor its tokens; what is embedded anew is."""
    filled.failures.delete(1, viewer=viewer())
    corpus = filled.search.corpus("T1")
    assert (corpus.size, corpus.token_frequency[7]) == (2, 2)
    assert "alpha" not in corpus.word_frequency
    filled.failures.revise(3, draft("delta"), viewer=viewer(ANA), by=ANA, now=now)
    corpus = filled.search.corpus("T1")
    assert corpus.token_frequency[7] == 1
    assert (corpus.word_frequency.get("gamma", 0), corpus.word_frequency["delta"]) == (0, 1)
    put(filled, embedding(1, 0))
    assert filled.search.corpus("T1").token_frequency[7] == 2
