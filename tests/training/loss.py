"""What is asked of a batch's scores: the right entry first, and the null where there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tests.training.batches import Batch
from tests.training.model import Encoded, Reader, signals
from tests.training.recipe import Recipe
from tests.training.texts import Asked

HIDDEN = -1e4


def loss_of(reader: Reader, batch: Batch, recipe: Recipe) -> Tensor:
    """One number: with the null, with answers hidden, and of sentence vectors alone."""
    alike = compared(reader, batch)
    weights = torch.from_numpy(batch.weights)
    scores, goals = reader.scores(alike), _goals(batch.asked, batch.entries, recipe.helps)
    answered = goals.sum(1) > 0
    total = _mean(_with_null(reader, scores, goals), weights)
    hidden = scores.masked_fill(goals > 0, HIDDEN)[answered]
    total = total + recipe.masked * _mean(
        _with_null(reader, hidden, torch.zeros_like(hidden)), weights[answered]
    )
    close = recipe.sentence_scale * alike["meaning"][answered]
    return total + recipe.sentences * _mean(
        cross_entropy(close, _normalised(goals[answered]), reduction="none"), weights[answered]
    )


def compared(reader: Reader, batch: Batch) -> dict[str, Tensor]:
    """The signals of every question of the batch with every entry, in one pass."""
    entries = [batch.team.entries[at] for at in batch.entries]
    asked = [one.text for one in batch.asked]
    tokens, sentences = reader.encode([*asked, *entries])
    count = len(asked)
    return signals(
        Encoded(asked, tokens[:count], sentences[:count]),
        Encoded(entries, tokens[count:], sentences[count:]),
    ) | {"words": shares(batch)}


def shares(batch: Batch) -> Tensor:
    """Each question's share of words with each entry of the batch."""
    return torch.from_numpy(np.stack([one.shares[batch.entries] for one in batch.asked]))


def _with_null(reader: Reader, scores: Tensor, goals: Tensor) -> Tensor:
    """Cross-entropy of each question over entries and null; without a goal the null is it."""
    null = reader.weights["null"].expand(len(scores), 1)
    nothing = (goals.sum(1, keepdim=True) == 0).float()
    logits = reader.scale * torch.cat([scores, null], 1)
    whole = _normalised(torch.cat([goals, nothing], 1))
    return cross_entropy(logits, whole, reduction="none")


def _goals(asked: Sequence[Asked], entries: Sequence[int], helps: float) -> Tensor:
    """(questions, entries): 1 for the same failure, `helps` for what helps, else 0."""
    worth = {1: helps, 2: 1.0}
    return torch.tensor(
        [[worth[one.grades[at]] if at in one.grades else 0.0 for at in entries] for one in asked]
    )


def _normalised(goals: Tensor) -> Tensor:
    return goals / goals.sum(1, keepdim=True)


def _mean(losses: Tensor, weights: Tensor) -> Tensor:
    return (losses * weights).sum() / weights.sum().clamp_min(1e-9)
