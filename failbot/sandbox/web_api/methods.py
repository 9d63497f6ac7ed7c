"""The table of Web API methods, those that the bot calls: what answers each, and its rate limit.

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
    "assistant.threads.setStatus": Method(chat.set_status, SPECIAL),
    "auth.test": Method(people.auth_test, SPECIAL),
    "chat.delete": Method(chat.delete),
    "chat.getPermalink": Method(chat.get_permalink, SPECIAL),
    "chat.postEphemeral": Method(chat.post_ephemeral, TIER_4),
    "chat.postMessage": Method(chat.post_message, SPECIAL),
    "chat.update": Method(chat.update),
    "conversations.history": Method(conversations.history),
    "conversations.info": Method(conversations.info),
    "conversations.members": Method(conversations.members, TIER_4),
    "conversations.replies": Method(conversations.replies),
    "users.info": Method(people.user_info, TIER_4),
    "users.list": Method(people.user_list, TIER_2),
    "views.open": Method(views.open_, TIER_4),
    "views.update": Method(views.update, TIER_4),
    "views.publish": Method(views.publish, TIER_4),
}
