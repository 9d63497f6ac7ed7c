"""BM25 in memory, compared with the formula written out."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.search.bm25 import K1, B, Words

VOCABULARY = [f"w{n}" for n in range(12)]
DOCUMENT = st.lists(st.sampled_from(VOCABULARY), max_size=12)


def brute_force(documents: dict[int, list[str]], asked: list[str]) -> dict[int, float]:
    """Every score above 0 by the formula, one document at a time."""
    size = len(documents)
    average = sum(map(len, documents.values())) / size if size else 0
    scores: dict[int, float] = {}
    for name, text in documents.items():
        counts = Counter(text)
        for word in set(asked) & counts.keys():
            frequency = sum(word in other for other in documents.values())
            weight = math.log(1 + (size - frequency + 0.5) / (frequency + 0.5))
            norm = K1 * (1 - B + B * len(text) / max(average, 1))
            share = counts[word] * (K1 + 1) / (counts[word] + norm)
            scores[name] = scores.get(name, 0) + weight * share
    return scores


@given(
    st.lists(st.tuples(st.integers(0, 15), st.one_of(st.none(), DOCUMENT)), max_size=40),
    DOCUMENT,
)
def test_any_history_of_writes_scores_as_the_formula_does(
    writes: list[tuple[int, list[str] | None]], asked: list[str]
) -> None:
    """After adds, replacements and removals nothing of the past is left."""
    index, documents = Words(), dict[int, list[str]]()
    for name, text in writes:
        if text is None:
            index.remove(name)
            documents.pop(name, None)
        else:
            index.add(name, text)
            documents[name] = text
    expected = brute_force(documents, asked)
    found = dict(index.top(asked, 100))
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, rel=1e-5)
    assert len(index) == len(documents)


def test_statistics_follow_the_writes() -> None:
    """Size, frequencies and mean length are those of what is there."""
    index = Words()
    index.add(0, ["a", "a", "b"])
    index.add(1, ["b"])
    index.remove(0)
    statistics = index.statistics()
    assert (statistics.size, dict(statistics.frequency), statistics.average_length) == (
        1,
        {"b": 1},
        1.0,
    )


def test_only_the_best_come_best_first_and_ties_by_id() -> None:
    """The cut keeps the order of the whole list."""
    chances = random.Random(7)
    index = Words()
    for name in range(300):
        index.add(name, chances.choices(VOCABULARY, k=4))
    everything = index.top(["w1", "w2"], 300)
    assert everything == sorted(everything, key=lambda one: (-one[1], one[0]))
    assert index.top(["w1", "w2"], 10) == everything[:10]


def test_a_mask_hides_entries_and_changes_no_score() -> None:
    """Who asks decides what is seen, never how it scores."""
    index = Words()
    for name in range(20):
        index.add(name, ["loss", f"w{name}"])
    seen = index.top(["loss"], 5, mask=lambda ids: ids % 2 == np.int64(1))
    assert [name for name, _ in seen] == [1, 3, 5, 7, 9]
    assert seen[0][1] == index.top(["loss"], 1)[0][1]


@pytest.mark.parametrize("asked", [[], ["unheard"]])
def test_no_word_in_common_finds_nothing(asked: list[str]) -> None:
    """Also in an empty memory."""
    index = Words()
    assert index.top(asked, 5) == []
    index.add(3, ["loss"])
    assert index.top(asked, 5) == []
    assert index.top(["loss"], 0) == []


def test_removing_what_is_not_there_changes_nothing() -> None:
    """Idempotent."""
    index = Words()
    index.add(1, ["loss"])
    index.remove(2)
    index.remove(2)
    assert len(index) == 1


def test_scores_are_those_of_the_published_formula() -> None:
    """By hand, with k1 = 1.2 and b = 0.75, also of a word that is repeated without end."""
    index = Words()
    index.add(1, ["loss", "loss", "spike", "late"])
    index.add(2, ["loss"])
    index.add(3, ["rows", "dropped"])
    index.add(4, ["nan"] * 40_000)
    average = 40_007 / 4
    weight = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    first = weight * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 4 / average))
    second = weight * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 1 / average))
    assert index.top(["loss"], 5) == [
        (1, pytest.approx(first, rel=1e-5)),
        (2, pytest.approx(second, rel=1e-5)),
    ]
    rare = math.log(1 + (4 - 1 + 0.5) / (1 + 0.5))
    many = rare * 40_000 * 2.2 / (40_000 + 1.2 * (0.25 + 0.75 * 40_000 / average))
    assert index.top(["nan"], 5) == [(4, pytest.approx(many, rel=1e-5))]


def test_frequencies_are_a_mapping_of_what_is_there() -> None:
    """As many as there are words; a word that nobody holds any more is none."""
    index = Words()
    index.add(0, ["a", "b"])
    index.add(1, ["b"])
    frequency = index.statistics().frequency
    assert (len(frequency), dict(frequency)) == (2, {"a": 1, "b": 2})
    index.remove(0)
    assert (len(frequency), list(frequency)) == (1, ["b"])


def test_as_many_texts_as_ids_are_wanted() -> None:
    """A list that is one short is a mistake of the caller's, not an empty entry."""
    with pytest.raises(ValueError, match="shorter"):
        Words().add_many([1, 2], [["loss"]])
