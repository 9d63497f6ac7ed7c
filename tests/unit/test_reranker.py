"""A cross-encoder's second opinion: loaded, refused, late; in the order and in the probability."""

from __future__ import annotations

import logging
import pickle
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from failbot.encoder.loading import Loading
from failbot.encoder.reranker import CrossEncoderReranker, Reranker, background_reranker
from failbot.encoder.weights import find_reranker
from failbot.errors import ModelError
from failbot.memory.service import Service
from failbot.models import Answer
from failbot.search.calibration import load
from failbot.search.passages import text_of
from failbot.store.base import Store
from tests.fakes import WordEncoder
from tests.make import ANA, draft, public, viewer
from tests.tiny_model import save_tiny_model, save_tiny_reranker

pytest.importorskip("torch", reason="a cross-encoder runs in PyTorch")

QUESTION = "training loss became nan after steps"
# The same words: nothing but their order tells these apart.
ENTRIES = (
    "the loss became nan after steps of training",
    "steps of nan training became loss after the",
    "after training the steps of loss became nan",
)


class Ready:
    """An encoder source whose encoder is there."""

    setting = "words"

    def wait(self, timeout_s: float | None) -> WordEncoder:
        return WordEncoder()

    def switch(self, setting: str) -> None:
        raise AssertionError("nothing here names another model")


class Late:
    """A reranker that is never ready."""

    def wait(self, timeout_s: float | None) -> Reranker | None:
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_reranker(tmp_path_factory.mktemp("reranker") / "tiny")


@pytest.fixture
def source(folder: Path, tmp_path: Path) -> Loading[Reranker]:
    return background_reranker(str(folder), data_folder=tmp_path)


def filled(store: Store, now: datetime, *, worst_first: Reranker) -> Service:
    """A memory whose numbers run against the reranker's opinion."""
    drafts = [draft(happened) for happened in ENTRIES]
    scores = worst_first.scores(QUESTION, [text_of(one) for one in drafts])
    service = Service(store, Ready())
    for at in np.argsort(scores):
        service.record(drafts[at], place=public(), author_id=ANA, now=now)
    service.embed_missing()
    return service


def ask(store: Store, source: object) -> Answer:
    return Service(store, Ready(), source).ask(QUESTION, viewer=viewer())  # type: ignore[arg-type]  # refusing sources are among them


def test_scores_are_shares_and_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    """Whatever the model's own range, and however long or strange the texts."""
    reranker = CrossEncoderReranker(find_reranker(str(folder), data_folder=tmp_path))
    texts = ["loss", "", "training " * 900, "\ud800 lone surrogate"]
    scores = reranker.scores(QUESTION, texts)
    assert (scores.dtype, scores.shape) == (np.float32, (4,))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.array_equal(scores, reranker.scores(QUESTION, texts))


def test_its_opinion_changes_the_order(
    store: Store, source: Loading[Reranker], now: datetime
) -> None:
    """Entries that all else finds equal come by its score, and not by their numbers."""
    reranker = source.wait(None)
    assert reranker is not None
    alone = filled(store, now, worst_first=reranker).ask(QUESTION, viewer=viewer())
    assert [hit.failure.number for hit in alone.hits] == [1, 2, 3]
    assert "reranker" not in alone.hits[0].signals
    answer = ask(store, source)
    assert [hit.failure.number for hit in answer.hits] == [3, 2, 1]
    seconds = [hit.signals["reranker"] for hit in answer.hits]
    assert seconds == sorted(seconds, reverse=True)


def test_a_calibration_made_without_it_is_not_used_with_it(
    store: Store, source: Loading[Reranker], now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """Until one is made with it answers are cautious, which the log says once."""
    reranker = source.wait(None)
    assert reranker is not None
    filled(store, now, worst_first=reranker)
    own = replace(load("all-MiniLM-L6-v2"), model="words", known=0.5, origin="own")
    store.calibrations.keep(own, team_id="T1", now=now)
    service = Service(store, Ready(), source)
    with caplog.at_level(logging.WARNING):
        service.ask(QUESTION, viewer=viewer())
        cautious = service.ask(QUESTION, viewer=viewer()).basis
    assert cautious is not None
    assert (cautious.origin, cautious.reranker) == ("cautious", reranker.name)
    assert cautious.known == 0.9
    assert "reranker" not in cautious.coefficients
    assert caplog.text.count(f"no calibration for words with {reranker.name}") == 1
    slopes = {"reranker": 3.0}
    made = replace(own, reranker=reranker.name, intercept=-1.0, coefficients=slopes)
    store.calibrations.keep(made, team_id="T1", now=now)
    answer = service.ask(QUESTION, viewer=viewer())
    assert answer.basis == made.basis, "taken up without a restart"
    odds = -1 + 3 * answer.hits[0].signals["reranker"]
    assert answer.confidence == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)
    assert ask(store, None).basis == own.basis


def test_one_that_is_late_changes_nothing(
    store: Store, source: Loading[Reranker], now: datetime
) -> None:
    """The answer is the one without it, with that one's calibration."""
    reranker = source.wait(None)
    assert reranker is not None
    filled(store, now, worst_first=reranker)
    assert ask(store, Late()) == ask(store, None)


def test_one_that_cannot_be_used_changes_nothing(
    store: Store,
    source: Loading[Reranker],
    now: datetime,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says why, once, however many ask."""
    reranker = source.wait(None)
    assert reranker is not None
    filled(store, now, worst_first=reranker)
    broken = background_reranker("/nowhere/at/all", data_folder=tmp_path)
    with caplog.at_level(logging.WARNING):
        answers = [ask(store, broken) for _ in range(3)]
    assert answers == [ask(store, None)] * 3
    assert caplog.text.count("answered without the reranker: There is no folder") == 1


def test_a_sentence_model_is_refused(tmp_path: Path) -> None:
    """It would be given a head of random numbers."""
    model = save_tiny_model(tmp_path / "model")
    with pytest.raises(ModelError, match="no cross-encoder \\(BertModel"):
        CrossEncoderReranker(find_reranker(str(model), data_folder=tmp_path))


def test_a_classifier_of_several_outputs_is_refused(tmp_path: Path) -> None:
    """Which of its figures would be the score?"""
    model = save_tiny_reranker(tmp_path / "classes", outputs=3)
    with pytest.raises(ModelError, match="gives 3 figures"):
        CrossEncoderReranker(find_reranker(str(model), data_folder=tmp_path))


def test_a_pickle_is_refused_and_never_opened(folder: Path, tmp_path: Path) -> None:
    """As with the model: its content would run."""
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "config.json").write_bytes((folder / "config.json").read_bytes())
    (trap / "pytorch_model.bin").write_bytes(pickle.dumps(Path.touch))
    with pytest.raises(ModelError, match="is a pickle"):
        background_reranker(str(trap), data_folder=tmp_path).wait(None)
    with pytest.raises(ModelError, match="Set FAILBOT_RERANKER"):
        find_reranker("./nowhere", data_folder=tmp_path)
