"""Who asks, and where: what they may therefore see, from what Slack says of people and channels.

What Slack refuses for good is a no: unknown means private, and the audience of a channel is what
the least of its readers may see. What may be answered in a moment is raised, to be tried again:
no passing failure of Slack's decides what anyone sees.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from failbot.errors import NotAllowedError
from failbot.models import Access, Place, Viewer, Visibility
from failbot.slack.caching import Cache
from failbot.slack.calls import SLACK_FAILURES as SLACK_FAILURES
from failbot.slack.calls import answer_of
from failbot.slack.people import CACHED_S, TRUSTED, People, Person, Standing
from failbot.threads import Pool, Stop

if TYPE_CHECKING:
    from slack_sdk import WebClient

LOOKUPS = 8  # membership of so many channels is asked for at once
PAGE = 1_000  # conversations.members: the most a page may hold
PAGES = 20  # of one channel; one with more members counts as read by a guest

# What a slash command's `channel_name` and an event's `channel_type` call a place.
DIRECT = frozenset({"directmessage", "im"})
PRIVATE = frozenset({"privategroup", "group", "mpim"})

# docs.slack.dev, "Conversation object": any of them means that people of other workspaces read
# along, or will once they accept; those of the same organisation too.
SHARED = (
    "is_shared",
    "is_ext_shared",
    "is_org_shared",
    "is_pending_ext_shared",
    "pending_shared",
    "pending_connected_team_ids",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What Slack says of a channel; the defaults hold where it says nothing."""

    is_known: bool = False
    is_public: bool = False
    is_joined: bool = False  # the bot is in it
    is_shared: bool = False  # with another workspace, or it is asked to join

    @property
    def is_workspace(self) -> bool:
        """Whether every member of the workspace may read it, and no other workspace's."""
        return self.is_public and not self.is_shared

    @property
    def access(self) -> Access:
        if not self.is_known:
            return Access.HIDDEN
        if not self.is_public:
            return Access.PRIVATE
        return Access.SHARED if self.is_shared else Access.WORKSPACE


class Memory(Protocol):
    """What Places needs of the service: the channels that hold entries."""

    def channels(self, team_id: str) -> list[str]: ...

    def private_channels(self, team_id: str) -> list[str]: ...


class Places:
    """Viewers and places; any thread. What Slack said is believed for a minute at most.

    Every look-up raises what may pass: SlackApiError, and what a dropped line raises.
    """

    def __init__(
        self,
        client: WebClient,
        service: Memory,
        *,
        clock: Callable[[], float],
        stop: Stop,
        patient: WebClient | None = None,
    ) -> None:
        """:param clock: monotonic seconds.

        :param patient: for look-ups that Slack takes seconds for.
        """
        self._client = client
        self._service = service
        self._channels: Cache[Channel] = Cache(clock)
        self._members: Cache[frozenset[str]] = Cache(clock)
        self._pool = Pool(LOOKUPS, name="members", stop=stop)
        self._people = People(client, patient or client, clock=clock, pool=self._pool)
        # Called with whatever Slack says of a channel, in the thread that asked for it.
        self.when_told: Callable[[str, str, Access], None] = lambda *_: None

    def close(self) -> None:
        self._pool.close()

    def person(self, team_id: str, user_id: str) -> Person:
        """Their standing is unknown where Slack knows no such user."""
        return self._people.person(team_id, user_id)

    def viewer_for(self, team_id: str, user_id: str) -> Viewer:
        """What this person may see in private.

        A member sees the workspace, their private channels and their own; a guest what was logged
        in their channels, and their own; all others nothing but their own.
        """
        standing = self.person(team_id, user_id).standing
        channels: frozenset[str] = frozenset()
        if standing is Standing.MEMBER:
            channels = self._joined(team_id, user_id, self._service.private_channels(team_id))
        elif standing is Standing.GUEST:
            channels = self._joined(team_id, user_id, self._service.channels(team_id))
        return Viewer(
            team_id=team_id,
            user_id=user_id,
            channel_ids=channels,
            sees_workspace=standing is Standing.MEMBER,
        )

    def admit(self, team_id: str, user_id: str) -> Viewer:
        """As viewer_for, for someone who asks to read.

        :raises NotAllowedError: an outsider, or Slack knows no such user.
        """
        standing = self.person(team_id, user_id).standing
        if standing not in (Standing.MEMBER, Standing.GUEST):
            raise NotAllowedError(_REFUSALS[standing])
        return self.viewer_for(team_id, user_id)

    def admit_member(self, team_id: str, user_id: str) -> None:
        """:raises NotAllowedError: it is no full member of this workspace."""
        standing = self.person(team_id, user_id).standing
        if standing is not Standing.MEMBER:
            raise NotAllowedError(_REFUSALS[standing])

    def audience_of(self, place: Place, *, user_id: str = "", within_s: float = CACHED_S) -> Viewer:
        """What the least of those who read this place may see.

        A channel that guests or other workspaces read is an audience of its own entries alone.
        :param user_id: whose direct message it is.
        """
        if place.visibility is Visibility.AUTHOR:
            return self.viewer_for(place.team_id, user_id)
        channel = self._channel(place.team_id, place.channel_id, within_s=within_s)
        if not self._is_among_members(place, channel, within_s=within_s):
            own = frozenset({place.channel_id})
            return Viewer(team_id=place.team_id, channel_ids=own, sees_workspace=False)
        if channel.is_workspace:
            return Viewer(team_id=place.team_id)
        return Viewer(team_id=place.team_id, channel_ids=frozenset({place.channel_id}))

    def place_of(
        self, team_id: str, channel_id: str, *, hint: str = "", within_s: float = CACHED_S
    ) -> Place:
        """Where something is written, and who therefore sees it.

        :param hint: what the payload calls the channel; it can only make it more private.
        A channel shared with another workspace counts as private: its entries stay in it. So does
        one that Slack does not show, without being sure of it.
        """
        visibility, is_unsure = Visibility.WORKSPACE, False
        if channel_id.startswith("D") or hint in DIRECT:
            visibility = Visibility.AUTHOR
        elif hint in PRIVATE:
            visibility = Visibility.CHANNEL
        elif not (channel := self._channel(team_id, channel_id, within_s)).is_workspace:
            visibility, is_unsure = Visibility.CHANNEL, not channel.is_known
        return Place(
            team_id=team_id, channel_id=channel_id, visibility=visibility, is_unsure=is_unsure
        )

    def look(self, team_id: str, channel_id: str, *, within_s: float = CACHED_S) -> None:
        """Asks Slack who may read the channel, if that is not known; `when_told` hears of it."""
        self._channel(team_id, channel_id, within_s)

    def closed(self, team_id: str, channel_ids: Collection[str]) -> frozenset[str]:
        """Those that not every member of the workspace may read; `when_told` has heard of them."""
        channels = self._pool.map(lambda one: self._channel(team_id, one), channel_ids)
        found = dict(zip(channel_ids, channels, strict=True))
        closed = {one: it for one, it in found.items() if not it.is_public}
        for channel_id, channel in closed.items():
            self.when_told(team_id, channel_id, channel.access)
        return frozenset(closed)

    def is_joined(self, team_id: str, channel_id: str) -> bool:
        """Whether the bot is in the channel, and so can post there."""
        return self._channel(team_id, channel_id).is_joined

    # What Slack's events tell: what was known is dropped at once.

    def members_changed(self, team_id: str, channel_id: str) -> None:
        self._members.drop(f"{team_id}/{channel_id}")

    def channel_changed(self, team_id: str, channel_id: str) -> None:
        self._channels.drop(f"{team_id}/{channel_id}")
        self._members.drop(f"{team_id}/{channel_id}")

    def person_changed(self, team_id: str, user: Mapping[str, Any]) -> None:
        """:param user: as Slack's event describes them."""
        self._people.changed(team_id, user)

    def _channel(self, team_id: str, channel_id: str, within_s: float = CACHED_S) -> Channel:
        channel = self._channels.get(
            f"{team_id}/{channel_id}",
            lambda: self._ask_channel(team_id, channel_id),
            within_s=within_s,
        )
        return channel or Channel()

    def _is_among_members(self, place: Place, channel: Channel, *, within_s: float) -> bool:
        """Whether all who read the channel are full members, as far as Slack says."""
        if not channel.is_known or channel.is_shared:
            return False
        members = self._members_of(place.team_id, place.channel_id, within_s=within_s)
        if members is None:
            return False
        return self._people.standings(place.team_id, members) <= TRUSTED

    def _joined(self, team_id: str, user_id: str, channel_ids: Collection[str]) -> frozenset[str]:
        """Those of the channels that have this person as a member, as of now."""
        members = self._pool.map(lambda one: self._members_of(team_id, one), channel_ids)
        pairs = zip(channel_ids, members, strict=True)
        return frozenset(one for one, who in pairs if who is not None and user_id in who)

    def _members_of(
        self, team_id: str, channel_id: str, *, within_s: float = CACHED_S
    ) -> frozenset[str] | None:
        """None where Slack does not tell the bot, or there are too many to ask for."""
        return self._members.get(
            f"{team_id}/{channel_id}", lambda: self._ask_members(channel_id), within_s=within_s
        )

    def _ask_channel(self, team_id: str, channel_id: str) -> Channel | None:
        answer = answer_of(lambda: self._client.conversations_info(channel=channel_id))
        said = answer.get("channel") if answer else None
        channel = _channel_of(said) if isinstance(said, dict) else None
        self.when_told(team_id, channel_id, channel.access if channel else Access.HIDDEN)
        return channel

    def _ask_members(self, channel_id: str) -> frozenset[str] | None:
        members: set[str] = set()
        cursor = ""
        for _ in range(PAGES):
            ask = partial(
                self._client.conversations_members,
                channel=channel_id,
                limit=PAGE,
                cursor=cursor or None,
            )
            answer = answer_of(ask)
            if not answer:
                return None
            members.update(answer.get("members") or ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return frozenset(members)
        return None


def _channel_of(said: Mapping[str, Any]) -> Channel:
    """docs.slack.dev, "Conversation object"."""
    is_direct = bool(said.get("is_im") or said.get("is_mpim"))
    return Channel(
        is_known=True,
        is_public=said.get("is_private") is False and not is_direct,
        is_joined=said.get("is_member") is not False,
        is_shared=any(said.get(mark) for mark in SHARED),
    )


_REFUSALS = {
    Standing.GUEST: "only full members of this workspace may do this; ask one of them",
    Standing.OUTSIDER: "failbot answers members of this workspace only; ask one of them",
    Standing.NOBODY: "failbot answers members of this workspace only; ask one of them",
    Standing.UNKNOWN: "Slack did not say who you are, so nothing is shown; try again in a minute",
}
