"""What a workspace is made of: people, channels, messages, files and views, as plain values.

These are the sandbox's own mutable records, guarded by the platform's lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from failbot.sandbox.refusal import JsonObject

ChannelKind = Literal["public", "private", "im", "mpim"]
ViewKind = Literal["modal", "home"]


@dataclass(slots=True)
class Person:
    """A member, guest, foreign user or bot user."""

    id: str
    name: str
    real_name: str
    team_id: str
    tz: str = "Europe/Paris"
    enterprise_id: str | None = None
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    deleted: bool = False

    @property
    def is_guest(self) -> bool:
        return self.is_restricted or self.is_ultra_restricted


@dataclass(slots=True)
class Channel:
    """A conversation of any kind; an im has exactly two members.

    `connected_team_ids` are other companies that it is shared with, `pending_team_ids` those whose
    invitation waits for approval; `is_org_shared` is between workspaces of one organisation.
    """

    id: str
    name: str
    kind: ChannelKind
    created: int
    creator: str
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    connected_team_ids: list[str] = field(default_factory=list)
    pending_team_ids: list[str] = field(default_factory=list)
    is_org_shared: bool = False
    is_general: bool = False
    topic: str = ""
    purpose: str = ""
    previous_names: list[str] = field(default_factory=list)

    @property
    def is_private(self) -> bool:
        return self.kind != "public"

    @property
    def is_ext_shared(self) -> bool:
        return bool(self.connected_team_ids)

    @property
    def is_shared(self) -> bool:
        return self.is_ext_shared or self.is_org_shared


@dataclass(slots=True)
class File:
    """A file shared in a message; its content is not kept."""

    id: str
    name: str
    user_id: str
    created: int
    permalink: str


@dataclass(slots=True)
class Message:
    """One message; `visible_to` names the only person who sees an ephemeral one."""

    channel_id: str
    ts: str
    user_id: str
    text: str
    blocks: list[JsonObject] = field(default_factory=list)
    thread_ts: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    subtype: str | None = None
    client_msg_id: str | None = None
    edited_by: str | None = None
    edited_ts: str | None = None
    files: list[File] = field(default_factory=list)
    metadata: JsonObject | None = None
    visible_to: str | None = None
    status: str = ""  # what the app says it is doing in this message's thread

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(slots=True)
class View:
    """An open modal or a Home tab, with what its person has typed and the errors they see."""

    id: str
    kind: ViewKind
    user_id: str
    hash: str
    body: JsonObject
    state: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[JsonObject]:
        return list(self.body.get("blocks") or [])


@dataclass(slots=True)
class AppSettings:
    """What the app's manifest would say: scopes, subscriptions, commands, where to deliver."""

    app_id: str
    bot_id: str
    bot_user_id: str
    name: str
    scopes: set[str]
    events: set[str]
    commands: set[str]
    signing_secret: str
    bot_token: str
    app_token: str
    request_url: str | None = None
    escape_command_text: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """A live mass mention in something that the bot sent: a test should find none."""

    kind: str
    method: str
    channel_id: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One Web API request as it arrived, and how it was answered."""

    method: str
    arguments: JsonObject
    ok: bool
    error: str | None
    at: float
    headers: dict[str, str]
