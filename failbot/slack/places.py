"""Who asks, and where: what Slack says of people and channels, and what they may therefore see.

Unknown means private, and an error means no: whatever Slack does not answer is not shown.
"""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from slack_sdk.errors import SlackApiError, SlackClientError

from failbot.errors import NotAllowedError
from failbot.models import Place, Viewer, Visibility
from failbot.threads import Pool, Stop

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.web import SlackResponse

logger = logging.getLogger(__name__)

T = TypeVar("T")

CACHED_S = 60.0  # how long a membership may be believed
CACHE_SIZE = 10_000
LOOKUPS = 8  # membership of so many channels is asked for at once
PAGE = 1_000  # conversations.members: the most a page may hold

# What a slash command's `channel_name` and an event's `channel_type` call a place.
DIRECT = frozenset({"directmessage", "im"})
PRIVATE = frozenset({"privategroup", "group", "mpim"})

# What a call to Slack raises: its refusals, its absence, and an answer that is not one.
SLACK_FAILURES = (SlackClientError, OSError, http.client.HTTPException)


class Standing(StrEnum):
    MEMBER = "member"
    GUEST = "guest"
    OUTSIDER = "outsider"  # of another workspace, or deactivated
    UNKNOWN = "unknown"  # Slack did not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What Slack says of a user; `zone` is an IANA name, UTC where Slack gives none."""

    user_id: str
    standing: Standing
    is_admin: bool = False
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What Slack says of a channel; the defaults hold where it says nothing."""

    is_known: bool = False
    is_public: bool = False
    is_joined: bool = False  # the bot is in it
    is_shared: bool = False  # with another organisation

    @property
    def is_workspace(self) -> bool:
        """Whether every member of the workspace may read it, and nobody else."""
        return self.is_public and not self.is_shared


class PrivateChannels(Protocol):
    """What Places needs of the service."""

    def private_channels(self, team_id: str) -> list[str]: ...


class Places:
    """Viewers and places; any thread. What Slack said is believed for a minute at most."""

    def __init__(
        self,
        client: WebClient,
        service: PrivateChannels,
        *,
        clock: Callable[[], float],
        stop: Stop,
    ) -> None:
        """:param clock: monotonic seconds."""
        self._client = client
        self._service = service
        self._people: _Cache[Person] = _Cache(clock)
        self._channels: _Cache[Channel] = _Cache(clock)
        self._members: _Cache[frozenset[str]] = _Cache(clock)
        self._pool = Pool(LOOKUPS, name="members", stop=stop)

    def close(self) -> None:
        self._pool.close()

    def person(self, team_id: str, user_id: str) -> Person:
        """Never raises: where Slack does not answer, the standing is unknown."""
        person = self._people.get(
            f"{team_id}/{user_id}", lambda: self._ask_person(team_id, user_id)
        )
        return person or Person(user_id=user_id, standing=Standing.UNKNOWN)

    def viewer_for(self, team_id: str, user_id: str) -> Viewer:
        """What this person may see in private: the workspace, their private channels, their own.

        Guests, outsiders and people of whom Slack says nothing see nothing but their own.
        """
        if self.person(team_id, user_id).standing is not Standing.MEMBER:
            return Viewer(team_id=team_id, user_id=user_id, sees_workspace=False)
        channels = self._channels_of(team_id, user_id)
        return Viewer(team_id=team_id, user_id=user_id, channel_ids=channels)

    def admit(self, team_id: str, user_id: str) -> Viewer:
        """As viewer_for, for someone who asks to read.

        :raises NotAllowedError: a guest, an outsider, or Slack did not say who it is.
        """
        standing = self.person(team_id, user_id).standing
        if standing is not Standing.MEMBER:
            raise NotAllowedError(_REFUSALS[standing])
        return self.viewer_for(team_id, user_id)

    def audience_of(self, place: Place, *, user_id: str = "") -> Viewer:
        """What everyone who reads this place may see; `user_id` is whose direct message it is."""
        if place.visibility is Visibility.AUTHOR:
            return self.viewer_for(place.team_id, user_id)
        channel = self._channel(place.team_id, place.channel_id)
        if channel.is_workspace:
            return Viewer(team_id=place.team_id)
        return Viewer(
            team_id=place.team_id,
            channel_ids=frozenset({place.channel_id}),
            sees_workspace=channel.is_known and not channel.is_shared,
        )

    def place_of(self, team_id: str, channel_id: str, *, hint: str = "") -> Place:
        """Where something is written, and who therefore sees it.

        :param hint: what the payload calls the channel; it can only make it more private.
        A channel shared with another organisation counts as private: its entries stay in it.
        """
        visibility = Visibility.WORKSPACE
        if channel_id.startswith("D") or hint in DIRECT:
            visibility = Visibility.AUTHOR
        elif hint in PRIVATE or not self._channel(team_id, channel_id).is_workspace:
            visibility = Visibility.CHANNEL
        return Place(team_id=team_id, channel_id=channel_id, visibility=visibility)

    def is_joined(self, team_id: str, channel_id: str) -> bool:
        """Whether the bot is in the channel, and so can post there."""
        return self._channel(team_id, channel_id).is_joined

    def _channel(self, team_id: str, channel_id: str) -> Channel:
        key = f"{team_id}/{channel_id}"
        channel = self._channels.get(key, lambda: self._ask_channel(channel_id))
        return channel or Channel()

    def _channels_of(self, team_id: str, user_id: str) -> frozenset[str]:
        """The private channels that hold entries and have this person as a member, as of now."""
        channels = self._service.private_channels(team_id)
        members = self._pool.map(lambda one: self._members_of(team_id, one), channels)
        return frozenset(one for one, who in zip(channels, members, strict=True) if user_id in who)

    def _members_of(self, team_id: str, channel_id: str) -> frozenset[str]:
        members = self._members.get(
            f"{team_id}/{channel_id}", lambda: self._ask_members(channel_id)
        )
        return members or frozenset()

    def _ask_person(self, team_id: str, user_id: str) -> Person | None:
        answer = self._ask(lambda: self._client.users_info(user=user_id))
        user = answer.get("user") if answer else None
        if not isinstance(user, dict):
            return None
        return Person(
            user_id=user_id,
            standing=_standing(user, team_id),
            is_admin=bool(user.get("is_admin") or user.get("is_owner")),
            zone=str(user.get("tz") or "UTC"),
        )

    def _ask_channel(self, channel_id: str) -> Channel | None:
        answer = self._ask(lambda: self._client.conversations_info(channel=channel_id))
        said = answer.get("channel") if answer else None
        if not isinstance(said, dict):
            return None
        is_direct = bool(said.get("is_im") or said.get("is_mpim"))
        return Channel(
            is_known=True,
            is_public=said.get("is_private") is False and not is_direct,
            is_joined=said.get("is_member") is not False,
            is_shared=bool(said.get("is_ext_shared") or said.get("is_pending_ext_shared")),
        )

    def _ask_members(self, channel_id: str) -> frozenset[str] | None:
        members: set[str] = set()
        cursor = ""
        while True:
            ask = partial(
                self._client.conversations_members,
                channel=channel_id,
                limit=PAGE,
                cursor=cursor or None,
            )
            answer = self._ask(ask)
            if not answer:
                return None
            members.update(answer.get("members") or ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return frozenset(members)

    def _ask(self, call: Callable[[], SlackResponse]) -> SlackResponse | None:
        """Slack's answer; None, which every caller reads as a no, where there is none."""
        try:
            return call()
        except SlackApiError as error:
            logger.info("Slack refused a look-up: %s", error.response.get("error"))
        except SLACK_FAILURES as error:
            logger.warning("Slack did not answer a look-up: %s", type(error).__name__)
        return None


_REFUSALS = {
    Standing.GUEST: "failbot answers full members of this workspace only; ask one of them",
    Standing.OUTSIDER: "failbot answers members of this workspace only; ask one of them",
    Standing.UNKNOWN: "Slack did not say who you are, so nothing is shown; try again in a minute",
}


def _standing(user: dict[str, object], team_id: str) -> Standing:
    """docs.slack.dev, "User object"; in an Enterprise organisation `team_id` is the home's."""
    enterprise = user.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, dict) else None
    at_home = user.get("team_id", team_id) == team_id or team_id in (teams or ())
    if user.get("deleted") or user.get("is_stranger") or user.get("is_bot") or not at_home:
        return Standing.OUTSIDER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.MEMBER


class _Cache(Generic[T]):
    """Answers of at most `CACHED_S` seconds ago; what Slack did not answer is asked again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: dict[str, tuple[float, T]] = {}

    def get(self, key: str, ask: Callable[[], T | None]) -> T | None:
        asked_at = self._clock()
        with self._lock:
            kept = self._kept.get(key)
        if kept and asked_at - kept[0] < CACHED_S:
            return kept[1]
        answer = ask()
        with self._lock:
            if len(self._kept) >= CACHE_SIZE:
                self._kept.clear()
            if answer is not None:
                self._kept[key] = (asked_at, answer)
        return answer
