"""Answers in Slack with a language model: what it says is shown, and what it may see is held."""

from __future__ import annotations

from typing import Any

import pytest

from failbot.reader.base import Reading
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from tests.fakes import WordReader
from tests.reader.test_hostile_entries import ENTRIES
from tests.slack.conftest import Start
from tests.slack.test_questions import NAN, texts

FLAT = NAN.replace("became NaN", "became flat")


def test_a_match_says_what_matches_and_whose_words_these_are(
    start: Start, ada: Actor, ben: Actor
) -> None:
    """Each beside its own entry; what was judged no is not shown."""
    bot = start(reader=WordReader(same="NaN"))
    bot.log(ada, FLAT)
    bot.log(ada, NAN)
    answer = texts(bot.ask(ben, f"@failbot {NAN}"))
    for part in ("F-2", "_Matches_: Both say NaN.", "_Differs_: Size.", "language model"):
        assert part in answer
    assert "F-1" not in answer


def test_what_nobody_had_by_its_word_is_unknown(start: Start, ada: Actor, ben: Actor) -> None:
    """However near the words are; and its author is not told of a likeness either."""
    bot = start(reader=WordReader())
    bot.log(ada, FLAT)
    assert "resembles" not in str(bot.log(ada, NAN))
    answer = texts(bot.ask(ben, f"@failbot {NAN}"))
    assert "Nobody has recorded this" in answer
    assert "weak match" not in answer


def test_a_late_model_is_said_in_the_answer(start: Start, ada: Actor, ben: Actor) -> None:
    """Escaped, and the answer is there all the same."""
    reader = WordReader(same="NaN")
    bot = start(reader=reader)
    bot.log(ada, NAN)
    reader.failure = "it did not answer in time <!channel>"
    answer = texts(bot.ask(ben, f"@failbot {NAN}"))
    assert "F-1" in answer
    assert "it did not answer in time &lt;!channel&gt;" in answer
    assert "by the score alone" in answer


def test_what_is_asked_in_private_stays_from_a_model_elsewhere(
    start: Start, ada: Actor, ben: Actor
) -> None:
    """In a direct message and a private channel nothing is read; in public what is public is."""
    reader = WordReader(same="NaN", is_local=False)
    bot = start(reader=reader)
    bot.log(ada, NAN)
    bot.log(ada, f"{NAN} again", factory.SECRET)
    reader.asked.clear()
    bot.ask(ben, NAN, factory.DMS[factory.BEN])
    bot.ask(ben, f"@failbot {NAN}", factory.SECRET)
    assert reader.asked == []
    bot.ask(ben, f"@failbot {NAN}")
    assert {number for _, numbers in reader.asked for number in numbers} == {1}


def test_what_resembles_a_new_entry_says_what_matches_and_differs(
    start: Start, ada: Actor, ben: Actor
) -> None:
    """As an answer does, to its author alone."""
    bot = start(reader=WordReader(same="NaN"))
    bot.log(ada, NAN)
    bot.log(ben, NAN)
    told = texts(ben.messages(factory.GENERAL))
    for part in ("It resembles", "_Matches_: Both say NaN.", "_Differs_: Size.", "not the author"):
        assert part in told
    assert "It resembles" not in texts(ada.messages(factory.GENERAL))


def test_a_likeness_by_the_score_alone_says_so(start: Start, ada: Actor, ben: Actor) -> None:
    """Where the language model did not read it."""
    reader = WordReader(same="NaN")
    bot = start(reader=reader)
    bot.log(ada, NAN)
    reader.failure = "it did not answer in time"
    bot.log(ben, NAN)
    told = texts(ben.messages(factory.GENERAL))
    assert "It resembles" in told
    assert "by the score alone" in told


def test_nobody_is_said_with_how_much_was_searched(start: Start, ada: Actor, ben: Actor) -> None:
    """In public what everyone there may see counts, and what the asker alone may see does not."""
    bot = start()
    bot.log(ada, NAN)
    bot.log(ada, FLAT, factory.SECRET)
    public = texts(bot.ask(ben, "@failbot sarcastic tweets at midnight"))
    assert "The one entry that may be shown here was searched." in public
    alone = texts(bot.ask(ben, "sarcastic tweets at midnight", factory.DMS[factory.BEN]))
    assert "All 2 entries that may be shown here were searched." in alone


@pytest.mark.parametrize("channel_id", [factory.GENERAL, factory.DMS[factory.BEN]])
def test_whoever_asks_sees_that_it_is_being_read(
    start: Start, ada: Actor, ben: Actor, channel_id: str
) -> None:
    """Under the question, until the answer is there."""
    seen: list[str] = []

    class Slow(WordReader):
        def read(self, *given: Any, **more: Any) -> dict[int, Reading]:
            said = ben.messages(channel_id)
            seen.append(said[-1]["status"] if said else "")
            return super().read(*given, **more)

    bot = start(reader=Slow(same="NaN"))
    bot.log(ada, NAN)
    asked = ben.say(channel_id, f"@failbot {NAN}")
    assert "F-1" in texts(bot.replies(ben, channel_id, asked["ts"]))
    assert seen[-1] == "is reading what may match…"
    assert ben.messages(channel_id, asked["ts"])[0]["status"] == ""


def test_a_status_that_slack_refuses_costs_nothing(start: Start, ada: Actor, ben: Actor) -> None:
    """The answer comes all the same."""
    bot = start(reader=WordReader(same="NaN"))
    bot.log(ada, NAN)
    bot.control.fail_api("assistant.threads.setStatus", "not_allowed_token_type")
    assert "F-1" in texts(bot.ask(ben, f"@failbot {NAN}"))


def test_without_a_language_model_there_is_no_status(start: Start, ada: Actor, ben: Actor) -> None:
    """An answer by score is there before one could be seen."""
    bot = start()
    bot.log(ada, NAN)
    bot.ask(ben, f"@failbot {NAN}")
    assert bot.control.calls("assistant.threads.setStatus") == []


def test_no_hostile_entry_sounds_an_alarm(start: Start, ada: Actor, ben: Actor) -> None:
    """What mentions everyone in an entry, in a model's sentence and in a question does not here."""
    reader = WordReader(same="NaN")
    reader.writes = tuple(one["text"][:200] for one in ENTRIES if one["kind"] == "mention")
    bot = start(reader=reader)
    for one in ENTRIES:
        if one["kind"] in ("mention", "link"):
            reader.says = one["text"]
            bot.log(ada, f"NaN {one['text']}", lesson=one["text"])
    writer = bot.service.question_writer(now=bot.control.now)
    while writer.write_next():
        pass
    bot.ask(ben, "@failbot NaN")
    ada.command("/failure", "show F-1", factory.GENERAL)
    bot.control.wait_for(lambda: "(model)" in texts(ada.messages(factory.GENERAL)))
    assert bot.control.alarms() == []
