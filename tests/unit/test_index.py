"""One workspace's index: whatever happened to it, it is as one that was made of what is left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.models import Viewer, Visibility
from failbot.search.index import Entry, TeamIndex
from failbot.search.values import Corpus
from tests.make import ANA, BEN, viewer

TEXTS = ("loss", "spikes", "nodes", "hung", "labels")
TOKENS = st.lists(st.integers(0, 9), max_size=4)
DIRECTIONS = st.lists(st.integers(-3, 3), min_size=3, max_size=3)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    vector, expected = draw(st.none() | DIRECTIONS), draw(st.lists(DIRECTIONS, max_size=2))
    return Entry(
        failure_id=draw(st.integers(1, 6)),
        visibility=draw(st.sampled_from(Visibility)),
        channel_id=draw(st.sampled_from(["C0ML", "G0SECRET", "G0OTHER"])),
        author_id=draw(st.sampled_from([ANA, BEN, ""])),
        words=tuple(draw(st.lists(st.sampled_from(TEXTS), max_size=4))),
        vector=None if vector is None else np.array(vector, np.float32),
        token_ids=None if vector is None else np.array(draw(TOKENS), np.int32),
        expected=np.array(expected, np.float16) if expected else None,
    )


HISTORY = st.lists(
    st.lists(entries(), max_size=3, unique_by=lambda one: one.failure_id) | st.integers(1, 6),
    max_size=9,
)
VIEWERS = [
    viewer(ANA),
    viewer(BEN, "G0SECRET"),
    viewer("", "G0SECRET", "G0OTHER"),
    viewer("", is_operator=True),
    viewer(ANA, sees_workspace=False),
]


def seen(entry: Entry, who: Viewer) -> bool:
    """In words: whoever holds the database, the workspace, a channel's members, the author."""
    if who.is_operator:
        return True
    if entry.visibility is Visibility.WORKSPACE:
        return who.sees_workspace
    if entry.visibility is Visibility.CHANNEL:
        return entry.channel_id in who.channel_ids
    return bool(who.user_id) and entry.author_id == who.user_id


def counted(corpus: Corpus) -> dict[int, int]:
    """In how many entries each token occurs; none where it occurs in none."""
    return {token: int(count) for token, count in enumerate(corpus.token_frequency) if count}


@given(HISTORY, DIRECTIONS)
def test_any_history_is_as_its_outcome(history: list[list[Entry] | int], asked: list[int]) -> None:
    """What was replaced or removed is found, seen and counted no more."""
    index, left = TeamIndex(), dict[int, Entry]()
    for step in history:
        if isinstance(step, int):
            index.remove(step)
            left.pop(step, None)
        else:
            index.put(step)
            left |= {one.failure_id: one for one in step}
    assert len(index) == len(left)
    fresh = TeamIndex()
    fresh.put(list(left.values()))
    mine, theirs = index.corpus(), fresh.corpus()
    assert (mine.size, mine.word_frequency) == (theirs.size, theirs.word_frequency)
    assert mine.average_length == pytest.approx(theirs.average_length)
    assert counted(mine) == counted(theirs)
    for who in VIEWERS:
        allowed = {one.failure_id for one in left.values() if seen(one, who)}
        embedded = {number for number in allowed if left[number].vector is not None}
        vector = np.array(asked, np.float32)
        near = index.candidates((), viewer=who, vector=vector, by_vector=9, by_words=9)
        assert len(near) == len(set(near))
        assert set(near) == embedded
        worded = index.candidates(TEXTS, viewer=who, vector=None, by_vector=9, by_words=9)
        assert set(worded) == {number for number in allowed if left[number].words}


@given(
    st.lists(entries(), min_size=1, max_size=6, unique_by=lambda one: one.failure_id),
    DIRECTIONS,
    st.integers(1, 6),
)
def test_the_nearest_are_those_of_brute_force(
    made: list[Entry], asked: list[int], limit: int
) -> None:
    """An entry is as near as the nearest of its vectors, the text's or an expected question's."""
    index = TeamIndex()
    index.put(made)
    vector = np.array(asked, np.float32)
    rows = {
        one.failure_id: [one.vector, *(one.expected if one.expected is not None else [])]
        for one in made
        if one.vector is not None
    }
    nearness = {number: max(float(vector @ row) for row in each) for number, each in rows.items()}
    found = index.candidates(
        (), viewer=viewer(is_operator=True), vector=vector, by_vector=limit, by_words=1
    )
    best = sorted(nearness.values(), reverse=True)[:limit]
    assert [nearness[number] for number in found] == best
