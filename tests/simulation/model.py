"""What was said and acked, and who may see what: plain records, which the judge goes by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from failbot.sandbox.delivery import Delivery
from failbot.sandbox.platform import Platform
from failbot.sandbox.state import Channel

MARK = re.compile(r"canary(\d+)x")
NEVER = float("inf")


class Seen(StrEnum):
    """Who sees an entry: by where it was logged (README, "Who sees what")."""

    WORKSPACE = "workspace"
    CHANNEL = "channel"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Facts:
    """Who is where, from a moment on; a channel is open to all, to its members, or to one."""

    since_s: float
    members: dict[str, frozenset[str]]
    kinds: dict[str, str]
    shared: frozenset[str]  # channels that people of other organisations or workspaces read
    org: frozenset[str]  # of them, those that are shared within the organisation only
    full: frozenset[str]  # full members of this workspace
    guests: frozenset[str]

    @classmethod
    def of(cls, platform: Platform, now_s: float) -> Facts:
        workspace, app = platform.workspace, platform.app
        channels = workspace.channels.values()
        people = [
            one
            for one in workspace.people.values()
            if not (one.is_bot or one.deleted or workspace.is_foreign(one))
        ]
        return cls(
            since_s=now_s,
            members={one.id: frozenset(one.members) - {app.bot_user_id} for one in channels},
            kinds={one.id: one.kind for one in channels},
            shared=frozenset(one.id for one in channels if _is_shared(one)),
            org=frozenset(one.id for one in channels if _is_shared(one) and not one.is_ext_shared),
            full=frozenset(one.id for one in people if not one.is_guest),
            guests=frozenset(one.id for one in people if one.is_guest),
        )

    def seen_by(self, channel_id: str) -> Iterator[Seen]:
        """Who may see what is logged there now; both where it is nowhere said."""
        kind = self.kinds[channel_id]
        if kind == "im":
            yield Seen.AUTHOR
        elif kind == "public" and channel_id not in self.shared:
            yield Seen.WORKSPACE
        else:
            yield Seen.CHANNEL
            if kind == "public" and channel_id in self.org:
                yield Seen.WORKSPACE

    def may_read(self, user_id: str, entry: Entry) -> bool:
        if user_id == entry.author_id and Seen.AUTHOR in entry.seen:
            return True
        if user_id in self.guests:
            return user_id in self.members[entry.channel_id]
        if user_id not in self.full:
            return False
        if Seen.WORKSPACE in entry.seen and self.since_s < entry.closed_s:
            return True
        is_theirs = user_id in self.members[entry.channel_id]
        return is_theirs and entry.seen != {Seen.AUTHOR}

    def may_show(self, channel_id: str, entry: Entry) -> bool:
        """Whether everyone who reads the channel may see the entry."""
        if channel_id == entry.channel_id:
            return True
        readers = self.members[channel_id]
        if channel_id in self.shared or readers - self.full:
            return False
        if self.kinds[channel_id] == "public":
            readers = self.full
        return all(self.may_read(one, entry) for one in readers)


def _is_shared(channel: Channel) -> bool:
    return channel.is_shared or bool(channel.pending_team_ids)


@dataclass(eq=False)
class Entry:
    """Something that a person logged; its texts hold its mark, and `rev…` for each edit."""

    mark: int
    author_id: str
    channel_id: str
    words: str
    wants_card: bool
    sent_s: float
    acked_s: float = NEVER
    seen: set[Seen] = field(default_factory=set)  # by where it was, while it was being logged
    closed_s: float = NEVER  # when its public channel turned private, and it with it
    number: int = 0
    edits: list[Edit] = field(default_factory=list)
    deletion_sent_s: float = NEVER
    deletion_acked_s: float = NEVER
    deletions: list[Delivery] = field(default_factory=list)  # the clicks that were acked

    @property
    def name(self) -> str:
        return f"canary{self.mark}x"


@dataclass(eq=False)
class Edit:
    rev: str
    sent_s: float
    acked_s: float = NEVER


@dataclass(eq=False)
class Asked:
    """A question in a message."""

    channel_id: str
    ts: str
    user_id: str
    entry: Entry
    at_s: float


@dataclass(eq=False)
class Word:
    """A click that said whether a match helped."""

    user_id: str
    question_id: int
    number: int
    helped: bool
    sent_s: float
    acked_s: float = NEVER
    delivery: Delivery | None = None


@dataclass(eq=False)
class Typed:
    """A command that wants an answer."""

    user_id: str
    channel_id: str
    text: str
    delivery: Delivery
    at_s: float


@dataclass(eq=False)
class Scheduled:
    """A digest asked for; `due_s` is its next moment."""

    channel_id: str
    due_s: float
    typed: Typed


class Model:
    """Everything that people did, and how the workspace was meanwhile."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.asked: list[Asked] = []
        self.words: list[Word] = []
        self.typed: list[Typed] = []
        self.scheduled: list[Scheduled] = []
        self.facts: list[Facts] = []

    def by_mark(self, mark: int) -> Entry:
        return self.entries[mark]

    def during(self, from_s: float, until_s: float) -> list[Facts]:
        """How the workspace was at any moment of this time, oldest first."""
        ends = [one.since_s for one in self.facts[1:]] + [NEVER]
        return [
            one
            for one, end_s in zip(self.facts, ends, strict=True)
            if one.since_s <= until_s and end_s >= from_s
        ]

    def closed_s(self, channel_id: str, since_s: float) -> float:
        """When the channel, after that moment, turned private first."""
        private = (
            one.since_s
            for one in self.facts
            if one.since_s > since_s and one.kinds[channel_id] == "private"
        )
        return next(private, NEVER)

    @property
    def has_converted(self) -> bool:
        """Whether a channel became another kind."""
        first = self.facts[0].kinds
        return any(one.kinds[each] != kind for one in self.facts for each, kind in first.items())

    def is_steady(self, channel_ids: Iterable[str]) -> bool:
        """Whether nothing that matters ever changed there."""
        first = self.facts[0]
        return all(
            one.kinds[each] == first.kinds[each]
            and (each in one.shared) == (each in first.shared)
            and one.members[each] - one.full == first.members[each] - first.full
            for one in self.facts
            for each in channel_ids
        )
