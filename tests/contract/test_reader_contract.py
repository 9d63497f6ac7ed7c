"""What every reader promises, nobody's included."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from failbot.reader.base import READ, SENTENCE_LIMIT, Judgement, NoReader, Reader
from failbot.reader.chat import Chat, Endpoint
from failbot.reader.language_model import LanguageModel
from failbot.reader.tape import Recorder, Replayer
from failbot.reader.verdicts import Verdicts, write_verdicts
from tests.fakes import WordReader
from tests.reader.conftest import QUESTION, passages
from tests.reader.server import ChatServer

FOUND = passages("The loss became NaN.", "The loss stood still.", "The labels were wrong.")


@pytest.fixture(params=["none", "fake", "model", "recorded", "replayed", "verdicts"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reader]:
    """Each kind; the model's server judges by words."""
    if request.param == "none":
        yield NoReader()
        return
    if request.param == "fake":
        yield WordReader(same="NaN", helps="loss")
        return
    if request.param == "verdicts":
        yield Verdicts(_kept(tmp_path / "kept.jsonl"))
        return
    server = ChatServer()
    server.judge = lambda question, entry: "same" if "NaN" in entry else "helps"
    chat = Chat(Endpoint(url=server.url, model="m"))
    recorder = LanguageModel(Recorder(tmp_path, chat), name="m", cached=0)
    if request.param == "model":
        yield LanguageModel(chat, name="m")
    elif request.param == "recorded":
        yield recorder
    else:
        recorder.read(QUESTION, FOUND)
        recorder.read(QUESTION, MANY)
        yield LanguageModel(Replayer(tmp_path), name="m")
    server.close()


def _kept(path: Path) -> Path:
    found = {str(at): one.text for at, one in enumerate([*FOUND, *MANY])}
    said = {QUESTION: {"0": Judgement.SAME, "1": Judgement.HELPS}}
    write_verdicts(path, by="somebody", entries=found, said=said)
    return path


MANY = passages(*(f"Entry {number}: the loss rose." for number in range(READ + 6)))


def test_nothing_is_read_into_nothing(reader: Reader) -> None:
    """No candidates, no readings, and nobody is asked."""
    assert reader.read(QUESTION, []) == {}


def test_readings_are_of_what_was_given(reader: Reader) -> None:
    """By number, with sentences that fit on a line."""
    readings = reader.read(QUESTION, FOUND)
    assert set(readings) <= {1, 2, 3}
    for one in readings.values():
        assert max(len(one.matches), len(one.differs)) <= SENTENCE_LIMIT
        assert "\n" not in one.matches + one.differs


def test_the_same_is_read_the_same(reader: Reader) -> None:
    """In whatever order the candidates come."""
    assert reader.read(QUESTION, FOUND) == reader.read(QUESTION, FOUND[::-1])


def test_no_more_than_the_first_are_read(reader: Reader) -> None:
    """What is beyond is left out, and is not judged."""
    assert set(reader.read(QUESTION, MANY)) <= set(range(1, READ + 1))


def test_any_thread_may_ask(reader: Reader) -> None:
    """Four at once are answered alike."""
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(reader.read, QUESTION, FOUND) for _ in range(8)]
        assert len({str(one.result()) for one in asked}) == 1


def test_it_has_a_name_or_is_nobody(reader: Reader) -> None:
    """Only a reader without a name reads nothing."""
    assert bool(reader.name) == bool(reader.read(QUESTION, FOUND))
