"""What happens when someone sends a form: the one request that is answered with what is in it.

Everything else is stored before it is done (`intake`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App

from failbot.errors import SaidError
from failbot.fields import as_dict
from failbot.models import QuestionOrigin, Recorded, Viewer
from failbot.slack.bot import Actor, Bot, actor_of
from failbot.slack.jobs.handlers import SHOW_CARD, Shown
from failbot.slack.refusals import explain
from failbot.slack.replies import editable
from failbot.slack.views import forms

Body = dict[str, Any]
# What Bolt hands over: the ack, the whole request, and its part that matters: the view.
Listener = Callable[[Ack, Body, Body], None]


class Listeners:
    """The listeners of one bot; Bolt calls each in a thread of its own."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    def register(self, app: App) -> None:
        app.view(forms.CALLBACK)(self._explained(self.submit))

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

    def submit(self, ack: Ack, body: Body, view: Body) -> None:
        try:
            filled = forms.read(view)
            actor = _submitter(body, filled.origin)
            recorded = self._store(actor, filled, source=f"view:{view.get('id')}")
        except SaidError as error:  # all else is the log's, too: see `explain`
            ack(response_action="errors", errors=forms.errors(error, view))
            return
        key = f"view:{view.get('id')}:{recorded.failure.version}"
        self._announce(actor, filled, recorded, key=key)
        ack()

    def _store(self, actor: Actor, filled: forms.Filled, *, source: str) -> Recorded:
        """The failure, committed, and what was taken out of what was typed."""
        bot, now = self._bot, self._bot.now()
        if not filled.origin.number:
            recorded = bot.service.record(
                filled.draft(),
                place=bot.place(actor),
                author_id=actor.user_id,
                now=now,
                source=source,
                questions=dict.fromkeys(filled.questions or (), QuestionOrigin.AUTHOR),
            )
            return recorded if recorded.is_new else self._sent_again(actor, filled, recorded)
        before = editable(bot, actor, filled.origin.number)
        return bot.service.revise(
            before.number,
            filled.draft(before.draft()),
            viewer=bot.places.viewer_for(actor.team_id, actor.user_id),
            is_admin=bot.is_admin(actor),
            now=now,
            questions=filled.questions,
        )

    def _sent_again(self, actor: Actor, filled: forms.Filled, recorded: Recorded) -> Recorded:
        """What the form says now: it stayed open if Slack was not answered in time.

        An entry that was edited since stays as it is: an echo of the form must not undo that.
        """
        first = recorded.failure
        if first.version > 1:
            return recorded
        own = frozenset({first.channel_id})
        return self._bot.service.revise(
            first.number,
            filled.draft(first.draft()),
            viewer=Viewer(team_id=actor.team_id, user_id=actor.user_id, channel_ids=own),
            is_admin=False,
            now=self._bot.now(),
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


def _submitter(body: Body, origin: forms.Origin) -> Actor:
    """Who sent the form, in the place where it was opened."""
    return replace(
        actor_of(body),
        channel_id=origin.channel_id,
        hint=origin.hint,
        response_url=origin.response_url,
    )
