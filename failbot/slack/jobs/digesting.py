"""A due digest into its channel; where Slack refuses it, whoever asked for it is told."""

from __future__ import annotations

import logging

from slack_sdk.errors import SlackApiError

from failbot.errors import SlackError
from failbot.models import Digest, Place, Schedule, Viewer
from failbot.slack import showing
from failbot.slack.bot import Bot
from failbot.slack.calls import SLACK_FAILURES
from failbot.slack.jobs.delivery import NOTE, card_links, error_code, is_final, post
from failbot.slack.jobs.sending import Sends
from failbot.slack.views.blocks import notice
from failbot.slack.views.digests import digest_details, digest_message
from failbot.store.base import Claim, MessageKind

logger = logging.getLogger(__name__)

LEASE_S = 300.0  # as the scheduler claims it: posting takes seconds
GONE = frozenset({"channel_not_found", "is_archived"})


def audience_of(bot: Bot, schedule: Schedule) -> Viewer:
    """What everyone in the schedule's channel may see, as Slack says now.

    What has meanwhile become its channel's is not the workspace's any more.
    """
    audience = bot.places.audience_of(_place(bot, schedule), within_s=0.0)
    showing.digested(
        bot, schedule.team_id, lambda: bot.service.digest(audience=audience, now=bot.now())
    )
    return audience


def publish(bot: Bot, schedule: Schedule, digest: Digest, claim: Claim) -> str:
    """The ts of the digest in its channel.

    :raises TakenOverError: another process posts it by now.
    :raises SlackError: Slack refuses it for good; the schedule's author has been told, and where
        the channel is gone its schedule too. What passes is raised as it is, to be tried again.
    """
    try:
        return _send(bot, digest, claim)
    except SlackApiError as error:
        if not is_final(error):
            raise
        code = error_code(error)
        if code in GONE:
            bot.service.drop_schedule(team_id=schedule.team_id, channel_id=schedule.channel_id)
        _tell_author(bot, schedule, code)
        raise SlackError(f"the digest could not be posted: Slack says {code}") from error


def links_of(bot: Bot, digest: Digest, team_id: str) -> dict[int, str]:
    """The addresses of the cards of what it shows."""
    return card_links(bot.client_for(team_id), showing.failures_in(digest))


def _send(bot: Bot, digest: Digest, claim: Claim) -> str:
    """The ts of the digest; its details are in the thread."""
    sends = Sends(bot, claim, lease_s=LEASE_S)
    links = links_of(bot, digest, claim.team_id)
    facts = {"key": f"{claim.channel_id}:{digest.week}", "about": digest.week}
    message_ts = sends.post(
        "digest",
        claim.channel_id,
        message=digest_message(digest, links=links),
        kind=MessageKind.DIGEST,
        numbers=[failure.number for failure in showing.failures_in(digest)],
        at=digest.until,
        **facts,
    )
    if details := digest_details(digest, links=links):
        sends.post(
            "details",
            claim.channel_id,
            message=details,
            kind=MessageKind.DETAILS,
            numbers=[failure.number for failure in digest.lessons],
            at=digest.until,
            thread_ts=message_ts,
            **facts,
        )
    return message_ts


def _tell_author(bot: Bot, schedule: Schedule, code: str) -> None:
    if not schedule.created_by:  # forgotten since
        return
    after = (
        "It will not be tried again: set it anew in a channel that I am in."
        if code in GONE
        else "Invite me to the channel with /invite @failbot, or type /failure digest off there."
    )
    words = f"The digest for channel {schedule.channel_id} could not be posted ({code}). {after}"
    try:
        client = bot.client_for(schedule.team_id)
        post(client, schedule.created_by, message=notice(words), event_type=NOTE, key="")
    except SLACK_FAILURES as error:
        logger.warning("nobody could be told of a refused digest: %s", type(error).__name__)


def _place(bot: Bot, schedule: Schedule) -> Place:
    return bot.places.place_of(schedule.team_id, schedule.channel_id)
