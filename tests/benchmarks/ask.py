"""A question of 30 words to memories of several sizes, stage by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from failbot.encoder import Encoder
from failbot.memory.embedding import Embedder
from failbot.memory.matching import Matcher
from failbot.models import Viewer
from failbot.store.sqlite import SqliteStore
from tests.benchmarks import corpus
from tests.benchmarks.process import BaselineIndex
from tests.benchmarks.table import Row, alternately, percentile

ASKED = 100


class Timed:
    """Stands before a part and adds up what its methods take, in milliseconds."""

    def __init__(self, part: Any, stages: dict[str, list[float]], **names: str) -> None:
        self._part, self._stages, self._names = part, stages, names

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        stage = self._names.get(name)
        if stage is None:
            return value

        def call(*arguments: Any, **more: Any) -> Any:
            start = time.perf_counter()
            try:
                return value(*arguments, **more)
            finally:
                self._stages[stage].append((time.perf_counter() - start) * 1_000)

        return call


class Parts:
    """A store whose search is timed."""

    def __init__(self, store: SqliteStore, stages: dict[str, list[float]]) -> None:
        self.embeddings, self.failures = store.embeddings, store.failures
        self.calibrations, self.questions = store.calibrations, store.questions
        self.search = Timed(store.search, stages, candidates="candidates", corpus="corpus")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Ready:
    """An encoder that is there."""

    def __init__(self, encoder: Any) -> None:
        self.encoder, self.setting = encoder, encoder.name

    def wait(self, timeout_s: float | None) -> Any:
        return self.encoder

    def switch(self, setting: str) -> None:
        raise NotImplementedError(setting)


def rows(data: Path, size: int, encoder: Encoder) -> Iterator[Row]:
    stages: dict[str, list[float]] = defaultdict(list)
    store = SqliteStore(data / str(size) / "failbot.db")
    parts: Any = Parts(store, stages)
    embedder = Embedder(parts, Ready(Timed(encoder, stages, encode="encode")))
    matcher = Matcher(parts, embedder)
    viewer = Viewer(team_id=corpus.TEAM)
    baseline = BaselineIndex(corpus.vectors(encoder, size))

    def ask(text: str) -> object:
        return matcher.answer(text, viewer=viewer, patience_s=0, limit=10)

    own, others = alternately([ask, baseline.ask], corpus.questions(ASKED))
    store.close()
    yield from (
        Row(
            what=f"ask, {size:,} entries, p{share}",
            unit="ms",
            failbot=percentile(own, share),
            baseline=percentile(others, share),
        )
        for share in (50, 95)
    )
    halves = {name: percentile(times[-ASKED:], 50) for name, times in stages.items()}
    halves["score and quote"] = percentile(own, 50) - sum(halves.values())
    for name, took in halves.items():
        yield Row(what=f"ask, {size:,} entries: {name}, p50", unit="ms", failbot=took)
