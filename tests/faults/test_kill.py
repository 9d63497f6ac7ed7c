"""A bot that is killed without warning has lost nothing that it acknowledged."""

from __future__ import annotations

import signal

from failbot.sandbox import factory
from tests.faults.kit import FORM, Bot, logged, wait
from tests.make import viewer


def test_an_acknowledged_form_survives_a_kill(bot: Bot) -> None:
    """The moment Slack has its answer, the entry is on the disk."""
    ada = bot.box.control.as_(factory.ADA)
    assert logged(bot, ada)["status"] == "acked"
    bot.kill()
    store = bot.store()
    kept = store.failures.get(1, viewer=viewer(team_id=factory.TEAM_ID))
    assert kept.happened == FORM["What happened instead"]
    store.check()
    store.close()
    bot.let_leases_end()
    bot.start()
    wait(bot, lambda: [one for one in ada.messages(factory.GENERAL) if "F-1" in str(one)])


def test_an_acknowledged_question_is_answered_after_a_kill(bot: Bot) -> None:
    """A question is stored before it is acknowledged, and answered once, by whoever comes next."""
    control = bot.box.control
    ben = control.as_(factory.BEN)
    asked = ben.say(factory.GENERAL, "@failbot has anyone seen the loss diverge after warm-up?")
    control.idle()
    bot.kill()
    bot.let_leases_end()
    bot.start()
    replies = wait(bot, lambda: ben.messages(factory.GENERAL, asked["ts"])[1:])
    assert len(list(replies)) == 1


def test_a_restart_keeps_entries_and_goes_on_answering(bot: Bot) -> None:
    """SIGTERM ends it cleanly; the next start answers from what was there."""
    control = bot.box.control
    ada, ben = control.as_(factory.ADA), control.as_(factory.BEN)
    assert logged(bot, ada)["status"] == "acked"
    wait(bot, lambda: [one for one in ada.messages(factory.GENERAL) if "F-1" in str(one)])
    assert bot.kill(signal.SIGTERM) == 0
    bot.start()
    asked = ben.say(factory.GENERAL, "@failbot the loss diverges although we warm up for longer")
    replies = wait(bot, lambda: ben.messages(factory.GENERAL, asked["ts"])[1:])
    assert "F-1" in str(replies)
    asked = ben.say(factory.GENERAL, "@failbot which café near the office is open on sundays?")
    replies = wait(bot, lambda: ben.messages(factory.GENERAL, asked["ts"])[1:])
    assert "obody has recorded this" in str(replies)
    assert control.alarms() == []
    assert control.complaints() == []
