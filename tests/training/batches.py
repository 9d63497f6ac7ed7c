"""What one step sees: some questions of one team, and entries to tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, cycle

import numpy as np
from numpy.typing import NDArray

from tests.training.recipe import Recipe
from tests.training.texts import Asked, Prepared

Chances = np.random.Generator
# Of each of a team's labelled questions, by identity: its entries, the most alike first.
Hard = dict[int, NDArray[np.int64]]
NOTHING = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Questions, how much each weighs, and the places in the team of the entries to compare."""

    team: Prepared
    asked: list[Asked]
    weights: NDArray[np.float32]
    entries: list[int]


def epoch(
    teams: Sequence[Prepared], hard: Sequence[Hard], *, recipe: Recipe, chances: Chances
) -> list[Batch]:
    """Every labelled question once, the teams' batches in a random order."""
    made = [
        batch
        for team, its in zip(teams, hard, strict=True)
        for batch in _of_team(team, its, recipe=recipe, chances=chances)
    ]
    return [made[at] for at in chances.permutation(len(made))]


def steps(teams: Sequence[Prepared], recipe: Recipe) -> int:
    """How many batches an epoch has."""
    return sum(-(-len(team.answered) // recipe.answered) for team in teams)


def _of_team(team: Prepared, hard: Hard, *, recipe: Recipe, chances: Chances) -> Iterator[Batch]:
    """As many batches as the answered questions fill; the others are dealt out among them."""
    answered = _shuffled(team.answered, chances)
    count = -(-len(answered) // recipe.answered)
    unanswered = _dealt(_shuffled(team.unanswered, chances), count, recipe.unanswered)
    expected = _dealt(_drawn(team, recipe, chances), count, recipe.expected)
    for at in range(count):
        labelled = answered[at::count] + unanswered[at]
        asked = labelled + expected[at]
        weights = [1.0] * len(labelled) + [recipe.expected_share] * len(expected[at])
        entries = _entries(team, asked, hard, recipe=recipe, chances=chances)
        yield Batch(team, asked, np.array(weights, np.float32), entries)


def _drawn(team: Prepared, recipe: Recipe, chances: Chances) -> list[Asked]:
    """Some of the expected questions of every entry."""
    drawn = [_shuffled(one, chances)[: recipe.expected_of_entry] for one in team.expected]
    return _shuffled(list(chain.from_iterable(drawn)), chances)


def _dealt(questions: Sequence[Asked], hands: int, most: int) -> list[list[Asked]]:
    """The questions dealt out; hands that would stay empty get some twice."""
    if not questions or not most:
        return [[] for _ in range(hands)]
    size = min(most, max(len(questions) // hands, 1))
    stock = cycle(questions)
    return [[next(stock) for _ in range(size)] for _ in range(hands)]


def _entries(
    team: Prepared, asked: Sequence[Asked], hard: Hard, *, recipe: Recipe, chances: Chances
) -> list[int]:
    """Every relevant entry, the most alike others, filled up at random."""
    chosen = dict.fromkeys(chain.from_iterable(one.grades for one in asked))
    for depth in range(recipe.hard):
        for one in asked:
            wrong = [at for at in hard.get(id(one), NOTHING).tolist() if at not in one.grades]
            if len(chosen) < recipe.entries and depth < len(wrong):
                chosen[wrong[depth]] = None
    for at in chances.permutation(len(team.entries)).tolist():
        if len(chosen) < recipe.entries:
            chosen[at] = None
    return sorted(chosen)


def _shuffled(questions: Sequence[Asked], chances: Chances) -> list[Asked]:
    return [questions[at] for at in chances.permutation(len(questions))]
