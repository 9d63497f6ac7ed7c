"""Late-interaction models, ColBERT and its kind, in PyTorch: a vector a token, and no other."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from failbot.encoder.base import IMPORTING, Kind, unit, well_formed
from failbot.encoder.transformers import load_as
from failbot.encoder.weights import Weights
from failbot.errors import ModelError
from failbot.search.values import Encoding

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder
    from torch import Tensor

# How sentence-transformers, PyLate before it, and Stanford's ColBERT mark their models
# (MultiVectorEncoder._get_model_type).
MODEL_TYPES = ("MultiVectorEncoder", "ColBERT")
ARCHITECTURE = "HF_ColBERT"


def is_multi_vector(folder: Path) -> bool:
    """Whether this folder holds a model that gives a vector a token, and none a sentence."""
    own = _read_json(folder / "config_sentence_transformers.json")
    inner = _read_json(folder / "config.json")
    return own.get("model_type") in MODEL_TYPES or ARCHITECTURE in (
        inner.get("architectures") or []
    )


class ColbertEncoder:
    """A sentence-transformers `MultiVectorEncoder` as an Encoder.

    Token vectors are the model's, of the tokens that it scores. The sentence vector, which only
    fetches candidates, is their mean. The masks with which ColBERT lengthens a question stand for
    no word of it and have no rarity, by which failbot weighs tokens: they are left out.
    """

    def __init__(self, weights: Weights, *, threads: int | None = None) -> None:
        """Load the model, on the CPU. `threads` is PyTorch's, for the whole process.

        :raises ModelError: when sentence-transformers cannot load it.
        """
        with IMPORTING:
            self.model = _load(weights)
        _see_questions_whole(self.model)
        _keep_every_token(self.model)
        self.name = weights.name
        self._special = frozenset(self.model.tokenizer.all_special_ids)
        # As for TransformersEncoder: a tokenizer may change its own state in a call.
        self._lock = threading.Lock()
        if threads is not None:
            import torch

            torch.set_num_threads(threads)
        self.dimension = len(self._encode("", "document").sentence)

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        """See Encoder.encode; calls wait for one another."""
        with self._lock:
            return [self._encode(well_formed(text), kind) for text in texts]

    def _encode(self, text: str, kind: Kind) -> Encoding:
        """One text a pass: no padding, and on a CPU larger ones are no faster."""
        model = self.model
        encode = model.encode_query if kind == "query" else model.encode_document
        (features,) = encode([text], output_value=None, show_progress_bar=False)
        states = unit(features["token_embeddings"].float().numpy())
        token_ids = features["input_ids"].numpy()
        prompt = model.prompts.get(kind) or ""
        starts, ends = self._offsets(prompt + text, len(token_ids))
        scored = _scored(features) & (ends > starts)
        own = scored & (ends > len(prompt)) & ~np.isin(token_ids, list(self._special))
        pooled = own if own.any() else _scored(features)
        return Encoding(
            sentence=unit(states[pooled].mean(axis=0)),
            tokens=states[own],
            token_ids=token_ids[own].astype(np.int32),
            starts=np.maximum(starts[own] - len(prompt), 0).astype(np.int32),
        )

    def _offsets(self, text: str, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where each of `count` tokens begins and ends in the text; 0 and 0 for what is not its."""
        told = self.model.tokenizer(
            text, return_offsets_mapping=True, truncation=True, max_length=count
        )
        offsets = np.zeros((count, 2), np.intp)
        offsets[: len(told["offset_mapping"])] = told["offset_mapping"]
        return offsets[:, 0], offsets[:, 1]


def _scored(features: Mapping[str, Tensor]) -> NDArray[np.bool_]:
    """The tokens that the model compares, but for those that it made up to lengthen a question."""
    scored: NDArray[np.bool_] = features["attention_mask"].bool().numpy()
    made_up = features.get("query_expansion_positions")
    return scored if made_up is None else scored & ~made_up.bool().numpy()


def _load(weights: Weights) -> MultiVectorEncoder:
    from sentence_transformers import MultiVectorEncoder

    model: MultiVectorEncoder = load_as(MultiVectorEncoder, weights)
    if not getattr(model.tokenizer, "is_fast", False):
        raise ModelError(
            f"{weights.name} has no fast tokenizer, which says where each token stands in the "
            "text. Set FAILBOT_MODEL to another model."
        )
    return model


def _see_questions_whole(model: MultiVectorEncoder) -> None:
    """Lets questions be as long as documents: an entry is asked about, too, and a pasted log.

    Most are made to see 32 tokens of a question. With the strategy "min" shorter ones are
    lengthened just as before (QueryExpansionConfig), and longer ones are not cut.
    """
    transformer = model[0]
    expansion = transformer.query_expansion
    window = transformer.document_length
    least = expansion["length"] if expansion is not None else 0
    transformer.query_length = None if window is None else max(window, least)
    if expansion is not None:
        transformer.query_expansion = {**expansion, "strategy": "min"}


def _keep_every_token(model: MultiVectorEncoder) -> None:
    """Turns off a pooling of the model's own: its vectors would stand for no token of the text."""
    from sentence_transformers.multi_vector_encoder.modules import BaseTokenPooling

    for module in model:
        if isinstance(module, BaseTokenPooling):
            module.tasks = []


def _read_json(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # not there, or no model's: whoever loads it says so
    return told if isinstance(told, dict) else {}
