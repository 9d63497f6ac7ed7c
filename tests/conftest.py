"""What every test may use; nothing here reaches beyond loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # the sandbox's tests run without the rest of failbot
    from failbot.store.base import Store

os.environ["HF_HUB_OFFLINE"] = "1"  # no test asks a model hub, and the transformers library obeys

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday


@pytest.fixture
def now() -> datetime:
    return NOW


def _sqlite(folder: Path) -> Store:
    from failbot.store.sqlite import SqliteStore

    return SqliteStore(folder / "failbot.db")


def _memory(_: Path) -> Store:
    from tests.memory_store import MemoryStore

    return MemoryStore()


BACKENDS = {"sqlite": _sqlite, "memory": _memory}


@pytest.fixture(params=sorted(BACKENDS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each backend."""
    opened = BACKENDS[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MiniLM's fast form, made once for all tests."""
    pytest.importorskip("torch", reason="PyTorch exports it")
    from failbot.config import MINILM
    from failbot.encoder.export import export_in_subprocess

    folder = tmp_path_factory.mktemp("prepared")
    export_in_subprocess(MINILM, folder)
    return folder / "models"
