"""A cross-encoder's second opinion: question and entry read together, slower than vectors."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from failbot.encoder.base import IMPORTING, well_formed
from failbot.encoder.loading import Loading
from failbot.encoder.weights import Weights, find_reranker
from failbot.errors import ModelError
from failbot.threads import Stop

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

# What a checkpoint with a trained head is called. Another, a sentence model for instance, would
# be given a head of random numbers.
HEADS = ("ForSequenceClassification", "ForCausalLM")


class Reranker(Protocol):
    """Judges texts against a question; any thread may call it."""

    @property
    def name(self) -> str:
        """Kept with the calibration that was made with it."""

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How well each text answers: float32 (n,), 0..1, higher is better; deterministic."""


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder with one output, through a logistic function."""

    def __init__(self, weights: Weights) -> None:
        """Load it, on the CPU, and try it once.

        :raises ModelError: sentence-transformers cannot load it, or it is no reranker.
        """
        self.name = weights.name
        # A tokenizer may change its own state in a call, and one pass keeps all cores busy.
        self._lock = threading.Lock()
        _refuse_headless(weights.folder)
        try:
            with IMPORTING:
                self._model = _load(weights.folder)
            outputs = self._model.num_labels
            self.scores("", ["tried"])
        except Exception as error:  # each architecture fails in its own way
            raise ModelError(
                f"sentence-transformers cannot load the reranker {weights.folder} "
                f"({type(error).__name__}: {error}). Set FAILBOT_RERANKER to another, or to none."
            ) from error
        if outputs != 1:
            raise ModelError(
                f"{weights.name} gives {outputs} figures for a pair, a reranker one. "
                "Set FAILBOT_RERANKER to another, or to none."
            )

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Reranker.scores; calls wait for one another."""
        from torch.nn import Sigmoid  # whatever the model's own is, or is not: 0..1 is promised

        pairs = [(well_formed(question), well_formed(text)) for text in texts]
        with self._lock:
            found: Any = self._model.predict(
                pairs, activation_fn=Sigmoid(), show_progress_bar=False
            )
        return np.asarray(found, np.float32)


def background_reranker(
    setting: str, *, data_folder: Path, stop: Stop | None = None
) -> Loading[Reranker]:
    """The reranker that a setting names, not yet loading.

    :param stop: the process's, if it is one that is told to stop.
    """
    return Loading(
        "reranker",
        lambda: CrossEncoderReranker(find_reranker(setting, data_folder=data_folder)),
        stop=stop or Stop(),
        fault="questions are answered without the reranker",
    )


def _refuse_headless(folder: Path) -> None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        made_for = [str(one) for one in config.get("architectures") or ()]
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder / 'config.json'} cannot be read ({error}).") from error
    if not any(one.endswith(HEADS) for one in made_for):
        raise ModelError(
            f"{folder} is no cross-encoder ({', '.join(made_for) or 'nothing'} in config.json). "
            "Set FAILBOT_RERANKER to one, or to none."
        )


def _load(folder: Path) -> CrossEncoder:
    from sentence_transformers import CrossEncoder
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # it would write over a command's own output
    return CrossEncoder(
        str(folder),
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True},
    ).eval()
