"""Messages that show what may not be shown any more: each is changed, or taken away.

Whoever deletes an entry, and in whatever process, leaves them to be found in the store; they are
looked for until each is settled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from threading import Event

from slack_sdk.errors import SlackApiError

from failbot.errors import FailbotError, NotFoundError
from failbot.models import Answer, Failure, Hit, Verdict, Viewer, reference
from failbot.slack import showing
from failbot.slack.bot import Bot
from failbot.slack.calls import SLACK_FAILURES, is_of_token
from failbot.slack.jobs import delivery
from failbot.slack.jobs.digesting import links_of
from failbot.slack.views.answers import answer_message
from failbot.slack.views.blocks import Message, notice, with_remark
from failbot.slack.views.cards import card
from failbot.slack.views.digests import digest_details, digest_message
from failbot.store.base import MessageKind, ShownMessage
from failbot.threads import Bell, Stop, Worker

logger = logging.getLogger(__name__)

LOOK_S = 30.0  # how soon what another process deleted is noticed, and what failed is tried again
AT_ONCE = 100  # messages between two looks


def retracting(bot: Bot, *, bell: Bell, stop: Stop) -> Worker:
    """The thread, not yet started, that settles stale messages; `bell` says that there may be."""

    def run(ending: Event) -> None:
        while not ending.is_set():
            rings = bell.rings
            try:
                settle_stale(bot, ending)
            except Exception:  # one that breaks must not end the settling
                logger.exception("the messages of deleted entries are not known")
            bell.wait(rings, LOOK_S)

    return Worker("retract", run, stop=stop, wake=bell.ring)


def settle_stale(bot: Bot, ending: Event) -> None:
    """Settles what is stale now; what Slack does not take is left for later."""
    for message in bot.shown.stale(limit=AT_ONCE):
        if ending.is_set():
            return
        try:
            bot.shown.settle(message, still=_settle(bot, message))
        except SLACK_FAILURES as error:
            logger.info("a stale %s waits: %s", message.kind, type(error).__name__)
        except FailbotError:
            raise
        except Exception:  # one that breaks must not keep the others
            logger.exception("a stale %s broke", message.kind)


def _settle(bot: Bot, message: ShownMessage) -> set[int]:
    """The numbers that the message shows, after all; none where Slack has it no more."""
    try:
        return SETTLE[message.kind](bot, message)
    except SlackApiError as error:
        if not delivery.is_final(error) or is_of_token(error):
            raise
        code = delivery.error_code(error)
        if code != "message_not_found":
            logger.warning("a stale %s cannot be changed: Slack says %s", message.kind, code)
        return set()


def _answer(bot: Bot, message: ShownMessage) -> set[int]:
    """The other matches stay, without the sentences that matched."""
    try:
        question = bot.service.question(int(message.about), team_id=message.team_id)
    except NotFoundError:
        return _put(bot, message, notice(_gone(bot, message, ())), {})
    audience = bot.places.audience_of(question.place, user_id=question.user_id)
    left = bot.service.visible(message.numbers, viewer=audience)
    remark = _gone(bot, message, left)
    if not remark:  # an entry is seen by more than before
        return set(left)
    if question.verdict is Verdict.UNKNOWN or not left:
        return _put(bot, message, notice(remark), {})
    hits = tuple(Hit(failure=one, score=0.0, probability=1.0) for one in left.values())
    links = delivery.card_links(bot.client_for(message.team_id), left.values())
    changed = answer_message(
        Answer(verdict=question.verdict, hits=hits, confidence=1.0),
        question=question.text,
        question_id=question.id,
        links=links,
    )
    return _put(bot, message, with_remark(changed, remark), left)


def _digest(bot: Bot, message: ShownMessage) -> set[int]:
    """Made again, of what is there and as of when it was made."""
    place = bot.places.place_of(message.team_id, message.channel_id)
    make = partial(bot.service.digest, now=message.posted_at, week=message.about)
    audience = bot.places.audience_of(place)
    digest = showing.digested(bot, message.team_id, lambda: make(audience=audience))
    links = links_of(bot, digest, message.team_id)
    left = {one.number: one for one in showing.failures_in(digest)}
    remark = _gone(bot, message, left)
    if message.kind is MessageKind.DIGEST:
        changed: Message | None = digest_message(digest, links=links)
    else:
        changed = digest_details(digest, links=links)
    return _put(bot, message, with_remark(changed, remark) if changed else notice(remark), left)


def _card(bot: Bot, message: ShownMessage) -> set[int]:
    """In the entry's own channel: it goes with the entry."""
    everything = Viewer(team_id=message.team_id, is_operator=True)
    left = bot.service.visible(message.numbers, viewer=everything)
    for failure in left.values():
        return _put(bot, message, card(failure), left)
    return _take_away(bot, message)


def _note(bot: Bot, message: ShownMessage) -> set[int]:
    """To one person: it stays where everyone may see all that it shows."""
    everyone = bot.service.visible(message.numbers, viewer=Viewer(team_id=message.team_id))
    if everyone.keys() >= set(message.numbers):
        return set(everyone)
    return _take_away(bot, message)


def _take_away(bot: Bot, message: ShownMessage) -> set[int]:
    client = bot.client_for(message.team_id)
    client.chat_delete(channel=message.channel_id, ts=message.message_ts)
    return set()


SETTLE: dict[MessageKind, Callable[[Bot, ShownMessage], set[int]]] = {
    MessageKind.CARD: _card,
    MessageKind.ANSWER: _answer,
    MessageKind.DIGEST: _digest,
    MessageKind.DETAILS: _digest,
    MessageKind.NOTE: _note,
}


def _put(
    bot: Bot, message: ShownMessage, changed: Message, left: Mapping[int, Failure]
) -> set[int]:
    """The changed message is in its place; the numbers that it shows."""
    bot.shown.remember(replace(message, numbers=tuple(left)))  # first: it may show others, too
    delivery.update(
        bot.client_for(message.team_id),
        message.channel_id,
        message_ts=message.message_ts,
        message=changed,
    )
    return set(left)


def _gone(bot: Bot, message: ShownMessage, left: Collection[int]) -> str:
    """What became of those that it does not show any more."""
    numbers = [number for number in message.numbers if number not in left]
    everything = Viewer(team_id=message.team_id, is_operator=True)
    there = bot.service.visible(numbers, viewer=everything)
    deleted = [reference(number) for number in numbers if number not in there]
    private = [reference(number) for number in numbers if number in there]
    told = [
        (deleted, "was deleted", "were deleted"),
        (private, "is not for everyone here any more", "are not for everyone here any more"),
    ]
    return " ".join(
        f"{', '.join(names)} {one if len(names) == 1 else several}."
        for names, one, several in told
        if names
    )
