"""Telling an author what a language model wrote beside their entry, so that they can change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from failbot.errors import NotFoundError
from failbot.fields import as_dict, from_dict
from failbot.models import ExpectedQuestion, Failure, QuestionOrigin, Viewer
from failbot.slack.bot import Bot
from failbot.slack.jobs.sending import Sends
from failbot.slack.views.cards import foreseen
from failbot.store.base import Job

TELL_EXPECTED = "tell_expected"
# An entry that is older is filled in by its operator (`failbot expect`): nobody waits for word.
NEWS = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """The payload of `TELL_EXPECTED`: an entry beside which a model's questions are now."""

    number: int
    entry_channel_id: str
    user_id: str


def tell_later(bot: Bot, failure: Failure, questions: Sequence[ExpectedQuestion]) -> None:
    """Leaves the word to the workers, once for each version; entries of no channel have none."""
    if not (failure.channel_id and failure.author_id) or bot.now() - failure.updated_at > NEWS:
        return
    told = Foreseen(
        number=failure.number,
        entry_channel_id=failure.channel_id,
        user_id=failure.author_id,
    )
    key = f"expected:{failure.team_id}:{failure.number}:{failure.version}"
    bot.later(TELL_EXPECTED, as_dict(told), team_id=failure.team_id, keys=[key])


def tell_expected(bot: Bot, job: Job) -> None:
    """Shows the author alone what was written; nothing if none of it is there any more."""
    told = from_dict(Foreseen, job.payload)
    channels = frozenset({told.entry_channel_id})
    viewer = Viewer(team_id=job.team_id, user_id=told.user_id, channel_ids=channels)
    try:
        failure = bot.service.show(told.number, viewer=viewer)
    except NotFoundError:
        return  # deleted meanwhile
    found = bot.service.expected([told.number], viewer=viewer).get(told.number, ())
    questions = [one for one in found if one.origin is QuestionOrigin.MODEL]
    if not questions:
        return
    Sends(bot, job).whisper(
        "expected questions",
        foreseen(failure, questions),
        numbers=[failure.number],
        user_id=told.user_id,
        channel_id=told.entry_channel_id,
    )
