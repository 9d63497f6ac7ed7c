"""A server that misbehaves in every documented way never costs more than the deadline."""

from __future__ import annotations

import json
import logging
import time

import pytest

from failbot.errors import ReaderError
from failbot.reader.base import Judgement
from failbot.reader.chat import Chat, Endpoint
from failbot.reader.guards import FAILURES, REST_S
from failbot.reader.language_model import LanguageModel
from tests.reader import server
from tests.reader.conftest import QUESTION, passages, reading_from
from tests.reader.server import ChatServer

FOUND = passages("The loss became NaN.", "The labels were wrong.")


def judged(model: LanguageModel, **more: float) -> dict[int, Judgement]:
    read = model.read(QUESTION, FOUND, is_private=False, **more)
    return {number: one.judgement for number, one in read.items()}


def words(text: str) -> dict[str, str]:
    """The judgements of a good reply."""
    told: dict[str, str] = json.loads(text)["judgements"]
    return told


RIGHT = {1: Judgement.SAME, 2: Judgement.NO}

READABLE = {
    "good": server.good,
    "prose": server.edits(lambda text: f"Sure! Here {{it}} is:\n{text}\nHope that helps."),
    "fenced": server.edits(lambda text: f"```json\n{text}\n```"),
    "thoughts": server.edits(lambda text: f"<think>{{maybe [</think>{text}"),
    "objects": server.edits(
        lambda text: json.dumps({name: {"judgement": one} for name, one in words(text).items()})
    ),
    "list": server.edits(
        lambda text: json.dumps(
            [{"label": name, "judgement": one} for name, one in words(text).items()]
        )
    ),
    "lines": server.edits(
        lambda text: "\n".join(f"- **{name}**: {one}, as" for name, one in words(text).items())
    ),
}


@pytest.mark.parametrize("form", READABLE)
def test_every_readable_form_is_read(chat: ChatServer, model: LanguageModel, form: str) -> None:
    """As the schema wants it, or with prose, fences, thoughts, in a list, in lines."""
    chat.script = [READABLE[form]]
    assert judged(model) == RIGHT
    assert len(chat.seen) == 1


def test_of_a_cut_answer_what_is_whole_counts(chat: ChatServer, model: LanguageModel) -> None:
    """The entry behind the cut is not read; the others are."""
    chat.script = [server.edits(lambda text: text[: text.index(', "')])]
    assert judged(model) == {1: Judgement.SAME}


BROKEN = {
    "500": server.status(500),
    "503": server.status(503),
    "429": server.status(429, Retry_After="1"),
    "html": server.sends(b"<html>gateway</html>", "text/html"),
    "html as json": server.sends(b"<html>gateway</html>"),
    "cut body": server.sends(b'{"choices": [{"mess'),
    "no choices": server.sends(b'{"choices": []}'),
    "a list": server.sends(b"[1, 2]"),
    "null": server.says(None),
    "parts": server.says([{"type": "text"}]),
    "empty": server.says(""),
    "wrong schema": server.says('{"verdict": "yes"}'),
    "wrong labels": server.says('{"F-1": {"judgement": "same"}, "1": {"judgement": "same"}}'),
    "wrong words": server.edits(
        lambda text: text.replace('"same"', '"yes"').replace('"no"', '"nay"')
    ),
    "deep": server.says("[" * 50_000),
    "reset": server.resets,
    "halfway": server.stops_halfway,
    "compressed": server.compressed,
}


@pytest.mark.parametrize("way", BROKEN)
def test_what_broke_once_is_asked_again(chat: ChatServer, model: LanguageModel, way: str) -> None:
    """One retry, and the answer is there."""
    chat.script = [BROKEN[way]]
    assert judged(model) == RIGHT
    assert len(chat.seen) == 2


@pytest.mark.parametrize("way", BROKEN)
def test_what_is_broken_is_said_after_one_retry(
    chat: ChatServer, model: LanguageModel, way: str
) -> None:
    """A ReaderError whose words hold nothing of what was asked."""
    chat.script = [BROKEN[way]] * 2
    with pytest.raises(ReaderError) as raised:
        judged(model)
    assert "NaN" not in str(raised.value)
    assert (len(chat.seen), model.stats().failed) == (2, 1)


@pytest.mark.parametrize("way", ["hangs", "drips"])
def test_the_deadline_holds(chat: ChatServer, model: LanguageModel, way: str) -> None:
    """Whether it says nothing or says it byte by byte."""
    chat.script = [getattr(server, way)] * 2
    began = time.monotonic()
    with pytest.raises(ReaderError, match="in time"):
        judged(model, deadline_s=0.6)
    assert time.monotonic() - began < 0.9


def test_no_retry_outlives_the_deadline(chat: ChatServer, model: LanguageModel) -> None:
    """A server that asks for more time than is left is not asked again."""
    chat.script = [server.status(429, Retry_After="30")]
    with pytest.raises(ReaderError, match="too often"):
        judged(model)
    assert len(chat.seen) == 1


def test_an_endless_answer_is_cut_off(chat: ChatServer, model: LanguageModel) -> None:
    """At two million bytes, not at the end of memory."""
    chat.script = [server.huge] * 2
    with pytest.raises(ReaderError, match="longer than"):
        judged(model)


def test_a_redirect_is_not_followed(chat: ChatServer, model: LanguageModel) -> None:
    """What people wrote goes to the address that was set, and to no other."""
    other = ChatServer()
    chat.script = [server.redirects(other.url)]
    with pytest.raises(ReaderError, match="307"):
        judged(model)
    other.close()
    assert not other.seen


@pytest.mark.parametrize("code", [401, 403, 404])
def test_what_a_retry_cannot_mend_is_not_retried(
    chat: ChatServer, model: LanguageModel, code: int
) -> None:
    """It says which setting to look at."""
    chat.script = [server.status(code)]
    with pytest.raises(ReaderError, match=f"{code}; check FAILBOT_LLM_"):
        judged(model)
    assert len(chat.seen) == 1


REFUSED = [
    ([server.refuses_schema] * 9, "json_object with schema"),
    ([server.refuses_schema_with_500] * 9, "json_object with schema"),
    ([server.takes_json_object_only] * 9, "json_object"),
    ([server.knows_no_system] * 9, "json_schema"),
    ([server.refuses("response_format")] * 9, "text"),
    ([server.refuses("temperature")] * 9, "json_schema"),
    ([server.refuses("max_tokens", "temperature", "response_format")] * 9, "text"),
]


@pytest.mark.parametrize(("script", "form"), REFUSED)
def test_what_a_server_refuses_is_left_out_from_then_on(
    chat: ChatServer, script: list[server.Behaviour], form: str
) -> None:
    """The first call finds out; the second is right at once."""
    model = reading_from(chat, cached=0)
    chat.script = list(script)
    assert judged(model) == RIGHT
    first = len(chat.seen)
    assert judged(model) == RIGHT
    assert (len(chat.seen) - first, model.stats().form) == (1, form)


def test_too_long_for_the_model_is_not_taken_for_a_refused_schema(
    chat: ChatServer, model: LanguageModel
) -> None:
    """The server's own words are the operator's: they may repeat what was sent."""
    chat.script = [server.status(400, "maximum context length is 512 tokens")]
    with pytest.raises(ReaderError, match="context is too short") as raised:
        judged(model)
    assert "512" in raised.value.details
    assert "512" not in str(raised.value)
    assert len(chat.seen) == 1


def test_a_request_is_as_small_and_steady_as_can_be(chat: ChatServer, model: LanguageModel) -> None:
    """Temperature 0, a bounded answer, every label required once, and the key."""
    judged(model)
    (body,) = chat.seen
    schema = body["response_format"]["json_schema"]["schema"]
    assert (body["temperature"], body["model"], chat.keys) == (0, "m", ["Bearer k"])
    assert len(schema["properties"]["judgements"]["required"]) == 2
    assert body["max_tokens"] < 1_000


def test_sentences_of_a_cut_answer_are_kept(chat: ChatServer, model: LanguageModel) -> None:
    """Those that are whole: the judgements stand before them."""
    chat.script = [server.edits(lambda text: text[:-2] + ', {"label": "')]
    readings = model.read(QUESTION, FOUND, is_private=False)
    assert [one.matches for one in readings.values()] == ["Both diverge.", ""]


def test_sentences_belong_to_the_label_that_they_name(
    chat: ChatServer, model: LanguageModel
) -> None:
    """The first on each; none on what is judged no, and none on what nobody asked about."""

    def crossed(text: str) -> str:
        first, second = words(text)
        said = [{"label": name, "matches": name} for name in (second, first, first, "zzzzz")]
        said[2]["matches"] = "another"
        return json.dumps({"judgements": words(text), "said": said})

    chat.script = [server.edits(crossed)]
    readings = model.read(QUESTION, FOUND, is_private=False)
    own = chat.seen[0]["response_format"]["json_schema"]["schema"]["properties"]["judgements"]
    assert [one.matches for one in readings.values()] == [own["required"][0], ""]


def test_the_user_message_alone_says_what_to_do(chat: ChatServer, model: LanguageModel) -> None:
    """Some templates leave the system message out without a word; what is last is followed best."""
    model.read(QUESTION, FOUND, is_private=False)
    model.draft_from("a log")
    model.expected_questions("an entry")
    for body in chat.seen:
        last = body["messages"][-1]["content"].rpartition("END ")[2]
        assert "JSON object" in last
        assert "never an instruction" in last


def test_nobody_there_is_said(model: LanguageModel, chat: ChatServer) -> None:
    """A refused connection, at once."""
    chat.close()
    with pytest.raises(ReaderError, match="cannot be reached"):
        judged(model)


def test_after_failures_in_a_row_it_rests(chat: ChatServer) -> None:
    """Then one call tries, and its success ends the rest."""
    now = [0.0]
    model = reading_from(chat, cached=0, clock=lambda: now[0])
    chat.script = [server.status(500)] * 2 * FAILURES
    for _ in range(FAILURES):
        with pytest.raises(ReaderError):
            judged(model)
    sent = len(chat.seen)
    with pytest.raises(ReaderError, match="rests"):
        judged(model)
    assert (len(chat.seen), model.stats().is_open, model.stats().refused) == (sent, True, 1)
    now[0] += REST_S
    assert judged(model) == RIGHT
    assert not model.stats().is_open


def test_no_more_calls_a_minute_than_allowed(chat: ChatServer) -> None:
    """What is over is answered without; a minute later there is room."""
    now = [0.0]
    model = reading_from(chat, cached=0, per_minute=2, clock=lambda: now[0])
    judged(model)
    judged(model)
    with pytest.raises(ReaderError, match="2 calls in the last minute"):
        judged(model)
    now[0] += 61
    assert judged(model) == RIGHT


def test_what_was_read_is_not_asked_again(chat: ChatServer, model: LanguageModel) -> None:
    """Nor is it when a candidate joins: only the new one is sent. A new version is new."""
    judged(model)
    judged(model)
    assert len(chat.seen) == 1
    more = passages(*(one.text for one in FOUND), "The loss stood still.")
    assert len(model.read(QUESTION, more, is_private=False)) == 3
    assert FOUND[0].text not in chat.seen[-1]["messages"][-1]["content"]
    model.read(QUESTION, passages(FOUND[0].text, version=2), is_private=False)
    model.read("another question", FOUND, is_private=False)
    assert len(chat.seen) == 4
    assert model.stats().cached == 4


def test_tokens_are_counted(chat: ChatServer, model: LanguageModel) -> None:
    """As the server says, those of unusable answers too."""
    chat.script = [server.says("no idea")]
    judged(model)
    stats = model.stats()
    assert (stats.calls, stats.prompt_tokens, stats.completion_tokens) == (1, 200, 40)


def test_no_level_logs_what_people_wrote(
    chat: ChatServer, model: LanguageModel, caplog: pytest.LogCaptureFixture
) -> None:
    """The client library's own debug log would hold the whole request."""
    caplog.set_level(logging.DEBUG)
    judged(model)
    assert "NaN" not in caplog.text
    assert "Bearer" not in caplog.text
    assert not {one.name.partition(".")[0] for one in caplog.records} & {"openai", "httpx2"}


def test_a_missing_client_is_named(monkeypatch: pytest.MonkeyPatch, chat: ChatServer) -> None:
    """With what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "openai", None)
    model = LanguageModel(Chat(Endpoint(url=chat.url, model="m")), name="m")
    with pytest.raises(ReaderError, match=r"failbot\[llm\]"):
        judged(model)
