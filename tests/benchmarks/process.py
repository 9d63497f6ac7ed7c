"""Whole processes: from start to the first answer, and the memory that they hold then."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from failbot.config import DEFAULT_MODEL, MINILM
from failbot.encoder import Encoder, open_encoder
from failbot.encoder.weights import find_weights
from tests.benchmarks import corpus
from tests.benchmarks.table import Row, timed

QUESTION = corpus.QUESTION
RUNS = 3

# What each process prints at its end: its resident memory in KiB (proc(5), VmRSS).
RESIDENT = """
print("RSS", next(line.split()[1] for line in open("/proc/self/status") if "VmRSS" in line))
"""
BASELINE = """
import sys
import faiss, numpy
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1])
index = faiss.IndexFlatIP(384)
index.add(numpy.load(sys.argv[2]))
index.search(model.encode([sys.argv[3]], normalize_embeddings=True), 100)
"""
SERVED = """
import sys
from pathlib import Path
from failbot.bootstrap import open_runtime
from failbot.config import Config
from failbot.models import Viewer
runtime = open_runtime(Config(data_folder=Path(sys.argv[1])))
runtime.service.ask(sys.argv[2], viewer=Viewer(team_id="local"))
"""


class BaselineIndex:
    """The baseline in this process."""

    def __init__(self, vectors: np.ndarray) -> None:
        import faiss

        self._model = plain_model()
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def ask(self, text: str) -> object:
        return self._index.search(self._model.encode([text], normalize_embeddings=True), 100)


_models: list[Any] = []


def plain_model() -> Any:
    """What the default model was tuned from in sentence-transformers, loaded once."""
    if not _models:
        from sentence_transformers import SentenceTransformer

        _models.append(SentenceTransformer(_folder()))
    return _models[0]


def prepared_encoder(data: Path) -> Encoder:
    """failbot's encoder as it is shipped."""
    return open_encoder(DEFAULT_MODEL, data_folder=data)


def rows(data: Path, size: int) -> Iterator[Row]:
    home = data / str(size)
    np.save(home / "vectors.npy", corpus.vectors(prepared_encoder(data), size))
    baseline = [sys.executable, "-c", BASELINE, _folder(), str(home / "vectors.npy"), QUESTION]
    command = [sys.executable, "-m", "failbot", "--data", str(home), "ask", "--json", QUESTION]
    yield Row(
        what=f"command line, start to answer, {size:,} entries, best of {RUNS}",
        unit="ms",
        failbot=min(timed(lambda: _run(command)) for _ in range(RUNS)),
        baseline=min(timed(lambda: _run(baseline)) for _ in range(RUNS)),
    )
    served = [sys.executable, "-c", SERVED + RESIDENT, str(home), QUESTION]
    baseline[2] += RESIDENT
    yield Row(
        what=f"resident memory after an answer, {size:,} entries",
        unit="MiB",
        failbot=_resident_mib(_run(served)),
        baseline=_resident_mib(_run(baseline)),
    )


def _run(command: list[str]) -> str:
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def _resident_mib(printed: str) -> float:
    return int(printed.split("RSS")[-1].split()[0]) / 1_024


def _folder() -> str:
    return str(find_weights(MINILM, data_folder=Path(os.devnull).parent).folder)
