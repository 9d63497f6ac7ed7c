"""Trigger ids and response URLs: short-lived rights that ride on payloads.

Sources: docs.slack.dev, interactivity/handling-user-interaction: a trigger_id lives 3 s and is
exchanged once; a response_url takes 5 replies in 30 minutes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from failbot.sandbox.core import Core
from failbot.sandbox.refusal import Refusal

TRIGGER_LIFE_S = 3.0
RESPONSE_URL_LIFE_S = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass(slots=True)
class Trigger:
    """The right to open one modal for a person."""

    user_id: str
    issued_at: float
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """The right to answer where something was invoked; `message_ts` is what it was invoked on."""

    user_id: str
    channel_id: str
    issued_at: float
    message_ts: str | None = None
    uses: int = 0


class Tickets:
    """Every trigger id and response URL given out; callers hold the core's lock."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def trigger(self, user_id: str) -> str:
        """A fresh trigger id for a person's action."""
        now = self._core.clock.time()
        trigger_id = f"{int(now * 1000)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user_id, now)
        return trigger_id

    def check(self, trigger_id: str) -> Trigger:
        """The trigger, if it can still be exchanged.

        :raises Refusal: invalid_, expired_ or exchanged_trigger_id.
        """
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._core.clock.time() - trigger.issued_at > TRIGGER_LIFE_S:
            raise Refusal("expired_trigger_id")
        return trigger

    def response_url(self, user_id: str, channel_id: str, *, message_ts: str | None = None) -> str:
        """A fresh response URL on the sandbox's own address."""
        key = secrets.token_urlsafe(18)
        now = self._core.clock.time()
        self._urls[key] = ResponseUrl(user_id, channel_id, now, message_ts)
        team_id = self._core.workspace.team_id
        return f"{self._core.base_url}/response/{team_id}/{len(self._urls)}/{key}"

    def use_response_url(self, key: str) -> ResponseUrl:
        """The response URL, counted as used once more.

        :raises Refusal: not_found, expired_url, used_url.
        """
        url = self._urls.get(key)
        if url is None:
            raise Refusal("not_found")
        if self._core.clock.time() - url.issued_at > RESPONSE_URL_LIFE_S:
            raise Refusal("expired_url")
        if url.uses >= RESPONSE_URL_USES:
            raise Refusal("used_url")
        url.uses += 1
        return url
