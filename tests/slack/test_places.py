"""Who may see what, from what Slack says; the client refuses as Slack does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from failbot.errors import NotAllowedError
from failbot.models import Viewer, Visibility
from failbot.slack.people import FEW, READERS_CACHED_S, Standing
from failbot.slack.places import PAGES, Places
from failbot.threads import Stop
from tests.make import direct, private, public
from tests.slack.conftest import Clock

TEAM = "T1"
MEMBER = {"team_id": TEAM, "tz": "Europe/Paris", "is_admin": False}
PUBLIC = {"is_channel": True, "is_private": False, "is_member": True}
PRIVATE = {"is_private": True, "is_member": True}


class Slack:
    """What users.info, users.list, conversations.info and conversations.members answer."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.channels: dict[str, dict[str, Any]] = {}
        self.members: dict[str, list[str]] = {}
        self.is_down = False
        self.page = 2
        self.interrupted: list[str] = []  # the page of people that is not answered, once
        self.when_asked: Callable[[], None] = lambda: None
        self.calls: list[str] = []

    def users_info(self, *, user: str) -> dict[str, Any]:
        return {"user": self._known("user_not_found", self.people, user)}

    def conversations_info(self, *, channel: str) -> dict[str, Any]:
        return {"channel": self._known("channel_not_found", self.channels, channel)}

    def conversations_members(
        self, *, channel: str, limit: int, cursor: str | None
    ) -> dict[str, Any]:
        """Two a page."""
        assert limit == 1_000, "the most that Slack allows: each page is a call of few a minute"
        members = self._known("channel_not_found", self.members, channel)
        return self._page(members, cursor)

    def users_list(self, *, limit: int, cursor: str | None) -> dict[str, Any]:
        """As many a page as there are to be."""
        self.calls.append("users.list")
        if cursor in self.interrupted:
            self.interrupted.remove(cursor)
            raise TimeoutError
        return self._page([{"id": one} | who for one, who in self.people.items()], cursor)

    def _page(self, found: list[Any], cursor: str | None) -> dict[str, Any]:
        start = int(cursor or 0)
        after = start + self.page
        more = str(after) if after < len(found) else ""
        return {"members": found[start:after], "response_metadata": {"next_cursor": more}}

    def _known(self, error: str, found: dict[str, Any], key: str) -> Any:
        self.calls.append(key)
        found, when_asked = dict(found), self.when_asked
        when_asked()
        if self.is_down:
            raise TimeoutError
        if key not in found:
            raise SlackApiError("refused", {"ok": False, "error": error})
        return found[key]


class Entries:
    """Where entries are."""

    def __init__(self, *channel_ids: str) -> None:
        self.channel_ids = list(channel_ids)

    def private_channels(self, team_id: str) -> list[str]:
        return self.channel_ids

    def channels(self, team_id: str) -> list[str]:
        return ["C0ML", *self.channel_ids]


@pytest.fixture
def slack() -> Slack:
    slack = Slack()
    slack.people["U1"] = MEMBER
    slack.channels |= {"C0ML": PUBLIC, "G0SECRET": PRIVATE}
    slack.members["C0ML"] = ["U1"]
    return slack


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def places(slack: Slack, clock: Clock) -> Iterator[Places]:
    places = Places(slack, Entries("G0SECRET", "G0OTHER"), clock=clock, stop=Stop())  # type: ignore[arg-type]
    yield places
    places.close()


def test_a_member_sees_the_workspace_and_their_private_channels(
    slack: Slack, places: Places
) -> None:
    """Members are read to the last page; a channel that Slack does not show is none of theirs."""
    slack.members["G0SECRET"] = ["U7", "U8", "U9", "U1"]
    viewer = places.viewer_for(TEAM, "U1")
    assert viewer == Viewer(team_id=TEAM, user_id="U1", channel_ids=frozenset({"G0SECRET"}))


@pytest.mark.parametrize(
    ("traits", "standing"),
    [
        ({"is_restricted": True}, Standing.GUEST),
        ({"is_ultra_restricted": True}, Standing.GUEST),
        ({"is_stranger": True}, Standing.OUTSIDER),
        ({"team_id": "T2"}, Standing.OUTSIDER),
        ({"deleted": True}, Standing.NOBODY),
        ({"is_bot": True}, Standing.NOBODY),
        ({"is_bot": True, "team_id": "T2"}, Standing.OUTSIDER),
        ({"team_id": "T2", "enterprise_user": {"teams": ["T2", TEAM]}}, Standing.MEMBER),
        ({}, Standing.MEMBER),
        ({"team_id": "", "enterprise_user": None}, Standing.OUTSIDER),
    ],
)
def test_members_read_the_workspace_and_guests_their_channels(
    slack: Slack, places: Places, traits: dict[str, Any], standing: Standing
) -> None:
    """Every other kind of user sees their own at most, whatever channels they are in."""
    slack.people["U2"] = MEMBER | traits
    slack.members["G0SECRET"] = ["U2"]
    viewer = places.viewer_for(TEAM, "U2")
    assert places.person(TEAM, "U2").standing is standing
    assert viewer.sees_workspace is (standing is Standing.MEMBER)
    assert bool(viewer.channel_ids) is (standing in (Standing.MEMBER, Standing.GUEST))


def test_whom_slack_does_not_know_sees_nothing(slack: Slack, places: Places) -> None:
    """Refused for good it is a no, in words; where Slack does not answer, nothing is decided."""
    assert not places.viewer_for(TEAM, "U404").sees_workspace
    with pytest.raises(NotAllowedError, match="did not say who you are"):
        places.admit(TEAM, "U404")
    slack.is_down = True
    with pytest.raises(TimeoutError):
        places.admit(TEAM, "U5")


def test_what_slack_said_is_believed_for_a_minute(
    slack: Slack, places: Places, clock: Clock
) -> None:
    """Then it is asked again; what it refused is not kept."""
    slack.members["G0SECRET"] = ["U1"]
    places.viewer_for(TEAM, "U1")
    slack.members["G0SECRET"] = []
    slack.members["G0OTHER"] = ["U1"]
    assert places.viewer_for(TEAM, "U1").channel_ids == {"G0SECRET", "G0OTHER"}
    clock.at_s += 61
    assert places.viewer_for(TEAM, "U1").channel_ids == {"G0OTHER"}
    assert slack.calls.count("U1") == 2


@pytest.mark.parametrize(
    ("channel_id", "hint", "visibility"),
    [
        ("C0ML", "", Visibility.WORKSPACE),
        ("C0ML", "general", Visibility.WORKSPACE),
        ("C0ML", "privategroup", Visibility.CHANNEL),
        ("G0SECRET", "", Visibility.CHANNEL),
        ("G0SECRET", "general", Visibility.CHANNEL),
        ("C404", "", Visibility.CHANNEL),
        ("D0ANA", "", Visibility.AUTHOR),
        ("C0ML", "directmessage", Visibility.AUTHOR),
        ("C0SHARED", "", Visibility.CHANNEL),
        ("C0ML", "im", Visibility.AUTHOR),
        ("C0ML", "group", Visibility.CHANNEL),
        ("C0ML", "mpim", Visibility.CHANNEL),
        ("G0DM", "", Visibility.CHANNEL),
        ("X0DM", "", Visibility.CHANNEL),
        ("C0ODD", "", Visibility.CHANNEL),
    ],
)
def test_visibility_follows_the_place(
    slack: Slack, places: Places, channel_id: str, hint: str, visibility: Visibility
) -> None:
    """Unknown means private, shared too; a hint makes nothing more public."""
    slack.channels["C0SHARED"] = PUBLIC | {"is_ext_shared": True}
    slack.channels["G0DM"] = PUBLIC | {"is_mpim": True}
    slack.channels["X0DM"] = PUBLIC | {"is_im": True}
    slack.channels["C0ODD"] = {"is_channel": True}
    assert places.place_of(TEAM, channel_id, hint=hint).visibility is visibility


def test_the_audience_is_what_everyone_there_may_see(slack: Slack, places: Places) -> None:
    """Public: the workspace. Private: that and its own. Shared: its own only. Direct: theirs."""
    slack.channels["C0SHARED"] = PUBLIC | {"is_ext_shared": True}
    slack.members |= {"G0SECRET": ["U1"], "C0SHARED": ["U1"]}
    own = frozenset({"G0SECRET"})
    assert places.audience_of(public()) == Viewer(team_id=TEAM)
    assert places.audience_of(private()) == Viewer(team_id=TEAM, channel_ids=own)
    shared = places.audience_of(private("C0SHARED"))
    assert (shared.sees_workspace, shared.channel_ids) == (False, {"C0SHARED"})
    theirs = Viewer(team_id=TEAM, user_id="U1", channel_ids=own)
    assert places.audience_of(direct(), user_id="U1") == theirs


def test_a_channel_that_slack_does_not_show_has_no_audience(slack: Slack, places: Places) -> None:
    """Not even the workspace's entries go there."""
    slack.members["C404"] = ["U1"]
    assert not places.audience_of(public("C404")).sees_workspace
    slack.channels["C405"] = PUBLIC
    assert not places.audience_of(public("C405")).sees_workspace, "nor one without a list of people"


@pytest.mark.parametrize(
    "mark",
    [
        {"is_shared": True},
        {"is_ext_shared": True},
        {"is_org_shared": True},
        {"is_pending_ext_shared": True},
        {"pending_shared": ["T2"]},
        {"pending_connected_team_ids": ["T2"]},
    ],
)
def test_a_channel_that_another_workspace_reads_or_is_asked_into_is_closed(
    slack: Slack, places: Places, mark: dict[str, Any]
) -> None:
    """Once they accept they read what was answered before: nothing of the workspace goes there."""
    slack.channels["C0SHARED"] = PUBLIC | mark
    slack.members["C0SHARED"] = ["U1"]
    place = places.place_of(TEAM, "C0SHARED")
    assert place.visibility is Visibility.CHANNEL
    assert places.audience_of(place) == Viewer(
        team_id=TEAM, channel_ids=frozenset({"C0SHARED"}), sees_workspace=False
    )


@pytest.mark.parametrize(
    ("said", "is_joined"), [({"is_member": True}, True), ({"is_member": False}, False), ({}, True)]
)
def test_the_bot_is_in_a_channel_unless_slack_denies_it(
    slack: Slack, places: Places, said: dict[str, Any], is_joined: bool
) -> None:
    """A channel that Slack does not show is none that it could post in."""
    slack.channels["C0NEW"] = {"is_private": False} | said
    assert places.is_joined(TEAM, "C0NEW") is is_joined
    assert not places.is_joined(TEAM, "C404")


@pytest.mark.parametrize(
    ("said", "is_admin", "zone"),
    [
        ({}, False, "Europe/Paris"),
        ({"is_admin": True, "tz": None}, True, "UTC"),
        ({"is_owner": True, "tz": ""}, True, "UTC"),
    ],
)
def test_a_person_is_what_slack_says(
    slack: Slack, places: Places, said: dict[str, Any], is_admin: bool, zone: str
) -> None:
    """Owners administer, too; without a time zone it is UTC."""
    slack.people["U3"] = MEMBER | said
    person = places.person(TEAM, "U3")
    assert (person.user_id, person.is_admin, person.zone) == ("U3", is_admin, zone)
    nobody = places.person(TEAM, "U404")
    assert (nobody.user_id, nobody.standing) == ("U404", Standing.UNKNOWN)


@pytest.mark.parametrize(
    ("traits", "words"),
    [({"team_id": "T2"}, "members of this"), ({"deleted": True}, "members of this workspace")],
)
def test_who_may_not_read_is_told_why(
    slack: Slack, places: Places, traits: dict[str, Any], words: str
) -> None:
    """A member is admitted as they are, and a guest to less; only a member to a digest."""
    slack.people["U2"] = MEMBER | traits
    with pytest.raises(NotAllowedError, match=words):
        places.admit(TEAM, "U2")
    assert places.admit(TEAM, "U1") == places.viewer_for(TEAM, "U1")
    slack.people["U3"] = MEMBER | {"is_restricted": True}
    assert not places.admit(TEAM, "U3").sees_workspace
    with pytest.raises(NotAllowedError, match="full members"):
        places.admit_member(TEAM, "U3")
    places.admit_member(TEAM, "U1")


def test_a_channel_is_believed_for_a_minute_and_an_error_not_at_all(
    slack: Slack, places: Places, clock: Clock
) -> None:
    """One that has just been shared is closed a minute later at most."""
    assert places.place_of(TEAM, "C0NEW").visibility is Visibility.CHANNEL
    slack.channels["C0NEW"] = PUBLIC
    assert places.place_of(TEAM, "C0NEW").visibility is Visibility.WORKSPACE
    slack.channels["C0NEW"] = PUBLIC | {"is_ext_shared": True}
    clock.at_s += 59.9
    assert places.place_of(TEAM, "C0NEW").visibility is Visibility.WORKSPACE
    clock.at_s += 0.1
    assert places.place_of(TEAM, "C0NEW").visibility is Visibility.CHANNEL


def test_workspaces_are_told_apart(slack: Slack, places: Places) -> None:
    """A member here may be a stranger there, whatever was asked a moment ago."""
    assert places.person(TEAM, "U1").standing is Standing.MEMBER
    assert places.person("T2", "U1").standing is Standing.OUTSIDER
    slack.members["G0SECRET"] = []
    places.viewer_for(TEAM, "U1")
    assert places.is_joined(TEAM, "C0ML")
    slack.people["U1"] = {"is_admin": False}  # an older answer names no workspace: it is this one
    slack.members["G0SECRET"] = ["U1"]
    slack.channels["C0ML"] = PRIVATE | {"is_member": False}
    assert places.viewer_for("T3", "U1").channel_ids == {"G0SECRET"}
    assert not places.is_joined("T3", "C0ML")
    assert places.place_of("T4", "C0ML").visibility is Visibility.CHANNEL
    slack.channels["C0ML"] = PUBLIC
    slack.people["U1"] = {"team_id": "T5"}
    assert places.audience_of(public(team_id="T5")) == Viewer(team_id="T5")


def test_in_a_direct_message_the_reader_is_its_person(slack: Slack, places: Places) -> None:
    """Also where it is a guest's: then only what is their own."""
    slack.people["U2"] = MEMBER | {"is_restricted": True}
    viewer = places.audience_of(direct(), user_id="U2")
    assert viewer == Viewer(team_id=TEAM, user_id="U2", sees_workspace=False)


GUEST = MEMBER | {"is_restricted": True}


def crowd(slack: Slack, count: int, channel_id: str = "C0ML") -> list[str]:
    """So many members, all in this channel; their ids."""
    ids = [f"U{number:05}" for number in range(count)]
    slack.people |= dict.fromkeys(ids, MEMBER)
    slack.members[channel_id] = list(ids)
    slack.page = 100
    return ids


def is_open(places: Places) -> bool:
    return places.audience_of(public()).sees_workspace


@pytest.mark.parametrize("count", [2, FEW, FEW + 1, 250])
@pytest.mark.parametrize("guests", [0, 1])
def test_one_guest_among_any_number_closes_a_channel(
    slack: Slack, places: Places, count: int, guests: int
) -> None:
    """Few are asked about one by one, many are looked up among all people, page by page."""
    ids = crowd(slack, count)
    slack.people |= dict.fromkeys(ids[len(ids) - guests :], GUEST)
    assert is_open(places) is (guests == 0)
    pages = slack.calls.count("users.list")
    assert pages == (0 if count <= FEW else -(-len(slack.people) // 100))


def test_people_are_listed_once_in_ten_minutes(slack: Slack, places: Places, clock: Clock) -> None:
    """Then again: an event that never came is outlived."""
    ids = crowd(slack, 50)
    assert is_open(places)
    slack.people[ids[3]] = GUEST
    clock.at_s += READERS_CACHED_S - 1
    assert is_open(places)
    assert slack.calls.count("users.list") == 1
    clock.at_s += 1
    assert not is_open(places)
    assert slack.calls.count("users.list") == 2


def test_a_change_that_slack_tells_is_heeded_at_once(slack: Slack, places: Places) -> None:
    """In a crowd and among few; a change of something else costs no look-up."""
    ids = crowd(slack, 50)
    assert is_open(places)
    slack.calls.clear()
    places.person_changed(TEAM, {"id": ids[3]} | MEMBER | {"profile": {"status_text": "out"}})
    assert is_open(places)
    assert slack.calls == []
    slack.people[ids[3]] = GUEST
    places.person_changed(TEAM, {"id": ids[3]} | GUEST)
    assert not is_open(places)
    slack.people[ids[3]] = MEMBER
    places.person_changed(TEAM, {"id": ids[3]} | MEMBER)
    assert is_open(places)


def test_an_interrupted_list_of_people_goes_on_where_it_was(slack: Slack, places: Places) -> None:
    """Slack lets few pages a minute be read: starting over would never end."""
    crowd(slack, 250)
    slack.interrupted = ["100"]
    with pytest.raises(TimeoutError):
        is_open(places)
    assert is_open(places)
    assert slack.calls.count("users.list") == 4


def test_readers_whom_no_list_holds_close_a_channel(slack: Slack, places: Places) -> None:
    """A few are asked about; more than a few are not believed to be anyone."""
    ids = crowd(slack, 100)
    slack.members["C0ML"] = ids + [f"X{number}" for number in range(FEW + 1)]
    assert not is_open(places)
    assert not [one for one in slack.calls if one.startswith("X")]


def test_a_channel_with_too_many_pages_is_closed(slack: Slack, places: Places) -> None:
    """Twenty pages of a thousand are read of one channel, and no more."""
    crowd(slack, PAGES * 2 + 1)
    slack.page = 2
    assert not is_open(places)
    assert slack.calls.count("C0ML") == 1 + PAGES
    slack.members["C0ML"].pop()
    assert is_open(places)


@pytest.mark.parametrize("event", ["members_changed", "channel_changed"])
def test_what_changes_while_slack_is_asked_is_asked_again(
    slack: Slack, places: Places, event: str
) -> None:
    """The answer on its way is of before: a guest who comes meanwhile is seen."""
    slack.people["U2"] = GUEST

    def comes() -> None:
        if slack.calls.count("C0ML") == 2:  # its members are asked for just now
            slack.members["C0ML"] = ["U1", "U2"]
            getattr(places, event)(TEAM, "C0ML")

    slack.when_asked = comes
    assert not is_open(places)
    assert not is_open(places)
