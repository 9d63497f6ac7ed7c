"""A message, its thread or a pasted log becomes a draft in the form, and is not stored unread."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from failbot.models import Draft
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.slack.manifest import SHORTCUT
from tests.fakes import WordReader
from tests.slack.conftest import Running, Start

MADE = Draft(tried="Halved the warm-up", happened="NaN at step 900", tags=("warm-up",))
LOG = "step 1 loss 2.1\n" * 40


@pytest.fixture
def reader() -> WordReader:
    reader = WordReader()
    reader.drafts = MADE
    return reader


def texts(messages: list[dict[str, object]]) -> str:
    return "\n".join(str(one) for one in messages)


def form(bot: Running, actor: Actor) -> dict[str, Any]:
    """The form, once it has taken the place of the view before it; "" holds its remark."""

    def filled() -> dict[str, Any] | None:
        view = actor.view()
        return view if view and view["callback_id"] == "failure_form" else None

    view = bot.control.wait_for(filled, what="the form")
    inputs = [one for one in view["blocks"] if one["type"] == "input"]
    found = {one["block_id"]: one["element"].get("initial_value", "") for one in inputs}
    sections = [one["text"]["text"] for one in view["blocks"] if one["type"] == "section"]
    return found | {"": "\n".join(sections)}


def shortcut(actor: Actor, message: Any, channel_id: str = factory.GENERAL) -> None:
    actor.shortcut(SHORTCUT, message["ts"], channel_id)


def test_a_message_becomes_a_draft(
    start: Start, ada: Actor, ben: Actor, reader: WordReader
) -> None:
    """With its address, and with who filled it in; logged when it is sent, and not before."""
    bot = start(reader=reader)
    said = ben.say(factory.GENERAL, "the run died at step 900 & nobody knows why")
    shortcut(ada, said)
    made = form(bot, ada)
    assert (made["tried"], made["happened"], made["tags"]) == (
        "Halved the warm-up",
        "NaN at step 900",
        "warm-up",
    )
    assert said["ts"].replace(".", "") in made["links"]
    assert made[""].startswith("words filled this in.")
    assert reader.told == ["the run died at step 900 & nobody knows why"]
    assert bot.entries() == []
    assert ada.submit({"happened": "NaN at step 901"})["status"] == "acked"
    assert bot.entries()[0].happened == "NaN at step 901"


def test_a_thread_is_read_as_a_whole(
    start: Start, ada: Actor, ben: Actor, reader: WordReader
) -> None:
    """From its first message or any other, people's words alone."""
    bot = start(reader=reader)
    first = ben.say(factory.GENERAL, "loss is NaN again")
    ben.say(factory.GENERAL, "@failbot", thread_ts=first["ts"])
    bot.settle()
    last = ada.say(factory.GENERAL, "it was the warm-up", thread_ts=first["ts"])
    for message in (first, last):
        seen = next(
            one for one in ada.messages(factory.GENERAL, first["ts"]) if one["ts"] == message["ts"]
        )
        reader.told.clear()
        shortcut(ada, seen)
        form(bot, ada)
        assert reader.told == ["loss is NaN again\n\nit was the warm-up"]
        ada.close_view()


def test_without_a_model_a_thread_is_one_field(start: Start, ada: Actor) -> None:
    """For the person to part; a message alone is there at once, as ever."""
    bot = start()
    first = ada.say(factory.GENERAL, "loss is NaN again\n\n\n\nsince monday")
    ada.say(factory.GENERAL, "it was the warm-up", thread_ts=first["ts"])
    shortcut(ada, ada.messages(factory.GENERAL)[0])
    made = form(bot, ada)
    assert made["happened"] == "loss is NaN again\n\nsince monday\n\nit was the warm-up"
    assert (made["tried"], made[""]) == ("", "")


def test_a_pasted_log_becomes_a_draft(start: Start, ada: Actor, reader: WordReader) -> None:
    """After the command; a sentence is taken as it is."""
    bot = start(reader=reader)
    ada.command("/failure", LOG, factory.GENERAL)
    assert form(bot, ada)["happened"] == "NaN at step 900"
    assert reader.told == [LOG.strip()]
    ada.command("/failure", "the loss exploded at step 900", factory.GENERAL)
    bot.control.wait_for(lambda: form(bot, ada)["happened"] == "the loss exploded at step 900")
    assert len(reader.told) == 1


def test_a_view_says_that_it_is_being_read(start: Start, ada: Actor, reader: WordReader) -> None:
    """At once, whatever the model takes; closing it is the end of it."""
    bot = start(reader=reader)
    going = threading.Event()
    answer = reader.draft_from

    def slow(text: str, *, is_private: bool = True) -> Draft:
        assert going.wait(10)
        return answer(text, is_private=is_private)

    reader.draft_from = slow  # type: ignore[method-assign]
    ada.command("/failure", LOG, factory.GENERAL)
    view = bot.control.wait_for(ada.view)
    assert view["callback_id"] == "failure_loading"
    assert "submit" not in view or view["submit"] is None
    ada.close_view()
    going.set()
    bot.control.wait_for(lambda: len(reader.told) == 1)
    bot.control.idle()
    assert ada.view() is None
    assert bot.entries() == []


def test_a_model_that_fails_leaves_the_text(start: Start, ada: Actor, reader: WordReader) -> None:
    """And says why it is not filled in."""
    bot = start(reader=reader)
    reader.failure = "it did not answer in time"
    ada.command("/failure", LOG, factory.GENERAL)
    made = form(bot, ada)
    assert made["happened"] == LOG.strip()
    assert "(it did not answer in time)" in made[""]


@pytest.mark.parametrize("channel_id", [factory.SECRET, factory.DMS[factory.ADA]])
def test_private_text_stays_from_a_model_elsewhere(
    start: Start, ada: Actor, reader: WordReader, channel_id: str
) -> None:
    """A private channel's and a direct message's; a public one's is read."""
    reader.is_local = False
    bot = start(reader=reader)
    said = ada.say(channel_id, "the run died at step 900")
    shortcut(ada, said, channel_id)
    made = form(bot, ada)
    assert made["happened"] == "the run died at step 900"
    assert "private" in made[""]
    assert reader.told == []
    ada.close_view()
    shortcut(ada, ada.say(factory.GENERAL, "the run died again"))
    assert form(bot, ada)["happened"] == "NaN at step 900"


def test_where_slack_does_not_say_text_is_private(
    start: Start, ada: Actor, reader: WordReader
) -> None:
    """A look-up that fails sends nothing away."""
    reader.is_local = False
    bot = start(reader=reader)
    bot.control.fail_api("conversations.info", "internal_error")
    ada.command("/failure", LOG, factory.GENERAL)
    assert "private" in form(bot, ada)[""]
    assert reader.told == []


def test_secrets_are_out_before_it_is_read(start: Start, ada: Actor, reader: WordReader) -> None:
    """Whatever was pasted."""
    bot = start(reader=reader)
    ada.command("/failure", LOG + "AKIA" + "Z7QX" * 4, factory.GENERAL)
    form(bot, ada)
    assert "AKIA" not in reader.told[0]


def test_a_form_that_cannot_be_shown_gives_the_text_back(
    start: Start, ada: Actor, reader: WordReader
) -> None:
    """In a message to whoever pasted it."""
    bot = start(reader=reader)
    bot.control.fail_api("views.update", "internal_error")
    ada.command("/failure", LOG, factory.GENERAL)
    bot.control.wait_for(lambda: "could not be opened" in texts(ada.messages(factory.GENERAL)))
    assert "step 1 loss 2.1" in texts(ada.messages(factory.GENERAL))
