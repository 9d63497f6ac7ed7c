"""Guests, outsiders, shared channels, group messages, conversions: what the app hears and sees."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.changes import OTHER_TEAM
from failbot.sandbox.control import Control
from failbot.sandbox.refusal import PersonError

G, S = factory.GENERAL, factory.SECRET


@pytest.fixture
def club(control: Control) -> str:
    """A public channel of Ada's, Ben's and the bot's."""
    return control.add_channel("club", members=[factory.ADA, factory.BEN])


@pytest.fixture
def shared(control: Control) -> str:
    """A public channel of Ada's that another company is connected to."""
    return control.add_channel("partners", members=[factory.ADA], is_ext_shared=True)


def events(control: Control, *kinds: str) -> list[dict[str, Any]]:
    """The events of these kinds that were sent, without their ts."""
    sent = [d["payload"]["event"] for d in control.deliveries("events_api")]
    return [
        {k: v for k, v in e.items() if k not in ("ts", "event_ts")}
        for e in sent
        if e["type"] in kinds
    ]


def user(client: WebClient, user_id: str) -> Any:
    return client.users_info(user=user_id)["user"]


def channel(client: WebClient, channel_id: str) -> Any:
    return client.conversations_info(channel=channel_id)["channel"]


# People


@pytest.mark.parametrize("single", [False, True])
def test_a_guest_is_restricted(client: WebClient, control: Control, single: bool) -> None:
    """A single-channel guest is ultra-restricted too; both are of this workspace."""
    told = user(client, control.add_guest("gus", single_channel=single))
    assert (told["is_restricted"], told["is_ultra_restricted"]) == (True, single)
    assert told["team_id"] == factory.TEAM_ID


def test_a_guest_sees_the_channels_they_are_in_only(control: Control, club: str) -> None:
    """A public channel is none of theirs unless they were brought in."""
    gus = control.as_(control.add_guest("gus", channels=[club]))
    assert {c["id"] for c in gus.channels()} == {club}
    with pytest.raises(PersonError):
        gus.join(G)


def test_an_outsider_without_a_common_channel_is_a_stranger(
    client: WebClient, control: Control
) -> None:
    """`is_stranger` stands in users.info, with their own team."""
    told = user(client, control.add_outsider("eve"))
    assert (told["is_stranger"], told["team_id"]) == (True, OTHER_TEAM)


def test_an_outsider_in_a_shared_channel_is_no_stranger(
    client: WebClient, control: Control, shared: str
) -> None:
    """Where the app meets them, only their team_id tells that they are from elsewhere."""
    told = user(client, control.add_outsider("eve", channels=[shared]))
    assert ("is_stranger" in told, told["team_id"]) == (False, OTHER_TEAM)


def test_an_outsiders_message_names_their_team(control: Control, shared: str) -> None:
    """An event of theirs carries user_team and source_team."""
    eve = control.as_(control.add_outsider("eve", channels=[shared]))
    eve.say(shared, "@failbot hi")
    (event,) = events(control, "app_mention")
    assert (event["user_team"], event["source_team"]) == (OTHER_TEAM, OTHER_TEAM)


def test_an_outsider_enters_shared_channels_only(control: Control, club: str) -> None:
    """Slack offers no way into a channel that their company is not connected to."""
    eve = control.add_outsider("eve")
    with pytest.raises(PersonError, match="not shared"):
        control.join(club, eve)


def test_a_colleague_of_the_same_organisation_has_an_enterprise(
    client: WebClient, control: Control
) -> None:
    """enterprise_user names the organisation and the workspaces that they are in."""
    carl = control.add_person("carl", team_id="T0SISTER001", enterprise_id="E0ORG000001")
    told = user(client, carl)["enterprise_user"]
    assert (told["enterprise_id"], told["teams"]) == ("E0ORG000001", ["T0SISTER001"])


def test_the_people_of_a_workspace_are_listed_in_pages(client: WebClient, control: Control) -> None:
    """users.list: guests, bots and deactivated ones with their marks, and no outsider."""
    gus, eve = control.add_guest("gus"), control.add_outsider("eve")
    control.change_person(factory.CLEO, deleted=True)
    found: dict[str, Any] = {}
    cursor = ""
    while True:
        page = client.users_list(limit=2, cursor=cursor or None)
        assert len(page["members"]) <= 2
        found |= {one["id"]: one for one in page["members"]}
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert found[gus]["is_restricted"]
    assert found[factory.CLEO]["deleted"]
    assert found[factory.BOT_USER]["is_bot"]
    assert eve not in found


# Coming and going


def test_a_newcomer_is_told(control: Control, club: str) -> None:
    """member_joined_channel has the documented fields, the newcomer's team among them."""
    control.join(club, factory.CLEO, inviter=factory.ADA)
    assert events(control, "member_joined_channel") == [
        {
            "type": "member_joined_channel",
            "user": factory.CLEO,
            "channel": club,
            "channel_type": "C",
            "team": factory.TEAM_ID,
            "inviter": factory.ADA,
        }
    ]


def test_a_guest_who_is_brought_in_is_told(control: Control, club: str) -> None:
    """As any newcomer: that they are a guest only users.info says."""
    gus = control.add_guest("gus", channels=[club])
    assert [e["user"] for e in events(control, "member_joined_channel")] == [gus]


def test_a_leaver_is_told(control: Control) -> None:
    """member_left_channel, of a private channel with type G."""
    control.leave(S, factory.BEN)
    (event,) = events(control, "member_left_channel")
    assert (event["user"], event["channel"], event["channel_type"]) == (factory.BEN, S, "G")


@pytest.mark.parametrize(("channel_id", "kind"), [(G, "channel_left"), (S, "group_left")])
def test_the_bots_own_removal_is_told(control: Control, channel_id: str, kind: str) -> None:
    """As the last that it hears of the channel."""
    control.leave(channel_id, factory.BOT_USER)
    control.leave(channel_id, factory.BEN)
    sent = [d["payload"]["event"]["type"] for d in control.deliveries("events_api")]
    assert sent == [kind]


@pytest.mark.parametrize(("channel_id", "prefix"), [(G, "channel"), (S, "group")])
@pytest.mark.parametrize(
    ("verb", "kind"),
    [("archive", "archive"), ("unarchive", "unarchive"), ("remove_channel", "deleted")],
)
def test_a_channels_end_is_told(
    control: Control, channel_id: str, prefix: str, verb: str, kind: str
) -> None:
    """By its id; a private channel's events are called group_."""
    getattr(control, verb)(channel_id)
    (event,) = events(control, f"{prefix}_{kind}")
    assert event["channel"] == channel_id


def test_a_rename_is_told(client: WebClient, control: Control) -> None:
    """With the channel as an object: the id stays, the name is new."""
    control.rename(G, "lobby")
    (event,) = events(control, "channel_rename")
    assert (event["channel"]["id"], event["channel"]["name"]) == (G, "lobby")
    assert channel(client, G)["previous_names"] == ["general"]


def test_a_removed_channel_is_not_found(client: WebClient, control: Control, club: str) -> None:
    """For the API it never was."""
    control.as_(factory.ADA).say(club, "x")
    control.remove_channel(club)
    with pytest.raises(SlackApiError, match="channel_not_found"):
        client.conversations_info(channel=club)


# Shared channels

SHARING = ("is_shared", "is_ext_shared", "is_pending_ext_shared", "is_org_shared")


def sharing(client: WebClient, channel_id: str) -> list[str]:
    told = channel(client, channel_id)
    return [name for name in SHARING if told[name]]


def test_an_invited_company_makes_a_share_pending(
    client: WebClient, control: Control, club: str
) -> None:
    """No event tells of it; only conversations.info does."""
    control.invite_team(club)
    assert sharing(client, club) == ["is_pending_ext_shared"]
    assert channel(client, club)["pending_connected_team_ids"] == [OTHER_TEAM]
    assert control.deliveries() == []


def test_a_connected_company_is_told(client: WebClient, control: Control, club: str) -> None:
    """channel_shared names it, and the share is pending no more."""
    control.invite_team(club)
    control.share(club)
    assert sharing(client, club) == ["is_shared", "is_ext_shared"]
    assert events(control, "channel_shared") == [
        {"type": "channel_shared", "channel": club, "connected_team_id": OTHER_TEAM}
    ]


def test_a_disconnected_company_takes_its_people_along(
    client: WebClient, control: Control, shared: str
) -> None:
    """channel_unshared tells it, and whether the channel is still shared with others."""
    eve = control.add_outsider("eve", channels=[shared])
    control.share(shared, "T0THIRD0001")
    control.unshare(shared)
    assert events(control, "channel_unshared") == [
        {
            "type": "channel_unshared",
            "channel": shared,
            "previously_connected_team_id": OTHER_TEAM,
            "is_ext_shared": True,
        }
    ]
    assert eve not in client.conversations_members(channel=shared)["members"]


def test_an_org_shared_channel_is_shared_but_not_with_others(
    client: WebClient, control: Control, club: str
) -> None:
    """is_shared and is_org_shared; no event tells of it."""
    control.share_in_org(club)
    assert sharing(client, club) == ["is_shared", "is_org_shared"]
    assert control.deliveries() == []


def test_envelopes_of_a_shared_channel_say_so(control: Control, shared: str, club: str) -> None:
    """is_ext_shared_channel stands beside the event, a rename's included."""
    control.rename(shared, "friends")
    control.rename(club, "lodge")
    sent = [d["payload"]["is_ext_shared_channel"] for d in control.deliveries("events_api")]
    assert sent == [True, False]


# Group messages and conversions


def test_a_group_message_is_private_to_its_people(
    client: WebClient, control: Control, cleo: Actor
) -> None:
    """An mpim: is_mpim, private, unseen by others, and begun once for the same people."""
    group = control.add_group([factory.ADA, factory.BEN])
    told = channel(client, group)
    assert (told["is_mpim"], told["is_private"], told["is_im"]) == (True, True, False)
    assert group not in {c["id"] for c in cleo.channels()}
    assert control.add_group([factory.BEN, factory.ADA]) == group


def test_nobody_joins_a_group_message(control: Control) -> None:
    """Slack begins another one instead."""
    group = control.add_group([factory.ADA, factory.BEN])
    with pytest.raises(PersonError, match="direct message"):
        control.join(group, factory.CLEO)


def test_a_group_message_needs_its_own_scope(client: WebClient, control: Control) -> None:
    """groups:read does not tell of an mpim."""
    group = control.add_group([factory.ADA])
    control.set_app(scopes=["channels:read", "groups:read"])
    with pytest.raises(SlackApiError, match="missing_scope"):
        client.conversations_info(channel=group)


@pytest.mark.parametrize(
    ("before", "after"), [("public", "private"), ("private", "public"), ("mpim", "private")]
)
def test_a_conversion_keeps_the_id_and_is_told_as_a_message(
    client: WebClient, control: Control, before: Any, after: Any
) -> None:
    """Only a message of its own subtype tells, to an app that reads messages there."""
    control.set_app(events=["message.channels", "message.groups"])
    channel_id = control.add_channel("flip", kind=before, members=[factory.ADA])
    control.convert(channel_id, after)
    (event,) = events(control, "message")
    assert event["subtype"] == f"channel_convert_to_{after}"
    assert event["channel_type"] == ("channel" if after == "public" else "group")
    assert channel(client, channel_id)["is_private"] == (after == "private")


def test_a_channel_turned_private_is_its_members(control: Control, cleo: Actor, club: str) -> None:
    """Whoever only looked in sees it no more."""
    assert club in {c["id"] for c in cleo.channels()}
    control.convert(club, "private")
    assert club not in {c["id"] for c in cleo.channels()}


@pytest.mark.parametrize(("channel_id", "kind"), [(G, "private"), (S, "im"), (G, "public")])
def test_other_conversions_are_refused(control: Control, channel_id: str, kind: Any) -> None:
    """#general stays public, and nothing becomes a direct message."""
    with pytest.raises(PersonError, match="cannot become"):
        control.convert(channel_id, kind)
