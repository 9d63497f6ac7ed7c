"""The encoder with what is learned beside it: the scale, the null, and the signals' weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoModel

from tests.training.recipe import Recipe
from tests.training.texts import Text

FAR = -1e4  # a similarity that never is the best
PASSED = 2_048  # padded tokens in one pass: beyond it padding grows and speed does not


class Reader(nn.Module):  # type: ignore[misc]  # mypy does not read PyTorch
    """Scores questions against entries; `null` is the score of "nothing recorded answers it"."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        super().__init__()
        self.bert = AutoModel.from_pretrained(
            str(folder),
            local_files_only=True,
            attn_implementation="eager",  # faster backwards than the fused kernel on a CPU
            hidden_dropout_prob=recipe.dropout,
            attention_probs_dropout_prob=0.0,  # the fast kernel has none
        ).float()
        self.bert.pooler = None  # sentence vectors are means of token vectors
        self.bert.embeddings.word_embeddings.weight.requires_grad_(recipe.tuned_embeddings)
        self.scale = nn.Parameter(torch.tensor(recipe.scale))
        starts = {"null": recipe.null, "back": recipe.back}
        starts |= {"words": recipe.words, "meaning": recipe.meaning}
        self.weights = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(start)) for name, start in starts.items()}
        )

    def encode(self, texts: Sequence[Text]) -> tuple[list[Tensor], Tensor]:
        """Of each text its telling tokens' vectors (t, h), and all sentence vectors (n, h)."""
        tokens: dict[int, Tensor] = {}
        sentences: dict[int, Tensor] = {}
        with torch.autocast("cpu", torch.bfloat16):  # around all: weights are narrowed once
            for places in passes([len(one.ids) for one in texts]):
                states, means = self._pass([texts[at] for at in places])
                for row, at in enumerate(places):
                    tokens[at] = states[row, torch.from_numpy(texts[at].told)]
                    sentences[at] = means[row]
        order = range(len(texts))
        return [tokens[at] for at in order], torch.stack([sentences[at] for at in order])

    def _pass(self, texts: Sequence[Text]) -> tuple[Tensor, Tensor]:
        ids = padded([torch.tensor(one.ids) for one in texts])
        seen = padded([torch.ones(len(one.ids), dtype=torch.long) for one in texts])
        states = self.bert(input_ids=ids, attention_mask=seen).last_hidden_state.float()
        means = (states * seen[:, :, None]).sum(1) / seen.sum(1, keepdim=True)
        return normalize(states, dim=-1), normalize(means, dim=-1)

    def scores(self, alike: dict[str, Tensor]) -> Tensor:
        """(questions, entries): the signals' weighted sum, as the product adds them up."""
        rest = (self.weights[name] * alike[name] for name in ("back", "words", "meaning"))
        total: Tensor = sum(rest, alike["late"])
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Texts with their telling tokens' vectors, (t, h) each, and sentence vectors, (n, h)."""

    texts: Sequence[Text]
    tokens: Sequence[Tensor]
    sentences: Tensor


def signals(asked: Encoded, entries: Encoded) -> dict[str, Tensor]:
    """late, back, meaning of each question with each entry: (questions, entries) each."""
    mine, theirs = padded(asked.tokens), padded(entries.tokens)
    my_weights = padded([torch.from_numpy(one.weights) for one in asked.texts])
    their_weights = padded([torch.from_numpy(one.weights) for one in entries.texts])
    with torch.autocast("cpu", torch.bfloat16):
        alike = torch.einsum("qth,nsh->qtns", mine, theirs)
    best_of_entry = (alike + _outside(their_weights).to(alike.dtype)).amax(3).float()
    best_of_asked = (alike + _outside(my_weights).to(alike.dtype)[:, :, None, None]).amax(1).float()
    return {
        "late": torch.einsum("qtn,qt->qn", best_of_entry, _shares(my_weights)),
        "back": torch.einsum("qns,ns->qn", best_of_asked, _shares(their_weights)),
        "meaning": asked.sentences @ entries.sentences.T,
    }


def passes(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of the texts of each pass, like lengths together."""
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[at] * (len(batch) + 1) > PASSED:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def padded(rows: Sequence[Tensor]) -> Tensor:
    """The rows as one tensor, filled up with zeros: (n, longest, ...)."""
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True)


def _outside(weights: Tensor) -> Tensor:
    """FAR where there is padding, which weighs nothing, else 0."""
    return (weights == 0) * FAR


def _shares(weights: Tensor) -> Tensor:
    return weights / weights.sum(1, keepdim=True).clamp_min(1e-9)
