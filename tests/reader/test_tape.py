"""What was recorded can be repeated, and judged by somebody else meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from failbot.errors import InputError, ReaderError
from failbot.reader.base import Judgement
from failbot.reader.chat import Chat, Endpoint
from failbot.reader.language_model import LanguageModel
from failbot.reader.tape import Recorder, Replayer
from tests.reader.conftest import QUESTION, passages
from tests.reader.server import ChatServer

FOUND = passages("The loss became NaN.", "The labels were wrong.")


def record(folder: Path, chat: ChatServer | None) -> LanguageModel:
    source = Chat(Endpoint(url=chat.url, model="m")) if chat else None
    return LanguageModel(Recorder(folder, source), name="m", cached=0)


def replay(folder: Path) -> LanguageModel:
    return LanguageModel(Replayer(folder), name="m", cached=0)


def test_a_recorded_run_is_repeated_without_a_server(chat: ChatServer, tmp_path: Path) -> None:
    """The same readings, though the labels are drawn anew."""
    first = record(tmp_path, chat).read(QUESTION, FOUND)
    chat.close()
    assert replay(tmp_path).read(QUESTION, FOUND) == first
    assert first[1].judgement is Judgement.SAME


def test_a_run_that_was_cut_off_goes_on(chat: ChatServer, tmp_path: Path) -> None:
    """What has its reply is not asked again."""
    record(tmp_path, chat).read(QUESTION, FOUND)
    record(tmp_path, chat).read(QUESTION, FOUND)
    assert len(chat.seen) == 1


def test_requests_can_be_judged_by_hand(tmp_path: Path) -> None:
    """Without a model the request is kept; a reply written into it, text or object, is replayed."""
    with pytest.raises(ReaderError, match="without a reply"):
        record(tmp_path, None).read(QUESTION, FOUND)
    (path,) = tmp_path.iterdir()
    kept = json.loads(path.read_text("utf-8"))
    assert (kept["kind"], kept["reply"], list(kept["labels"].values())) == ("read", None, [1, 2])
    assert path.name == f"read-{kept['key']}.json"
    with pytest.raises(InputError, match=f"{path} holds no reply yet"):
        replay(tmp_path).read(QUESTION, FOUND)
    first, second = kept["labels"]
    kept["reply"] = {first: {"judgement": "helps", "matches": "m"}, second: "no"}
    path.write_text(json.dumps(kept), "utf-8")
    read = replay(tmp_path).read(QUESTION, FOUND)
    assert [one.judgement.value for one in read.values()] == ["helps", "no"]


def test_a_missing_reply_is_named(chat: ChatServer, tmp_path: Path) -> None:
    """Another question, or an entry that was changed, is another file."""
    record(tmp_path, chat).read(QUESTION, FOUND)
    for question, found in (("another", FOUND), (QUESTION, passages("changed"))):
        with pytest.raises(InputError, match=rf"{tmp_path}/read-\w+\.json is missing"):
            replay(tmp_path).read(question, found)


@pytest.mark.parametrize("content", ["", "[]", '{"labels": {}, "reply": "{}"}', '{"reply": 1}'])
def test_a_file_that_is_none_of_ours_is_named(
    chat: ChatServer, tmp_path: Path, content: str
) -> None:
    """Never taken for a judgement."""
    record(tmp_path, chat).read(QUESTION, FOUND)
    (path,) = tmp_path.iterdir()
    path.write_text(content, "utf-8")
    with pytest.raises(InputError, match=path.name):
        replay(tmp_path).read(QUESTION, FOUND)


def test_there_must_be_a_folder(tmp_path: Path) -> None:
    """A mistyped one is no empty one."""
    with pytest.raises(InputError, match="is no folder"):
        replay(tmp_path / "none")
