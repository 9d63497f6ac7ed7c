"""What the workers do with each kind of job: answer a question, show a card, remove one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_sdk.errors import SlackApiError

from failbot.errors import FailbotError, ModelError, NotFoundError, StoppedError, StoreError
from failbot.fields import from_dict
from failbot.models import SHOWN_HITS, Answer, Failure, Hit, Viewer, Visibility
from failbot.slack import showing
from failbot.slack.bot import Bot
from failbot.slack.events import QUESTION, Asked
from failbot.slack.jobs import delivery
from failbot.slack.jobs.expecting import TELL_EXPECTED, tell_expected
from failbot.slack.jobs.following import TELL_AUTHOR, tell_author
from failbot.slack.markup import question
from failbot.slack.people import CACHED_S
from failbot.slack.views.answers import answer_message, private_message
from failbot.slack.views.blocks import Message, apology, help_message, notice, with_remark
from failbot.slack.views.cards import card, leaked, logged, saved, unposted
from failbot.store.base import Job

MARGIN_S = 1.0  # by which the two clocks may differ that a question's age is measured with
PATIENCE_S = 10.0  # how long a question waits for the model

READING = "is reading what may match…"  # beside the bot's name

SHOW_CARD = "show_card"
REMOVE_CARD = "remove_card"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The payload of `SHOW_CARD`: a failure just logged or edited, and whom to tell where."""

    number: int
    entry_channel_id: str
    user_id: str
    channel_id: str
    is_new: bool = True
    posts_card: bool = False
    secrets: tuple[str, ...] = ()  # the kinds that were taken out of what was typed
    response_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """The payload of `REMOVE_CARD`: the message that showed a failure which is deleted."""

    channel_id: str
    message_ts: str


def answer_question(bot: Bot, job: Job) -> None:
    """Answers in the thread; what only the asker may see is shown to them alone."""
    asked = from_dict(Asked, job.payload)
    thread_ts = asked.thread_ts or asked.message_ts
    public, private = _reply(bot, asked, within_s=_waited_s(bot, job))
    delivery.ensure_posted(
        bot.client_for(job.team_id),
        asked.channel_id,
        message=public,
        event_type=delivery.ANSWER,
        key=asked.key,
        may_be_posted=job.attempts > 1,
        thread_ts=thread_ts,
    )
    if private:
        delivery.whisper(
            bot.client_for(job.team_id),
            private,
            user_id=asked.user_id,
            channel_id=asked.channel_id,
            thread_ts=thread_ts,
        )


def show_card(bot: Bot, job: Job) -> None:
    """Posts or renews the failure's card, then tells its author what the card does not."""
    shown = from_dict(Shown, job.payload)
    channels = frozenset({shown.entry_channel_id})
    viewer = Viewer(team_id=job.team_id, user_id=shown.user_id, channel_ids=channels)
    try:
        failure = bot.service.show(shown.number, viewer=viewer)
    except NotFoundError:
        return  # deleted meanwhile
    refusal = _put_card(bot, failure, shown, may_be_posted=job.attempts > 1)
    message = _told(bot, failure, shown)
    remark = " ".join(filter(None, [refusal, leaked(shown.secrets) if shown.secrets else ""]))
    if message is None and not remark:
        return
    delivery.whisper(
        bot.client_for(job.team_id),
        with_remark(message or logged(failure, similar=(), links={}), remark),
        user_id=shown.user_id,
        channel_id=shown.channel_id,
        response_url=shown.response_url,
    )


def remove_card(bot: Bot, job: Job) -> None:
    """Takes a deleted failure's card out of its channel."""
    removed = from_dict(Removed, job.payload)
    try:
        bot.client_for(job.team_id).chat_delete(channel=removed.channel_id, ts=removed.message_ts)
    except SlackApiError as error:
        if delivery.error_code(error) != "message_not_found":
            raise


def apologize(bot: Bot, job: Job, reference: str) -> None:
    """Tells whoever waits for this job that it broke."""
    channel_id, user_id = job.payload.get("channel_id"), job.payload.get("user_id")
    if not (isinstance(channel_id, str) and isinstance(user_id, str)):
        return
    thread_ts = job.payload.get("thread_ts") or job.payload.get("message_ts") or ""
    delivery.whisper(
        bot.client_for(job.team_id),
        apology(reference),
        user_id=user_id,
        channel_id=channel_id,
        thread_ts=str(thread_ts),
    )


HANDLERS = {
    QUESTION: answer_question,
    SHOW_CARD: show_card,
    REMOVE_CARD: remove_card,
    TELL_AUTHOR: tell_author,
    TELL_EXPECTED: tell_expected,
}


def _waited_s(bot: Bot, job: Job) -> float:
    """How long the job has surely waited; what Slack said since then it said after the question.

    One that is new asks afresh; many that have waited ask once.
    """
    waited_s = (bot.now() - job.received_at).total_seconds() - MARGIN_S
    return min(CACHED_S, max(0.0, waited_s))


def _reply(bot: Bot, asked: Asked, *, within_s: float) -> tuple[Message, Message | None]:
    """What everyone in the thread reads, and what the asker alone does."""
    text = question(asked.text) or _thread_start(bot, asked)
    if not text or _asks_for_help(text):
        return help_message(), None
    try:
        return _answer(bot, asked, text, within_s=within_s)
    except (StoreError, StoppedError):  # not the asker's to know: it is tried again
        raise
    except FailbotError as error:
        return notice(error.for_people), None


def _asks_for_help(text: str) -> bool:
    """Whether this is "help" or "help me", not "help, my loss is NaN"."""
    first, *more = text.lower().split()
    return first.strip("!?.,") == "help" and len(more) < 2


def _answer(
    bot: Bot, asked: Asked, text: str, *, within_s: float
) -> tuple[Message, Message | None]:
    """:param within_s: how old what Slack says of the channel may be: the question is kept."""
    own = bot.places.admit(asked.team_id, asked.user_id)
    place = bot.places.place_of(asked.team_id, asked.channel_id, hint=asked.hint, within_s=within_s)
    audience = bot.places.audience_of(place, user_id=asked.user_id)
    is_private = place.visibility is not Visibility.WORKSPACE
    if bot.service.reader_name:
        client, thread_ts = bot.client_for(asked.team_id), asked.thread_ts or asked.message_ts
        delivery.set_status(client, asked.channel_id, thread_ts=thread_ts, status=READING)
    ask = partial(bot.service.ask, text, is_private=is_private)
    answer = showing.answered(
        bot, asked.team_id, lambda: ask(viewer=audience, patience_s=PATIENCE_S)
    )
    kept = bot.service.keep_question(
        text,
        answer,
        place=place,
        user_id=asked.user_id,
        message_ts=asked.message_ts,
        now=bot.now(),
    )
    better: list[Hit] = []
    if own != audience:
        # A model that was late for everyone is not waited for a second time.
        ask_again = partial(ask, viewer=own, patience_s=0.0, reads=not answer.unread)
        seen = showing.answered(bot, asked.team_id, ask_again)
        better = _better(seen, than=answer)
    hits = [*answer.hits[:SHOWN_HITS], *better]
    links = delivery.card_links(bot.client_for(asked.team_id), (hit.failure for hit in hits))
    public = answer_message(answer, question=text, question_id=kept.id, links=links)
    return public, private_message(better, question_id=kept.id, links=links) if better else None


def _better(own: Answer, *, than: Answer) -> list[Hit]:
    """What the asker alone may see and matches better than anything that the others may see."""
    best = max((hit.probability for hit in than.shown()), default=0.0)
    known = {hit.failure.number for hit in than.hits}
    return [
        hit for hit in own.shown() if hit.failure.number not in known and hit.probability >= best
    ]


def _thread_start(bot: Bot, asked: Asked) -> str:
    """The first message of the thread that a bare mention is in; "" where there is none."""
    if not asked.thread_ts:
        return ""
    try:
        answer = bot.client_for(asked.team_id).conversations_replies(
            channel=asked.channel_id, ts=asked.thread_ts, limit=1, include_all_metadata=True
        )
    except SlackApiError as error:
        if delivery.is_final(error):
            return ""
        raise
    first: dict[str, Any] = next(iter(answer.get("messages") or ()), {})
    is_ours = (first.get("metadata") or {}).get("event_type", "").startswith("failbot_")
    return "" if is_ours else question(str(first.get("text") or ""))


def _put_card(bot: Bot, failure: Failure, shown: Shown, *, may_be_posted: bool) -> str:
    """Why the card could not be posted or renewed; "" if it was, or none is wanted."""
    try:
        if failure.card_ts:
            delivery.update(
                bot.client_for(failure.team_id),
                failure.channel_id,
                message_ts=failure.card_ts,
                message=card(failure),
            )
        elif shown.posts_card:
            _post_card(bot, failure, may_be_posted=may_be_posted)
    except SlackApiError as error:
        if delivery.is_final(error):
            return unposted(failure, delivery.error_code(error))
        raise
    return ""


def _post_card(bot: Bot, failure: Failure, *, may_be_posted: bool) -> None:
    message_ts = delivery.ensure_posted(
        bot.client_for(failure.team_id),
        failure.channel_id,
        message=card(failure),
        event_type=delivery.CARD,
        key=failure.reference,
        may_be_posted=may_be_posted,
    )
    bot.service.posted_card(failure, message_ts=message_ts)


def _told(bot: Bot, failure: Failure, shown: Shown) -> Message | None:
    """What the author is told besides the card; nothing where the card says it all."""
    if not shown.is_new:
        return saved(failure)
    viewer = bot.places.viewer_for(failure.team_id, shown.user_id)
    try:
        answer = showing.answered(
            bot, failure.team_id, lambda: bot.service.similar(failure, viewer=viewer)
        )
        similar, caveat = answer.shown(), answer.caveat
    except ModelError:
        similar, caveat = (), ""  # a hint, not worth an apology; the log has the error already
    if shown.posts_card and not similar and not failure.is_unsure:
        return None
    links = delivery.card_links(bot.client_for(failure.team_id), (hit.failure for hit in similar))
    return logged(failure, similar=similar, links=links, caveat=caveat)
