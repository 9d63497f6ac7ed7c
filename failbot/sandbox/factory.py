"""The default little workspace: three people, a public and a private channel, DMs with the bot."""

from __future__ import annotations

from datetime import datetime

from failbot.sandbox.clock import Clock
from failbot.sandbox.platform import Platform
from failbot.sandbox.state import AppSettings, Person
from failbot.sandbox.workspace import SLACKBOT, Workspace

TEAM_ID = "T0FAILBOT01"
ADA, BEN, CLEO = "U0ADA000001", "U0BEN000001", "U0CLEO00001"
BOT_USER = "U0FAILBOT01"
GENERAL, SECRET = "C0GENERAL01", "C0SECRET001"
DMS = {ADA: "D0ADA000001", BEN: "D0BEN000001", CLEO: "D0CLEO00001"}

SCOPES = frozenset(
    [
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "mpim:history",
        "mpim:read",
        "users:read",
    ]
)
EVENTS = frozenset(
    [
        "app_home_opened",
        "app_mention",
        "message.im",
        "member_joined_channel",
        "member_left_channel",
        "channel_archive",
        "channel_unarchive",
        "channel_rename",
        "channel_left",
        "channel_deleted",
        "channel_shared",
        "channel_unshared",
        "group_archive",
        "group_unarchive",
        "group_rename",
        "group_left",
        "group_deleted",
        "user_change",
        "tokens_revoked",
        "app_uninstalled",
    ]
)


def default_app() -> AppSettings:
    """The app as its manifest would set it up, with made-up tokens."""
    return AppSettings(
        app_id="A0FAILBOT01",
        bot_id="B0FAILBOT01",
        bot_user_id=BOT_USER,
        name="failbot",
        scopes=set(SCOPES),
        events=set(EVENTS),
        commands={"/failure"},
        signing_secret="sandbox-signing-secret",
        bot_token="xoxb-sandbox-bot",
        app_token="xapp-1-sandbox-app",
    )


def default_platform(start_at: datetime | None = None, *, clock: Clock | None = None) -> Platform:
    """A fresh sandbox with Ada (admin, owner), Ben and Cleo; Cleo is not in the private channel.

    :param clock: in the place of one that runs from `start_at` on.
    """
    clock = clock or Clock(start_at)
    app = default_app()
    workspace = Workspace(
        team_id=TEAM_ID, domain="sandbox", name="Sandbox Research", app=app, clock=clock
    )
    for person in (
        Person(ADA, "ada", "Ada Berger", TEAM_ID, is_admin=True, is_owner=True),
        Person(BEN, "ben", "Ben Okafor", TEAM_ID, tz="Europe/London"),
        Person(CLEO, "cleo", "Cleo Tanaka", TEAM_ID, tz="America/New_York"),
        Person(BOT_USER, "failbot", "failbot", TEAM_ID, is_bot=True),
        Person(SLACKBOT, "slackbot", "Slackbot", TEAM_ID),
    ):
        workspace.add_person(person)
    everyone = [ADA, BEN, CLEO, BOT_USER]
    workspace.add_channel("general", "public", members=everyone, channel_id=GENERAL)
    workspace.channels[GENERAL].is_general = True
    workspace.add_channel(
        "secret-project", "private", members=[ADA, BEN, BOT_USER], channel_id=SECRET
    )
    for user_id, channel_id in DMS.items():
        workspace.add_channel("", "im", members=[user_id, BOT_USER], channel_id=channel_id)
    return Platform(workspace=workspace, app=app, clock=clock)
