"""The run: epochs over all teams, hard entries found anew before each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from tests.training.batches import Batch, Hard, epoch, steps
from tests.training.loss import loss_of
from tests.training.model import Encoded, Reader, signals
from tests.training.recipe import Recipe
from tests.training.texts import Asked, Prepared

PART = 32  # questions scored at a time
Tell = Callable[[str], None]


def fit(reader: Reader, teams: Sequence[Prepared], *, recipe: Recipe, tell: Tell) -> None:
    """Tunes the reader in place; deterministic for one recipe and one number of threads."""
    chances = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)
    optimiser = _optimiser(reader, recipe)
    total = recipe.epochs * steps(teams, recipe)
    rate = LambdaLR(optimiser, lambda step: _rate(step, total, recipe.warm_up))
    for number in range(recipe.epochs):
        began = time.monotonic()
        hard = [hardest(reader, team) for team in teams]
        losses = []
        for batch in epoch(teams, hard, recipe=recipe, chances=chances):
            losses.append(_step(reader, batch, optimiser=optimiser, recipe=recipe))
            rate.step()
        tell(_line(number, losses, reader, time.monotonic() - began))


def hardest(reader: Reader, team: Prepared) -> Hard:
    """For every labelled question the team's entries, best first by the reader as it is now."""
    reader.eval()
    questions = [*team.answered, *team.unanswered]
    found: Hard = {}
    with torch.inference_mode():
        entries = Encoded(team.entries, *reader.encode(team.entries))
        for at in range(0, len(questions), PART):
            part = questions[at : at + PART]
            scores = _scores(reader, part, entries)
            found |= dict(
                zip(map(id, part), scores.argsort(1, descending=True).numpy(), strict=True)
            )
    return found


def _scores(reader: Reader, part: Sequence[Asked], entries: Encoded) -> Tensor:
    texts = [one.text for one in part]
    alike = signals(Encoded(texts, *reader.encode(texts)), entries)
    words = torch.from_numpy(np.stack([one.shares for one in part]))
    return reader.scores(alike | {"words": words})


def _step(reader: Reader, batch: Batch, *, optimiser: AdamW, recipe: Recipe) -> float:
    reader.train()
    loss = loss_of(reader, batch, recipe)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    clip_grad_norm_(reader.parameters(), recipe.clip)
    optimiser.step()
    return float(loss.detach())


def _optimiser(reader: Reader, recipe: Recipe) -> AdamW:
    groups = [
        {
            "params": [p for p in reader.bert.parameters() if p.requires_grad],
            "lr": recipe.encoder_rate,
            "weight_decay": recipe.decay,
        },
        {"params": [reader.scale], "lr": recipe.scale_rate, "weight_decay": 0.0},
        {"params": [*reader.weights.values()], "lr": recipe.weight_rate, "weight_decay": 0.0},
    ]
    return AdamW(groups, fused=True)


def _rate(step: int, total: int, warm_up: float) -> float:
    """Linear warm-up, then linear decay to nothing."""
    warm = max(1, math.ceil(total * warm_up))
    return min((step + 1) / warm, max(0.0, (total - step) / max(1, total - warm)))


def _line(number: int, losses: Sequence[float], reader: Reader, seconds: float) -> str:
    learned = {"scale": reader.scale, **reader.weights}
    figures = " ".join(f"{name} {float(one.detach()):.3f}" for name, one in learned.items())
    return f"epoch {number + 1}: loss {np.mean(losses):.4f}, {figures}, {seconds:.0f} s"
