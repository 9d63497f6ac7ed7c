"""A due digest into its channel; where Slack refuses it, whoever asked for it is told."""

from __future__ import annotations

import logging

from slack_sdk.errors import SlackApiError

from failbot.errors import SlackError
from failbot.models import Digest, Place, Schedule, Viewer
from failbot.slack.bot import Bot
from failbot.slack.jobs.delivery import NOTE, error_code, is_final, post, post_digest
from failbot.slack.places import SLACK_FAILURES
from failbot.slack.views.blocks import notice
from failbot.store.base import Claim

logger = logging.getLogger(__name__)

GONE = frozenset({"channel_not_found", "is_archived"})


def audience_of(bot: Bot, schedule: Schedule) -> Viewer:
    """What everyone in the schedule's channel may see."""
    return bot.places.audience_of(_place(bot, schedule))


def post_due(bot: Bot, schedule: Schedule, digest: Digest, claim: Claim) -> str:
    """The ts of the digest in its channel.

    :raises SlackError: Slack refuses it for good; the schedule's author has been told, and where
        the channel is gone its schedule too. What passes is raised as it is, to be tried again.
    """
    try:
        return post_digest(
            bot.client_for(schedule.team_id),
            schedule.channel_id,
            digest=digest,
            may_be_posted=claim.attempts > 1,
        )
    except SlackApiError as error:
        if not is_final(error):
            raise
        code = error_code(error)
        if code in GONE:
            bot.service.drop_schedule(team_id=schedule.team_id, channel_id=schedule.channel_id)
        _tell_author(bot, schedule, code)
        raise SlackError(f"the digest could not be posted: Slack says {code}") from error


def _tell_author(bot: Bot, schedule: Schedule, code: str) -> None:
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
