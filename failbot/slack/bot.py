"""What every listener and worker holds, and who it acts for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slack_sdk import WebClient

from failbot.errors import InputError
from failbot.memory.service import Service
from failbot.models import Place, Viewer, Visibility
from failbot.slack.calls import SLACK_FAILURES
from failbot.slack.jobs.delivery import whisper
from failbot.slack.places import Places
from failbot.slack.views.blocks import Message
from failbot.store.base import Inbox, Outbox, ShownMessages


@dataclass(slots=True)
class Identity:
    """Who the bot is, once Slack has said so; until then its fields are empty."""

    team_id: str = ""
    user_id: str = ""
    bot_id: str = ""
    refusal: str = ""  # Slack's name of why it refuses the token


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Someone who typed a command, pressed a button or submitted a form, and where."""

    team_id: str
    user_id: str
    channel_id: str = ""
    hint: str = ""  # what the payload calls the channel
    trigger_id: str = ""
    response_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """failbot's parts, for the Slack side; any thread."""

    service: Service
    inbox: Inbox
    outbox: Outbox
    shown: ShownMessages
    places: Places
    client_for: Callable[[str], WebClient]  # a workspace's, without retries: see delivery
    now: Callable[[], datetime]
    knock: Callable[[str], None]  # tells whoever does this kind of job that there is one
    identity: Identity = field(default_factory=Identity)

    def tell(self, actor: Actor, message: Message, *, replace: bool = False) -> None:
        """Shows the message to the actor alone."""
        whisper(
            self.client_for(actor.team_id),
            message,
            user_id=actor.user_id,
            channel_id=actor.channel_id,
            response_url=actor.response_url,
            replace=replace,
        )

    def later(
        self, kind: str, payload: dict[str, object], *, team_id: str, keys: Sequence[str]
    ) -> bool:
        """Whether this is new work; committed, and taken up by a worker at once.

        It waits its turn among the jobs of the channel that its payload names.
        """
        is_new = self.inbox.add(
            kind,
            payload,
            team_id=team_id,
            keys=keys,
            now=self.now(),
            channel_id=string_in(payload, "channel_id"),
        )
        self.knock(kind)
        return is_new

    def viewer(self, actor: Actor) -> Viewer:
        """What the actor may see. :raises NotAllowedError: an outsider, or unknown."""
        return self.places.admit(actor.team_id, actor.user_id)

    def is_admin(self, actor: Actor) -> bool:
        return self.places.person(actor.team_id, actor.user_id).is_admin

    def place(self, actor: Actor) -> Place:
        """Where the actor writes, as of now: what is stored is what Slack says at this moment.

        Where it does not answer, unsure: nobody who writes waits for Slack, or writes in vain.
        """
        try:
            return self.places.place_of(
                actor.team_id, actor.channel_id, hint=actor.hint, within_s=0.0
            )
        except SLACK_FAILURES as error:
            logger.warning("Slack did not say what channel this is: %s", type(error).__name__)
            return Place(
                team_id=actor.team_id,
                channel_id=actor.channel_id,
                visibility=Visibility.CHANNEL,
                is_unsure=True,
            )


def actor_of(body: Mapping[str, object]) -> Actor:
    """Who acts, in the payload of a command, an action, a shortcut, a view or an event.

    :raises InputError: the payload names nobody.
    """
    user, channel, event = _part(body, "user"), _part(body, "channel"), _part(body, "event")
    user_id = string_in(body, "user_id") or string_in(user, "id") or string_in(event, "user")
    if not user_id:
        raise InputError("Slack did not say who this is from; try again")
    return Actor(
        team_id=string_in(_part(body, "team"), "id")
        or string_in(body, "team_id")
        or string_in(user, "team_id"),
        user_id=user_id,
        channel_id=string_in(body, "channel_id")
        or string_in(channel, "id")
        or string_in(_part(body, "container"), "channel_id"),
        hint=string_in(body, "channel_name") or string_in(channel, "name"),
        trigger_id=string_in(body, "trigger_id"),
        response_url=string_in(body, "response_url"),
    )


def _part(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def string_in(body: Mapping[str, object], name: str) -> str:
    """A payload's string, or "" where it has none: payloads are Slack's to change."""
    value = body.get(name)
    return value if isinstance(value, str) else ""
