"""A draft in the form, made of a message, its thread or a pasted log.

A person reads and changes it; nothing is stored before they send it. Slack wants the form within
3 s: where more time is needed a view that says so comes first, and the form in its place.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from failbot.errors import FailbotError, ReaderError, SlackError
from failbot.models import Draft, Visibility
from failbot.slack.bot import Actor, Bot
from failbot.slack.calls import SLACK_FAILURES, error_code
from failbot.slack.jobs.delivery import permalink
from failbot.slack.markup import question
from failbot.slack.replies import form_for, open_form, unopened
from failbot.slack.views import forms

logger = logging.getLogger(__name__)

PASTED = 400  # characters of a command's text from which on it is a paste: a log, not a sentence
THREAD = 200  # messages of a thread: one page, and more than a draft is made of
READING = "Reading it, to fill in the form. This takes some seconds; nothing is stored meanwhile."
FILLED = (
    "{name} filled this in. Check and change it: what you send is logged as your words. "
    "Nothing is stored before."
)
UNFILLED = "The language model did not fill this in ({why}), so what was written is below as it is."

Message = Mapping[str, Any]


def is_paste(bot: Bot, text: str) -> bool:
    """Whether the text after a command is to be made a draft of, rather than be taken as it is."""
    return bool(bot.service.reader_name) and len(text) >= PASTED


def from_text(bot: Bot, actor: Actor, text: str) -> None:
    """Opens the form with a draft of a pasted text. :raises SlackError: with the text."""
    _open(bot, actor, lambda: text, given=text)


def from_message(bot: Bot, actor: Actor, message: Message) -> None:
    """Opens the form with a draft of the message, or of the thread that it is in, and its address.

    :raises SlackError: with the text, lest it be lost.
    """
    text, is_in_thread = _written(message), bool(message.get("thread_ts"))
    if not (is_in_thread or bot.service.reader_name):
        open_form(bot, actor, _with_address(bot, actor, message, _as_it_is(text)))
        return
    _open(
        bot,
        actor,
        lambda: _thread(bot, actor, message) if is_in_thread else text,
        given=text,
        finish=lambda draft: _with_address(bot, actor, message, draft),
    )


def _open(
    bot: Bot,
    actor: Actor,
    read: Callable[[], str],
    *,
    given: str,
    finish: Callable[[Draft], Draft] = lambda draft: draft,
) -> None:
    """A view at once, and the form in its place when `read` and the language model are done.

    :param given: the text that is there already, which no failure may lose.
    """
    client = bot.client_for(actor.team_id)
    try:
        opened = client.views_open(trigger_id=actor.trigger_id, view=forms.loading_view(READING))
    except SLACK_FAILURES as error:
        raise SlackError(unopened(error_code(error), _as_it_is(given))) from error
    draft, remark = _drafted(bot, actor, read, given)
    view = form_for(actor, finish(draft), remark=remark)
    try:
        client.views_update(view_id=str((opened.get("view") or {}).get("id")), view=view)
    except SLACK_FAILURES as error:
        if error_code(error) == "not_found":  # they have closed it
            logger.info("a draft was not wanted any more")
            return
        raise SlackError(unopened(error_code(error), _as_it_is(given))) from error


def _drafted(bot: Bot, actor: Actor, read: Callable[[], str], given: str) -> tuple[Draft, str]:
    """The draft, and who made it, or why nobody did; never an error: the view waits for it."""
    text = given
    try:
        text = read()
        if not bot.service.reader_name:
            return _as_it_is(text), ""
        draft = bot.service.draft_from(text, is_private=_is_private(bot, actor))
    except ReaderError as error:
        return _as_it_is(text), UNFILLED.format(why=error)
    except (FailbotError, *SLACK_FAILURES) as error:
        logger.warning("a form is not filled in: %s", type(error).__name__)
        return _as_it_is(text), UNFILLED.format(why="something else failed")
    return draft, FILLED.format(name=bot.service.reader_name)


def _is_private(bot: Bot, actor: Actor) -> bool:
    """Whether not everyone in the workspace may read what is written there."""
    try:
        return bot.place(actor).visibility is not Visibility.WORKSPACE
    except SLACK_FAILURES:
        return True  # unknown means private


def _thread(bot: Bot, actor: Actor, message: Message) -> str:
    """What people wrote in the message's thread, oldest first; the message alone where Slack
    does not show it."""
    try:
        answer = bot.client_for(actor.team_id).conversations_replies(
            channel=actor.channel_id,
            ts=str(message.get("thread_ts") or message.get("ts") or ""),
            limit=THREAD,
            include_all_metadata=True,
        )
    except SLACK_FAILURES as error:
        logger.info("a thread is not read: %s", error_code(error) or type(error).__name__)
        return _written(message)
    found = [_written(one) for one in answer.get("messages") or () if not _is_ours(one)]
    return "\n\n".join(filter(None, found)) or _written(message)


def _is_ours(message: Message) -> bool:
    metadata = message.get("metadata") or {}
    return str(metadata.get("event_type", "")).startswith("failbot_")


def _written(message: Message) -> str:
    """A message's text, decoded, without the people it addresses; a bot's alert often has it in
    its attachments only."""
    attachments = message.get("attachments") or []
    texts = [str(one.get("text") or one.get("fallback") or "") for one in attachments]
    text = str(message.get("text") or "") or "\n".join(filter(None, texts))
    return re.sub(r"\n{3,}", "\n\n", question(text)).strip()


def _as_it_is(text: str) -> Draft:
    return Draft(tried="", happened=text)


def _with_address(bot: Bot, actor: Actor, message: Message, draft: Draft) -> Draft:
    client = bot.client_for(actor.team_id)
    address = permalink(client, actor.channel_id, str(message.get("ts") or ""))
    return replace(draft, links=(address,) if address else ())
