"""Logging a failure from Slack: the form, the card, editing, deleting."""

from __future__ import annotations

import pytest

from failbot.errors import StoreError
from failbot.models import QuestionOrigin, Viewer, Visibility
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from tests.slack.conftest import TRIED, Running

HAPPENED = "Every long input was cut at 512 tokens; accuracy fell to 71 %"


def texts(messages: list[dict[str, object]]) -> str:
    return "\n".join(str(one) for one in messages)


def test_a_form_with_two_fields_makes_an_entry_and_a_card(bot: Running, ada: Actor) -> None:
    """Two sentences are enough; the card is in the channel, and the entry knows it."""
    failure = bot.log(ada, HAPPENED)
    assert (failure.tried, failure.happened) == (TRIED, HAPPENED)
    assert failure.visibility is Visibility.WORKSPACE
    card = ada.messages(factory.GENERAL)[-1]
    assert card["ts"] == failure.card_ts
    assert "F-1" in card["text"]


def test_every_field_arrives(bot: Running, ada: Actor) -> None:
    """What the optional inputs hold is in the entry."""
    failure = bot.log(
        ada,
        HAPPENED,
        outcome="worse than baseline",
        why="The old tokeniser",
        why_status="supported",
        modes=["data.pipeline", "code.silent"],
        lesson="Log the share of truncated inputs",
        links="https://a.example/1\nhttps://a.example/2",
        tags="distillation, #tokeniser",
        cost="3 days",
        title="Truncation",
    )
    assert failure.outcome == "worse than baseline"
    assert [(one.text, one.status) for one in failure.explanations] == [
        ("The old tokeniser", "supported")
    ]
    assert failure.modes == ("data.pipeline", "code.silent")
    assert failure.links == ("https://a.example/1", "https://a.example/2")
    assert failure.tags == ("distillation", "tokeniser")
    assert (failure.lesson, failure.cost) == ("Log the share of truncated inputs", "3 days")
    assert failure.title == "Truncation"


def test_expected_questions_are_written_shown_and_edited(bot: Running, ada: Actor) -> None:
    """A line each; what a model added is among them, under its own name, until it is removed."""
    bot.log(ada, HAPPENED, questions="why does it forget?\ndistilled model cuts long inputs")
    all_of_it = Viewer(team_id=factory.TEAM_ID, is_operator=True)
    bot.service.keep_expected(
        1, ["made up"], QuestionOrigin.MODEL, by="gpt", viewer=all_of_it, now=bot.control.now()
    )
    ada.command("/failure", "show F-1", factory.GENERAL)
    bot.control.wait_for(lambda: "made up (model)" in texts(ada.messages(factory.GENERAL)))
    bot.form(ada, "edit F-1")
    assert ada.submit({"questions": "why does it forget?\nmade up"})["status"] == "acked"
    found = bot.service.expected([1], viewer=all_of_it)[1]
    assert [(one.text, one.origin) for one in found] == [
        ("why does it forget?", QuestionOrigin.AUTHOR),
        ("made up", QuestionOrigin.MODEL),
    ]
    assert bot.entries()[0].version == 1


def test_too_long_a_question_is_said_beside_its_field(bot: Running, ada: Actor) -> None:
    """The form stays open with all that was typed."""
    bot.form(ada)
    answer = ada.submit({"tried": TRIED, "happened": HAPPENED, "questions": "x" * 301})
    assert "301 characters; at most 300 fit" in answer["errors"]["questions"]
    assert bot.entries() == []


def test_text_after_the_command_is_in_the_form(bot: Running, ada: Actor) -> None:
    """/failure with a text opens the form with what happened filled in."""
    view = bot.form(ada, "the loss exploded <at> step 900 & stayed there")
    filled = [one["element"].get("initial_value") for one in view["blocks"] if "element" in one]
    assert "the loss exploded <at> step 900 & stayed there" in filled


def test_a_mistake_keeps_the_form_and_what_was_typed(bot: Running, ada: Actor) -> None:
    """The message stands beside the field, and correcting it is enough."""
    bot.form(ada)
    answer = ada.submit({"tried": TRIED, "happened": HAPPENED, "links": "see the wiki"})
    assert "links" in answer["errors"]
    assert bot.entries() == []
    assert ada.submit({"links": "https://wiki.example/x"})["status"] == "acked"
    assert bot.entries()[0].happened == HAPPENED


def test_without_the_tick_there_is_no_card(bot: Running, ada: Actor) -> None:
    """The author may keep the channel quiet, and is told the number alone."""
    failure = bot.log(ada, HAPPENED, post=[])
    assert failure.card_ts == ""
    seen = ada.messages(factory.GENERAL)
    assert "F-1 is logged" in texts(seen)
    assert bot.control.as_(factory.BEN).messages(factory.GENERAL) == []


def test_the_same_submission_twice_is_one_entry_and_one_card(bot: Running, ada: Actor) -> None:
    """Slack may deliver a submission again."""
    bot.form(ada)
    bot.control.double(times=1, only="interactive")
    ada.submit({"tried": TRIED, "happened": HAPPENED})
    bot.settle()
    assert len(bot.entries()) == 1
    assert len(ada.messages(factory.GENERAL)) == 1


def test_a_form_that_is_sent_again_with_more_in_it_loses_nothing(
    bot: Running, ada: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays open where its follow-up is not stored, and what was written is there already."""
    bot.form(ada)
    with monkeypatch.context() as broken:
        broken.setattr(type(bot.store.inbox), "add", _locked)
        ada.submit({"tried": TRIED, "happened": HAPPENED})
    assert [one.happened for one in bot.entries()] == [HAPPENED]
    answer = ada.submit({"tried": TRIED, "happened": f"{HAPPENED} Twice."})
    assert answer["status"] == "acked"
    bot.settle()
    assert [one.happened for one in bot.entries()] == [f"{HAPPENED} Twice."]
    assert "Twice" in texts(ada.messages(factory.GENERAL))


def _locked(*_: object, **__: object) -> bool:
    raise StoreError("the database is locked")


def test_a_similar_entry_is_hinted_to_its_author_alone(
    bot: Running, ada: Actor, ben: Actor
) -> None:
    """Whoever logs what someone logged before learns of it in private."""
    bot.log(ada, HAPPENED)
    bot.log(ben, HAPPENED + " again")
    assert "resembles" in texts(ben.messages(factory.GENERAL))
    assert "resembles" not in texts(ada.messages(factory.GENERAL))


def test_a_secret_is_taken_out_and_its_author_told(bot: Running, ada: Actor, ben: Actor) -> None:
    """Neither the entry nor the card holds it."""
    token = "ghp_" + "a1B2" * 9
    bot.log(ada, f"The job died with {token} in its log")
    assert token not in bot.entries()[0].happened
    assert token not in texts(ben.messages(factory.GENERAL))
    assert "take it as leaked" in texts(ada.messages(factory.GENERAL))


def test_a_secret_that_an_edit_brings_in_is_told_too(bot: Running, ada: Actor) -> None:
    """In whatever field: here in one that a card does not show as a text."""
    bot.log(ada, HAPPENED)
    bot.form(ada, "edit F-1")
    ada.submit({"cost": "3 days, and AKIA" + "Z7QX" * 4, "tags": "ghp_" + "a1B2" * 9})
    bot.settle()
    failure = bot.entries()[0]
    assert (failure.cost, failure.tags) == (
        "3 days, and [redacted: aws key]",
        ("[redacted: github token]",),
    )
    assert "(github token, aws key) is not stored" in texts(ada.messages(factory.GENERAL))


def test_jobs_of_an_older_version_are_done(bot: Running, ada: Actor, ben: Actor) -> None:
    """A card and a question that were stored before an upgrade, without what was added since."""
    bot.log(ada, HAPPENED, post=[])
    ids = {"user_id": factory.ADA, "channel_id": factory.GENERAL}
    shown = ids | {"number": 1, "entry_channel_id": factory.GENERAL, "is_new": True}
    ts = ada.say(factory.GENERAL, HAPPENED)["ts"]
    asked = ids | {"team_id": factory.TEAM_ID, "text": HAPPENED, "message_ts": ts}
    later = bot.side.bot.later
    later("show_card", shown | {"posts_card": True}, team_id=factory.TEAM_ID, keys=["1"])
    later("question", asked | {"dropped": [1]}, team_id=factory.TEAM_ID, keys=["2"])
    bot.settle()
    assert "F-1" in texts(ben.messages(factory.GENERAL))
    posts = [one for one in bot.control.calls("chat.postMessage") if one["ok"]]
    assert len(posts) == 2, "the card, and the answer"
    assert "reference" not in texts(ada.messages(factory.GENERAL)), "nothing broke"


def test_where_the_bot_is_not_the_author_learns_how_to_invite_it(bot: Running, ada: Actor) -> None:
    """Nothing is lost, and the way out is named."""
    channel_id = bot.control.add_channel("elsewhere", members=[factory.ADA], with_bot=False)
    bot.log(ada, HAPPENED, channel_id)
    assert "/invite @failbot" in texts(ada.messages(channel_id))
    assert bot.entries()[0].happened == HAPPENED


def test_an_edit_keeps_what_the_form_does_not_show(bot: Running, ada: Actor) -> None:
    """The card changes in place, and the author is told."""
    bot.log(ada, HAPPENED, lesson="Old lesson")
    view = bot.form(ada, "edit F-1")
    assert "Edit F-1" in str(view["title"])
    assert ada.submit({"lesson": "New lesson"})["status"] == "acked"
    bot.settle()
    failure = bot.entries()[0]
    assert (failure.lesson, failure.happened, failure.version) == ("New lesson", HAPPENED, 2)
    assert "New lesson" in texts(ada.messages(factory.GENERAL)[:1])
    assert "F-1 is saved" in texts(ada.messages(factory.GENERAL))


def test_only_author_and_admin_may_edit(bot: Running, ada: Actor, ben: Actor, cleo: Actor) -> None:
    """Ben's entry: Cleo may not, Ada is an admin and may."""
    bot.log(ben, HAPPENED)
    cleo.command("/failure", "edit F-1", factory.GENERAL)
    bot.control.wait_for(lambda: "author" in texts(cleo.messages(factory.GENERAL)))
    assert cleo.view() is None
    assert bot.form(ada, "edit F-1")


def test_deletion_asks_first_and_takes_the_card_along(bot: Running, ada: Actor) -> None:
    """The entry is there until the button is pressed, and then gone with its card."""
    bot.log(ada, HAPPENED)
    ada.command("/failure", "delete F-1", factory.GENERAL)
    bot.control.wait_for(lambda: "for good" in texts(ada.messages(factory.GENERAL)))
    assert len(bot.entries()) == 1
    ada.click("delete_failure")
    ben = bot.control.as_(factory.BEN)
    bot.control.wait_for(lambda: HAPPENED not in texts(ben.messages(factory.GENERAL)))
    assert bot.entries() == []
    bot.control.wait_for(lambda: "F-1 is deleted" in texts(ada.messages(factory.GENERAL)))


def test_deletion_is_checked_again_when_the_button_is_pressed(
    bot: Running, ada: Actor, ben: Actor
) -> None:
    """Who was an admin when asked and is none now may not."""
    bot.log(ben, HAPPENED)
    ada.command("/failure", "delete F-1", factory.GENERAL)
    bot.control.wait_for(lambda: "for good" in texts(ada.messages(factory.GENERAL)))
    bot.control.change_person(factory.ADA, is_admin=False, is_owner=False)
    bot.clock.at_s += 61
    ada.click("delete_failure")
    bot.control.wait_for(lambda: "Only the author" in texts(ada.messages(factory.GENERAL)))
    assert len(bot.entries()) == 1


def test_a_message_becomes_an_entry_with_its_address(bot: Running, ada: Actor, ben: Actor) -> None:
    """The shortcut fills the form from the message, decoded, and links to it."""
    message = ben.say(factory.GENERAL, "NaN after step 900 & lr < 1e-3")
    ada.shortcut("log_as_failure", message["ts"], factory.GENERAL)
    bot.control.wait_for(ada.view)
    ada.submit({"tried": TRIED})
    failure = bot.entries()[0]
    assert failure.happened == "NaN after step 900 & lr < 1e-3"
    assert failure.links[0].startswith("http")
    assert failure.author_id == factory.ADA


def test_an_expired_trigger_gives_the_text_back(bot: Running, ada: Actor) -> None:
    """A form that came too late loses nothing that was typed."""
    bot.control.fail_api("views.open", "expired_trigger_id")
    ada.command("/failure", "the loss exploded at step 900", factory.GENERAL)
    bot.control.wait_for(
        lambda: "the loss exploded at step 900" in texts(ada.messages(factory.GENERAL))
    )


def test_an_error_page_instead_of_a_form_is_told(bot: Running, ada: Actor) -> None:
    """Whatever keeps Slack from opening the form, the asker hears of it."""
    bot.control.answer_html("views.open")
    ada.command("/failure", "", factory.GENERAL)
    bot.control.wait_for(lambda: "try again" in texts(ada.messages(factory.GENERAL)))


def test_a_direct_message_is_the_authors_own(bot: Running, ada: Actor, ben: Actor) -> None:
    """Logged in a direct message, nobody else finds it."""
    failure = bot.log(ada, HAPPENED, factory.DMS[factory.ADA])
    assert failure.visibility is Visibility.AUTHOR
    assert "F-1" not in texts(bot.ask(ben, f"@failbot {HAPPENED}"))
    assert "F-1" in texts(bot.ask(ada, HAPPENED, factory.DMS[factory.ADA]))
