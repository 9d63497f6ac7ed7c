"""Who people are: what Slack says of a user, and of all who read a channel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from failbot.slack.caching import Cache
from failbot.slack.calls import answer_of
from failbot.threads import Pool

if TYPE_CHECKING:
    from slack_sdk import WebClient

CACHED_S = 60.0  # how long it may be believed who asks
# How long it may be believed that a reader of a channel is no guest. Longer: whoever becomes one
# has read until then what a member reads, and Slack's user_change tells at once.
READERS_CACHED_S = 600.0
FEW = 30  # readers that are asked about one by one; more are looked up among all people
PAGE = 1_000  # users.list: the most a page may hold


class Standing(StrEnum):
    MEMBER = "member"
    GUEST = "guest"
    OUTSIDER = "outsider"  # of another workspace
    NOBODY = "nobody"  # an app's user, or deactivated: nobody reads through it
    UNKNOWN = "unknown"  # Slack did not say


# With these among its readers a channel may hold what the workspace may see; with no other.
TRUSTED = frozenset({Standing.MEMBER, Standing.NOBODY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What Slack says of a user; `zone` is an IANA name, UTC where Slack gives none."""

    user_id: str
    standing: Standing
    is_admin: bool = False
    zone: str = "UTC"


class People:
    """The people of the workspace; any thread. A look-up that may yet succeed raises."""

    def __init__(
        self,
        client: WebClient,
        patient: WebClient,
        *,
        clock: Callable[[], float],
        pool: Pool,
    ) -> None:
        """:param patient: for the pages of all people, which Slack takes seconds for."""
        self._client = client
        self._pool = pool
        self._people: Cache[Person] = Cache(clock)
        self._directory = Directory(patient, clock=clock)

    def person(self, team_id: str, user_id: str, *, within_s: float = CACHED_S) -> Person:
        """Their standing is unknown where Slack knows no such user."""
        person = self._people.get(
            f"{team_id}/{user_id}", lambda: self._ask(team_id, user_id), within_s=within_s
        )
        return person or Person(user_id=user_id, standing=Standing.UNKNOWN)

    def standings(self, team_id: str, user_ids: Collection[str]) -> frozenset[Standing]:
        """Those of the readers of a channel; unknown also where too many are in no list."""
        found = {one: self._recent(team_id, one) for one in sorted(user_ids)}
        missing = [one for one, standing in found.items() if standing is None]
        if len(missing) > FEW:
            listed = self._directory.standings(team_id)
            found |= {one: listed.get(one) for one in missing}
            missing = [one for one in missing if found[one] is None]
        known = {standing for standing in found.values() if standing is not None}
        if len(missing) > FEW:
            return frozenset({Standing.UNKNOWN, *known})
        asked = self._pool.map(lambda one: self._reader(team_id, one), missing)
        return frozenset({*known, *asked})

    def changed(self, team_id: str, user: Mapping[str, Any]) -> None:
        """Forgets what is known of a user, unless it is what Slack's event says."""
        user_id = str(user.get("id") or "")
        key, told = f"{team_id}/{user_id}", _person(user, team_id, user_id)
        if self._people.peek(key, within_s=READERS_CACHED_S) != told:
            self._people.drop(key)
        self._directory.changed(user_id, told.standing)

    def _recent(self, team_id: str, user_id: str) -> Standing | None:
        person = self._people.peek(f"{team_id}/{user_id}", within_s=READERS_CACHED_S)
        return person.standing if person else None

    def _reader(self, team_id: str, user_id: str) -> Standing:
        return self.person(team_id, user_id, within_s=READERS_CACHED_S).standing

    def _ask(self, team_id: str, user_id: str) -> Person | None:
        answer = answer_of(lambda: self._client.users_info(user=user_id))
        user = answer.get("user") if answer else None
        return _person(user, team_id, user_id) if isinstance(user, dict) else None


class Directory:
    """The standing of everyone in the workspace, read in pages of a thousand; any thread."""

    def __init__(self, client: WebClient, *, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._reading = Lock()  # one thread reads, the others wait for what it finds
        self._standings: dict[str, Standing] = {}
        self._read_at: float | None = None
        self._changed: set[str] = set()  # since the reading began: not to be believed
        self._pages: dict[str, Standing] = {}  # of a reading that Slack interrupted
        self._cursor = ""
        self._begun_at = 0.0

    def standings(self, team_id: str) -> dict[str, Standing]:
        """By user id, without those who changed since; empty where Slack refuses to list them.

        :raises SlackApiError: and what a dropped line raises: the next call goes on from there.
        """
        with self._reading:
            if self._read_at is None or self._clock() - self._read_at >= READERS_CACHED_S:
                self._read(team_id)
            return {one: it for one, it in self._standings.items() if one not in self._changed}

    def changed(self, user_id: str, standing: Standing) -> None:
        """Believes nothing of this user any more, unless it is the same; never waits."""
        if self._read_at is None or self._standings.get(user_id) is not standing:
            self._changed.add(user_id)

    def _read(self, team_id: str) -> None:
        if not self._cursor or self._clock() - self._begun_at >= READERS_CACHED_S:
            self._begun_at, self._pages, self._cursor = self._clock(), {}, ""
            self._changed = set()
        while self._read_page(team_id):
            pass
        self._standings, self._read_at = self._pages, self._begun_at

    def _read_page(self, team_id: str) -> bool:
        """Whether there is another."""
        ask = partial(self._client.users_list, limit=PAGE, cursor=self._cursor or None)
        answer = answer_of(ask)
        if answer is None:
            self._cursor = ""
            return False
        self._pages |= {one["id"]: _standing(one, team_id) for one in answer["members"]}
        self._cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        return bool(self._cursor)


def _person(user: Mapping[str, Any], team_id: str, user_id: str) -> Person:
    return Person(
        user_id=user_id,
        standing=_standing(user, team_id),
        is_admin=bool(user.get("is_admin") or user.get("is_owner")),
        zone=str(user.get("tz") or "UTC"),
    )


def _standing(user: Mapping[str, Any], team_id: str) -> Standing:
    """docs.slack.dev, "User object"; in an Enterprise organisation `team_id` is the home's."""
    enterprise = user.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, dict) else None
    at_home = user.get("team_id", team_id) == team_id or team_id in (teams or ())
    if user.get("is_stranger") or not at_home:
        return Standing.OUTSIDER
    if user.get("deleted") or user.get("is_bot"):
        return Standing.NOBODY
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.MEMBER
