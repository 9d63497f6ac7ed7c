"""What a person hears when a listener raised: the refusal in words, or an apology to look up."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from slack_bolt import Ack

from failbot.errors import FailbotError, SaidError
from failbot.slack.bot import Bot, actor_of
from failbot.slack.calls import SLACK_FAILURES, is_final
from failbot.slack.views import forms
from failbot.slack.views.blocks import Message, apology, notice

logger = logging.getLogger(__name__)

UNANSWERED = "Slack did not answer me just now. Please try the same again in a minute."


def explain(bot: Bot, error: Exception, *, body: dict[str, Any], ack: Ack) -> None:
    """Tells whoever acted what went wrong; a form stays open with all that was typed."""
    message = said(error)
    if body.get("type") == "view_submission" and ack.response is None:
        view = body.get("view")
        errors = forms.errors(SaidError(message.text), view if isinstance(view, dict) else {})
        ack(response_action="errors", errors=errors)
    elif body.get("type") != "event_callback":
        _tell(bot, body, message)


def said(error: Exception) -> Message:
    """What people read of this error: here alone one becomes words; its own text is the log's."""
    if isinstance(error, SaidError):
        logger.info("a listener refused: %s", type(error).__name__)
        return notice(error.for_people)
    if isinstance(error, FailbotError):
        logger.warning("a listener refused: %s", error)
        return notice(error.for_people)
    if isinstance(error, SLACK_FAILURES) and not is_final(error):
        logger.warning("a listener had no answer of Slack's: %s", type(error).__name__)
        return notice(UNANSWERED)
    reference = secrets.token_hex(4)
    logger.error("reference %s: a listener broke", reference, exc_info=error)
    return apology(reference)


def _tell(bot: Bot, body: dict[str, Any], message: Message) -> None:
    try:
        bot.tell(actor_of(body), message)
    except (*SLACK_FAILURES, FailbotError) as error:
        logger.warning("an error could not be told: %s", type(error).__name__)
