"""A bot that stood still past its lease sends nothing that another has sent meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from failbot.errors import StoreError
from failbot.models import Schedule
from failbot.sandbox import factory
from tests.faults.kit import START_S, Bot, logged, wait

ASKED = "@failbot has anyone seen the loss diverge after a longer warm-up?"


@pytest.fixture
def other(bot: Bot) -> Iterator[Bot]:
    """A second bot on the same database, not yet started."""
    other = Bot(bot.box, bot.data)
    yield other
    other.end()


ABOUT_TO_SEND = "chat.getPermalink"  # the last call before a message that links to a card


def pause_in_call(bot: Bot) -> None:
    """Stops it while Slack has not yet answered the call that was to hang, its leases over.

    Not inside a transaction: the database would be locked for as long as it stands still.
    """
    control = bot.box.control
    wait(bot, control.hanging)
    for _ in range(20):
        bot.pause()
        try:
            bot.let_leases_end()
        except StoreError:
            bot.resume()
            time.sleep(0.05)
        else:
            break
    control.unhang()
    control.clear_faults()


def logged_with_card(bot: Bot) -> None:
    ada = bot.box.control.as_(factory.ADA)
    assert logged(bot, ada)["status"] == "acked"
    store = bot.store()
    wait(bot, lambda: ada.messages(factory.GENERAL) and store.inbox.waiting() == 0)
    store.close()


def let_it_go_on(bot: Bot, *, until_said: str) -> None:
    """Until its log says that it has got to the end of what it held."""
    bot.resume()
    deadline = time.monotonic() + START_S
    while until_said not in bot.log.read_text():
        assert time.monotonic() < deadline, bot.log.read_text()
        time.sleep(0.02)


def test_a_question_is_answered_once_by_two_bots(bot: Bot, other: Bot) -> None:
    """One is stopped just before it sends; the other answers; the first goes on."""
    control = bot.box.control
    cleo = control.as_(factory.CLEO)
    logged_with_card(bot)
    control.hang(ABOUT_TO_SEND)
    asked = cleo.say(factory.GENERAL, ASKED)
    pause_in_call(bot)
    other.start()
    wait(other, lambda: cleo.messages(factory.GENERAL, asked["ts"])[1:])
    let_it_go_on(bot, until_said="attempt 1: taken over")
    assert len(control.messages(factory.GENERAL, asked["ts"])) == 2


def test_one_bot_does_not_overtake_itself(bot: Bot) -> None:
    """Its other threads leave alone what it held when it was stopped, whatever the lease says."""
    control = bot.box.control
    cleo = control.as_(factory.CLEO)
    logged_with_card(bot)
    control.hang(ABOUT_TO_SEND)
    asked = cleo.say(factory.GENERAL, ASKED)
    pause_in_call(bot)
    let_it_go_on(bot, until_said="attempt 1: done")
    wait(bot, lambda: cleo.messages(factory.GENERAL, asked["ts"])[1:])
    assert len(control.messages(factory.GENERAL, asked["ts"])) == 2


def test_a_digest_is_posted_once_by_two_bots(bot: Bot, other: Bot) -> None:
    """One is stopped just before it sends; the other posts; the first goes on."""
    control = bot.box.control
    logged_with_card(bot)
    bot.kill()
    store = bot.store()
    store.digests.set_schedule(due_now(bot))
    store.close()
    control.hang(ABOUT_TO_SEND)
    bot.start()
    pause_in_call(bot)
    other.start()
    wait(other, lambda: digests(bot))
    let_it_go_on(bot, until_said="is another's by now")
    assert len(digests(bot)) == 1


def due_now(bot: Bot) -> Schedule:
    """A schedule whose moment was a minute ago, by the processes' own clock."""
    at = bot.now() - timedelta(minutes=1)
    return Schedule(
        team_id=factory.TEAM_ID,
        channel_id=factory.GENERAL,
        weekday=at.weekday(),
        hour=at.hour,
        minute=at.minute,
        zone="UTC",
        created_by=factory.ADA,
        created_at=at - timedelta(days=1),
    )


def digests(bot: Bot) -> list[dict[str, object]]:
    found = bot.box.control.messages(factory.GENERAL)
    return [one for one in found if "What we learned" in str(one["text"])]
