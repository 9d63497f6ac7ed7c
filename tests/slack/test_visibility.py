"""Random lives of a workspace: whatever happens, nobody is shown what they may not see.

People come, go and become guests, channels are shared, converted and deleted, Slack's events come
late, in another order or never, and its look-ups fail. A model that knows the truth judges what is
shown, and that nothing which everyone may see gets lost. The stand-in for Slack is asked directly,
without a network; `test_audience` and `test_following` go through the whole bot.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from failbot.errors import FailbotError
from failbot.memory.service import Service
from failbot.models import Failure, Verdict, Viewer
from failbot.sandbox import factory
from failbot.sandbox.changes import OTHER_TEAM
from failbot.sandbox.control import Control
from failbot.sandbox.platform import Platform
from failbot.sandbox.refusal import PersonError
from failbot.sandbox.state import Channel
from failbot.sandbox.web_api.endpoint import WebApi
from failbot.slack import showing
from failbot.slack.bot import Actor, Bot
from failbot.slack.calls import SLACK_FAILURES
from failbot.slack.changes import heed
from failbot.slack.jobs.following import LOOK_S, Follower
from failbot.slack.manifest import EVENTS
from failbot.slack.people import READERS_CACHED_S
from failbot.slack.places import Places
from failbot.store.sqlite import SqliteStore
from failbot.threads import Stop
from tests.make import draft
from tests.slack.conftest import ENCODER, Clock, ReadySource

TEAM = factory.TEAM_ID
PEOPLE = st.sampled_from(["ada", "ben", "cleo", "gus", "gil", "eve"])
CHANNELS = st.sampled_from(["hall", "club", "den", "talk", "fair"])
LOOKUPS = st.sampled_from(["users.info", "conversations.info", "conversations.members"])


class DirectClient(WebClient):
    """Calls the stand-in without a network; its faults strike as they would."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform.app.bot_token)
        self._api, self._platform = WebApi(platform), platform

    def api_call(self, api_method: str, **given: Any) -> Any:
        arguments = {
            name: value
            for part in ("params", "json", "data")
            for name, value in (given.get(part) or {}).items()
            if value is not None
        }
        fault = self._platform.faults.take_api(api_method)
        answer = self._api.call(api_method, arguments, self.token, fault=fault)
        if answer.reset:
            raise ConnectionResetError
        body = json.loads(answer.body)
        if not body["ok"]:
            raise SlackApiError("refused", body)
        return body


@dataclass
class Entry:
    """What the model knows of an entry, or of a question under a number below 0."""

    number: int
    author: str
    channel: Channel
    was_open: bool  # every member could read its channel, and no other workspace's, when it came
    is_published: bool = False
    was_private: bool = False  # its channel has been, since then
    was_closed: bool = False  # private, deleted, or hidden by a look-up that went wrong
    is_unsure: bool = False  # Slack did not say what the channel is


class Workspace(RuleBasedStateMachine):
    """One life of a workspace."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.platform = factory.default_platform()
        self.control = Control(self.platform)
        self.control.set_app(events=list(EVENTS))
        self.platform.rate_limits.enabled = False
        self.clock = Clock()
        self.store = SqliteStore(Path(self.folder.name) / "failbot.db")
        self.service = Service(self.store, ReadySource(ENCODER))
        client = DirectClient(self.platform)
        self.places = Places(client, self.service, clock=self.clock, stop=Stop())
        self.places.when_told = self.follow
        self.bot: Any = SimpleNamespace(places=self.places, service=self.service)
        self.follower = Follower(self.bot, clock=self.clock)
        self.entries: list[Entry] = []
        self.heard = 0  # how many of the events sent
        self.unheard_s = 0.0  # how long what was not told may still be believed
        self.people = self._people()
        self.channels = self._channels()
        for name in self.channels:  # what there is to leak
            self.log("ada", name, knows=False)
            self.ask("ada", name)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.places.close()
            self.store.close()
            self.folder.cleanup()

    def _people(self) -> dict[str, str]:
        control = self.control
        return {
            "ada": factory.ADA,
            "ben": factory.BEN,
            "cleo": factory.CLEO,
            "gus": control.add_guest("gus", single_channel=True),
            "gil": control.add_guest("gil"),
            "eve": control.add_outsider("eve"),
        }

    def _channels(self) -> dict[str, str]:
        control, ada, ben = self.control, factory.ADA, factory.BEN
        return {
            "hall": control.add_channel("hall", members=[ada, ben]),
            "club": control.add_channel("club", members=[ada]),
            "den": control.add_channel("den", kind="private", members=[ada, ben]),
            "talk": control.add_group([ada, ben]),
            "fair": control.add_channel("fair", members=[ada], is_ext_shared=True),
        }

    def follow(self, team_id: str, channel_id: str, access: Any) -> None:
        self.service.follow(channel_id, access, team_id=team_id)

    # What happens

    def channel(self, name: str) -> Channel | None:
        return self.platform.workspace.channels.get(self.channels[name])

    def happen(self, deed: Callable[[], Any], *, untold_s: float = 0.0) -> None:
        """:param untold_s: how long what it changes is believed, where no event tells of it."""
        try:
            deed()
        except PersonError:
            return
        self.unheard_s = max(self.unheard_s, untold_s)
        for one in self.entries:
            one.was_private |= one.channel.kind != "public"
            one.was_closed |= one.was_private or not self.is_there(one.channel)
            one.was_closed |= one.is_unsure and not self.is_open(one.channel)

    @rule(name=CHANNELS, who=PEOPLE)
    def join(self, name: str, who: str) -> None:
        self.happen(lambda: self.control.join(self.channels[name], self.people[who]))

    @rule(name=CHANNELS, who=PEOPLE)
    def leave(self, name: str, who: str) -> None:
        self.happen(lambda: self.control.leave(self.channels[name], self.people[who]))

    @rule(who=st.sampled_from(["ben", "cleo", "gil"]), is_guest=st.booleans())
    def become(self, who: str, is_guest: bool) -> None:
        """A guest, or a member."""
        person = self.people[who]
        self.happen(lambda: self.control.change_person(person, is_restricted=is_guest))

    @rule(is_gone=st.booleans())
    def deactivate(self, is_gone: bool) -> None:
        person = self.people["cleo"]
        self.happen(lambda: self.control.change_person(person, deleted=is_gone))

    @rule(name=CHANNELS, is_shared=st.booleans())
    def share(self, name: str, is_shared: bool) -> None:
        deed = self.control.share if is_shared else self.control.unshare
        self.happen(lambda: deed(self.channels[name], OTHER_TEAM))

    @rule(name=CHANNELS)
    def invite(self, name: str) -> None:
        self.happen(lambda: self.control.invite_team(self.channels[name]), untold_s=61)

    @rule(name=CHANNELS, is_shared=st.booleans())
    def share_in_org(self, name: str, is_shared: bool) -> None:
        deed = self.control.share_in_org
        self.happen(lambda: deed(self.channels[name], shared=is_shared), untold_s=61)

    @rule(name=CHANNELS, kind=st.sampled_from(["public", "private", "private"]))
    def convert(self, name: str, kind: Any) -> None:
        self.happen(lambda: self.control.convert(self.channels[name], kind), untold_s=61)

    @precondition(lambda self: self.channel("club") is not None)
    @rule()
    def delete_the_club(self) -> None:
        self.happen(lambda: self.control.remove_channel(self.channels["club"]))

    @rule(method=LOOKUPS, error=st.sampled_from(["internal_error", "channel_not_found"]))
    def fail(self, method: str, error: str) -> None:
        """The next look-up, and no later one."""
        if error == "channel_not_found" and method == "users.info":
            return
        self.control.clear_faults()
        self.control.fail_api(method, error)
        for one in self.entries:  # what is hidden may be shared when Slack shows it again
            one.is_unsure |= error == "channel_not_found"
            one.was_closed |= one.is_unsure and not self.is_open(one.channel)

    # What Slack's events tell

    def _pending(self) -> list[dict[str, Any]]:
        sent = [one["payload"]["event"] for one in self.control.deliveries("events_api")]
        pending, self.heard = sent[self.heard :], len(sent)
        return pending

    @rule(draw=st.randoms(use_true_random=False))
    def hear(self, draw: Any) -> None:
        """All that was sent, in any order."""
        pending = self._pending()
        draw.shuffle(pending)
        for event in pending:
            heed(self.bot, TEAM, event)

    @rule()
    def lose(self) -> None:
        """Slack gave up on them: what they told is believed until it is too old."""
        if self._pending():
            self.unheard_s = max(self.unheard_s, READERS_CACHED_S + 1)

    @rule(seconds=st.sampled_from([1, 59, LOOK_S]))
    def wait(self, seconds: float) -> None:
        self.clock.at_s += seconds

    @rule()
    def look_around(self) -> None:
        """The thread that follows channels."""
        self.follower.tick(Event(), pace_s=0.0)

    # What is written

    def actor(self, who: str, name: str, knows: bool) -> Actor:
        channel = self.channel(name)
        is_private = channel is not None and channel.kind != "public"
        hint = "privategroup" if knows and is_private else ""
        return Actor(
            team_id=TEAM, user_id=self.people[who], channel_id=self.channels[name], hint=hint
        )

    @rule(who=PEOPLE, name=CHANNELS, knows=st.booleans())
    def log(self, who: str, name: str, knows: bool) -> None:
        channel = self.channel(name)
        if channel is None or self.people[who] not in channel.members:
            return
        place = Bot.place(self.bot, self.actor(who, name, knows))
        kept = self.service.record(
            draft("zebra"), place=place, author_id=self.people[who], now=self.control.now()
        ).failure
        self.entries.append(
            Entry(
                number=kept.number,
                author=who,
                channel=channel,
                was_open=self.is_open(channel),
                is_unsure=kept.is_unsure or bool(self.platform.faults.api),
            )
        )

    @rule(who=PEOPLE, name=CHANNELS)
    def ask(self, who: str, name: str) -> None:
        """Keeps a question, unless Slack does not say where it was asked."""
        channel = self.channel(name)
        if channel is None or self.people[who] not in channel.members:
            return
        try:
            place = self.places.place_of(TEAM, channel.id, within_s=0.0)
        except SLACK_FAILURES:
            return
        number = -len(self.entries) - 1
        self.store.questions.keep(
            str(number),
            place=place,
            user_id=self.people[who],
            message_ts="",
            verdict=Verdict.UNKNOWN,
            shown=[],
            now=self.control.now(),
        )
        self.entries.append(
            Entry(number=number, author=who, channel=channel, was_open=self.is_open(channel))
        )

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), who=PEOPLE)
    def publish(self, data: st.DataObject, who: str) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        viewer = Viewer(team_id=TEAM, user_id=self.people[who], sees_workspace=False)
        try:
            self.service.publish(max(entry.number, 0), viewer=viewer)
        except FailbotError:
            assert who != entry.author or entry.number < 0
        else:
            assert who == entry.author
            entry.is_published = True

    # The truth

    def kind(self, user_id: str) -> str:
        person = self.platform.workspace.people[user_id]
        if person.team_id != TEAM:
            return "outsider"
        if person.deleted or person.is_bot:
            return "nobody"
        return "guest" if person.is_guest else "member"

    def is_there(self, channel: Channel) -> bool:
        return channel.id in self.platform.workspace.channels

    def is_open(self, channel: Channel) -> bool:
        return channel.kind == "public" and not (channel.is_shared or channel.pending_team_ids)

    def is_workspaces(self, entry: Entry) -> bool:
        """Whether every member may see it: it was so once, and is so still."""
        if entry.is_published:
            return True
        if not self.is_there(entry.channel):
            return entry.was_open and not entry.was_private
        return entry.was_open and entry.channel.kind == "public"

    def may_see(self, user_id: str, entry: Entry) -> bool:
        kind = self.kind(user_id)
        if kind == "member" and self.is_workspaces(entry):
            return True
        is_in = self.is_there(entry.channel) and user_id in entry.channel.members
        return kind in ("member", "guest") and is_in

    def may_stand_in(self, channel: Channel, entry: Entry) -> bool:
        if entry.channel is channel:
            return True
        is_shared = channel.is_shared or bool(channel.pending_team_ids)
        trusted = {self.kind(one) for one in channel.members} <= {"member", "nobody"}
        return trusted and not is_shared and self.is_workspaces(entry)

    # What is shown

    def shown_to(self, viewer: Viewer) -> set[int]:
        """The numbers of all that is shown, by every read that there is."""

        def newest() -> list[Failure]:
            return self.service.newest(viewer=viewer, limit=1_000)

        showing.listed(self.bot, TEAM, newest)  # asking may open what was unsure until then
        found = showing.listed(self.bot, TEAM, newest)
        numbers = [one.number for one in found]
        assert self.service.count(viewer=viewer) == len(numbers)
        searched = self.service.search("zebra", viewer=viewer, limit=1_000)
        assert sorted(one.number for one in searched) == sorted(numbers)
        digest = showing.digested(
            self.bot,
            TEAM,
            lambda: self.service.digest(audience=viewer, now=self.control.now().replace(year=2100)),
        )
        assert digest is not None
        return {*numbers, *self._asked(viewer)}

    def _asked(self, viewer: Viewer) -> set[int]:
        now = self.control.now()
        asked = self.store.questions.asked(
            viewer=viewer, since=now.replace(year=2000), before=now.replace(year=2100)
        )
        return {int(one.text) for one in asked}

    def settle(self) -> None:
        """What was told is heard, and what nobody tells is old enough."""
        for event in self._pending():
            heed(self.bot, TEAM, event)
        self.clock.at_s += self.unheard_s
        self.unheard_s = 0.0

    def judge(self, seen: set[int], may: Callable[[Entry], bool]) -> None:
        leaked = [one for one in self.entries if one.number in seen and not may(one)]
        assert leaked == []

    def sure(self, seen: set[int], may: Callable[[Entry], bool]) -> None:
        """Of what has always been everyone's nothing is missing."""
        lost = [
            one
            for one in self.entries
            if one.number > 0
            and one.number not in seen
            and (one.is_published or (one.was_open and not one.was_closed and not one.is_unsure))
            and may(one)
        ]
        assert lost == []

    @rule(channels_first=st.booleans())
    def read(self, channels_first: bool) -> None:
        """Everyone alone, and what everyone in each channel may read."""
        self.settle()
        for in_channels in (channels_first, not channels_first):
            for name in self.channels if in_channels else self.people:
                if in_channels:
                    self.read_in_a_channel(name)
                else:
                    self.read_alone(name)

    @rule(channels_first=st.booleans())
    def read_again(self, channels_first: bool) -> None:
        """Twice as often as anything else."""
        self.read(channels_first)

    def read_alone(self, who: str) -> None:
        try:
            seen = self.shown_to(self.places.viewer_for(TEAM, self.people[who]))
        except SLACK_FAILURES:
            return  # nothing is shown
        self.judge(seen, lambda one: self.may_see(self.people[who], one))

    def read_in_a_channel(self, name: str) -> None:
        channel = self.channel(name)
        if channel is None:
            return
        try:
            place = self.places.place_of(TEAM, channel.id)
            seen = self.shown_to(self.places.audience_of(place))
        except SLACK_FAILURES:
            return
        self.judge(seen, lambda one: self.may_stand_in(channel, one))

    @rule()
    def nothing_is_lost(self) -> None:
        """Once Slack answers, and hides nothing."""
        self.settle()
        self.control.clear_faults()
        self.clock.at_s += LOOK_S
        self.follower.tick(Event(), pace_s=0.0)
        for one in self.entries:
            one.is_unsure = one.is_unsure and one.number > 0 and self._is_unsure(one)
        for user_id in self.people.values():
            if self.kind(user_id) == "member":
                seen = self.shown_to(self.places.viewer_for(TEAM, user_id))
                self.sure(seen, lambda one, user_id=user_id: self.may_see(user_id, one))  # type: ignore[misc]

    def _is_unsure(self, entry: Entry) -> bool:
        everything = Viewer(team_id=TEAM, is_operator=True)
        found: Failure = self.service.show(entry.number, viewer=everything)
        return found.is_unsure


Workspace.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class TestVisibility(Workspace.TestCase):  # type: ignore[misc, name-defined]
    """A few lives on every commit."""


class _Long(Workspace):
    """The same, longer."""


_Long.TestCase.settings = settings(
    Workspace.TestCase.settings, max_examples=1_000, stateful_step_count=60
)


@pytest.mark.full
class TestManyVisibilities(_Long.TestCase):  # type: ignore[misc, name-defined]
    """Many long ones."""
