"""The app manifest: what Slack has to know of failbot, and no more.

Source: docs.slack.dev, "App manifest reference", "Scopes".
"""

from __future__ import annotations

COMMAND = "/failure"
SHORTCUT = "log_as_failure"

# The least that works; each says what fails without it.
SCOPES = (
    "commands",  # /failure and the message shortcut
    "chat:write",  # cards, answers, digests; hints that only one person sees
    "app_mentions:read",  # a question asked by mentioning the bot
    "im:history",  # a question asked in a direct message
    "users:read",  # who asks: time zone, workspace admin, guest, outsider
    "channels:read",  # whether a channel is public, shared or archived
    "groups:read",  # who belongs to a private channel, asked when someone searches
    "mpim:read",  # who belongs to a group message, asked before an answer is posted there
    "channels:history",  # a thread's first message, when the bot is mentioned under it;
    "groups:history",  # and whether a message was posted, before it is sent again
)
# What changes who reads what; without them a change is believed a minute later.
MEMBERS_CHANGED = ("member_joined_channel", "member_left_channel")
CHANNEL_CHANGED = (
    "channel_shared",
    "channel_unshared",
    "channel_left",
    "group_left",
    "channel_deleted",
    "group_deleted",
)
PERSON_CHANGED = ("user_change", "team_join")
CHANGES = (*MEMBERS_CHANGED, *CHANNEL_CHANGED, *PERSON_CHANGED)
EVENTS = ("app_mention", "message.im", "app_home_opened", *CHANGES)


def manifest(*, name: str = "failbot", request_url: str = "") -> dict[str, object]:
    """The manifest to paste at api.slack.com/apps, as a JSON-ready dict.

    :param request_url: where Slack reaches `failbot serve --http`; without it Socket Mode is on.
    """
    url = {"request_url": request_url} if request_url else {}
    command_url = {"url": request_url} if request_url else {}
    return {
        "display_information": {
            "name": name,
            "description": "The team's memory of what did not work",
            "background_color": "#2b3a42",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "shortcuts": [_shortcut()],
            "slash_commands": [_command() | command_url],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS)} | url,
            "interactivity": {"is_enabled": True} | url,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not request_url,
            "token_rotation_enabled": False,
        },
    }


def _shortcut() -> dict[str, object]:
    return {
        "name": "Log as failure",
        "type": "message",
        "callback_id": SHORTCUT,
        "description": "Record what did not work from this message",
    }


def _command() -> dict[str, object]:
    return {
        "command": COMMAND,
        "description": "Log what did not work, or find what others logged",
        "usage_hint": "[what happened] | list | mine | show F-12 | search words | help",
        "should_escape": False,
    }
