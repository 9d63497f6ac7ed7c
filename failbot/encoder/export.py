"""Turn a sentence-transformers model into an ONNX folder, once, and prove that they agree.

This imports PyTorch, 500 MB that a serving process should not carry: `export_in_subprocess`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from failbot.encoder.base import Encoder, Kind
from failbot.encoder.colbert import is_multi_vector
from failbot.encoder.onnx import (
    FORMAT,
    GRAPH,
    TOKENIZER,
    Manifest,
    OnnxEncoder,
    exported_folder,
    is_sound,
)
from failbot.encoder.weights import Weights, file_sha256, find_weights
from failbot.errors import ModelError, StoppedError
from failbot.search.values import Encoding
from failbot.threads import Stop

if TYPE_CHECKING:
    from torch import Tensor, nn

    from failbot.encoder.transformers import TransformersEncoder

OPSET = 17  # the first with LayerNormalization as one operator
TOLERANCE = 1e-4  # largest difference of any number of a unit vector; the default model has 1e-6
# Least mean cosine of int8 to float32 vectors. The default model has 0.993; on a processor
# without VNNI, where sums of products saturate, it may fall below, and float32 stays.
INT8_COSINE = 0.98
# Left in float32: the last layers' second feed-forward products have the widest inputs. With them
# in int8 the domain queries' dense nDCG@10 falls by 0.4 points, without them not at all.
INT8_EXCLUDED = ("layer.4/output/dense", "layer.5/output/dense")
TIMEOUT_S = 900.0
DRAFT = ".export-"  # folders of exports under way begin so
LOOK_S = 0.1  # how soon it is seen that the process stops
TIDYING_S = 2.0
PR_SET_PDEATHSIG = 1
ENDED = 7  # exit code of the export process when it was told to end, or its parent has
REFUSED = 6  # exit code of the export process for a model that cannot be exported

# Short, long past any window, empty, with rare characters: batches of them are padded too.
CHECK_TEXTS = (
    "Loss became NaN after 3,000 steps with bf16 and a learning rate of 3e-4.",
    "",
    "CUDA_ERROR_ILLEGAL_ADDRESS in all_reduce",
    "Überraschung: 学習率 🤖 café naïve — the tokenizer dropped accents.",
    "We froze the embeddings and the validation score stayed flat for two weeks. " * 4,
    "word " * 700,
)


def export(model: str, data_folder: Path) -> Path:
    """The folder of this model's export, made now if it is not there; imports PyTorch.

    Idempotent, and safe beside other processes: a folder appears whole or not at all.
    :raises ModelError: when the model cannot be found, or ONNX cannot express it exactly.
    """
    weights = find_weights(model, data_folder=data_folder)
    target = exported_folder(weights, data_folder=data_folder)
    if is_sound(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=DRAFT) as draft:
        try:
            made = _write_checked(weights, Path(draft) / "made")
        except ModelError as error:
            _refusal(target).write_text(f"{error}\n", encoding="utf-8")
            raise
        return _put(made, target)


def _sweep(folder: Path) -> None:
    """Remove what exports left that were killed: drafts older than any export may take."""
    for draft in folder.glob(f"{DRAFT}*"):
        if time.time() - draft.stat().st_mtime > TIMEOUT_S:
            shutil.rmtree(draft, ignore_errors=True)


def wants_export(model: str, data_folder: Path) -> bool:
    """Whether an export is worth starting: neither made yet, nor known to be impossible.

    :raises ModelError: when the model cannot be found.
    """
    weights = find_weights(model, data_folder=data_folder)
    target = exported_folder(weights, data_folder=data_folder)
    is_impossible = _refusal(target).is_file() or is_multi_vector(weights.folder)
    return not is_sound(target) and not is_impossible


def _refusal(target: Path) -> Path:
    """Where the reason is kept why these weights have no export; `export` tries again."""
    return target.with_suffix(".refused")


def export_in_subprocess(
    model: str, data_folder: Path, *, timeout_s: float = TIMEOUT_S, stop: Stop | None = None
) -> Path:
    """What `export` gives, made by a child process, so that PyTorch never enters this one.

    Blocks for about 15 s with the default model; any thread. The child ends with this process,
    even when that is killed.
    :raises ModelError: as `export` does, or when the process dies or takes longer.
    :raises StoppedError: `stop` was set meanwhile.
    """
    with _child(model, data_folder) as child:
        said, complaint = _outcome(child, model, until=time.monotonic() + timeout_s, stop=stop)
    if child.returncode == REFUSED:
        raise ModelError(said.strip())
    if child.returncode != 0:
        reason = (complaint.strip().splitlines() or [""])[-1]
        raise ModelError(f"Exporting {model} ended with code {child.returncode}: {reason}")
    return Path(said.strip())


@contextlib.contextmanager
def _child(model: str, data_folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The export process; when the block is left it has ended."""
    arguments = [model, str(data_folder), str(os.getpid())]
    child = subprocess.Popen(
        [sys.executable, "-m", "failbot.encoder.export", *arguments],
        # The child must find this very failbot, however it got onto the path.
        env=os.environ | {"PYTHONPATH": os.pathsep.join(one for one in sys.path if one)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is the parent's to deal with
    )
    try:
        yield child
    finally:
        _end(child)


def _outcome(
    child: subprocess.Popen[str], model: str, *, until: float, stop: Stop | None
) -> tuple[str, str]:
    """What the ended child wrote on its standard output and error. Raises as its caller does."""
    while True:
        try:
            return child.communicate(timeout=LOOK_S)
        except subprocess.TimeoutExpired as error:
            if stop is not None and stop.is_set():
                raise StoppedError from error
            if time.monotonic() > until:
                raise ModelError(f"Exporting {model} took too long: given up.") from error


def _end(child: subprocess.Popen[str]) -> None:
    """Ends it; a little time to remove its draft, which is as large as the model."""
    if child.poll() is None:
        child.terminate()
        try:
            child.communicate(timeout=TIDYING_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def _write_checked(weights: Weights, folder: Path) -> Path:
    from failbot.encoder.transformers import TransformersEncoder

    if is_multi_vector(weights.folder):
        raise ModelError(
            f"{weights.name} gives a vector a token and none a sentence: such a model has no ONNX "
            "form here. It runs with sentence-transformers, slower."
        )
    original = TransformersEncoder(weights)
    expected = _encode_all(original)
    folder.mkdir()
    try:
        manifest = _write(original, folder)
    except Exception as error:  # the exporter raises whatever the architecture makes it stumble on
        raise ModelError(
            f"{weights.name} has no ONNX form ({type(error).__name__}: {error}). It runs with "
            "sentence-transformers, slower."
        ) from error
    found = _encode_all(OnnxEncoder(folder, name=weights.name))
    if (difference := _difference(expected, found)) > TOLERANCE:
        raise ModelError(
            f"{weights.name} differs in ONNX by {difference:.2g}: not used. It runs with "
            "sentence-transformers, slower."
        )
    if weights.is_minilm:  # the only model for which int8 was measured to cost no quality
        _quantise(folder, manifest, expected)
    return folder


def _write(original: TransformersEncoder, folder: Path) -> Manifest:
    model = original.model
    tokenizer = model.tokenizer
    length = model.max_seq_length
    if length is None:
        raise ValueError("it has no maximum sequence length")
    (folder / TOKENIZER).write_text(tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
    _write_graph(original, folder / GRAPH)
    manifest = Manifest(
        format=FORMAT,
        dimension=original.dimension,
        max_length=length,
        pad_id=tokenizer.pad_token_id or 0,
        special_ids=sorted(original.dropped.special_ids),
        prompts=original.prompts,
        prompt_tokens=original.dropped.prompt_tokens,
        precision="float32",
        sha256=_sums(folder),
    )
    manifest.write(folder)
    return manifest


def _write_graph(original: TransformersEncoder, file: Path) -> None:
    """The whole pipeline as one graph: transformer, pooling, and what else modules.json lists."""
    import torch

    model = original.model
    # onnxruntime fuses the plain form of attention; torch's own kernel becomes 200 small operators.
    model[0].auto_model.set_attn_implementation("eager")
    features = model.preprocess(list(CHECK_TEXTS[:3]))
    names = [name for name, value in features.items() if isinstance(value, torch.Tensor)]
    dynamic = {name: {0: "batch", 1: "length"} for name in [*names, "tokens"]}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # advice to the authors of exported models
        torch.onnx.export(
            _pipeline(model, names),
            tuple(features[name] for name in names),
            str(file),
            input_names=names,
            output_names=["sentence", "tokens"],
            dynamic_axes={**dynamic, "sentence": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,  # the newer exporter needs a further package and gains nothing here
        )


def _pipeline(model: nn.Module, names: Sequence[str]) -> nn.Module:
    from torch import nn

    class Pipeline(nn.Module):  # type: ignore[misc]  # mypy does not read PyTorch
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Tensor) -> tuple[Tensor, Tensor]:
            found = self.model(dict(zip(names, values, strict=True)))
            return found["sentence_embedding"], found["token_embeddings"]

    return Pipeline().eval()


def _quantise(folder: Path, exact: Manifest, expected: Sequence[Encoding]) -> None:
    """Replace the graph by its int8 form, if this machine computes that one closely enough."""
    precise = folder / GRAPH
    kept = precise.rename(folder / "float32.onnx")
    _write_int8(kept, precise)
    replace(exact, precision="int8", sha256=_sums(folder)).write(folder)
    found = _encode_all(OnnxEncoder(folder, name=""))
    if _mean_cosine(expected, found) < INT8_COSINE:
        kept.replace(precise)
        exact.write(folder)
    else:
        kept.unlink()


def _write_int8(source: Path, target: Path) -> None:
    """Weights per channel, activations by their range at run time; embeddings stay float32."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    nodes = [node.name for node in onnx.load(source).graph.node if node.op_type == "MatMul"]
    quantize_dynamic(
        source,
        target,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=[one for one in nodes if any(part in one for part in INT8_EXCLUDED)],
    )


def _encode_all(encoder: Encoder) -> list[Encoding]:
    kinds: tuple[Kind, ...] = ("document", "query")
    return [one for kind in kinds for one in encoder.encode(CHECK_TEXTS, kind=kind)]


def _difference(expected: Sequence[Encoding], found: Sequence[Encoding]) -> float:
    """The largest difference of any number; infinite if a text was tokenised differently."""
    largest = 0.0
    for one, other in zip(expected, found, strict=True):
        if not np.array_equal(one.token_ids, other.token_ids):
            return float("inf")
        apart = np.concatenate([one.sentence - other.sentence, (one.tokens - other.tokens).ravel()])
        largest = max(largest, float(np.abs(apart).max()))
    return largest


def _mean_cosine(expected: Sequence[Encoding], found: Sequence[Encoding]) -> float:
    return float(
        np.mean([one.sentence @ other.sentence for one, other in zip(expected, found, strict=True)])
    )


def _sums(folder: Path) -> dict[str, str]:
    return {name: file_sha256(folder / name) for name in (GRAPH, TOKENIZER)}


def _put(made: Path, target: Path) -> Path:
    """Move a finished export into place; what is there already is damaged, or another's."""
    try:
        made.rename(target)
    except OSError:
        target.rename(made.with_name("replaced"))
        made.rename(target)
    return target


def _end_with(parent: int) -> None:
    """From here on this process ends when its parent does, by whatever means.

    The kernel watches the very thread that started it (prctl(2), PR_SET_PDEATHSIG): that one waits
    for the outcome. Elsewhere than on Linux a killed parent leaves its export to finish.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ENDED))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it went before the kernel was asked
        sys.exit(ENDED)


def main(arguments: Sequence[str]) -> int:
    """The export process: its folder, or why there is none, on standard output."""
    model, data_folder, parent = arguments
    _end_with(int(parent))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            folder = export(model, Path(data_folder))
    except ModelError as error:
        print(error)
        return REFUSED
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
