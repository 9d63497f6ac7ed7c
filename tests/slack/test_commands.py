"""What /failure answers in its asker's channel, seen by the asker alone."""

from __future__ import annotations

import pytest

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from tests.slack.conftest import Running

HAPPENED = "Every long input was cut at 512 tokens; accuracy fell"


def answered(bot: Running, actor: Actor, text: str, channel_id: str = factory.GENERAL) -> str:
    """The new messages that the actor sees after the command."""
    before = len(actor.messages(channel_id))
    assert actor.command("/failure", text, channel_id)["status"] == "acked"
    bot.control.wait_for(lambda: len(actor.messages(channel_id)) > before, what="an answer")
    new = actor.messages(channel_id)[before:]
    assert all(one.get("ephemeral") for one in new)
    return "\n".join(str(one) for one in new)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("help", "Weekly digest"),
        ("xyz", "not a command"),
        ("shw F-1", "did you mean /failure show"),
        ("serach foo", "did you mean /failure search"),
        ("show me", "show needs a number"),
        ("show F-99", "F-99"),
        ("delete", "delete needs a number"),
        ("digest tomorrow", "preview"),
        ("digest here funday 09:00", "not a day"),
        ("digest here monday 9am", "not a time"),
        ("digest here monday 09:00 Europe/Berln", "Europe/Berlin"),
        ("list", "Nothing is logged"),
        ("mine", "Nothing is logged"),
        ("search foo", "No entry"),
    ],
)
def test_nothing_ends_in_silence(bot: Running, ada: Actor, text: str, words: str) -> None:
    """Whatever is typed is answered, with what to type instead."""
    assert words in answered(bot, ada, text)


def test_list_mine_search_and_show(bot: Running, ada: Actor, ben: Actor) -> None:
    """An entry is found in each way by those who may see it."""
    bot.log(ada, HAPPENED, post=[])
    assert "F-1" in answered(bot, ben, "list")
    assert "F-1" not in answered(bot, ben, "mine")
    assert "F-1" in answered(bot, ada, "mine")
    assert "F-1" in answered(bot, ben, "search tokens cut")
    assert HAPPENED in answered(bot, ben, "show F-1")


def test_a_private_entry_does_not_exist_for_others(bot: Running, ada: Actor, cleo: Actor) -> None:
    """Neither in lists nor by its number."""
    bot.log(ada, HAPPENED, factory.SECRET)
    assert "F-1" not in answered(bot, cleo, "list")
    assert HAPPENED not in answered(bot, cleo, "show 1")


def test_a_digest_is_set_told_previewed_and_dropped(bot: Running, ada: Actor) -> None:
    """Without a zone it comes in the zone of whoever sets it."""
    bot.log(ada, HAPPENED, lesson="Log the share of truncated inputs")
    assert "every Monday at 09:00 (Europe/Paris)" in answered(bot, ada, "digest here monday 09:00")
    assert "every Monday at 09:00" in answered(bot, ada, "digest")
    assert "Log the share of truncated inputs" in answered(bot, ada, "digest preview")
    bot.control.wait_for(lambda: "at length" in str(ada.messages(factory.GENERAL)[-1]))
    assert "no more digests" in answered(bot, ada, "digest off")
    assert "no digest yet" in answered(bot, ada, "digest")


def test_a_digest_may_name_its_zone(bot: Running, ada: Actor) -> None:
    """The zone that is typed counts."""
    words = answered(bot, ada, "digest here fri 17.30 america/new_york")
    assert "every Friday at 17:30 (America/New_York)" in words


def test_a_digest_where_the_bot_is_not_says_how_to_invite_it(bot: Running, ada: Actor) -> None:
    """Otherwise nobody would notice before Monday."""
    channel_id = bot.control.add_channel("elsewhere", members=[factory.ADA], with_bot=False)
    assert "/invite" in answered(bot, ada, "digest here monday 09:00", channel_id)


def test_a_direct_message_gets_no_digest(bot: Running, ada: Actor) -> None:
    """A digest is for a channel."""
    words = answered(bot, ada, "digest here monday 09:00", factory.DMS[factory.ADA])
    assert "type this in the channel" in words


def test_the_home_tab_shows_the_last_entries(bot: Running, ada: Actor) -> None:
    """What it is, how to log, what I logged."""
    bot.log(ada, HAPPENED)
    ada.open_home()
    home = bot.control.wait_for(ada.home)
    assert "F-1" in str(home)
    assert "/failure" in str(home)
