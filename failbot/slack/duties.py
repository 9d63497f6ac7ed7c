"""What a request of Slack's obliges the bot to do, as a job for the inbox. Pure.

Everything that Slack sends is such a duty, but for the sending of a form, which is answered with
what is wrong in it: a question, a command, a shortcut, a pressed button, an opened Home tab.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from failbot.errors import InputError
from failbot.fields import as_dict
from failbot.memory.redact import redact
from failbot.slack.bot import Actor, actor_of, string_in
from failbot.slack.commands import parse
from failbot.slack.events import QUESTION, asked_in, keys_of
from failbot.slack.manifest import COMMAND, SHORTCUT
from failbot.slack.views import answers, cards
from failbot.text import clean

# Kinds of jobs, besides `QUESTION`.
OPEN_FORM = "open_form"
REPLY = "reply"  # to a command
GIVE_FEEDBACK = "give_feedback"
DELETE = "delete"
KEEP = "keep"
SHOW_HOME = "show_home"

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """The payload of these jobs: what someone did, where; without the secrets in it.

    `text` is what they typed after the command, or what the form is to hold. `secrets` are the
    kinds that were taken out of it.
    """

    team_id: str
    user_id: str
    channel_id: str = ""
    hint: str = ""
    trigger_id: str = ""
    response_url: str = ""
    text: str = ""
    secrets: tuple[str, ...] = ()
    message_ts: str = ""  # of the message that is to become an entry; its text is as Slack's
    thread_ts: str = ""
    button: str = ""  # the action_id of the one that was pressed
    value: str = ""

    @property
    def actor(self) -> Actor:
        return Actor(
            team_id=self.team_id,
            user_id=self.user_id,
            channel_id=self.channel_id,
            hint=self.hint,
            trigger_id=self.trigger_id,
            response_url=self.response_url,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A job to be stored; `keys` are what tells it from any other, however often it is sent."""

    kind: str
    payload: dict[str, object]
    team_id: str
    keys: Sequence[str]


def duty_in(body: Body) -> Duty | None:
    """The duty in a request; None where there is none, or where it is to be answered at once.

    :raises InputError: the payload names nobody.
    """
    event = body.get("event")
    if isinstance(event, dict):
        return _in_event(body, event)
    if body.get("command") == COMMAND:
        return _in_command(body)
    if body.get("callback_id") == SHORTCUT and body.get("type") == "message_action":
        return _in_shortcut(body)
    return _in_button(body)


def is_ours(body: Body) -> bool:
    """Whether this is an event of a type that failbot takes, be there a duty in it or not."""
    event = body.get("event")
    return isinstance(event, dict) and event.get("type") in EVENTS


def _in_event(body: Body, event: Body) -> Duty | None:
    make = EVENTS.get(str(event.get("type")))
    return make(body) if make else None


def _question(body: Body) -> Duty | None:
    asked = asked_in(body)
    if asked is None:
        return None
    return Duty(
        kind=QUESTION,
        payload=as_dict(asked),
        team_id=asked.team_id,
        keys=keys_of(body, asked),
    )


def _opened_home(body: Body) -> Duty | None:
    return _duty(SHOW_HOME, body) if body["event"].get("tab", "home") == "home" else None


EVENTS: dict[str, Callable[[Body], Duty | None]] = {
    "app_mention": _question,
    "message": _question,
    "app_home_opened": _opened_home,
}


def _in_command(body: Body) -> Duty:
    """A form is opened before all else: Slack takes it within three seconds only."""
    text, secrets = redact(string_in(body, "text"))
    try:
        command = parse(text)
    except InputError:
        return _duty(REPLY, body, text=text)  # which says what to type instead
    if command.verb == "form":
        return _duty(OPEN_FORM, body, text=command.text, secrets=tuple(secrets))
    return _duty(REPLY, body, text=text)


def _in_shortcut(body: Body) -> Duty:
    message = body.get("message")
    said = message if isinstance(message, dict) else {}
    text, secrets = redact(_written(said))
    return _duty(
        OPEN_FORM,
        body,
        text=text,
        secrets=tuple(secrets),
        message_ts=string_in(said, "ts"),
        thread_ts=string_in(said, "thread_ts"),
    )


def _in_button(body: Body) -> Duty | None:
    actions = body.get("actions")
    for action in actions if isinstance(actions, list) else ():
        name = string_in(action, "action_id") if isinstance(action, dict) else ""
        kind = next((kind for wanted, kind in BUTTONS.items() if wanted(name)), "")
        if name == cards.EDIT:
            return _duty(REPLY, body, text=f"edit {string_in(action, 'value')}")
        if kind:
            text, _ = redact(clean(string_in(action, "value")))
            given = {"text": text} if kind == OPEN_FORM else {"value": text}
            return _duty(kind, body, button=name, **given)
    return None


BUTTONS: dict[Callable[[str], object], str] = {
    answers.WORD.match: GIVE_FEEDBACK,
    answers.LOG_IT.__eq__: OPEN_FORM,
    cards.DELETE.__eq__: DELETE,
    cards.KEEP.__eq__: KEEP,
}


def _duty(kind: str, body: Body, **more: Any) -> Duty:
    actor = actor_of(body)
    deed = Deed(
        team_id=actor.team_id,
        user_id=actor.user_id,
        channel_id=actor.channel_id,
        hint=actor.hint,
        trigger_id=actor.trigger_id,
        response_url=actor.response_url,
        **more,
    )
    told_apart = (("trigger", actor.trigger_id), ("event", string_in(body, "event_id")))
    return Duty(
        kind=kind,
        payload=as_dict(deed),
        team_id=actor.team_id,
        keys=[f"{name}:{value}" for name, value in told_apart if value],
    )


def _written(message: Body) -> str:
    """A message's text; a bot's alert often has it in its attachments only."""
    attachments = message.get("attachments")
    found = [one for one in attachments if isinstance(one, dict)] if attachments else []
    texts = [str(one.get("text") or one.get("fallback") or "") for one in found]
    return str(message.get("text") or "") or "\n".join(filter(None, texts))
