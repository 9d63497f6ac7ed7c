"""What a job sends: only while it is this process's, each message once as far as one can know.

A message is begun in the outbox before it leaves, and marked once Slack has it. What an earlier
attempt began is looked for; what one person alone saw cannot be looked for, and is not said again
where Slack's answer is lost. A process that is paused between the check and the sending
can still send what another has sent meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError

from failbot.slack.bot import Bot
from failbot.slack.calls import SLACK_FAILURES
from failbot.slack.jobs import delivery
from failbot.slack.jobs.delivery import Mark, Posted
from failbot.slack.views.blocks import Message
from failbot.store.base import Begun, Claim, Job, MessageKind, ShownMessage

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Renewed while its holder is at work, and before each message: what a killed process held is taken
# up this much later. Longer than any call to Slack may take.
LEASE_S = 15.0

SHOWN = "shown"  # what is knocked for when a message may show what is gone

EVENT_TYPES = {
    MessageKind.CARD: delivery.CARD,
    MessageKind.ANSWER: delivery.ANSWER,
    MessageKind.DIGEST: delivery.DIGEST,
    MessageKind.DETAILS: delivery.DETAILS,
    MessageKind.NOTE: delivery.NOTE,
}


class Sends:
    """The messages of one job, or of one channel's digest; `step` names each within it."""

    def __init__(self, bot: Bot, holder: Job | Claim, *, lease_s: float = LEASE_S) -> None:
        self._bot = bot
        self._holder = holder
        self._lease = timedelta(seconds=lease_s)
        self._client = bot.client_for(holder.team_id)

    def post(
        self,
        step: str,
        channel_id: str,
        *,
        message: Message,
        kind: MessageKind,
        key: str,
        numbers: Sequence[int],
        thread_ts: str = "",
        after: str = "",
        about: str = "",
        at: datetime | None = None,
    ) -> str:
        """The ts of the message, posted unless it is there; what it shows is remembered.

        :param numbers: of the failures that it shows.
        :param after: the ts of the message that it answers, if it is a reply.
        :param at: the moment for which it was made, if that is not this one.
        :raises TakenOverError: another process does this job by now.
        :raises SlackApiError: and what a dropped line raises.
        """
        begun = self._begin(step)
        message_ts = begun.message_ts or ""
        mark = self.mark(kind, key, after=after, text=message.text)
        if not message_ts and (begun.is_repeated or self._holder.attempts > 1):
            message_ts = self.find(channel_id, mark, thread_ts=thread_ts)
            self._begin(step)  # looking took its time: it may be another's by now
        if message_ts:
            self._renew(channel_id, message_ts, message)
        else:
            message_ts = self._send(
                step,
                lambda: delivery.post(
                    self._client,
                    channel_id,
                    message=message,
                    event_type=mark.event_type,
                    key=key,
                    thread_ts=thread_ts,
                ),
            ).message_ts
        self._bot.outbox.mark_sent(self._holder, step, message_ts=message_ts)
        self._remember(Posted(channel_id, message_ts), kind, numbers, about=about, at=at)
        return message_ts

    def _renew(self, channel_id: str, message_ts: str, message: Message) -> None:
        """What an earlier attempt posted says the same as this one would.

        It may show an entry that was changed or deleted since, and nobody remembers which.
        """
        try:
            delivery.update(self._client, channel_id, message_ts=message_ts, message=message)
        except SlackApiError as error:
            if not delivery.is_final(error):
                raise
            logger.info("an earlier message stays as it is: %s", delivery.error_code(error))

    def mark(self, kind: MessageKind, key: str, *, after: str = "", text: str = "") -> Mark:
        """What such a message is found by."""
        own = self._bot.identity
        return Mark(
            event_type=EVENT_TYPES[kind],
            key=key,
            own_ids=frozenset({own.user_id, own.bot_id}) - {""},
            after=after,
            text=text,
        )

    def find(self, channel_id: str, mark: Mark, *, thread_ts: str = "") -> str:
        """See `delivery.find_posted`."""
        return delivery.find_posted(self._client, channel_id, mark, thread_ts=thread_ts)

    def update(self, step: str, channel_id: str, *, message_ts: str, message: Message) -> None:
        """Puts the message in place of the posted one. Raises as `post` does."""
        self._begin(step)
        delivery.update(self._client, channel_id, message_ts=message_ts, message=message)

    def whisper(
        self,
        step: str,
        message: Message,
        *,
        numbers: Sequence[int] = (),
        once: bool = False,
        **where: Any,
    ) -> None:
        """Tells one person alone, and not again where Slack's answer is lost.

        :param numbers: of the failures that it shows.
        :param once: not after a crash either that may have come before it. Else it is said again:
            a reply that someone waits for is better told twice than never.
        :param where: as for `delivery.whisper`. Raises as `post` does.
        """
        begun = self._begin(step)
        if begun.message_ts is not None or (once and begun.is_repeated):
            return
        try:
            posted = self._send(step, lambda: delivery.whisper(self._client, message, **where))
        except SLACK_FAILURES as error:
            if not delivery.may_have_arrived(error):
                raise
            logger.warning("%s: %s may not have arrived", step, type(error).__name__)
            posted = None
        self._bot.outbox.mark_sent(self._holder, step, message_ts="")
        if posted:
            self._remember(posted, MessageKind.NOTE, numbers)

    def _begin(self, step: str) -> Begun:
        until = self._bot.now() + self._lease
        return self._bot.outbox.begin(self._holder, step, until=until)

    def _send(self, step: str, send: Callable[[], T]) -> T:
        try:
            return send()
        except SLACK_FAILURES as error:
            if not delivery.may_have_arrived(error):
                self._bot.outbox.withdraw(self._holder, step)
            raise

    def _remember(
        self,
        posted: Posted,
        kind: MessageKind,
        numbers: Sequence[int],
        *,
        about: str = "",
        at: datetime | None = None,
    ) -> None:
        if not numbers:
            return
        self._bot.shown.remember(
            ShownMessage(
                team_id=self._holder.team_id,
                channel_id=posted.channel_id,
                message_ts=posted.message_ts,
                kind=kind,
                numbers=tuple(numbers),
                posted_at=at or self._bot.now(),
                about=about,
            )
        )
        self._bot.knock(SHOWN)
