"""What a call to Slack raises, which refusals pass, and how long Slack asks to wait."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from slack_sdk.errors import SlackApiError, SlackClientError

if TYPE_CHECKING:
    from slack_sdk.web import SlackResponse

logger = logging.getLogger(__name__)

# What a call to Slack raises: its refusals, its absence, and an answer that is not one.
SLACK_FAILURES = (SlackClientError, OSError, http.client.HTTPException)

# docs.slack.dev, "chat.postMessage", errors: those that pass. Every other refusal is for good.
PASSING = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
    }
)

# Slack's refusals of the token, or of whom it stands for (docs.slack.dev, auth.test).
OF_TOKEN = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
)


def error_code(error: Exception) -> str:
    """Slack's name of the refusal, such as not_in_channel; "" where there is none."""
    response = getattr(error, "response", None)
    data = getattr(response, "data", response)
    return str(data.get("error") or "") if isinstance(data, Mapping) else ""


def is_final(error: Exception) -> bool:
    """Whether sending the same again cannot help."""
    if not isinstance(error, SlackApiError):
        return False
    status = getattr(error.response, "status_code", 200)
    # An answer that is no JSON has a sentence for its error; it comes from something in between.
    code = error_code(error)
    return status == 200 and bool(code) and code not in PASSING and " " not in code


def retry_after_s(error: Exception) -> float:
    """The seconds that Slack asks to wait; 0 where it does not say."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = next((v for name, v in headers.items() if name.lower() == "retry-after"), "0")
    digits = value[0] if isinstance(value, list) else value
    return float(digits) if str(digits).isdigit() else 0.0


def is_of_token(error: Exception) -> bool:
    """Whether Slack refuses the bot itself, which says nothing of what it asked about."""
    return isinstance(error, SlackApiError) and error_code(error) in OF_TOKEN


def answer_of(call: Callable[[], SlackResponse]) -> SlackResponse | None:
    """Slack's answer; None where it refuses for good, which is a no.

    :raises SlackApiError: and what a dropped line raises: what may be answered in a moment, or
        with another token.
    """
    try:
        return call()
    except SlackApiError as error:
        if not is_final(error) or is_of_token(error):
            raise
        logger.info("Slack refused a look-up: %s", error_code(error))
    return None
