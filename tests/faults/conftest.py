"""A bot as a process, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from failbot.sandbox.server import Sandbox
from tests.faults.kit import Bot


@pytest.fixture
def bot(tmp_path: Path, models: Path) -> Iterator[Bot]:
    """A running bot whose model is prepared."""
    (tmp_path / "models").symlink_to(models)
    with Sandbox(rate_limits=False) as box:
        bot = Bot(box, tmp_path)
        bot.start()
        yield bot
        bot.end()
