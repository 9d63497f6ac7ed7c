"""What goes into an answer, step by step: texts, opinions, readings, calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from failbot.encoder.base import Kind
from failbot.memory.embedding import telling
from failbot.memory.service import Service
from failbot.models import QuestionOrigin
from failbot.search.calibration import load, with_caution
from failbot.search.values import Encoding
from tests.fakes import WordEncoder, WordReader
from tests.make import ANA, draft, public, viewer
from tests.memory_store import MemoryStore
from tests.slack.conftest import ReadySource
from tests.unit.test_service import ASKED, NAN, Opinion, Source, log


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def service(source: Source) -> Service:
    return Service(MemoryStore(), source)


class Told(WordEncoder):
    """An encoder that remembers what it was given, and as what."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[str, str]] = []

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        self.given += [(kind, text) for text in texts]
        return super().encode(texts, kind=kind)


def test_questions_are_encoded_as_questions(now: datetime) -> None:
    """Models are asked otherwise than told; expected questions are asked, too."""
    encoder = Told()
    service = Service(MemoryStore(), ReadySource(encoder))
    asked = {"is it the scaler": QuestionOrigin.AUTHOR}
    service.record(draft(NAN), place=public(), author_id=ANA, now=now, questions=asked)
    service.embed_missing()
    service.ask(ASKED, viewer=viewer())
    kinds = {text: kind for kind, text in encoder.given}
    assert kinds[ASKED] == kinds["is it the scaler"] == "query"
    assert {kind for text, kind in kinds.items() if NAN[:-1] in text} == {"document"}


def test_of_a_long_paste_what_tells_is_encoded(now: datetime) -> None:
    """Sixty words, the error among them."""
    encoder = Told()
    service = Service(MemoryStore(), ReadySource(encoder))
    service.ask("word " * 500 + "\nValueError: bad shape", viewer=viewer())
    [(kind, text)] = encoder.given
    assert kind == "query"
    assert len(text.split()) <= 60
    assert "ValueError: bad shape" in text


def test_punctuation_is_no_token_of_an_entry() -> None:
    """A sixth of them, and it tells nothing; where there is nothing else it stays."""
    rows = np.eye(4, dtype=np.float32)
    ids, starts = np.arange(4, dtype=np.int32), np.array([0, 3, 4, 5], np.int32)
    whole = Encoding(sentence=rows[0], tokens=rows, token_ids=ids, starts=starts)
    told = telling(whole, "nan, 7!")
    assert told.starts.tolist() == [0, 4, 5]
    assert told.token_ids.tolist() == [0, 2, 3]
    assert told.tokens.tolist() == rows[[0, 2, 3]].tolist()
    assert telling(whole, "!?!?!?!").token_ids.tolist() == [0, 1, 2, 3]


def test_a_second_opinion_has_a_calibration_of_its_own(source: Source, now: datetime) -> None:
    """Until there is one it counts with caution; it is waited for no longer than was asked."""
    opinion, store = Opinion("NaN"), MemoryStore()
    service = Service(store, source, opinion)
    log(service, now)
    first = service.ask(ASKED, viewer=viewer(), patience_s=3.0)
    assert first.basis is not None
    assert (first.basis.reranker, first.basis.origin) == ("opinion", "cautious")
    assert all(waited is not None and 0 <= waited <= 3 for waited in opinion.waited)
    made = replace(with_caution(load("all-MiniLM-L6-v2"), model="words"), origin="own")
    store.calibrations.keep(replace(made, reranker="opinion"), team_id="T1", now=now)
    second = service.ask(ASKED, viewer=viewer())
    assert second.basis is not None
    assert (second.basis.reranker, second.basis.origin) == ("opinion", "own")
    late = service.ask(ASKED, viewer=viewer(), patience_s=0.0)
    assert opinion.waited[-1] == 0
    assert late.hits


def test_caution_is_told_once_for_each_pair(
    service: Service, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, with the command that ends it."""
    log(service, now)
    for _ in range(3):
        service.ask(ASKED, viewer=viewer())
    told = [one for one in caplog.messages if "failbot calibrate" in one]
    assert len(told) == 1
    assert "words" in told[0]


def test_what_a_reader_said_stands_beside_its_hit(source: Source, now: datetime) -> None:
    """What matches and what differs, and by whom it was read."""
    service = Service(MemoryStore(), source, reader=WordReader(same="NaN"))
    log(service, now)
    answer = service.ask(ASKED, viewer=viewer())
    assert answer.read_by == "words"
    assert answer.hits[0].matches == "Both say NaN."
    assert answer.hits[0].differs == "Size."
