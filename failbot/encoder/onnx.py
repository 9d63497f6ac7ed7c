"""An exported model in onnxruntime: sentence and token vectors in one pass, without PyTorch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from failbot.encoder.base import Dropped, Kind, well_formed
from failbot.encoder.weights import Weights, file_sha256
from failbot.errors import ModelError
from failbot.search.values import Encoding

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding as Tokens
    from tokenizers import Tokenizer

FORMAT = 1  # of the exported folder: raise it when a reader of the old one would go wrong
GRAPH, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "encoder.json"
Precision = Literal["float32", "int8"]

# Padded tokens in one pass. Larger passes are no faster on a CPU and take more memory: with 1,024
# the default model's process stays under 200 MB.
BATCH_TOKENS = 1024
MOST_THREADS = 4  # a pass over one question has no work for more


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What running an exported model needs besides its graph and its tokenizer."""

    format: int
    dimension: int
    max_length: int  # tokens, special ones included; what comes after them is not seen
    pad_id: int
    special_ids: list[int]
    prompts: dict[Kind, str]
    prompt_tokens: dict[Kind, int]
    precision: Precision
    sha256: dict[str, str]  # of GRAPH and TOKENIZER

    def write(self, folder: Path) -> None:
        """Write it into an exported model's folder."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an exported folder. :raises ModelError: when it cannot be used."""
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder / MANIFEST} cannot be read. Run: failbot setup") from error
    if manifest.format != FORMAT:
        raise ModelError(f"{folder} was exported by another version. Run: failbot setup")
    return manifest


def is_sound(folder: Path) -> bool:
    """Whether the folder holds a whole export that this version can run."""
    try:
        _check_sums(folder, read_manifest(folder))
    except ModelError:
        return False
    return True


def exported_folder(weights: Weights, *, data_folder: Path) -> Path:
    """Where the fast form of these weights belongs, whether or not it is there."""
    if weights.is_ready:
        return weights.folder
    return data_folder / "models" / weights.fingerprint[:16]


class OnnxEncoder:
    """An exported model as an Encoder; it holds no lock, as onnxruntime needs none."""

    def __init__(self, folder: Path, *, name: str, threads: int | None = None) -> None:
        """Load an exported folder, its sums checked. `threads`: the cores, at most 4, if None.

        :raises ModelError: when it is damaged, changed, or from another version.
        """
        self._manifest = manifest = read_manifest(folder)
        _check_sums(folder, manifest)
        self._tokenizer = _tokenizer(folder / TOKENIZER, manifest.max_length)
        self._session = _session(folder / GRAPH, threads or _cores())
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._dropped = Dropped(frozenset(manifest.special_ids), manifest.prompt_tokens)
        self.name = name
        self.dimension = manifest.dimension

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        """See Encoder.encode."""
        prompt = self._manifest.prompts[kind]
        tokens = self._tokenizer.encode_batch([prompt + well_formed(text) for text in texts])
        found: dict[int, Encoding] = {}
        for batch in self._batches([len(one) for one in tokens]):
            passed = [tokens[at] for at in batch]
            for at, encoding in zip(batch, self._run(passed, kind), strict=True):
                found[at] = encoding
        return [found[at] for at in range(len(texts))]

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Positions of the texts of each pass, texts of like length together.

        An int8 graph scales its numbers by the largest of a pass: there each text has its own, or
        its vectors would depend on its neighbours.
        """
        batch: list[int] = []
        for at in sorted(range(len(lengths)), key=lengths.__getitem__):
            full = lengths[at] * (len(batch) + 1) > BATCH_TOKENS
            if batch and (full or self._manifest.precision == "int8"):
                yield batch
                batch = []
            batch.append(at)
        if batch:
            yield batch

    def _run(self, batch: Sequence[Tokens], kind: Kind) -> Iterator[Encoding]:
        shape = (len(batch), max(1, *map(len, batch)))
        fed = {
            "input_ids": np.full(shape, self._manifest.pad_id, np.int64),
            "attention_mask": np.zeros(shape, np.int64),
            "token_type_ids": np.zeros(shape, np.int64),
        }
        for row, one in enumerate(batch):
            fed["input_ids"][row, : len(one)] = one.ids
            fed["attention_mask"][row, : len(one)] = 1
        sentences, states = self._session.run(
            ["sentence", "tokens"], {name: fed[name] for name in self._inputs}
        )
        prompt = len(self._manifest.prompts[kind])
        for row, one in enumerate(batch):
            yield self._dropped.encoding(
                sentences[row],
                states=states[row, : len(one)],
                token_ids=fed["input_ids"][row, : len(one)],
                starts=np.array([start - prompt for start, _ in one.offsets], np.int32),
                kind=kind,
            )


def _check_sums(folder: Path, manifest: Manifest) -> None:
    for name in (GRAPH, TOKENIZER):
        try:
            found = file_sha256(folder / name)
        except OSError as error:
            raise ModelError(f"{folder / name} cannot be read. Run: failbot setup") from error
        if found != manifest.sha256.get(name):
            raise ModelError(f"{folder / name} changed since its export. Run: failbot setup")


def _tokenizer(file: Path, max_length: int) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return tokenizer


def _session(file: Path, threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # it would keep a memory plan for each length it meets
    options.log_severity_level = 3  # errors, which come as exceptions anyway
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _cores() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(available or 1, MOST_THREADS)
