"""Answers in Slack with a language model: what it says is shown, and what it may see is held."""

from __future__ import annotations

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from tests.fakes import WordReader
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
