"""Slack's events that change who reads what: heard before anything else is done with them.

Each drops what was known, at once and before it is acked; the next look-up asks Slack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import BoltResponse

from failbot.slack.bot import Bot, string_in
from failbot.slack.events import team_of
from failbot.slack.manifest import CHANGES, CHANNEL_CHANGED, MEMBERS_CHANGED, PERSON_CHANGED

# Slack tells of a conversion by a message alone, which an app hears only if it is sent every
# message. The manifest does not ask for that; whoever subscribes to message.channels and
# message.groups is told at once, all others by the next look-up.
CONVERTED = ("channel_convert_to_private", "channel_convert_to_public")


def heed_changes(bot: Bot) -> Callable[..., BoltResponse]:
    """A Bolt middleware that takes the events of `CHANGES`; all else goes on to the next."""

    def middleware(body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:
        event = body.get("event")
        if not isinstance(event, Mapping):
            return next()
        heed(bot, team_of(body), event)
        return BoltResponse(status=200) if event.get("type") in CHANGES else next()

    return middleware


def heed(bot: Bot, team_id: str, event: Mapping[str, Any]) -> None:
    """Forgets what this event says is over; nothing happens for any other event.

    :raises StoreError: of a deleted channel: Slack is to say it again.
    """
    places = bot.places
    kind, channel_id, user = event.get("type"), string_in(event, "channel"), event.get("user")
    if kind in MEMBERS_CHANGED:
        places.members_changed(team_id, channel_id)
    elif kind == "channel_deleted":
        bot.service.detach(channel_id, team_id=team_id)
        places.channel_changed(team_id, channel_id)
    elif kind in CHANNEL_CHANGED or event.get("subtype") in CONVERTED:
        places.channel_changed(team_id, channel_id)
    elif kind in PERSON_CHANGED and isinstance(user, Mapping):
        places.person_changed(team_id, user)
