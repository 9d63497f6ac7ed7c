"""What a language model wrote beside an entry, as its author sees it in Slack."""

from __future__ import annotations

from functools import partial

import pytest

from failbot.memory.writing import QuestionWriter
from failbot.models import QuestionOrigin, Viewer
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.slack.jobs import expecting
from failbot.slack.views.cards import EDIT
from tests.fakes import WordReader
from tests.slack.conftest import Running, Start

NAN = "The loss became NaN at step 900"
LINES = ("why is my <!channel> loss NaN", "loss NaN @here fp16")
EVERYTHING = Viewer(team_id=factory.TEAM_ID, is_operator=True)


def texts(messages: list[dict[str, object]]) -> str:
    return "\n".join(str(one) for one in messages)


@pytest.fixture
def reader() -> WordReader:
    reader = WordReader()
    reader.writes = LINES
    return reader


@pytest.fixture
def bot(start: Start, reader: WordReader) -> Running:
    return start(reader=reader)


def writer(bot: Running) -> QuestionWriter:
    told = partial(expecting.tell_later, bot.side.bot)
    return bot.service.question_writer(now=bot.control.now, told=told)


def written(bot: Running) -> None:
    """All that is wanted is written, and told."""
    while writer(bot).write_next():
        pass
    bot.settle()


def kept(bot: Running) -> list[tuple[str, str]]:
    found = bot.service.expected([1], viewer=EVERYTHING).get(1, ())
    return [(one.text, one.origin.value) for one in found]


def test_its_author_alone_is_shown_what_was_written(bot: Running, ada: Actor, ben: Actor) -> None:
    """With whose words they are; nothing in them is a mention."""
    bot.log(ada, NAN)
    written(bot)
    seen = texts(ada.messages(factory.GENERAL))
    assert "A language model wrote them" in seen
    assert "why is my &lt;!channel&gt; loss NaN" in seen
    assert "language model" not in texts(ben.messages(factory.GENERAL))
    assert bot.control.alarms() == []


def test_its_author_edits_it_from_there(bot: Running, ada: Actor) -> None:
    """A line removed is gone for good; a changed one is the author's."""
    bot.log(ada, NAN)
    written(bot)
    ada.click(EDIT, channel_id=factory.GENERAL)
    view = bot.control.wait_for(ada.view)
    assert "why is my <!channel> loss NaN" in str(view["blocks"])
    assert ada.submit({"questions": "why is my loss NaN"})["status"] == "acked"
    assert kept(bot) == [("why is my loss NaN", "author")]
    bot.settle()
    bot.form(ada, "edit F-1")
    ada.submit({"happened": "Another story"})
    written(bot)
    assert kept(bot) == [("why is my loss NaN", "author")]


def test_nobody_else_edits_it(bot: Running, ada: Actor, ben: Actor) -> None:
    """The button is its author's, or an admin's."""
    bot.log(ada, NAN)
    written(bot)
    ben.command("/failure", "edit F-1", factory.GENERAL)
    bot.control.wait_for(lambda: "Only the author" in texts(ben.messages(factory.GENERAL)))


def test_it_is_told_once_for_each_text(bot: Running, ada: Actor) -> None:
    """Whatever is written again after a crash; a new text is news."""
    bot.log(ada, NAN)
    written(bot)
    bot.service._store.wanted.want([1], team_id=factory.TEAM_ID, now=bot.control.now())
    written(bot)
    assert texts(ada.messages(factory.GENERAL)).count("is now found by") == 2  # text and block
    bot.form(ada, "edit F-1")
    ada.submit({"happened": "Another story"})
    written(bot)
    assert texts(ada.messages(factory.GENERAL)).count("is now found by") == 4


def test_what_is_deleted_or_removed_meanwhile_is_not_told(bot: Running, ada: Actor) -> None:
    """Nor is what is filled in long after."""
    failure = bot.log(ada, NAN)
    asked = bot.service.keep_expected(
        1, ["made up"], QuestionOrigin.MODEL, by="m", viewer=EVERYTHING, now=bot.control.now()
    )
    bot.service.delete(1, viewer=EVERYTHING, is_admin=True)
    expecting.tell_later(bot.side.bot, failure, asked)
    bot.settle()
    bot.control.advance(2 * 86_400)
    expecting.tell_later(bot.side.bot, failure, asked)
    assert bot.store.inbox.waiting() == 0
    assert "is now found by" not in texts(ada.messages(factory.GENERAL))


def test_in_a_channel_without_the_bot_it_comes_directly(bot: Running, ada: Actor) -> None:
    """An entry may be logged where the bot is not."""
    channel = bot.control.add_channel("quiet", members=[factory.ADA], with_bot=False)
    bot.log(ada, NAN, channel, post=[])
    written(bot)
    assert "is now found by" in texts(ada.messages(ada.dm()))
