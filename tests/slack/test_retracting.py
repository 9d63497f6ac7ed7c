"""What shows a deleted entry in Slack goes, or says that the entry is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from threading import Event

import pytest

from failbot.models import Digest, Failure, Viewer
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.slack.jobs.digesting import publish
from failbot.slack.jobs.handlers import SHOW_CARD, Shown
from failbot.slack.jobs.kinds import HANDLERS
from failbot.slack.jobs.retracting import settle_stale
from failbot.slack.views.cards import ask_deletion
from failbot.store.base import Job, MessageKind, ShownMessage
from tests.make import ANA, private
from tests.slack.conftest import Running
from tests.slack.fake_slack import refusal
from tests.slack.test_jobs import MILD, NAN, NOW, PLAN, WEEK, Bench

ALL = Viewer(team_id="T1", is_operator=True)
ALIKE = "The loss became NaN at step 900 with fp16 gradients, again, in the second run."


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.places.close()


def deleted(bench: Bench, *numbers: int) -> None:
    """As from the command line, say, which knows nothing of Slack."""
    for number in numbers:
        bench.store.failures.delete(number, viewer=ALL)


def settle(bench: Bench) -> None:
    settle_stale(bench.bot, Event())


def digest(bench: Bench) -> Digest:
    bench.pass_s(60)
    return bench.service.digest(audience=bench.places.audience_of(PLACE), now=bench.now, week=WEEK)


PLACE = replace(private(), channel_id="C0ML")


def test_a_card_goes_with_its_entry(bench: Bench) -> None:
    """Whoever deleted it."""
    bench.show(bench.log(NAN))
    deleted(bench, 1)
    settle(bench)
    assert bench.said() == []
    assert bench.store.shown.stale(limit=9) == []


def test_a_card_that_is_posted_while_its_entry_goes_is_taken_back(bench: Bench) -> None:
    """The deletion came between reading the entry and the post."""
    one = bench.log(NAN)
    post = bench.slack.chat_postMessage

    def post_late(**message: object) -> object:
        deleted(bench, 1)
        return post(**message)  # type: ignore[arg-type]

    bench.slack.chat_postMessage = post_late  # type: ignore[assignment,method-assign]
    bench.show(one)
    assert len(bench.said()) == 1
    settle(bench)
    assert bench.said() == []


def test_a_card_that_a_crash_left_behind_is_found_by_its_key(bench: Bench) -> None:
    """Posted, not remembered, and the entry deleted before the next attempt."""
    one = bench.log(NAN)
    bench.slack.refuse("chat.postMessage", TimeoutError(), after=True)
    job = card_job(bench, one)
    with pytest.raises(TimeoutError):
        HANDLERS[SHOW_CARD](bench.bot, job)
    for number in range(5):
        bench.slack.said("C0ML", f"meanwhile {number}")
    deleted(bench, 1)
    bench.pass_s(61)
    again = bench.store.inbox.claim(now=bench.now, lease_s=60)
    assert again is not None
    HANDLERS[SHOW_CARD](bench.bot, again)
    settle(bench)
    assert not [one for one in bench.said() if "failbot_card" in one]
    assert len(bench.said()) == 5


def card_job(bench: Bench, one: Failure) -> Job:
    shown = Shown(
        number=one.number,
        entry_channel_id=one.channel_id,
        user_id=ANA,
        channel_id=one.channel_id,
        posts_card=True,
    )
    return bench.job(SHOW_CARD, asdict(shown))


def test_an_answer_keeps_its_other_matches(bench: Bench) -> None:
    """The entry's words go, and it is said why; feedback on the rest still counts."""
    bench.store.calibrations.keep(MILD, team_id="T1", now=NOW)
    bench.log(NAN)
    bench.log(ALIKE)
    bench.ask()
    assert "F-1" in bench.said()[0]
    assert "F-2" in bench.said()[0]
    deleted(bench, 2)
    settle(bench)
    answer = bench.slack.messages["C0ML"][0]
    for part in (str(answer["text"]), str(answer["blocks"])):
        assert "F-2 was deleted" in part
        assert "F-1" in part
        assert "again, in the second run" not in part
    assert "-1'" in str(answer["blocks"]), "the button of the first match"
    assert "-2'" not in str(answer["blocks"])


def test_an_answer_of_one_match_says_that_it_is_gone(bench: Bench) -> None:
    """Of the entry nothing is left but its number; the message stays, and its thread."""
    bench.log(NAN)
    bench.ask()
    deleted(bench, 1)
    settle(bench)
    answer = bench.slack.messages["C0ML"][0]
    assert answer["text"] == "F-1 was deleted."
    assert "NaN" not in str(answer["blocks"])
    assert bench.store.shown.of(1, team_id="T1") == []


def test_an_answer_that_was_posted_before_a_crash_is_renewed(bench: Bench) -> None:
    """Posted, not remembered, and the entry deleted before the next attempt: it must not stay."""
    bench.log(NAN)
    bench.slack.refuse("chat.postMessage", TimeoutError(), after=True)
    with pytest.raises(TimeoutError):
        bench.ask()
    assert "NaN" in bench.slack.messages["C0ML"][0]["text"]
    deleted(bench, 1)
    first = bench.slack.messages["C0ML"][0]["ts"]
    bench.slack.messages["C0ML"][0]["thread_ts"] = None  # the fake's thread begins with it
    bench.slack.said("C0ML", "it", thread_ts=first)
    bench.ask(attempts=2, message_ts="1600000000.000100", thread_ts=first)
    answers = [one for one in bench.slack.messages["C0ML"] if "failbot_answer" in str(one)]
    assert ["Nobody has recorded this" in str(one) for one in answers] == [True]


def test_a_digest_is_made_again_without_it(bench: Bench) -> None:
    """Message and details: the other lessons stay."""
    bench.log(NAN, lesson="Clip the gradients")
    bench.log("The loader dropped rows.", lesson="Count the rows")
    publish(bench.bot, PLAN, digest(bench), bench.claim(WEEK))
    assert sum("Clip the gradients" in one for one in bench.said()) == 2
    bench.pass_s(86_400)
    deleted(bench, 1)
    settle(bench)
    for message in bench.slack.messages["C0ML"]:
        told = f"{message['text']} {message['blocks']}"
        assert "Count the rows" in told
        assert "F-1 was deleted" in told
        assert "Clip the gradients" not in told


def test_a_digest_of_one_entry_says_that_it_is_gone(bench: Bench) -> None:
    """Neither the message nor its details hold a word of it."""
    bench.log(NAN, lesson="Clip the gradients")
    publish(bench.bot, PLAN, digest(bench), bench.claim(WEEK))
    deleted(bench, 1)
    settle(bench)
    for message in bench.slack.messages["C0ML"]:
        assert "F-1 was deleted" in str(message["blocks"])
        assert "Clip the gradients" not in str(message["blocks"])


def test_a_hint_in_a_direct_message_goes(bench: Bench) -> None:
    """It resembled what is deleted."""
    bench.log(NAN)
    bench.show(bench.log(ALIKE), posts_card=False, channel_id="C404")
    assert "F-1" in bench.said(ANA)[0]
    deleted(bench, 1)
    settle(bench)
    assert bench.said(ANA) == []


def test_what_fewer_may_see_is_recalled(bench: Bench) -> None:
    """The entry is there, and not for everyone who reads the answer."""
    bench.log(NAN, place=private())
    bench.log(ALIKE)
    bench.store.shown.remember(answer_that_shows(bench, 1, 2))
    assert bench.store.shown.recall(1, team_id="T1") == 1
    settle(bench)
    told = str(bench.slack.messages["C0ML"][0])
    assert "F-1 is not for everyone here any more" in told
    assert [one.numbers for one in bench.store.shown.of(2, team_id="T1")] == [(2,)]
    assert bench.store.shown.of(1, team_id="T1") == []


def test_what_more_may_see_stays_as_it_is(bench: Bench) -> None:
    """A recall for an entry that everyone sees now wipes nothing: answers, and hints to one."""
    bench.log(NAN)
    bench.ask()
    bench.show(bench.log(ALIKE), posts_card=False, channel_id="C404")
    before = [str(one) for one in bench.slack.messages["C0ML"]], bench.said(ANA)
    assert bench.store.shown.recall(1, team_id="T1") == 2
    settle(bench)
    assert ([str(one) for one in bench.slack.messages["C0ML"]], bench.said(ANA)) == before
    assert len(bench.store.shown.of(1, team_id="T1")) == 2


def test_a_message_that_breaks_keeps_no_other_waiting(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told in the log, and tried again with the next look."""
    for text in (NAN, ALIKE):
        bench.show(bench.log(text), attempts=2)
    deleted(bench, 1, 2)
    bench.slack.refuse("chat.delete", KeyError("a defect"))
    settle(bench)
    assert len(bench.said()) == 1
    assert "a stale card broke" in caplog.text


def answer_that_shows(bench: Bench, *numbers: int) -> ShownMessage:
    bench.ask()
    [known] = bench.store.shown.of(2, team_id="T1")
    return replace(known, numbers=numbers)


@pytest.mark.parametrize("code", ["message_not_found", "channel_not_found", "is_archived"])
def test_what_slack_has_no_more_is_forgotten(bench: Bench, code: str) -> None:
    """Nobody can read it there, or nobody can change it."""
    bench.show(bench.log(NAN))
    deleted(bench, 1)
    bench.slack.refuse("chat.delete", refusal(code))
    settle(bench)
    assert bench.store.shown.stale(limit=9) == []


@pytest.mark.parametrize(
    "error", [TimeoutError(), refusal("ratelimited", status=429), refusal("invalid_auth")]
)
def test_what_slack_cannot_do_now_is_done_later(bench: Bench, error: Exception) -> None:
    """And keeps nothing else waiting."""
    for text in (NAN, ALIKE):
        bench.show(bench.log(text), attempts=2)
    deleted(bench, 1, 2)
    bench.slack.refuse("chat.delete", error)
    settle(bench)
    assert len(bench.said()) == 1
    settle(bench)
    assert bench.said() == []


def test_the_question_before_a_deletion_says_what_goes(bench: Bench) -> None:
    """Card, answers, digests, as many as there are."""
    one = bench.log(NAN)
    assert "Its versions go too. What" in ask_deletion(one).text
    bench.show(one)
    bench.ask()
    bench.ask(message_ts="1600000000.000200")
    publish(bench.bot, PLAN, digest(bench), bench.claim(WEEK))
    shown = bench.store.shown.of(1, team_id="T1")
    assert {one.kind for one in shown} == {*MessageKind} - {MessageKind.NOTE}
    said = ask_deletion(one, shown=shown).text
    assert "Its versions and its card go too; 2 answers and 1 digest that quoted it" in said


def test_a_deletion_in_slack_reaches_the_answer(bot: Running, ada: Actor, ben: Actor) -> None:
    """At once: whoever asked reads that the entry was deleted."""
    bot.log(ada, NAN)
    asked = ben.say(factory.GENERAL, f"@failbot {NAN}")
    bot.replies(ben, factory.GENERAL, asked["ts"])
    ada.command("/failure", "delete F-1", factory.GENERAL)
    bot.control.wait_for(lambda: "1 answer that quoted" in str(ada.messages(factory.GENERAL)))
    ada.click("delete_failure")
    bot.control.wait_for(
        lambda: "F-1 was deleted" in str(bot.replies(ben, factory.GENERAL, asked["ts"]))
    )
    bot.control.wait_for(lambda: not bot.store.shown.stale(limit=9))
    seen = [one for one in bot.control.messages(factory.GENERAL) if one["ts"] != asked["ts"]]
    assert not [one for one in seen if NAN in str(one) and not one["visible_to"]]


def test_a_deletion_elsewhere_is_noticed(bot: Running, ada: Actor) -> None:
    """By the command line, say: at the next look."""
    bot.log(ada, NAN)
    bot.store.failures.delete(1, viewer=replace(ALL, team_id=factory.TEAM_ID))
    bot.side.bot.knock("shown")
    bot.control.wait_for(lambda: not ada.messages(factory.GENERAL))
