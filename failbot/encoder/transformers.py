"""Any sentence-transformers model in PyTorch: slow to load and large, but it runs everything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from failbot.encoder.base import IMPORTING, Dropped, Kind, well_formed
from failbot.encoder.weights import Weights
from failbot.errors import ModelError
from failbot.search.values import Encoding

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

CHUNK = 256  # texts whose token vectors are held as tensors at one time
# The names under which models keep their prompts, in sentence-transformers' own order
# (SentenceTransformer.encode_query, encode_document).
PROMPT_NAMES: dict[Kind, tuple[str, ...]] = {
    "query": ("query",),
    "document": ("document", "passage", "corpus"),
}
SPECIAL = ("cls_token_id", "sep_token_id", "pad_token_id", "bos_token_id", "eos_token_id")


class TransformersEncoder:
    """A sentence-transformers model as an Encoder.

    A model without token vectors (static embeddings, CLIP) gives one row, its sentence vector
    under token id 0: late interaction then equals the sentence vectors' own similarity.
    """

    def __init__(self, weights: Weights, *, threads: int | None = None) -> None:
        """Load the model, on the CPU. `threads` is PyTorch's, for the whole process.

        :raises ModelError: when sentence-transformers cannot load it.
        """
        with IMPORTING:
            self.model = _load(weights)
        self.name = weights.name
        self.prompts: dict[Kind, str] = {
            kind: _prompt(self.model.prompts, names) for kind, names in PROMPT_NAMES.items()
        }
        self.dropped = _dropped(self.model, self.prompts)
        self.dimension = len(self._encode([""], "document")[0].sentence)
        # A Hugging Face tokenizer may change its own state in a call ("Already borrowed"), and
        # one pass keeps all of PyTorch's threads busy anyway.
        self._lock = threading.Lock()
        if threads is not None:
            import torch

            torch.set_num_threads(threads)

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        """See Encoder.encode; calls wait for one another."""
        with self._lock:
            return [
                encoding
                for start in range(0, len(texts), CHUNK)
                for encoding in self._encode(texts[start : start + CHUNK], kind)
            ]

    def _encode(self, texts: Sequence[str], kind: Kind) -> list[Encoding]:
        encode = self.model.encode_query if kind == "query" else self.model.encode_document
        taken = [well_formed(text) for text in texts]
        found = encode(
            taken,
            prompt=self.prompts[kind],
            output_value=None,
            show_progress_bar=False,
        )
        return [self._encoding(one, text, kind) for one, text in zip(found, taken, strict=True)]

    def _encoding(self, features: Mapping[str, Tensor], text: str, kind: Kind) -> Encoding:
        sentence = features["sentence_embedding"].float().numpy()
        if "token_embeddings" not in features:
            alone = Dropped(frozenset(), {kind: 0})
            nothing = np.zeros(1, np.int32)
            return alone.encoding(
                sentence, states=sentence[None, :], token_ids=nothing, starts=nothing, kind=kind
            )
        seen = features["attention_mask"].numpy().astype(bool)
        return self.dropped.encoding(
            sentence,
            states=features["token_embeddings"].float().numpy()[seen],
            token_ids=features["input_ids"].numpy()[seen],
            starts=self._starts(text, kind, count=int(seen.sum())),
            kind=kind,
        )

    def _starts(self, text: str, kind: Kind, *, count: int) -> NDArray[np.int32]:
        """Where each of the `count` tokens of the prompt and the text begins in the text."""
        tokenizer = self.model.tokenizer
        if not getattr(tokenizer, "is_fast", False):
            return np.zeros(count, np.int32)
        prompt = self.prompts[kind]
        seen = tokenizer(
            prompt + text,
            return_offsets_mapping=True,
            truncation=True,
            max_length=self.model.max_seq_length,
        )
        offsets = seen["offset_mapping"][:count]
        return np.array([start - len(prompt) for start, _ in offsets], np.int32)


def load_as(make: Callable[..., Any], weights: Weights) -> Any:
    """What this class of sentence-transformers makes of the weights, for one that only encodes.

    :raises ModelError: it cannot.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()  # it would write over a command's own output
    try:
        return make(
            str(weights.folder),
            device="cpu",
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        ).eval()
    except Exception as error:  # each architecture fails in its own way
        raise ModelError(
            f"sentence-transformers cannot load {weights.folder} "
            f"({type(error).__name__}: {error}). Set FAILBOT_MODEL to another model."
        ) from error


def _load(weights: Weights) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    model: SentenceTransformer = load_as(SentenceTransformer, weights)
    return model


def _prompt(prompts: Mapping[str, str], names: Sequence[str]) -> str:
    return next((prompts[name] for name in names if prompts.get(name)), "")


def _dropped(model: SentenceTransformer, prompts: Mapping[Kind, str]) -> Dropped:
    tokenizer = model.tokenizer
    ids = [getattr(tokenizer, name, None) for name in SPECIAL]
    counts: dict[Kind, int] = dict.fromkeys(prompts, 0)
    for kind, prompt in prompts.items():
        if prompt and callable(tokenizer):  # static embeddings' is not, and they have no tokens
            counts[kind] = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    return Dropped(frozenset(one for one in ids if one is not None), counts)
