"""Questions by mention and direct message: who is answered what, where, and how often."""

from __future__ import annotations

from collections.abc import Sequence

from failbot.encoder.base import Kind
from failbot.errors import StoppedError
from failbot.models import QuestionOrigin, Viewer
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.search.values import Encoding
from tests.fakes import WordEncoder
from tests.slack.conftest import Running, Start

NAN = "The loss became NaN at step 900 with fp16 gradients after a learning rate spike"
OTHER = "Has anyone seen sarcastic tweets labelled differently by annotators?"


def texts(messages: list[dict[str, object]]) -> str:
    return "\n".join(str(one) for one in messages)


def test_a_mention_is_answered_in_its_thread(bot: Running, ada: Actor, ben: Actor) -> None:
    """What one person logged, another finds, with its number, sentence, lesson and card."""
    failure = bot.log(ada, NAN, lesson="Clip the gradients", why="Overflow", why_status="supported")
    replies = bot.ask(ben, f"@failbot {NAN}")
    assert len(replies) == 1
    answer = texts(replies)
    assert failure.card_ts.replace(".", "") in answer  # the link to the card
    for part in ("F-1", "Clip the gradients", "Overflow", "supported", "fp16"):
        assert part in answer


def test_an_unknown_problem_is_said_to_be_unknown(bot: Running, ben: Actor) -> None:
    """Honestly none, and a button that logs it."""
    replies = bot.ask(ben, f"@failbot {OTHER}")
    assert "Nobody has recorded this" in texts(replies)
    ben.click("log_question", channel_id=factory.GENERAL, message_ts=replies[0]["ts"])
    view = bot.control.wait_for(ben.view)
    assert "sarcastic tweets" in str(view["blocks"])


def test_a_direct_message_is_answered(bot: Running, ada: Actor, ben: Actor) -> None:
    """No mention is needed there."""
    bot.log(ada, NAN)
    assert "F-1" in texts(bot.ask(ben, NAN, factory.DMS[factory.BEN]))


class Counting(WordEncoder):
    """An encoder that counts the questions it was given."""

    questions = 0

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        self.questions += len(texts) if kind == "query" else 0
        return super().encode(texts, kind=kind)


def test_a_question_is_asked_twice_only_where_the_asker_sees_more(
    start: Start, ada: Actor, ben: Actor
) -> None:
    """In a direct message whoever reads along is the asker."""
    encoder = Counting()
    bot = start(encoder=encoder)
    bot.log(ada, NAN)
    before = encoder.questions
    bot.ask(ben, NAN, factory.DMS[factory.BEN])
    assert encoder.questions == before + 1
    bot.ask(ben, f"@failbot {NAN}")
    assert encoder.questions == before + 2, "there is nothing that ben alone sees"
    bot.log(ben, "Something else went wrong", factory.DMS[factory.BEN])
    before = encoder.questions
    bot.ask(ben, f"@failbot {NAN} again")
    assert encoder.questions == before + 2


def test_a_word_on_an_answer_is_kept(bot: Running, ada: Actor, ben: Actor) -> None:
    """That's it: the author is thanked in the next digest."""
    bot.log(ada, NAN)
    reply = bot.ask(ben, f"@failbot {NAN}")[0]
    ben.click("helped-1-1", channel_id=factory.GENERAL, message_ts=reply["ts"])
    digest = bot.service.digest(audience=Viewer(team_id=factory.TEAM_ID), now=bot.control.now())
    bot.control.wait_for(lambda: "was it" in texts(ben.messages(factory.GENERAL)))
    assert [one.author_id for one in digest.thanks] == [factory.ADA]


def test_a_confirmed_question_is_learnt(bot: Running, ada: Actor, ben: Actor) -> None:
    """Its answer stood second, and the asker said that it was it: the entry is asked like that."""
    bot.log(ada, NAN)
    bot.log(ada, "Annotators disagreed about labels after midnight")
    text = "fp16 loss spike and annotators disagreed about labels"
    reply = bot.ask(ben, f"@failbot {text}")[0]
    ben.click("helped-1-1", channel_id=factory.GENERAL, message_ts=reply["ts"])
    bot.control.wait_for(lambda: "was it" in texts(ben.messages(factory.GENERAL)))
    viewer = Viewer(team_id=factory.TEAM_ID)
    kept = bot.service.expected([1], viewer=viewer)[1]
    assert [(one.text, one.origin, one.by) for one in kept] == [
        (text, QuestionOrigin.ASKER, factory.BEN)
    ]


def test_a_bare_mention_takes_the_threads_first_message(
    bot: Running, ada: Actor, ben: Actor
) -> None:
    """Called into a thread, the bot reads what it is about."""
    bot.log(ada, NAN)
    first = ben.say(factory.GENERAL, NAN)
    ben.say(factory.GENERAL, "@failbot", thread_ts=first["ts"])
    assert "This looks like" in texts(bot.replies(ben, factory.GENERAL, first["ts"]))


def test_before_the_model_is_ready_words_are_compared(start: Start, ada: Actor, ben: Actor) -> None:
    """The answer says so."""
    bot = start(encoder=None)
    bot.form(ada)
    ada.submit({"tried": "Warm-up", "happened": NAN})
    assert "only words were compared" in texts(bot.ask(ben, f"@failbot {NAN}"))


def test_a_bare_mention_outside_a_thread_gets_help(bot: Running, ben: Actor) -> None:
    """Nothing to go by is not silence."""
    assert "/failure" in texts(bot.ask(ben, "@failbot"))


def test_a_private_channels_entry_is_its_members_only(
    bot: Running, ada: Actor, ben: Actor, cleo: Actor
) -> None:
    """In a public channel the member is shown it alone, the outsider is told that there is none."""
    bot.log(ada, NAN, factory.SECRET)
    assert "F-1" not in texts(bot.ask(cleo, f"@failbot {NAN}"))
    asked = ben.say(factory.GENERAL, f"@failbot {NAN}")
    seen = bot.replies(ben, factory.GENERAL, asked["ts"])
    assert [bool(one.get("ephemeral")) for one in seen] == [False, True]
    assert "F-1" not in texts(seen[:1])
    assert "F-1" in texts(seen[1:])
    assert "F-1" not in texts(bot.replies(cleo, factory.GENERAL, asked["ts"]))


def test_inside_the_private_channel_it_is_answered_openly(
    bot: Running, ada: Actor, ben: Actor
) -> None:
    """Everyone who reads there may see it."""
    bot.log(ada, NAN, factory.SECRET)
    seen = bot.ask(ben, f"@failbot {NAN}", factory.SECRET)
    assert len(seen) == 1
    assert "F-1" in texts(seen)


def test_who_left_the_private_channel_no_longer_sees_it(
    bot: Running, ada: Actor, ben: Actor
) -> None:
    """Membership is as of the question, at most a minute old."""
    bot.log(ada, NAN, factory.SECRET)
    assert "F-1" in texts(bot.ask(ben, NAN, factory.DMS[factory.BEN]))
    bot.control.leave(factory.SECRET, factory.BEN)
    bot.clock.at_s += 61
    assert "F-1" not in texts(bot.ask(ben, NAN + " now", factory.DMS[factory.BEN]))


def test_an_outsider_is_refused_in_words(bot: Running, ada: Actor) -> None:
    """Also where their own channel holds the answer."""
    shared = bot.control.add_channel("partners", members=[factory.ADA], is_ext_shared=True)
    bot.log(ada, NAN, shared)
    eve = bot.control.as_(bot.control.add_outsider("eve", channels=[shared]))
    answer = texts(bot.ask(eve, f"@failbot {NAN}", shared))
    assert "F-1" not in answer
    assert "members of this workspace" in answer


def test_in_a_shared_channel_only_its_own_entries_are_shown(bot: Running, ada: Actor) -> None:
    """Another organisation reads there."""
    bot.log(ada, NAN)
    shared = bot.control.add_channel("partners", members=[factory.ADA], is_ext_shared=True)
    replies = bot.ask(ada, f"@failbot {NAN}", shared)
    open_ones = [one for one in replies if not one.get("ephemeral")]
    assert "F-1" not in texts(open_ones)


def test_one_message_is_answered_once_whatever_slack_repeats(
    bot: Running, ada: Actor, ben: Actor
) -> None:
    """Twice the same event, then the same message under a new event id."""
    bot.log(ada, NAN)
    bot.control.double(times=1, only="events_api")
    assert len(bot.ask(ben, f"@failbot {NAN}")) == 1
    bot.control.double(times=1, only="events_api", new_event_id=True)
    assert len(bot.ask(ben, f"@failbot {NAN} once more")) == 1


def test_edits_deletions_and_bots_ask_nothing(bot: Running, ada: Actor) -> None:
    """Only what a person writes anew is a question."""
    dm = factory.DMS[factory.ADA]
    asked = ada.say(dm, OTHER)
    bot.replies(ada, dm, asked["ts"])
    ada.edit(dm, asked["ts"], OTHER + " Really?")
    assert len(bot.replies(ada, dm, asked["ts"])) == 1
    ada.delete(dm, asked["ts"])
    bot.settle()
    bot.control.send_event(
        {
            "type": "app_mention",
            "channel": factory.GENERAL,
            "user": factory.BEN,
            "bot_id": "B0OTHER",
            "text": f"<@{factory.BOT_USER}> {NAN}",
            "ts": "1700000000.000100",
        }
    )
    bot.settle()
    posts = [one for one in bot.control.calls("chat.postMessage") if one["ok"]]
    assert len(posts) == 1


def test_a_send_that_slack_dropped_after_taking_it_is_not_repeated(
    bot: Running, ada: Actor, ben: Actor
) -> None:
    """The bot looks for its message before it sends again."""
    bot.log(ada, NAN)
    bot.control.reset_connection("chat.postMessage", when="after")
    asked = ben.say(factory.GENERAL, f"@failbot {NAN}")
    bot.control.wait_for(lambda: bot.control.messages(factory.GENERAL, asked["ts"])[1:])
    bot.outwait(10)
    assert len(bot.replies(ben, factory.GENERAL, asked["ts"])) == 1


def test_a_rate_limit_delays_the_answer_and_loses_nothing(
    bot: Running, ada: Actor, ben: Actor
) -> None:
    """Retry-After is waited for."""
    bot.log(ada, NAN)
    bot.control.ratelimit("chat.postMessage", retry_after_s=30)
    asked = ben.say(factory.GENERAL, f"@failbot {NAN}")
    bot.control.wait_for(
        lambda: [one for one in bot.control.calls("chat.postMessage") if not one["ok"]]
    )
    assert len(bot.control.messages(factory.GENERAL, asked["ts"])) == 1
    bot.outwait(31)
    assert len(bot.replies(ben, factory.GENERAL, asked["ts"])) == 1


def test_stored_text_mentions_nobody(bot: Running, ada: Actor, ben: Actor) -> None:
    """The sandbox alarms on a live mention; the fixture checks that it was silent."""
    bot.log(ada, f"<!channel> <!here> @here <@{factory.BEN}> {NAN} <https://evil.example|ok>")
    answer = texts(bot.ask(ben, f"@failbot {NAN}"))
    assert "&lt;!channel&gt;" in answer
    assert "<!channel>" not in answer


class Stopping(WordEncoder):
    """Says that the process stops, the first time that a question comes."""

    has_stopped = False

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        if kind == "query" and not self.has_stopped:
            self.has_stopped = True
            raise StoppedError
        return super().encode(texts, kind=kind)


def test_a_question_that_a_stop_interrupts_is_left_for_the_next(start: Start, ben: Actor) -> None:
    """It goes back into the inbox as it was: nobody is told of a defect, and it is answered."""
    bot = start(encoder=Stopping())
    replies = bot.ask(ben, f"@failbot {NAN}")
    assert len(replies) == 1
    assert "obody has recorded this" in texts(replies)
