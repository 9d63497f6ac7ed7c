"""Every kind of reader in every kind of channel: what is said where they read, and to them alone.

Each pairing has three entries of the same words: one of the workspace, one of the channel itself,
one of another private channel. What a reader may see of them is written down once, in a table.
"""

from __future__ import annotations

from typing import Any

import pytest

from failbot.models import Place, Schedule, Visibility
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from failbot.slack.jobs import digesting
from failbot.slack.manifest import CHANGES, EVENTS
from tests.make import draft
from tests.slack.conftest import Running
from tests.slack.test_questions import NAN, texts

WORKSPACE, OWN, OTHERS = "of-the-workspace", "of-this-channel", "of-another-channel"

CHANNELS = ("public", "private", "group message", "org-shared", "connected", "pending")
READERS = (
    "member",
    "admin",
    "single-channel guest",
    "multi-channel guest",
    "stranger",
    "bot",
    "deactivated",
)
GUESTS = ("single-channel guest", "multi-channel guest")
CLOSED = ("org-shared", "connected", "pending")  # others' people read along, or will

ALL = {WORKSPACE, OWN}
# What may be said aloud where this person reads, and what they are told when they ask alone.
ALOUD = {
    (channel, reader): {OWN} if channel in CLOSED or reader in (*GUESTS, "stranger") else ALL
    for channel in CHANNELS
    for reader in READERS
}
ALONE = {
    "member": ALL,
    "admin": ALL,
    "single-channel guest": {OWN},
    "multi-channel guest": {OWN},
    "stranger": set(),
    "bot": set(),
    "deactivated": set(),
}


def test_the_table_is_whole() -> None:
    """Six channels and seven readers; with the direct message, which ALONE is about."""
    assert len(ALOUD) == 42
    assert set(ALONE) == set(READERS)


def newcomer(control: Control, kind: str) -> str:
    """A new person of this kind; their id."""
    if kind in GUESTS:
        return control.add_guest("gus", single_channel=kind == GUESTS[0])
    if kind == "stranger":
        return control.add_outsider("eve")
    traits = {"admin": {"is_admin": True}, "bot": {"is_bot": True}, "deactivated": {}}
    return control.add_person("pat", **traits.get(kind, {}))


def channel_with(control: Control, kind: str, reader_id: str) -> str:
    """A channel of this kind that Ada, the bot and this person read; its id."""
    people = [factory.ADA, reader_id]
    if kind == "group message":
        return control.add_group(people)
    made: dict[str, Any] = {"kind": "private" if kind == "private" else "public"}
    channel_id = control.add_channel(
        f"{kind}-{reader_id.lower()}", members=people, is_ext_shared=kind == "connected", **made
    )
    if kind == "org-shared":
        control.share_in_org(channel_id)
    if kind == "pending":
        control.invite_team(channel_id)
    return channel_id


class Case:
    """One pairing, with its entries recorded."""

    def __init__(self, bot: Running, number: int, channel: str, reader: str) -> None:
        self.bot, self.channel, self.reader = bot, channel, reader
        self.reader_id = newcomer(bot.control, reader)
        self.channel_id = channel_with(bot.control, channel, self.reader_id)
        if reader == "deactivated":
            bot.control.change_person(self.reader_id, deleted=True)
        self.words = f"zebra{number} quokka{number} wombat{number}"
        places = bot.side.bot.places
        own = places.place_of(factory.TEAM_ID, self.channel_id)
        self.log(WORKSPACE, factory.GENERAL, Visibility.WORKSPACE)
        self.log(OWN, self.channel_id, own.visibility)
        self.log(OTHERS, factory.SECRET, Visibility.CHANNEL)

    def log(self, name: str, channel_id: str, visibility: Visibility) -> None:
        place = Place(team_id=factory.TEAM_ID, channel_id=channel_id, visibility=visibility)
        said = draft(f"{self.words} exploded", lesson=f"{self.words} {name}")
        now = self.bot.control.now()
        self.bot.service.record(said, place=place, author_id=factory.BEN, now=now)

    def seen_in(self, said: str) -> set[str]:
        return {name for name in (WORKSPACE, OWN, OTHERS) if name in said}

    def aloud(self) -> set[str]:
        """What everyone in the channel reads when Ada, who sees more, asks there."""
        ada = self.bot.control.as_(factory.ADA)
        replies = self.bot.ask(ada, f"@failbot {self.words} exploded", self.channel_id)
        return self.seen_in(texts([one for one in replies if not one.get("ephemeral")]))

    def digest(self) -> set[str]:
        now = self.bot.control.now()
        audience = digesting.audience_of(
            self.bot.side.bot,
            Schedule(
                team_id=factory.TEAM_ID,
                channel_id=self.channel_id,
                weekday=0,
                hour=9,
                minute=0,
                zone="UTC",
                created_by=factory.ADA,
                created_at=now,
            ),
        )
        recent = self.bot.service.newest(viewer=audience, limit=1_000)
        mine = [one for one in recent if self.words in one.happened]
        assert self.bot.service.count(viewer=audience) == len(recent)
        return self.seen_in(str(mine))

    def alone(self) -> set[str]:
        """What the reader may see in private, by every read that there is."""
        places, service = self.bot.side.bot.places, self.bot.service
        viewer = places.viewer_for(factory.TEAM_ID, self.reader_id)
        answered = service.ask(self.words, viewer=viewer)
        listed = service.newest(viewer=viewer, limit=1_000)
        mine = [one for one in listed if self.words in one.happened]
        seen = self.seen_in(str(mine))
        assert self.seen_in(str(answered.hits)) == seen
        assert self.seen_in(str(service.search(self.words, viewer=viewer))) == seen
        assert service.count(viewer=viewer) == len(listed)
        return seen


@pytest.fixture
def cases(bot: Running) -> list[Case]:
    """Every pairing that Slack allows: a stranger enters shared channels alone."""
    pairs = [
        (channel, reader)
        for channel, reader in ALOUD
        if reader != "stranger" or channel in ("group message", *CLOSED)
    ]
    made = [Case(bot, at, *pair) for at, pair in enumerate(pairs)]
    bot.service.embed_missing()
    return made


def test_nobody_is_shown_more_than_they_may_see(cases: list[Case]) -> None:
    """Answers and digests in the channel; answers, lists, searches and counts in private."""
    wrong = []
    for one in cases:
        may = ALOUD[one.channel, one.reader]
        for name, seen in (("answer", one.aloud()), ("digest", one.digest())):
            if seen != may:
                wrong.append((name, one.channel, one.reader, seen))
        if (seen := one.alone()) != ALONE[one.reader]:
            wrong.append(("alone", one.channel, one.reader, seen))
    assert wrong == []


def test_the_manifest_hears_of_every_change(bot: Running) -> None:
    """What drops the caches is subscribed to, and the stand-in sends it."""
    assert set(CHANGES) - {"team_join"} <= factory.EVENTS


# Changes within the minute in which Slack's answers are believed: the clock stands still.


@pytest.fixture
def club(bot: Running) -> str:
    """A public channel of Ada's and the bot's, and an entry of the workspace's to ask for."""
    bot.control.set_app(events=list(EVENTS))  # as the manifest says, and no others
    bot.log(bot.control.as_(factory.ADA), NAN)
    return bot.control.add_channel("club", members=[factory.ADA])


def is_told(bot: Running, channel_id: str) -> bool:
    """Whether everyone in the channel is told of the workspace's entry."""
    replies = bot.ask(bot.control.as_(factory.ADA), f"@failbot {NAN}", channel_id)
    return "F-1" in texts([one for one in replies if not one.get("ephemeral")])


def test_a_guest_who_comes_closes_the_channel_and_who_goes_opens_it(
    bot: Running, club: str
) -> None:
    """At once: Slack's events drop what was believed."""
    assert is_told(bot, club)
    guest = bot.control.add_guest("gus", channels=[club])
    assert not is_told(bot, club)
    bot.control.leave(club, guest)
    assert is_told(bot, club)


def test_a_member_who_becomes_a_guest_closes_their_channels(bot: Running, club: str) -> None:
    """And is one no more when Slack says so."""
    bot.control.join(club, factory.CLEO)
    assert is_told(bot, club)
    bot.control.change_person(factory.CLEO, is_restricted=True)
    assert not is_told(bot, club)
    bot.control.change_person(factory.CLEO, is_restricted=False)
    assert is_told(bot, club)


def test_a_channel_that_is_shared_is_closed_until_it_is_not(bot: Running, club: str) -> None:
    """With a company that accepts, at once; with one that is only asked, of which Slack sends
    no event, within a minute."""
    assert is_told(bot, club)
    bot.control.share(club)
    assert not is_told(bot, club)
    bot.control.unshare(club)
    assert is_told(bot, club)
    bot.control.invite_team(club)
    bot.clock.at_s += 61
    assert not is_told(bot, club)


def test_a_guest_finds_what_their_channels_hold_and_no_more(
    bot: Running, club: str, ada: Actor
) -> None:
    """By question, list, search and number; nothing tells that there is more."""
    bot.log(ada, f"{NAN} in the club", club)
    gus = bot.control.as_(bot.control.add_guest("gus", channels=[club]))
    answer = texts(bot.ask(gus, f"@failbot {NAN}", club))
    assert "F-2" in answer
    assert "F-1" not in answer
    for command in ("list", "search NaN", "show F-2", "show F-1"):
        gus.command("/failure", command, club)
        bot.settle()
    seen = texts([one for one in gus.messages(club) if one.get("ephemeral")])
    assert "There is no F-1 that you can see" in seen
    assert "F-1 ·" not in seen
    assert seen.count("F-2 ·") == 3
    assert "of 2" not in seen


def test_a_guest_sets_no_digest(bot: Running, club: str) -> None:
    """It is refused in words."""
    gus = bot.control.as_(bot.control.add_guest("gus", channels=[club]))
    gus.command("/failure", "digest here monday 09:00", club)
    bot.settle()
    bot.control.wait_for(lambda: "full members" in texts(gus.messages(club)))
    assert bot.store.digests.schedules() == []
