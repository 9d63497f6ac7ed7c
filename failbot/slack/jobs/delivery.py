"""The calls that send to Slack: safely formatted, recognisable afterwards, refusals told apart.

A message that must not repeat is sent by a client without retries (`sending_client`), and by way of
`sending.Sends`, which knows what was sent before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import URLError

from slack_sdk.errors import SlackApiError

from failbot.models import Failure
from failbot.slack.calls import SLACK_FAILURES
from failbot.slack.calls import error_code as error_code
from failbot.slack.calls import is_final as is_final
from failbot.slack.calls import retry_after_s as retry_after_s
from failbot.slack.views.blocks import Block, Message

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.web import SlackResponse

logger = logging.getLogger(__name__)

CARD = "failbot_card"
ANSWER = "failbot_answer"
DIGEST = "failbot_digest"
DETAILS = "failbot_digest_details"
NOTE = "failbot_note"

PAGE = 200  # messages of one page of history
PAGES = 5  # a message that was sent moments or minutes ago is near the end
RESPONSE_TIMEOUT_S = 10


# docs.slack.dev, "chat.postMessage", errors: something may have been done all the same.
UNSURE = frozenset({"internal_error", "fatal_error", "request_timeout"})


def may_have_arrived(error: Exception) -> bool:
    """Whether Slack may have done what failed: else it is known that it did not.

    A refusal with a name says that nothing was done, but for those that docs.slack.dev describes
    with "some aspect of the operation" may have succeeded. urllib raises URLError only while it
    connects and writes: a request that was not written whole was not read either.
    """
    if isinstance(error, SlackApiError):
        return error_code(error) in UNSURE
    return not isinstance(error, URLError)


def post(
    client: WebClient,
    channel_id: str,
    *,
    message: Message,
    event_type: str,
    key: str,
    thread_ts: str = "",
) -> Posted:
    """Where the message now is; in the place of a channel, a person's id opens a direct message.

    :raises SlackApiError: and what a dropped line raises.
    """
    answer = client.chat_postMessage(
        channel=channel_id,
        text=message.text,
        blocks=message.blocks,
        thread_ts=thread_ts or None,
        metadata={"event_type": event_type, "event_payload": {"key": key}},
        parse="none",
        link_names=False,
        unfurl_links=False,
        unfurl_media=False,
    )
    return Posted(str(answer.get("channel") or channel_id), str(answer["ts"]))


def update(client: WebClient, channel_id: str, *, message_ts: str, message: Message) -> None:
    """Puts the message in place of the posted one; idempotent."""
    client.chat_update(
        channel=channel_id,
        ts=message_ts,
        text=message.text,
        blocks=message.blocks,
        parse="none",
        link_names=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a sent message is known by: its type and key, and, where those got lost, its writer.

    A server that keeps no metadata leaves the bot's own messages unmarked. In a thread one that
    came after `after` is taken for the sent one, elsewhere one of the same text.
    """

    event_type: str
    key: str
    own_ids: frozenset[str] = frozenset()  # the bot's, as a user and as a bot
    after: str = ""
    text: str = ""

    def fits(self, message: Block, *, thread_ts: str) -> bool:
        metadata = message.get("metadata")
        if isinstance(metadata, Mapping) and metadata:
            payload = metadata.get("event_payload")
            is_of_key = isinstance(payload, Mapping) and payload.get("key") == self.key
            return metadata.get("event_type") == self.event_type and is_of_key
        if metadata or not {message.get("user"), message.get("bot_id")} & self.own_ids:
            return False
        ts = str(message.get("ts") or "")
        if thread_ts and self.after:
            return ts > self.after
        return bool(self.text) and message.get("text") == self.text


def find_posted(client: WebClient, channel_id: str, mark: Mark, *, thread_ts: str = "") -> str:
    """The ts of the message sent with this mark; "" if there is none, or no way to look.

    :raises SlackApiError: and what a dropped line raises: look again later.
    """
    cursor = ""
    for _ in range(PAGES):
        try:
            page = _page(client, channel_id, thread_ts=thread_ts, cursor=cursor)
        except SlackApiError as error:
            if is_final(error):
                logger.warning("cannot look for a sent message: %s", error_code(error))
                return ""
            raise
        for message in page.get("messages") or ():
            if mark.fits(message, thread_ts=thread_ts):
                return str(message["ts"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return ""


class Posted(NamedTuple):
    """Where a message is that can be changed and deleted; what one person alone sees cannot."""

    channel_id: str
    message_ts: str


def whisper(
    client: WebClient,
    message: Message,
    *,
    user_id: str,
    channel_id: str,
    response_url: str = "",
    thread_ts: str = "",
    replace: bool = False,
) -> Posted | None:
    """Tells one person alone: where they acted, else beside it, else in a direct message.

    Where that direct message is; None where it took none.
    :param replace: put it in place of the message whose button was pressed.
    :raises SlackApiError: and what a dropped line raises: `may_have_arrived` says whether it is
        known that nothing got through.
    """
    if response_url and _respond(response_url, message, replace=replace):
        return None
    try:
        client.chat_postEphemeral(
            channel=channel_id,
            user=user_id,
            text=message.text,
            blocks=message.blocks,
            thread_ts=thread_ts or None,
            parse="none",
            link_names=False,
        )
    except SlackApiError as error:
        if not is_final(error):
            raise
        return post(client, user_id, message=message, event_type=NOTE, key="")
    return None


def card_links(client: WebClient, failures: Iterable[Failure]) -> dict[int, str]:
    """The address of each failure's card; those without a card, or whose card is gone, lack one."""
    links: dict[int, str] = {}
    for failure in failures:
        if failure.card_ts and failure.number not in links:
            address = permalink(client, failure.channel_id, failure.card_ts)
            links |= {failure.number: address} if address else {}
    return links


def permalink(client: WebClient, channel_id: str, message_ts: str) -> str:
    """The address of a message; "" where Slack gives none: gone, or out of the bot's reach."""
    try:
        answer = client.chat_getPermalink(channel=channel_id, message_ts=message_ts)
    except SLACK_FAILURES as error:
        logger.info("no permalink: %s", type(error).__name__)
        return ""
    return str(answer.get("permalink") or "")


def set_status(client: WebClient, channel_id: str, *, thread_ts: str, status: str) -> None:
    """Says under the message what the bot is doing; its next message there takes that away.

    Works in channels and direct messages with `chat:write` (docs.slack.dev, changelog 2026-03-05,
    "Set status method scope update"). Where Slack refuses, nothing is said: it is a courtesy.
    """
    try:
        client.assistant_threads_setStatus(
            channel_id=channel_id, thread_ts=thread_ts, status=status
        )
    except SLACK_FAILURES as error:
        logger.info("no status is shown: %s", error_code(error) or type(error).__name__)


def _respond(response_url: str, message: Message, *, replace: bool) -> bool:
    """Whether it got through. :raises OSError: and other `SLACK_FAILURES`: nobody knows."""
    from slack_sdk.webhook import WebhookClient

    try:
        answer = WebhookClient(
            response_url, timeout=RESPONSE_TIMEOUT_S, retry_handlers=[]
        ).send_dict(
            {
                "text": message.text,
                "blocks": message.blocks,
                "response_type": "ephemeral",
                "replace_original": replace,
            }
        )
    except SLACK_FAILURES as error:
        if may_have_arrived(error):
            raise
        logger.info("a response_url did not answer: %s", type(error).__name__)
        return False
    return answer.status_code == 200


def _page(client: WebClient, channel_id: str, *, thread_ts: str, cursor: str) -> SlackResponse:
    if thread_ts:
        return client.conversations_replies(
            channel=channel_id,
            ts=thread_ts,
            cursor=cursor or None,
            limit=PAGE,
            include_all_metadata=True,
        )
    return client.conversations_history(
        channel=channel_id, cursor=cursor or None, limit=PAGE, include_all_metadata=True
    )
