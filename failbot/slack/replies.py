"""What failbot answers to each /failure command: a message for the asker alone, or a form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from failbot.errors import InputError, SlackError
from failbot.models import Draft, ExpectedQuestion, Failure, Place, Schedule, Visibility
from failbot.slack import showing
from failbot.slack.bot import Actor, Bot
from failbot.slack.commands import Command, is_zone, parse_weekly
from failbot.slack.jobs.delivery import card_links, error_code
from failbot.slack.places import SLACK_FAILURES
from failbot.slack.views import forms
from failbot.slack.views.blocks import (
    Message,
    help_message,
    listing,
    notice,
    seen_by,
    with_remark,
)
from failbot.slack.views.cards import ask_deletion, card
from failbot.slack.views.digests import digest_details, digest_message, schedule_words

SHOWN_AT_MOST = 10


def reply(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    """The messages to show the actor; none where a form was opened instead.

    :raises FailbotError: in words for the actor.
    """
    return REPLIES[command.verb](bot, actor, command)


def open_form(bot: Bot, actor: Actor, draft: Draft, *, number: int = 0) -> None:
    """Opens the form, filled from the draft. :raises SlackError: with the text, lest it be lost."""
    questions = _expected(bot, actor, number) if number else ()
    view = form_for(actor, draft, number=number, questions=questions)
    try:
        bot.client_for(actor.team_id).views_open(trigger_id=actor.trigger_id, view=view)
    except SLACK_FAILURES as error:
        raise SlackError(unopened(error_code(error), draft)) from error


def form_for(
    actor: Actor,
    draft: Draft,
    *,
    number: int = 0,
    questions: Sequence[ExpectedQuestion] = (),
    remark: str = "",
) -> dict[str, object]:
    """The form's view, filled from the draft, for the place where the actor is."""
    origin = forms.Origin(
        channel_id=actor.channel_id,
        hint=actor.hint,
        number=number,
        response_url=actor.response_url,
    )
    is_direct = actor.channel_id.startswith("D")
    return forms.failure_form(
        draft, origin, may_post=not is_direct, questions=questions, remark=remark
    )


def _expected(bot: Bot, actor: Actor, number: int) -> Sequence[ExpectedQuestion]:
    """How people would ask about the failure that is edited."""
    viewer = bot.places.viewer_for(actor.team_id, actor.user_id)
    return bot.service.expected([number], viewer=viewer).get(number, ())


def _help(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    return [help_message()]


def _list(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    viewer = bot.viewer(actor)
    failures = showing.listed(
        bot, actor.team_id, lambda: bot.service.newest(viewer=viewer, limit=SHOWN_AT_MOST)
    )
    total = bot.service.count(viewer=viewer)
    return [_listing(bot, "The newest entries that you can see", failures, total=total)]


def _mine(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    viewer = bot.places.viewer_for(actor.team_id, actor.user_id)
    failures = showing.listed(
        bot,
        actor.team_id,
        lambda: bot.service.newest(viewer=viewer, limit=SHOWN_AT_MOST, author_id=actor.user_id),
    )
    total = bot.service.count(viewer=viewer, author_id=actor.user_id)
    return [_listing(bot, "Your newest entries", failures, total=total)]


def _search(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    viewer = bot.viewer(actor)
    failures = showing.listed(
        bot,
        actor.team_id,
        lambda: bot.service.search(command.text, viewer=viewer, limit=SHOWN_AT_MOST),
    )
    if not failures:
        words = f"No entry that you can see holds all of: {command.text}"
        return [notice(f"{words}\nMention me with the problem instead; I also find other words.")]
    return [_listing(bot, f"Entries with {command.text}", failures, total=len(failures))]


def _show(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    viewer = bot.viewer(actor)
    failure = showing.shown(
        bot, actor.team_id, lambda: bot.service.show(command.number, viewer=viewer)
    )
    questions = bot.service.expected([failure.number], viewer=viewer)
    return [card(failure, questions.get(failure.number, ()))]


def _edit(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    open_form(bot, actor, editable(bot, actor, command.number).draft(), number=command.number)
    return []


def _delete(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    failure = editable(bot, actor, command.number)
    return [ask_deletion(failure, shown=bot.shown.of(failure.number, team_id=failure.team_id))]


def editable(bot: Bot, actor: Actor, number: int) -> Failure:
    """The failure, if the actor may change it. :raises NotFoundError: :raises NotAllowedError:"""
    viewer = bot.places.viewer_for(actor.team_id, actor.user_id)
    is_admin = bot.is_admin(actor)
    return showing.shown(
        bot,
        actor.team_id,
        lambda: bot.service.editable(number, viewer=viewer, is_admin=is_admin),
    )


def _publish(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    viewer = bot.places.viewer_for(actor.team_id, actor.user_id)
    published = bot.service.publish(command.number, viewer=viewer)
    return [notice(f"{published.reference} is published: {seen_by(published)}.")]


def _digest(bot: Bot, actor: Actor, command: Command) -> list[Message]:
    place, word = bot.place(actor), command.text.partition(" ")[0].lower()
    if place.visibility is Visibility.AUTHOR:
        raise InputError("a digest goes to a channel; type this in the channel that shall get it")
    bot.places.admit_member(actor.team_id, actor.user_id)  # no guest sets or stops a digest
    if word == "here":
        return [_set_digest(bot, actor, place, command.text.partition(" ")[2])]
    if word == "off":
        return [_drop_digest(bot, place)]
    return _preview(bot, place) if word == "preview" else [_digest_state(bot, place)]


def _set_digest(bot: Bot, actor: Actor, place: Place, text: str) -> Message:
    weekly = parse_weekly(text)
    zone = weekly.zone or bot.places.person(actor.team_id, actor.user_id).zone
    schedule = Schedule(
        team_id=place.team_id,
        channel_id=place.channel_id,
        weekday=weekly.weekday,
        hour=weekly.hour,
        minute=weekly.minute,
        zone=zone if is_zone(zone) else "UTC",
        created_by=actor.user_id,
        created_at=bot.now(),
    )
    bot.service.set_schedule(schedule)
    return _invited(bot, place, f"This channel gets the digest {schedule_words(schedule)}.")


def _drop_digest(bot: Bot, place: Place) -> Message:
    if bot.service.drop_schedule(team_id=place.team_id, channel_id=place.channel_id):
        return notice("This channel gets no more digests.")
    return notice("This channel gets no digest; there is nothing to turn off.")


def _digest_state(bot: Bot, place: Place) -> Message:
    schedule = bot.service.schedule_of(team_id=place.team_id, channel_id=place.channel_id)
    if schedule is None:
        return notice("This channel gets no digest yet: /failure digest here monday 09:00")
    return _invited(bot, place, f"This channel gets the digest {schedule_words(schedule)}.")


def _invited(bot: Bot, place: Place, words: str) -> Message:
    """The words, and what is missing while the bot is not in the channel."""
    is_joined = bot.places.is_joined(place.team_id, place.channel_id)
    missing = "I am not in this channel yet: type `/invite @failbot`, else it cannot come."
    return with_remark(notice(words), "" if is_joined else missing)


def _preview(bot: Bot, place: Place) -> list[Message]:
    audience = bot.places.audience_of(place)
    digest = showing.digested(
        bot, place.team_id, lambda: bot.service.digest(audience=audience, now=bot.now())
    )
    links = card_links(bot.client_for(place.team_id), showing.failures_in(digest))
    details = digest_details(digest, links=links)
    return [digest_message(digest, links=links), *([details] if details else [])]


def _listing(bot: Bot, heading: str, failures: list[Failure], *, total: int) -> Message:
    if not failures:
        return notice("Nothing is logged yet that you can see. Type /failure to log the first.")
    links = card_links(bot.client_for(failures[0].team_id), failures)
    return listing(heading, failures, links=links, total=total)


def unopened(code: str, draft: Draft) -> str:
    """Why there is no form, and what was written, which would be lost."""
    late = code in ("expired_trigger_id", "trigger_expired", "exchanged_trigger_id")
    refused = f"Slack refused it: {code}" if code and " " not in code else "Slack did not answer"
    reason = "it took longer than Slack allows" if late else refused
    kept = f"\nWhat you wrote:\n{draft.happened}" if draft.happened else ""
    return f"The form could not be opened ({reason}). Please try again.{kept}"


REPLIES: dict[str, Callable[[Bot, Actor, Command], list[Message]]] = {
    "help": _help,
    "list": _list,
    "mine": _mine,
    "search": _search,
    "show": _show,
    "edit": _edit,
    "delete": _delete,
    "publish": _publish,
    "digest": _digest,
}
