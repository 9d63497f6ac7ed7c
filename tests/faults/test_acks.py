"""What was acknowledged a moment before the kill is done by whoever comes next."""

from __future__ import annotations

import os
import random
import time

import pytest

from failbot.config import DEFAULT_MODEL
from failbot.models import Viewer
from failbot.sandbox import factory
from tests.faults.kit import Bot, logged, wait

SEED = int(os.environ.get("FAILBOT_TEST_SEED", "1"))
WITHIN_S = 0.2
ALL = Viewer(team_id=factory.TEAM_ID, is_operator=True)
ASKED = "@failbot the loss diverges although we warm up for longer"


def slow_down(bot: Bot) -> None:
    """Looking people and places up takes a third of a second from now on."""
    for method in ("users.info", "conversations.info", "conversations.members"):
        bot.box.control.slow(method, 0.3, times=1_000)


def kill_after(bot: Bot, after_s: float) -> None:
    time.sleep(after_s)
    bot.kill()
    bot.let_leases_end()
    bot.box.control.clear_faults()
    bot.start()


def assert_kept(bot: Bot, after_s: float) -> None:
    """One round: a deletion, a schedule, a word and a search, all acknowledged, then the kill."""
    control, general = bot.box.control, factory.GENERAL
    ada, ben, cleo = (control.as_(one) for one in (factory.ADA, factory.BEN, factory.CLEO))
    for _ in range(2):
        assert logged(bot, ada)["status"] == "acked"
    wait(bot, lambda: len([one for one in ada.messages(general) if "F-" in str(one)]) >= 2)
    store = bot.store()
    wait(
        bot, lambda: not store.embeddings.missing(DEFAULT_MODEL, limit=1)
    )  # both are in the answer
    asked = ben.say(general, ASKED)
    wait(bot, lambda: ben.messages(general, asked["ts"])[1:])
    ada.command("/failure", "delete F-1", general)
    wait(bot, lambda: "for good" in str(ada.messages(general)))
    bot.kill()  # the next process has looked nobody up yet
    bot.start()
    slow_down(bot)
    reply = ben.messages(general, asked["ts"])[1]
    outcomes = [
        ada.click("delete_failure"),
        ben.click("helped-1-2", channel_id=general, message_ts=reply["ts"]),
        cleo.command("/failure", "digest here monday 09:00", general),
        cleo.command("/failure", "search diverged", general),
    ]
    assert {one["status"] for one in outcomes} == {"acked"}
    kill_after(bot, after_s)
    wait(bot, lambda: not store.failures.at([1], viewer=ALL))
    wait(bot, lambda: store.digests.schedules())
    now = control.now()
    since = now.replace(year=now.year - 1)
    wait(bot, lambda: store.questions.feedback(viewer=ALL, since=since, before=control.now()))
    wait(bot, lambda: "Entries with diverged" in str(cleo.messages(general)))
    wait(bot, lambda: store.inbox.waiting() == 0)
    wait(bot, lambda: "F-1 is deleted" in str(ada.messages(general)))
    wait(
        bot,
        lambda: "F-1:" not in str(ben.messages(general)),
    )
    store.close()
    assert control.complaints() == []


def test_what_was_acknowledged_just_before_a_kill_is_done(bot: Bot) -> None:
    """Looked up at leisure, but not forgotten: deletion, schedule, word, search."""
    print(f"FAILBOT_TEST_SEED={SEED}")
    assert_kept(bot, random.Random(SEED).uniform(0, WITHIN_S))


@pytest.mark.full
@pytest.mark.parametrize("round", range(14))
def test_what_was_acknowledged_before_fourteen_kills_is_done(bot: Bot, round: int) -> None:
    """As above, at other moments."""
    print(f"FAILBOT_TEST_SEED={SEED}")
    assert_kept(bot, random.Random(SEED + 1 + round).uniform(0, WITHIN_S))
