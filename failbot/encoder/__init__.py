"""Texts to vectors: the Encoder protocol, and what stands behind it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from failbot.encoder.base import Encoder, Kind
from failbot.encoder.weights import Weights, find_weights
from failbot.errors import ModelError
from failbot.search.values import Encoding

__all__ = ["Encoder", "Encoding", "Kind", "Runtime", "open_encoder"]

Runtime = Literal["auto", "onnx", "transformers"]
log = logging.getLogger(__name__)


def open_encoder(
    model: str, *, data_folder: Path, runtime: Runtime = "auto", threads: int | None = None
) -> Encoder:
    """The encoder of `model`: failbot's own, all-MiniLM-L6-v2, a folder, or a published name.

    "onnx" runs the export and refuses if there is none; "transformers" loads PyTorch; "auto"
    takes the export if it is there and sound, else PyTorch, as it always does for a model like
    ColBERT. It never exports: see failbot.encoder.export. `threads` None lets the run time choose.
    :raises ModelError: when the model is missing, altered or unsafe.
    """
    from failbot.encoder.onnx import OnnxEncoder, exported_folder

    weights = find_weights(model, data_folder=data_folder)
    folder = exported_folder(weights, data_folder=data_folder)
    if runtime == "onnx" or (runtime == "auto" and folder.is_dir()):
        try:
            return OnnxEncoder(folder, name=weights.name, threads=threads)
        except ModelError as error:
            if runtime == "onnx" or weights.is_ready:
                raise
            log.warning("model %s runs with sentence-transformers: %s", weights.name, error)
    if weights.is_ready:
        raise ModelError(f"{weights.name} is an ONNX model: PyTorch cannot run it.")
    return open_torch(weights, threads=threads)


def open_torch(weights: Weights, *, threads: int | None = None) -> Encoder:
    """These weights in PyTorch, by the class of sentence-transformers that they were saved by."""
    from failbot.encoder.colbert import ColbertEncoder, is_multi_vector
    from failbot.encoder.transformers import TransformersEncoder

    if is_multi_vector(weights.folder):
        return ColbertEncoder(weights, threads=threads)
    return TransformersEncoder(weights, threads=threads)
