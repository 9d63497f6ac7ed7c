"""What is said in a channel: the answer to a question, the card of an entry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from slack_sdk.errors import SlackApiError

from failbot.errors import FailbotError, ModelError, NotFoundError, StoppedError, StoreError
from failbot.fields import from_dict
from failbot.models import SHOWN_HITS, Answer, Failure, Hit, Viewer, Visibility, reference
from failbot.slack import showing
from failbot.slack.bot import Bot
from failbot.slack.events import QUESTION, Asked
from failbot.slack.jobs import delivery
from failbot.slack.jobs.sending import SHOWN, Sends
from failbot.slack.markup import question
from failbot.slack.people import CACHED_S
from failbot.slack.views.answers import answer_message, numbers_in, private_message
from failbot.slack.views.blocks import Message, apology, help_message, notice, with_remark
from failbot.slack.views.cards import card, leaked, logged, saved, unposted
from failbot.store.base import Job, MessageKind, ShownMessage

MARGIN_S = 1.0  # by which the two clocks may differ that a question's age is measured with
PATIENCE_S = 10.0  # how long a question waits for the model

READING = "is reading what may match…"  # beside the bot's name

SHOW_CARD = "show_card"


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


def answer_question(bot: Bot, job: Job) -> None:
    """Answers in the thread; what only the asker may see is shown to them alone."""
    asked = from_dict(Asked, job.payload)
    sends = Sends(bot, job)
    thread_ts = asked.thread_ts or asked.message_ts
    reply = _reply(bot, asked, within_s=_waited_s(bot, job))
    sends.post(
        "answer",
        asked.channel_id,
        message=reply.public,
        kind=MessageKind.ANSWER,
        key=asked.key,
        numbers=reply.numbers,
        about=reply.question_id,
        thread_ts=thread_ts,
        after=asked.message_ts,
    )
    if reply.private:
        sends.whisper(
            "private answer",
            reply.private,
            numbers=reply.private_numbers,
            once=True,
            user_id=asked.user_id,
            channel_id=asked.channel_id,
            thread_ts=thread_ts,
        )


def show_card(bot: Bot, job: Job) -> None:
    """Posts or renews the failure's card, then tells its author what the card does not."""
    shown, sends = from_dict(Shown, job.payload), Sends(bot, job)
    channels = frozenset({shown.entry_channel_id})
    viewer = Viewer(team_id=job.team_id, user_id=shown.user_id, channel_ids=channels)
    try:
        failure = bot.service.show(shown.number, viewer=viewer)
    except NotFoundError:  # deleted meanwhile
        _find_lost_card(bot, job, shown, sends)
        return
    refusal = _put_card(bot, failure, shown, sends)
    similar, caveat = _similar(bot, failure, shown)
    message = _told(bot, failure, shown, similar, caveat)
    remark = " ".join(filter(None, [refusal, leaked(shown.secrets) if shown.secrets else ""]))
    if message is None and not remark:
        return
    sends.whisper(
        "hint",
        with_remark(message or logged(failure, similar=(), links={}), remark),
        numbers=[failure.number, *(hit.failure.number for hit in similar)],
        user_id=shown.user_id,
        channel_id=shown.channel_id,
        response_url=shown.response_url,
    )


def apologize(bot: Bot, job: Job, reference: str) -> None:
    """Tells whoever waits for this job that it broke."""
    channel_id, user_id = job.payload.get("channel_id"), job.payload.get("user_id")
    if not (isinstance(channel_id, str) and isinstance(user_id, str)):
        return
    thread_ts = job.payload.get("thread_ts") or ""
    if job.kind == QUESTION:
        thread_ts = thread_ts or job.payload.get("message_ts") or ""
    Sends(bot, job).whisper(
        "apology",
        apology(reference),
        user_id=user_id,
        channel_id=channel_id,
        response_url=str(job.payload.get("response_url") or ""),
        thread_ts=str(thread_ts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What everyone in the thread reads, what the asker alone does, and which failures in it."""

    public: Message
    numbers: tuple[int, ...] = ()
    question_id: str = ""
    private: Message | None = None
    private_numbers: tuple[int, ...] = ()


def _waited_s(bot: Bot, job: Job) -> float:
    """How long the job has surely waited; what Slack said since then it said after the question.

    One that is new asks afresh; many that have waited ask once.
    """
    waited_s = (bot.now() - job.received_at).total_seconds() - MARGIN_S
    return min(CACHED_S, max(0.0, waited_s))


def _reply(bot: Bot, asked: Asked, *, within_s: float) -> _Reply:
    text = question(asked.text) or _thread_start(bot, asked)
    if not text or _asks_for_help(text):
        return _Reply(public=help_message())
    try:
        return _answer(bot, asked, text, within_s=within_s)
    except (StoreError, StoppedError):  # not the asker's to know: it is tried again
        raise
    except FailbotError as error:
        return _Reply(public=notice(error.for_people))


def _asks_for_help(text: str) -> bool:
    """Whether this is "help" or "help me", not "help, my loss is NaN"."""
    first, *more = text.lower().split()
    return first.strip("!?.,") == "help" and len(more) < 2


def _answer(bot: Bot, asked: Asked, text: str, *, within_s: float) -> _Reply:
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
    if _sees_more(bot, own, audience):
        # A model that was late for everyone is not waited for a second time.
        ask_again = partial(ask, viewer=own, patience_s=0.0, reads=not answer.unread)
        seen = showing.answered(bot, asked.team_id, ask_again)
        better = _better(seen, than=answer)
    hits = [*answer.hits[:SHOWN_HITS], *better]
    links = delivery.card_links(bot.client_for(asked.team_id), (hit.failure for hit in hits))
    return _Reply(
        public=answer_message(answer, question=text, question_id=kept.id, links=links),
        numbers=numbers_in(answer),
        question_id=str(kept.id),
        private=private_message(better, question_id=kept.id, links=links) if better else None,
        private_numbers=tuple(hit.failure.number for hit in better),
    )


def _sees_more(bot: Bot, own: Viewer, audience: Viewer) -> bool:
    """Whether there is an entry that the asker sees and the audience does not: else asking a second
    time, for them alone, would cost as much as the first and find nothing."""
    beyond = replace(
        own,
        channel_ids=own.channel_ids - audience.channel_ids,
        sees_workspace=own.sees_workspace and not audience.sees_workspace,
    )
    return own != audience and bot.service.count(viewer=beyond) > 0


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


def _find_lost_card(bot: Bot, job: Job, shown: Shown, sends: Sends) -> None:
    """The card that an earlier attempt may have posted, of an entry that is gone: it goes, too."""
    if job.attempts == 1 or not shown.posts_card:
        return
    mark = sends.mark(MessageKind.CARD, reference(shown.number))
    if message_ts := sends.find(shown.entry_channel_id, mark):
        bot.shown.remember(
            ShownMessage(
                team_id=job.team_id,
                channel_id=shown.entry_channel_id,
                message_ts=message_ts,
                kind=MessageKind.CARD,
                numbers=(shown.number,),
                posted_at=bot.now(),
            )
        )
        bot.knock(SHOWN)


def _put_card(bot: Bot, failure: Failure, shown: Shown, sends: Sends) -> str:
    """Why the card could not be posted or renewed; "" if it was, or none is wanted."""
    try:
        if failure.card_ts:
            sends.update(
                "card",
                failure.channel_id,
                message_ts=failure.card_ts,
                message=card(failure),
            )
        elif shown.posts_card:
            _post_card(bot, failure, sends)
    except SlackApiError as error:
        if delivery.is_final(error):
            return unposted(failure, delivery.error_code(error))
        raise
    return ""


def _post_card(bot: Bot, failure: Failure, sends: Sends) -> None:
    message_ts = sends.post(
        "card",
        failure.channel_id,
        message=card(failure),
        kind=MessageKind.CARD,
        key=failure.reference,
        numbers=[failure.number],
    )
    bot.service.posted_card(failure, message_ts=message_ts)


def _similar(bot: Bot, failure: Failure, shown: Shown) -> tuple[tuple[Hit, ...], str]:
    """What a new failure resembles, of all that its author may see, and how sure that is not."""
    if not shown.is_new:
        return (), ""
    viewer = bot.places.viewer_for(failure.team_id, shown.user_id)
    try:
        answer = showing.answered(
            bot, failure.team_id, lambda: bot.service.similar(failure, viewer=viewer)
        )
    except ModelError:
        return (), ""  # a hint, not worth an apology; the log has the model's error already
    return answer.shown(), answer.caveat


def _told(
    bot: Bot, failure: Failure, shown: Shown, similar: tuple[Hit, ...], caveat: str
) -> Message | None:
    """What the author is told besides the card; nothing where the card says it all."""
    if not shown.is_new:
        return saved(failure)
    if shown.posts_card and not similar and not failure.is_unsure:
        return None
    links = delivery.card_links(bot.client_for(failure.team_id), (hit.failure for hit in similar))
    return logged(failure, similar=similar, links=links, caveat=caveat)
