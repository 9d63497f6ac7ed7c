"""Every store can put other words in the place of what it holds, so that no trace is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from failbot.errors import NotFoundError
from failbot.models import Draft, Verdict
from failbot.store.base import Store
from tests.make import ANA, BEN, draft, embedding, public, viewer

OPERATOR = viewer(is_operator=True)


def without_canary(one: Draft) -> Draft:
    clean = {name: getattr(one, name).replace("canary", "x") for name in ("happened", "lesson")}
    return replace(one, **clean)


def record(store: Store, now: datetime, happened: str, **more: str) -> int:
    return store.failures.record(draft(happened, **more), place=public(), author_id=ANA, now=now)[
        0
    ].number


def test_all_versions_are_amended(store: Store, now: datetime) -> None:
    """Neither an entry nor any version before it holds the word; who and when stay."""
    number = record(store, now, "A canary sang.", lesson="Old canary.")
    store.failures.revise(number, draft("It sang."), viewer=OPERATOR, by=ANA, now=now)
    assert store.failures.amend(number, without_canary, viewer=OPERATOR)
    kept = store.failures.versions(number, viewer=OPERATOR)
    assert [one.draft.happened for one in kept] == ["A x sang.", "It sang."]
    assert kept[0].draft.lesson == "Old x."
    assert kept[-1].number == store.failures.get(number, viewer=OPERATOR).version


def test_its_words_are_not_found_any_more(store: Store, now: datetime) -> None:
    """The words that a search goes by are those of the new text."""
    number = record(store, now, "A canary sang.")
    store.failures.amend(number, without_canary, viewer=OPERATOR)
    assert store.failures.search("canary", viewer=OPERATOR, limit=9) == []
    assert [one.number for one in store.failures.search("sang", viewer=OPERATOR, limit=9)] == [1]


def test_vectors_of_the_old_text_are_gone_and_refused(store: Store, now: datetime) -> None:
    """Also those that were being made while it was amended."""
    record(store, now, "A canary sang.")
    missing = store.embeddings.missing("m", limit=9)
    store.failures.amend(1, without_canary, viewer=OPERATOR)
    store.embeddings.put("m", [(one, embedding(1, 0)) for one in missing])
    assert store.embeddings.progress("m") == (0, 1)
    assert [one.draft.happened for one in store.embeddings.missing("m", limit=9)] == ["A x sang."]


def test_nothing_to_amend_changes_nothing(store: Store, now: datetime) -> None:
    """The version stays, and its vectors."""
    record(store, now, "It sang.")
    before = store.failures.get(1, viewer=OPERATOR)
    assert not store.failures.amend(1, without_canary, viewer=OPERATOR)
    assert store.failures.get(1, viewer=OPERATOR) == before


def test_two_ids_that_become_the_same_do_not_clash(store: Store, now: datetime) -> None:
    """The later one has none, and both entries are kept."""
    for external_id in ("a", "b"):
        record(store, now, "It sang.", external_id=external_id)
    for number in (1, 2):
        store.failures.amend(
            number, lambda one: replace(one, external_id="[redacted]"), viewer=OPERATOR
        )
    ids = [store.failures.get(number, viewer=OPERATOR).external_id for number in (1, 2)]
    assert ids == ["[redacted]", ""]


def test_only_what_is_there_can_be_amended(store: Store) -> None:
    """What the viewer does not see does not exist."""
    with pytest.raises(NotFoundError):
        store.failures.amend(1, without_canary, viewer=OPERATOR)


def test_a_question_is_amended(store: Store, now: datetime) -> None:
    """Its text only, and only in its own workspace."""
    asked = store.questions.keep(
        "A canary?",
        place=public(),
        user_id=BEN,
        message_ts="1.2",
        verdict=Verdict.KNOWN,
        shown=[1],
        now=now,
    )
    store.questions.amend(asked.id, "nothing", team_id="T9")
    assert store.questions.get(asked.id, team_id="T1") == asked
    store.questions.amend(asked.id, "A x?", team_id="T1")
    assert store.questions.get(asked.id, team_id="T1") == replace(asked, text="A x?")
