"""What happens when someone types /failure, presses a button, sends a form or opens the Home tab.

Each listener is ack -> form -> service -> blocks -> reply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App

from failbot.errors import InputError, SaidError
from failbot.fields import as_dict
from failbot.models import Draft, Failure, Feedback, QuestionOrigin, Recorded
from failbot.slack import drafting, showing
from failbot.slack.bot import Actor, Bot, actor_of
from failbot.slack.commands import parse
from failbot.slack.jobs.delivery import card_links
from failbot.slack.jobs.handlers import REMOVE_CARD, SHOW_CARD, Removed, Shown
from failbot.slack.manifest import COMMAND, SHORTCUT
from failbot.slack.refusals import explain
from failbot.slack.replies import editable, open_form, reply
from failbot.slack.views import answers, cards, forms
from failbot.slack.views.blocks import help_message, home, notice
from failbot.text import clean

HOME_ENTRIES = 5
Body = dict[str, Any]
# What Bolt hands over: the ack, the whole request, and its part that matters: the command, the
# message shortcut, the view, the pressed button, the event.
Listener = Callable[[Ack, Body, Body], None]


class Listeners:
    """The listeners of one bot; Bolt calls each in a thread of its own."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    def register(self, app: App) -> None:
        app.command(COMMAND)(self._explained(self.command))
        app.shortcut(SHORTCUT)(self._explained(self.shortcut))
        app.view(forms.CALLBACK)(self._explained(self.submit))
        app.action(answers.WORD)(self._explained(self.word))
        app.action(answers.LOG_IT)(self._explained(self.log_it))
        app.action(cards.EDIT)(self._explained(self.edit))
        app.action(cards.DELETE)(self._explained(self.delete))
        app.action(cards.KEEP)(self._explained(self.keep))
        app.event("app_home_opened")(self._explained(self.home_opened))

    def _explained(self, listener: Listener) -> Listener:
        """The listener, with its errors told to whoever acted.

        Bolt forgets an ack when the listener raises within 10 ms of it, and lets Slack time out;
        an error must therefore not reach Bolt.
        """

        def run(ack: Ack, body: Body, payload: Body) -> None:
            try:
                listener(ack, body, payload)
            except Exception as error:
                explain(self._bot, error, body=body, ack=ack)

        return run

    def command(self, ack: Ack, body: Body, payload: Body) -> None:
        ack()
        actor = actor_of(body)
        try:
            command = parse(str(body.get("text") or ""))
        except InputError as error:
            self._bot.tell(actor, help_message(str(error)))
            return
        if command.verb == "form" and drafting.is_paste(self._bot, command.text):
            drafting.from_text(self._bot, actor, command.text)
            return
        for message in reply(self._bot, actor, command):
            self._bot.tell(actor, message)

    def shortcut(self, ack: Ack, body: Body, payload: Body) -> None:
        ack()
        actor = actor_of(body)
        drafting.from_message(self._bot, actor, body.get("message") or {})

    def submit(self, ack: Ack, body: Body, view: Body) -> None:
        try:
            filled = forms.read(view)
            actor = _submitter(body, filled.origin)
            recorded = self._store(actor, filled, source=f"view:{view.get('id')}")
        except SaidError as error:  # all else is the log's, too: see `explain`
            ack(response_action="errors", errors=forms.errors(error, view))
            return
        self._announce(actor, filled, recorded, key=f"view:{view.get('id')}")
        ack()

    def word(self, ack: Ack, body: Body, action: Body) -> None:
        ack()
        actor = actor_of(body)
        helped, question_id, number = answers.read_word(action["action_id"])
        feedback = Feedback(
            question_id=question_id,
            number=number,
            user_id=actor.user_id,
            helped=helped,
            at=self._bot.now(),
        )
        self._bot.service.give_feedback(feedback, viewer=self._bot.viewer(actor))
        self._bot.tell(actor, notice(answers.thanks_for_word(f"F-{number}", helped=helped)))

    def log_it(self, ack: Ack, body: Body, action: Body) -> None:
        ack()
        happened = clean(str(action.get("value") or ""))
        open_form(self._bot, actor_of(body), Draft(tried="", happened=happened))

    def edit(self, ack: Ack, body: Body, action: Body) -> None:
        ack()
        actor, number = actor_of(body), int(action["value"])
        open_form(self._bot, actor, editable(self._bot, actor, number).draft(), number=number)

    def delete(self, ack: Ack, body: Body, action: Body) -> None:
        ack()
        actor = actor_of(body)
        failure = self._delete(actor, int(action["value"]))
        words = f"{failure.reference} is deleted."
        self._bot.tell(actor, notice(words), replace=True)

    def keep(self, ack: Ack, body: Body, action: Body) -> None:
        ack()
        words = f"F-{int(action['value'])} is kept."
        self._bot.tell(actor_of(body), notice(words), replace=True)

    def home_opened(self, ack: Ack, body: Body, event: Body) -> None:
        if event.get("tab", "home") != "home":
            return
        actor = actor_of(body)
        viewer = self._bot.places.viewer_for(actor.team_id, actor.user_id)
        own = showing.listed(
            self._bot,
            actor.team_id,
            lambda: self._bot.service.newest(
                viewer=viewer, limit=HOME_ENTRIES, author_id=actor.user_id
            ),
        )
        client = self._bot.client_for(actor.team_id)
        view = home(own, links=card_links(client, own))
        client.views_publish(user_id=actor.user_id, view=view)

    def _store(self, actor: Actor, filled: forms.Filled, *, source: str) -> Recorded:
        """The failure, committed, and what was taken out of what was typed."""
        bot, now = self._bot, self._bot.now()
        if not filled.origin.number:
            return bot.service.record(
                filled.draft(),
                place=bot.place(actor),
                author_id=actor.user_id,
                now=now,
                source=source,
                questions=dict.fromkeys(filled.questions or (), QuestionOrigin.AUTHOR),
            )
        before = editable(bot, actor, filled.origin.number)
        return bot.service.revise(
            before.number,
            filled.draft(before.draft()),
            viewer=bot.places.viewer_for(actor.team_id, actor.user_id),
            is_admin=bot.is_admin(actor),
            now=now,
            questions=filled.questions,
        )

    def _announce(
        self, actor: Actor, filled: forms.Filled, recorded: Recorded, *, key: str
    ) -> None:
        """Leaves the card and the author's hint to the workers; once for each form."""
        shown = Shown(
            number=recorded.failure.number,
            entry_channel_id=recorded.failure.channel_id,
            user_id=actor.user_id,
            channel_id=actor.channel_id,
            is_new=not filled.origin.number,
            posts_card=filled.posts_card,
            secrets=recorded.redacted,
            response_url=actor.response_url,
        )
        self._bot.later(SHOW_CARD, as_dict(shown), team_id=actor.team_id, keys=[key])

    def _delete(self, actor: Actor, number: int) -> Failure:
        viewer = self._bot.places.viewer_for(actor.team_id, actor.user_id)
        failure = self._bot.service.delete(
            number, viewer=viewer, is_admin=self._bot.is_admin(actor)
        )
        if failure.card_ts:
            card = Removed(channel_id=failure.channel_id, message_ts=failure.card_ts)
            key = f"remove:{failure.channel_id}:{failure.card_ts}"
            self._bot.later(REMOVE_CARD, as_dict(card), team_id=failure.team_id, keys=[key])
        return failure


def _submitter(body: Body, origin: forms.Origin) -> Actor:
    """Who sent the form, in the place where it was opened."""
    return replace(
        actor_of(body),
        channel_id=origin.channel_id,
        hint=origin.hint,
        response_url=origin.response_url,
    )
