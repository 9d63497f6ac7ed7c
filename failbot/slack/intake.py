"""The way in: whatever Slack asks for is on the disk before Slack is told that it came."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from slack_bolt import BoltResponse

from failbot.errors import InputError, StoreError
from failbot.slack.bot import Bot
from failbot.slack.duties import duty_in, is_ours

logger = logging.getLogger(__name__)


def stored_first(bot: Bot) -> Callable[..., BoltResponse]:
    """A Bolt middleware that stores what Slack asks for, and lets only forms through.

    Not listeners: Bolt acks an event before its listener runs, and lets a request wait for one of
    the threads that listeners share. Nothing is looked up here.
    """

    def middleware(body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:
        try:
            duty = duty_in(body)
            if duty is None:
                return BoltResponse(status=200) if is_ours(body) else next()
            bot.later(duty.kind, duty.payload, team_id=duty.team_id, keys=duty.keys)
        except InputError as error:
            logger.warning("a request is not understood: %s", error)
            return BoltResponse(status=200)  # nor would it be the next time
        except StoreError as error:
            # Slack sends an event again, and tells whoever typed or pressed that it did not work.
            logger.error("a request is not stored, and not acknowledged: %s", error)
            return BoltResponse(status=503)
        return BoltResponse(status=200)

    return middleware
