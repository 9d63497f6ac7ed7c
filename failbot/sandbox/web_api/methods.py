"""The table of Web API methods: what answers each, and its rate limit.

Tiers: docs.slack.dev, reference/methods; chat.postMessage has its own limit by channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from failbot.sandbox.refusal import JsonObject
from failbot.sandbox.web_api import chat, conversations, people, views
from failbot.sandbox.web_api.call import Call

TIER_2, TIER_3, TIER_4 = 20, 50, 100
SPECIAL = 10_000


@dataclass(frozen=True, slots=True)
class Method:
    """A method's answer and how many calls a minute it takes."""

    answer: Callable[[Call], JsonObject]
    per_minute: int = TIER_3


METHODS: dict[str, Method] = {
    "api.test": Method(people.api_test, TIER_4),
    "auth.test": Method(people.auth_test, SPECIAL),
    "bots.info": Method(people.bot_info, TIER_3),
    "chat.delete": Method(chat.delete),
    "chat.getPermalink": Method(chat.get_permalink, SPECIAL),
    "chat.postEphemeral": Method(chat.post_ephemeral, TIER_4),
    "chat.postMessage": Method(chat.post_message, SPECIAL),
    "chat.update": Method(chat.update),
    "conversations.history": Method(conversations.history),
    "conversations.info": Method(conversations.info),
    "conversations.join": Method(conversations.join),
    "conversations.list": Method(conversations.list_, TIER_2),
    "conversations.members": Method(conversations.members, TIER_4),
    "conversations.open": Method(conversations.open_),
    "conversations.replies": Method(conversations.replies),
    "reactions.add": Method(people.react),
    "reactions.get": Method(people.get_reactions),
    "reactions.remove": Method(people.unreact, TIER_2),
    "team.info": Method(people.team_info),
    "users.conversations": Method(conversations.of_user),
    "users.info": Method(people.user_info, TIER_4),
    "users.list": Method(people.user_list, TIER_2),
    "views.open": Method(views.open_, TIER_4),
    "views.publish": Method(views.publish, TIER_4),
    "views.push": Method(views.push, TIER_4),
    "views.update": Method(views.update, TIER_4),
}
