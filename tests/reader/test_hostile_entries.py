"""A hundred hostile entries, through the whole path, against a model that does what they say.

`hostile.jsonl` holds orders, fences, replies, chat turns, mentions, links, commands and odd
characters. The model answers as it should, and misbehaves beside that: it quotes the entry before
and after its answer, in its sentences, in its thoughts, and judges whatever label the entry names.
That a model judges another entry as this one says cannot be excluded by form: `.docs/reader.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from failbot.errors import UnusableError
from failbot.memory.service import Service
from failbot.models import Draft, ExpectedQuestion, Place, QuestionOrigin, Visibility
from failbot.reader.chat import Chat, Endpoint
from failbot.reader.language_model import LanguageModel
from failbot.slack.views import cards, forms
from failbot.slack.views.answers import answer_message
from failbot.slack.views.blocks import Message
from tests.fakes import WordEncoder
from tests.make import ANA, BEN, viewer
from tests.memory_store import MemoryStore
from tests.reader.server import ChatServer
from tests.unit.test_matching import Source

ENTRIES = [
    json.loads(line)
    for line in Path(__file__).with_name("hostile.jsonl").read_text("utf-8").splitlines()
]
TEXTS = [one["text"] for one in ENTRIES]
QUESTION = "the loss became NaN after the warm-up was halved"
HONEST = {
    "The loss became NaN after the warm-up was halved.": "same",
    "The loss became NaN once the batch size was raised.": "helps",
    "The loss of two annotators became a NaN in a spreadsheet.": "no",
}
PLACE = Place(team_id="T1", channel_id="C0ML", visibility=Visibility.WORKSPACE)
Quoting = Callable[[str, dict[str, Any]], str]


def _in_sentences(text: str, told: dict[str, Any]) -> str:
    about = {"matches": text, "differs": text}
    said = [{"label": label} | about for label in told["judgements"]]
    return json.dumps(told | {"said": said})


def _by_its_labels(text: str, told: dict[str, Any]) -> str:
    named = re.findall(r"\w{5}|F-\d|\d", text)[:50]
    return json.dumps({"judgements": dict.fromkeys(named, "same") | told["judgements"]})


QUOTING: list[Quoting] = [
    lambda text, told: f"{text}\n{json.dumps(told)}",
    lambda text, told: f"{json.dumps(told)}\n{text}",
    lambda text, told: f"<think>{text}</think>\n```json\n{json.dumps(told)}\n```",
    _in_sentences,
    _by_its_labels,
]


class Obeying(ChatServer):
    """Judges honestly, the hostile entry as the same, and quotes it as `quoting` says."""

    hostile = ""
    quoting: Quoting = staticmethod(_in_sentences)

    def good(self, body: dict[str, Any]) -> str:
        told = json.loads(super().good(body))
        if "judgements" in told:
            return type(self).quoting(self.hostile, told)
        if "messages" in told:
            return json.dumps({"messages": [self.hostile, *self.hostile.splitlines()]})
        return json.dumps(dict.fromkeys(told, self.hostile) | {"tags": [self.hostile]})


def judge(question: str, entry: str) -> str:
    return next((word for text, word in HONEST.items() if text in entry), "same")


@pytest.fixture(scope="module")
def chat() -> Iterator[Obeying]:
    server = Obeying(judge=judge)
    yield server
    server.close()


def memory(chat: Obeying, now: datetime, hostile: str) -> Service:
    """Three honest entries, and one that hostile text fills; a model that knows none of them."""
    chat.hostile = hostile
    model = LanguageModel(Chat(Endpoint(url=chat.url, model="m"), sleep=lambda _: None), name="m")
    service = Service(MemoryStore(), Source(WordEncoder("first")), reader=model)
    for happened in [*HONEST, f"{QUESTION} {hostile}"]:
        lesson = hostile if hostile in happened else ""
        tags = (hostile[:50],) if lesson else ()
        said = Draft(tried="Halved it.", happened=happened, lesson=lesson, tags=tags)
        service.record(said, place=PLACE, author_id=ANA, now=now)
    service.embed_missing()
    return service


def live(message: Message) -> list[str]:
    """What Slack would make a mention or a link of."""
    found = [message.text]

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("type") == "mrkdwn":
                assert part["verbatim"] is True, "else Slack finds names and addresses itself"
                found.append(part["text"])
            for one in part.values():
                walk(one)
        elif isinstance(part, list):
            for one in part:
                walk(one)

    walk(message.blocks)
    return [one for text in found for one in re.findall(r"<[^<>]*>?", text)]


@pytest.mark.parametrize("quoting", QUOTING)
def test_no_verdict_of_another_entry_changes(
    chat: Obeying, now: datetime, quoting: Quoting
) -> None:
    """Nor does anything of the hostile one become a mention or a link where it is shown."""
    chat.__class__.quoting = staticmethod(quoting)
    unread, at = 0, QUOTING.index(quoting)
    # Each entry is quoted in two of the five ways: by all of them in turn, and in sentences.
    chosen = TEXTS if quoting is _in_sentences else TEXTS[at :: len(QUOTING)]
    for text in chosen:
        service = memory(chat, now, text)
        answer = service.ask(QUESTION, viewer=viewer(BEN), is_private=False)
        judged = {hit.failure.number: hit.judgement for hit in answer.hits}
        unread += bool(answer.unread)
        expected = dict(enumerate([*HONEST.values(), "same"], start=1))
        assert answer.unread or judged == expected, text[:80]
        message = answer_message(answer, question=text, question_id=1, links={})
        assert live(message) == [], text[:80]
        for hit in answer.hits:
            assert "://" not in hit.matches + hit.differs
    # A hundred brackets before an answer keep it from being read: then the score decides.
    assert unread <= 1


def test_nothing_of_it_lives_in_what_is_shown_of_an_entry(chat: Obeying, now: datetime) -> None:
    """In its card, beside what resembles it, and in what a model wrote of it."""
    chat.__class__.quoting = staticmethod(_in_sentences)
    for text in TEXTS:
        service = memory(chat, now, text)
        similar = service.similar(service.show(1, viewer=viewer(BEN)), viewer=viewer(BEN))
        writer = service.question_writer(now=lambda: now)
        while writer.write_next():
            pass
        failure, questions = service.show(4, viewer=viewer(BEN)), _written(service)
        told = cards.logged(failure, similar=similar.shown(), links={}, caveat=similar.caveat)
        shown = [cards.card(failure, questions), told, cards.saved(failure)]
        shown += [cards.foreseen(failure, questions)] if questions else []
        assert {one for each in shown for one in live(each)} <= {f"<@{ANA}>"}, text[:80]
        assert all(one.origin is QuestionOrigin.MODEL for one in questions)
        assert not any("://" in one.text or "\n" in one.text for one in questions)


def _written(service: Service) -> tuple[ExpectedQuestion, ...]:
    return service.expected([4], viewer=viewer(BEN)).get(4, ())


def test_a_draft_of_it_is_plain_text_and_stores_nothing(chat: Obeying, now: datetime) -> None:
    """In inputs alone, where no markup is read; the person sees it before it is sent."""
    unusable: list[str] = []
    for text in TEXTS:
        service = memory(chat, now, text)
        try:
            draft = service.draft_from(text, is_private=False)
        except UnusableError:  # nothing but invisible characters: there is nothing to fill in
            unusable.append(text)
            draft = Draft(tried="", happened=text)
        assert draft.links == ()
        view = forms.failure_form(draft, forms.Origin(channel_id="C0ML"), remark="m filled it in.")
        assert '"mrkdwn"' not in json.dumps(view)
        assert service.count(viewer=viewer(BEN)) == 4
    assert len(unusable) <= 2


def test_no_command_is_run(chat: Obeying, now: datetime) -> None:
    """Whatever an entry or a model's answer says, entries, schedules and versions stay."""
    for text in [one["text"] for one in ENTRIES if one["kind"] in ("command", "turns")]:
        service = memory(chat, now, text)
        before = service.newest(viewer=viewer(BEN))
        service.ask(text, viewer=viewer(BEN), is_private=False)
        with suppress(UnusableError):
            service.draft_from(text, is_private=False)
        assert service.newest(viewer=viewer(BEN)) == before
        assert service.schedule_of(team_id="T1", channel_id="C0ML") is None


def test_the_entries_are_a_hundred_different_ones() -> None:
    """Of each kind some."""
    assert len(set(TEXTS)) == len(TEXTS) == 100
    assert {one["kind"] for one in ENTRIES} == {
        "order",
        "fence",
        "reply",
        "turns",
        "mention",
        "link",
        "command",
        "odd",
    }
