"""What Slack does not say, says late or says otherwise later: no entry is lost or shown for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from failbot.demo.script import FORMER_CHANNEL, load_samples, place_in
from failbot.models import Place, Question, Schedule, Viewer, Visibility
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from failbot.slack.jobs import digesting
from failbot.slack.jobs.following import FIRST_S, LOOK_S, Follower
from failbot.slack.manifest import EVENTS
from tests.slack.conftest import TRIED, Clock, Running
from tests.slack.test_questions import NAN, texts

G = factory.GENERAL
# Each fails one call, as it may fail for a moment.
PASSING: dict[str, Callable[[Control, str], None]] = {
    "error": lambda control, method: control.fail_api(method, "internal_error"),
    "429": lambda control, method: control.ratelimit(method),
    "503": lambda control, method: control.fail_http(method),
    "html": lambda control, method: control.answer_html(method),
    "reset": lambda control, method: control.reset_connection(method),
}
# For an entry that is to be placed, a refusal is no last word either.
REFUSING = PASSING | {
    "refused": lambda control, method: control.fail_api(method, "channel_not_found"),
}


def tick(bot: Running) -> None:
    """What the thread does when something is due."""
    bot.side.follower.tick(Event(), pace_s=0.0)
    bot.settle()


def told(bot: Running, actor: Actor) -> str:
    """What is said to this person in their direct messages."""
    bot.settle()
    return texts(actor.messages(factory.DMS[actor.user_id]))


def alone(bot: Running, actor: Actor, channel_id: str = G) -> str:
    """What is said to this person alone in a channel."""
    bot.settle()
    return texts([one for one in actor.messages(channel_id) if one.get("ephemeral")])


@pytest.fixture
def club(bot: Running) -> str:
    """A public channel of Ada's and the bot's; the app hears what its manifest says."""
    bot.control.set_app(events=list(EVENTS))
    return bot.control.add_channel("club", members=[factory.ADA])


# A look-up that fails once


@pytest.mark.parametrize("fault", REFUSING)
def test_an_entry_that_slack_did_not_place_is_placed_later(
    bot: Running, ada: Actor, ben: Actor, fault: str
) -> None:
    """Its members see it meanwhile, its author is told so, and told when all can find it."""
    bot.form(ada)
    REFUSING[fault](bot.control, "conversations.info")
    assert ada.submit({"tried": TRIED, "happened": NAN})["status"] == "acked"
    bot.settle()
    entry = bot.entries()[0]
    assert (entry.visibility, entry.is_unsure) == (Visibility.CHANNEL, True)
    assert "Slack did not say whether it is public" in alone(bot, ada)
    tick(bot)
    entry = bot.entries()[0]
    assert (entry.visibility, entry.is_unsure) == (Visibility.WORKSPACE, False)
    assert "F-1 can now be found by everyone in the workspace" in told(bot, ada)
    bot.service.embed_missing()
    assert "F-1" in texts(bot.ask(ben, NAN, factory.DMS[factory.BEN]))


def test_an_entry_of_a_private_channel_is_not_opened(bot: Running, ada: Actor) -> None:
    """The answer that comes later is as good as the first."""
    bot.form(ada, channel_id=factory.SECRET)
    bot.control.fail_api("conversations.info", "internal_error")
    ada.submit({"tried": TRIED, "happened": NAN})
    bot.settle()
    tick(bot)
    entry = bot.entries()[0]
    assert (entry.visibility, entry.is_unsure) == (Visibility.CHANNEL, False)


@pytest.mark.parametrize("method", ["users.info", "conversations.info", "conversations.members"])
@pytest.mark.parametrize("fault", PASSING)
def test_a_question_outlives_a_look_up_that_fails(
    bot: Running, ada: Actor, ben: Actor, method: str, fault: str
) -> None:
    """It waits and is answered: no refusal, no half of an answer."""
    bot.log(ada, NAN)
    bot.clock.at_s += 1_000  # nothing is believed any more
    PASSING[fault](bot.control, method)
    calls = len(bot.control.calls(method))
    asked = ben.say(G, f"@failbot {NAN}")
    bot.control.wait_for(lambda: len(bot.control.calls(method)) > calls)
    bot.outwait(0.5)
    replies = bot.replies(ben, G, asked["ts"])
    assert len(replies) == 1
    assert "F-1" in texts(replies)


@pytest.mark.parametrize("fault", PASSING)
def test_an_edit_outlives_a_look_up_that_fails(bot: Running, ada: Actor, fault: str) -> None:
    """The form stays open with all that was typed, says why, and is sent again."""
    bot.log(ada, NAN)
    bot.form(ada, "edit F-1")
    bot.clock.at_s += 1_000
    PASSING[fault](bot.control, "users.info")
    answer = ada.submit({"tried": TRIED, "happened": f"{NAN}, again"})
    assert "Slack did not answer" in str(answer["reply"]["errors"])
    assert bot.entries()[0].version == 1
    assert ada.submit({"tried": TRIED, "happened": f"{NAN}, again"})["status"] == "acked"
    assert bot.entries()[0].version == 2


# A public channel that turns private


def questions(bot: Running) -> list[Question]:
    everything = Viewer(team_id=factory.TEAM_ID, is_operator=True)
    now = bot.control.now()
    return bot.store.questions.asked(
        viewer=everything, since=now.replace(year=2000), before=now.replace(year=2100)
    )


def test_a_question_is_kept_as_of_when_it_is_asked(bot: Running, ada: Actor, club: str) -> None:
    """The channel turned private a moment ago, and its being public is still believed."""
    bot.ask(ada, f"@failbot {NAN}", club)
    bot.control.convert(club, "private")
    bot.ask(ada, f"@failbot {NAN} again", club)
    assert {one.place.visibility for one in questions(bot)} == {Visibility.CHANNEL}


def test_an_entry_is_kept_as_of_when_it_is_sent(bot: Running, ada: Actor, club: str) -> None:
    """The form was opened while the channel was public."""
    bot.log(ada, NAN, club)
    bot.form(ada, channel_id=club)
    bot.control.convert(club, "private")
    ada.submit({"tried": TRIED, "happened": NAN})
    bot.settle()
    assert {one.visibility for one in bot.entries()} == {Visibility.CHANNEL}


def answer(bot: Running, actor: Actor) -> str:
    return texts(bot.ask(actor, NAN, factory.DMS[actor.user_id]))


def command(text: str) -> Callable[[Running, Actor], str]:
    def typed(bot: Running, actor: Actor) -> str:
        before = alone(bot, actor)
        actor.command("/failure", text, G)
        bot.control.wait_for(lambda: alone(bot, actor) != before)
        version = 0  # a preview has two messages
        while version != (version := bot.control.wait_changed(bot.control.version(), 0.2)):
            pass
        return alone(bot, actor)

    return typed


def hint(bot: Running, actor: Actor) -> str:
    bot.log(actor, NAN)
    return alone(bot, actor)


def digest(bot: Running, actor: Actor) -> str:
    now = bot.control.now()
    weekly: Any = {"weekday": 0, "hour": 9, "minute": 0, "zone": "UTC", "created_at": now}
    schedule = Schedule(team_id=factory.TEAM_ID, channel_id=G, created_by=factory.BEN, **weekly)
    return str(bot.service.digest(audience=digesting.audience_of(bot.side.bot, schedule), now=now))


READS = {
    "answer": answer,
    "list": command("list"),
    "search": command("search NaN"),
    "show": command("show F-1"),
    "preview": command("digest preview"),
    "hint": hint,
    "digest": digest,
}


@pytest.mark.parametrize("read", READS)
def test_what_a_channel_held_is_its_members_once_it_is_private(
    bot: Running, ada: Actor, ben: Actor, club: str, read: str
) -> None:
    """Whatever shows an entry asks who may read its channel; a minute later at most."""
    bot.log(ada, NAN, club, title="From the club")
    assert "From the club" in READS[read](bot, ben)
    bot.control.convert(club, "private")
    bot.clock.at_s += 61
    bot.control.advance(1)
    before = alone(bot, ben)
    assert "From the club" not in READS[read](bot, ben).replace(before, "")
    assert "From the club" in answer(bot, ada)
    assert "is private. F-1 can now be found by its members only" in told(bot, ada)


SAMPLES = place_in(factory.TEAM_ID)


@pytest.mark.parametrize("place", [SAMPLES, replace(SAMPLES, channel_id=FORMER_CHANNEL)])
def test_the_demos_samples_stay_everyones(bot: Running, place: Place) -> None:
    """Slack knows no channel of theirs, in a folder of an earlier version's either."""
    everyone = Viewer(team_id=factory.TEAM_ID)
    for _ in range(2):
        load_samples(bot.service, place=place, now=bot.control.now(), progress=lambda *_: None)
    bot.clock.at_s += LOOK_S
    tick(bot)
    assert bot.service.count(viewer=everyone) == 218


def test_a_refused_token_says_nothing_of_a_channel(bot: Running, ada: Actor, club: str) -> None:
    """It is no refusal of what was asked about: entries stay where they are."""
    bot.log(ada, NAN, club)
    bot.control.fail_api("conversations.info", "invalid_auth")
    with pytest.raises(SlackApiError, match="invalid_auth"):
        bot.side.bot.places.look(factory.TEAM_ID, club, within_s=0.0)
    assert [one.visibility for one in bot.entries()] == [Visibility.WORKSPACE]
    assert told(bot, ada) == ""


def test_what_was_said_elsewhere_is_taken_back_once_it_is_private(
    bot: Running, ada: Actor, ben: Actor, club: str
) -> None:
    """As soon as Slack says so, and not when somebody next deletes something."""
    bot.log(ada, NAN, club, title="From the club")
    assert "From the club" in answer(bot, ben)
    bot.control.convert(club, "private")
    bot.side.bot.places.look(factory.TEAM_ID, club, within_s=0.0)
    mine = factory.DMS[ben.user_id]
    bot.control.wait_for(lambda: "From the club" not in texts(_all_of(ben, mine)), timeout_s=10)


def _all_of(actor: Actor, channel_id: str) -> list[Any]:
    starts = actor.messages(channel_id)
    return [one for start in starts for one in actor.messages(channel_id, start["ts"])]


def test_an_author_publishes_an_entry(bot: Running, ada: Actor, ben: Actor, club: str) -> None:
    """It stays the workspace's; nobody else can do so."""
    bot.log(ada, NAN, club)
    for who, said in ((ben, "Only the author of F-1"), (ada, "F-1 is published")):
        who.command("/failure", "publish F-1", G)
        bot.control.wait_for(lambda who=who, said=said: said in alone(bot, who))
    bot.control.convert(club, "private")
    bot.clock.at_s += 61
    assert "F-1" in answer(bot, ben)


def test_an_author_gives_the_workspace_what_they_logged_in_private(
    bot: Running, ada: Actor, cleo: Actor
) -> None:
    """Whoever does not see it cannot even tell that it is there."""
    bot.log(ada, NAN, factory.SECRET)
    cleo.command("/failure", "publish F-1", G)
    bot.control.wait_for(lambda: "There is no F-1 that you can see" in alone(bot, cleo))
    ada.command("/failure", "publish F-1", factory.SECRET)
    bot.control.wait_for(lambda: "is published" in alone(bot, ada, factory.SECRET))
    assert "F-1" in answer(bot, cleo)


def test_what_a_deleted_channel_held_is_not_lost(
    bot: Running, ada: Actor, ben: Actor, club: str
) -> None:
    """Slack shows it to nobody from then on; the entries stay the workspace's."""
    bot.log(ada, NAN, club)
    bot.control.remove_channel(club)
    bot.clock.at_s += 61
    assert "F-1" in answer(bot, ben)


def test_a_channel_that_slack_hides_for_once_is_seen_again(
    bot: Running, ada: Actor, ben: Actor, club: str
) -> None:
    """Nothing is shown meanwhile, and nothing stays hidden."""
    bot.log(ada, NAN, club)
    bot.clock.at_s += 61
    bot.control.fail_api("conversations.info", "channel_not_found")
    assert "F-1" not in answer(bot, ben)
    bot.clock.at_s += FIRST_S
    tick(bot)
    assert "F-1" in answer(bot, ben)


def test_a_conversion_is_noticed_where_nobody_asks(bot: Running, ada: Actor, club: str) -> None:
    """By the thread that looks at one channel after another; counts, too, are of now."""
    bot.log(ada, NAN, club)
    bot.control.convert(club, "private")
    everyone = Viewer(team_id=factory.TEAM_ID)
    assert bot.service.count(viewer=everyone) == 1
    bot.clock.at_s += LOOK_S
    tick(bot)
    assert bot.service.count(viewer=everyone) == 0


def test_a_conversion_that_is_told_is_heeded_at_once(
    bot: Running, ada: Actor, ben: Actor, club: str
) -> None:
    """Where someone has subscribed the app to the messages of channels."""
    bot.control.set_app(events=[*EVENTS, "message.channels", "message.groups"])
    bot.log(ada, NAN, club)
    assert "F-1" in answer(bot, ben)
    bot.control.convert(club, "private")
    bot.settle()
    assert "F-1" not in answer(bot, ben)


# How often Slack is asked


class Looks:
    """A bot whose channels are all unsure, and that notes what it looks at."""

    def __init__(self, **channels: bool) -> None:
        self.channels = channels  # whether each is unsure
        self.asked: list[tuple[str, float]] = []
        self.service = self.places = self

    def followed(self, *, is_unsure: bool = False) -> list[tuple[str, str]]:
        return [("T1", one) for one, it in self.channels.items() if it or not is_unsure]

    def look(self, team_id: str, channel_id: str, *, within_s: float) -> None:
        self.asked.append((channel_id, within_s))
        raise TimeoutError


def test_what_is_unsure_is_asked_for_ever_more_rarely() -> None:
    """At once, then after twice as long each time, every ten minutes at last; and no other."""
    looks, clock, at = Looks(C1=True), Clock(), []
    follower = Follower(looks, clock=clock)  # type: ignore[arg-type]  # what it needs of a bot
    for _ in range(2_000):
        before = len(looks.asked)
        follower.tick(Event(), pace_s=0.0)
        at += [clock.at_s - 1_000] * (len(looks.asked) - before)
        clock.at_s += 1
    assert at == [0, 5, 15, 35, 75, 155, 315, 635, 1235, 1835]


def test_all_channels_are_looked_at_every_ten_minutes() -> None:
    """One after another, each once."""
    looks, clock = Looks(C1=False, C2=False), Clock()
    follower = Follower(looks, clock=clock)  # type: ignore[arg-type]  # what it needs of a bot
    for _ in range(int(LOOK_S) + 1):
        follower.tick(Event(), pace_s=0.0)
        clock.at_s += 1
    assert [one for one, _ in looks.asked] == ["C1", "C2", "C1", "C2"]


def test_a_stop_interrupts_the_looking() -> None:
    """Whoever closes the bot does not wait for a hundred channels."""
    looks, ending = Looks(C1=False), Event()
    ending.set()
    Follower(looks, clock=Clock()).tick(ending)  # type: ignore[arg-type]  # see above
    assert looks.asked == []
