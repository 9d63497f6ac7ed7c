"""What is done for one person: a form opened, a command answered, a button's word kept."""

from __future__ import annotations

from failbot.errors import (
    FailbotError,
    InputError,
    NotFoundError,
    StoppedError,
    StoreError,
    TakenOverError,
)
from failbot.fields import from_dict
from failbot.models import Draft, Feedback, Viewer, reference
from failbot.slack import drafting, showing
from failbot.slack.bot import Bot
from failbot.slack.commands import parse
from failbot.slack.duties import Deed
from failbot.slack.jobs.delivery import card_links
from failbot.slack.jobs.sending import SHOWN, Sends
from failbot.slack.replies import open_form, reply
from failbot.slack.views import answers
from failbot.slack.views.blocks import Message, help_message, home, notice
from failbot.slack.views.cards import leaked
from failbot.store.base import Job

HOME_ENTRIES = 5
# Not the person's to know: the job is tried again, or is another's.
PASSING = (StoreError, StoppedError, TakenOverError)


def show_form(bot: Bot, job: Job) -> None:
    """Opens the form; where that fails, gives back what was typed."""
    deed = from_dict(Deed, job.payload)
    try:
        _open(bot, deed)
    except PASSING:
        raise
    except FailbotError as error:
        # An earlier attempt may have opened it: the same trigger opens none twice.
        unsure = (
            "failbot was interrupted just then. If no form opened: " if job.attempts > 1 else ""
        )
        _tell(bot, job, deed, [notice(f"{unsure}{error.for_people}")])
        return
    if deed.secrets:
        _tell(bot, job, deed, [notice(leaked(deed.secrets))])


def answer_command(bot: Bot, job: Job) -> None:
    """Shows whoever typed it the answer, the refusal, or what to type instead."""
    deed = from_dict(Deed, job.payload)
    try:
        messages = reply(bot, deed.actor, parse(deed.text))
    except PASSING:
        raise
    except InputError as error:
        messages = [help_message(str(error))]
    except FailbotError as error:
        messages = [notice(error.for_people)]
    _tell(bot, job, deed, messages)


def give_feedback(bot: Bot, job: Job) -> None:
    """Keeps the word of whoever pressed, as of when they did, and thanks them."""
    deed = from_dict(Deed, job.payload)
    try:
        helped, question_id, number = answers.read_word(deed.button)
        feedback = Feedback(
            question_id=question_id,
            number=number,
            user_id=deed.user_id,
            helped=helped,
            at=job.received_at,
        )
        bot.service.give_feedback(feedback, viewer=bot.viewer(deed.actor))
        words = answers.thanks_for_word(reference(number), helped=helped)
    except PASSING:
        raise
    except FailbotError as error:
        words = error.for_people
    _tell(bot, job, deed, [notice(words)])


def delete(bot: Bot, job: Job) -> None:
    """Deletes the entry, if whoever pressed may; what shows it in Slack goes after it."""
    deed = from_dict(Deed, job.payload)
    number = int(deed.value)
    try:
        _delete(bot, deed, number)
        words = f"{reference(number)} is deleted."
    except PASSING:
        raise
    except NotFoundError as error:
        is_done = job.attempts > 1 and _is_gone(bot, deed.team_id, number)
        words = f"{reference(number)} is deleted." if is_done else error.for_people
    except FailbotError as error:
        words = error.for_people
    _tell(bot, job, deed, [notice(words)], replace=True)


def keep(bot: Bot, job: Job) -> None:
    """Says that the entry, which was not to be deleted after all, is kept."""
    deed = from_dict(Deed, job.payload)
    words = f"{reference(int(deed.value))} is kept."
    _tell(bot, job, deed, [notice(words)], replace=True)


def show_home(bot: Bot, job: Job) -> None:
    """Publishes the Home tab of whoever opened it."""
    deed = from_dict(Deed, job.payload)
    viewer = bot.places.viewer_for(deed.team_id, deed.user_id)
    own = showing.listed(
        bot,
        deed.team_id,
        lambda: bot.service.newest(viewer=viewer, limit=HOME_ENTRIES, author_id=deed.user_id),
    )
    client = bot.client_for(deed.team_id)
    client.views_publish(user_id=deed.user_id, view=home(own, links=card_links(client, own)))


def _open(bot: Bot, deed: Deed) -> None:
    """The form of a message, of a pasted log, or of a text that is taken as it is."""
    if deed.message_ts:
        message = {"text": deed.text, "ts": deed.message_ts, "thread_ts": deed.thread_ts}
        drafting.from_message(bot, deed.actor, message)
    elif not deed.button and drafting.is_paste(bot, deed.text):
        drafting.from_text(bot, deed.actor, deed.text)
    else:
        open_form(bot, deed.actor, Draft(tried="", happened=deed.text))


def _delete(bot: Bot, deed: Deed, number: int) -> None:
    viewer = bot.places.viewer_for(deed.team_id, deed.user_id)
    bot.service.delete(number, viewer=viewer, is_admin=bot.is_admin(deed.actor))
    bot.knock(SHOWN)


def _is_gone(bot: Bot, team_id: str, number: int) -> bool:
    everything = Viewer(team_id=team_id, is_operator=True)
    return not bot.service.visible([number], viewer=everything)


def _tell(
    bot: Bot, job: Job, deed: Deed, messages: list[Message], *, replace: bool = False
) -> None:
    sends = Sends(bot, job)
    for at, message in enumerate(messages):
        sends.whisper(
            f"reply {at}",
            message,
            user_id=deed.user_id,
            channel_id=deed.channel_id,
            response_url=deed.response_url,
            replace=replace,
        )
