"""Recording failures, each committed to the disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from failbot.store.sqlite import SqliteStore
from tests.benchmarks import corpus
from tests.benchmarks.table import Row, alternately, percentile

WRITTEN = 200


def rows(data: Path) -> Iterator[Row]:
    """Baseline: one INSERT of the same text into a table without index, in WAL with FULL."""
    store = SqliteStore(data / "writes" / "failbot.db")
    baseline = sqlite3.connect(data / "writes" / "baseline.db", isolation_level=None)
    baseline.execute("PRAGMA journal_mode=WAL")
    baseline.execute("PRAGMA synchronous=FULL")
    baseline.execute("CREATE TABLE failures (draft TEXT)")
    drafts = list(corpus.drafts(WRITTEN))
    now = datetime.now(UTC)

    def record(at: str) -> object:
        return store.failures.record(
            drafts[int(at)], place=corpus.PLACE, author_id="U1", now=now, source=""
        )

    def insert(at: str) -> object:
        text = json.dumps(asdict(drafts[int(at)]))
        return baseline.execute("INSERT INTO failures VALUES (?)", [text])

    own, others = alternately([record, insert], [str(at) for at in range(WRITTEN)])
    store.close()
    baseline.close()
    yield Row(
        what="record one failure, committed, p50",
        unit="ms",
        failbot=percentile(own, 50),
        baseline=percentile(others, 50),
    )
