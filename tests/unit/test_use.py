"""What a language model was asked goes into the store, once, whoever asked it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from failbot.bootstrap import Runtime, open_runtime
from failbot.config import Config
from failbot.doctor.check import State
from failbot.doctor.language_model import language_model_use
from failbot.ops.metrics import Metrics, ReaderCounts
from failbot.ops.wiring import _facts
from failbot.reader.base import NoReader, Stats
from tests.conftest import NOW


class Counting(NoReader):
    """A reader whose figures a test sets."""

    name = "small"

    def __init__(self) -> None:
        self.told = Stats()

    def stats(self) -> Stats:
        return self.told


@pytest.fixture
def reader() -> Counting:
    return Counting()


@pytest.fixture
def runtime(tmp_path: Path, reader: Counting) -> Iterator[Runtime]:
    with open_runtime(Config(data_folder=tmp_path), reader=reader) as runtime:
        yield runtime


def used(runtime: Runtime) -> list[Stats]:
    return [one.stats for one in runtime.store.use.since(datetime.now(UTC).date())]


def test_each_call_is_counted_once(runtime: Runtime, reader: Counting) -> None:
    """However often it is reported; nothing new is not written."""
    runtime._report_use()
    assert used(runtime) == []
    reader.told = Stats(calls=2, prompt_tokens=100, form="text")
    runtime._report_use()
    runtime._report_use()
    reader.told = Stats(calls=3, failed=1, prompt_tokens=150, form="text")
    runtime._report_use()
    assert used(runtime) == [Stats(calls=3, failed=1, prompt_tokens=150)]


def test_what_came_last_is_counted_at_the_end(tmp_path: Path, reader: Counting) -> None:
    """Before the store is closed: a command's calls count, too."""
    config = Config(data_folder=tmp_path)
    with open_runtime(config, reader=reader):
        reader.told = Stats(calls=1)
    with open_runtime(config) as again:
        assert used(again) == [Stats(calls=1)]


def test_doctor_warns_while_it_rests(runtime: Runtime, reader: Counting) -> None:
    """From the last report, until another says that it is back."""
    assert list(language_model_use(runtime.store)) == []
    for is_open, state in ((True, State.WARN), (False, State.OK)):
        reader.told = Stats(calls=3, failed=3, is_open=is_open)
        runtime._report_use()
        (check,) = language_model_use(runtime.store)
        assert check.state is state
        assert "today 3 calls (3 failed, 0 not sent)" in check.words
        assert ("small failed several times in a row" in check.words) is is_open


def test_metrics_tell_the_same(runtime: Runtime) -> None:
    """Of this process alone: what came from the cache, and whether it rests."""
    counts = ReaderCounts(
        calls=3,
        failed=1,
        refused=2,
        prompt_tokens=5,
        completion_tokens=6,
        cached=7,
        is_resting=True,
    )
    metrics = Metrics()
    metrics.look_at(replace(_facts(runtime, None, now=lambda: NOW), reader=lambda: counts))
    told = metrics.text().decode()
    assert "failbot_reader_cached_total 7.0" in told
    assert "failbot_reader_resting 1.0" in told
    assert 'failbot_reader_calls_total{outcome="refused"} 2.0' in told
