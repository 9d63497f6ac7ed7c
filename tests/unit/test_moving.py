"""A memory made with an earlier default model goes over to the one that is shipped now."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

from failbot.bootstrap import open_runtime
from failbot.config import DEFAULT_MODEL, MINILM, Config
from failbot.doctor import examine
from tests.make import ANA, draft, public, viewer

QUESTION = "our loss diverges early in training"


@pytest.fixture
def folder(tmp_path: Path, models: Path, now: datetime) -> Path:
    """The data folder of a memory whose vectors are MiniLM's."""
    (tmp_path / "models").symlink_to(models)
    with open_runtime(Config(data_folder=tmp_path, model=MINILM)) as runtime:
        for at in range(3):
            said = draft(f"The loss diverged at step {at}.")
            runtime.service.record(said, place=public(), author_id=ANA, now=now)
        runtime.service.embed_missing()
    return tmp_path


def answered_by(folder: Path) -> str:
    """The model whose vectors answer a command."""
    with open_runtime(Config(data_folder=folder)) as runtime:
        basis = runtime.service.ask(QUESTION, viewer=viewer()).basis
        return basis.model if basis else ""


def test_a_command_answers_with_the_vectors_that_are_there(folder: Path) -> None:
    """Nobody waits for thousands of entries, and doctor says how far it is."""
    assert answered_by(folder) == MINILM
    told = [one.words for one in examine({"FAILBOT_DATA": str(folder)}, slack=False)]
    assert any(f"0 of 3 have moved from {MINILM} to {DEFAULT_MODEL}" in words for words in told)


def test_a_serving_process_moves_it_over_and_goes_on_answering(folder: Path) -> None:
    """In the background; its own searches follow without a restart."""
    with open_runtime(Config(data_folder=folder)) as runtime:
        runtime.start_background()
        deadline = time.monotonic() + 60
        used = ""
        while used != DEFAULT_MODEL:
            assert time.monotonic() < deadline, "the memory has not moved"
            answer = runtime.service.ask(QUESTION, viewer=viewer(), patience_s=60.0)
            assert answer.hits
            used = answer.basis.model if answer.basis else ""
    assert answered_by(folder) == DEFAULT_MODEL


def test_a_model_that_was_chosen_stays(folder: Path) -> None:
    """Only the default moves: who set MiniLM keeps it."""
    with open_runtime(Config(data_folder=folder, model=MINILM)) as runtime:
        assert runtime.moving() is None
