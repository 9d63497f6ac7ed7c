"""The form in which a failure is logged or edited: a draft to a view, and what was typed back.

Pure. Sizes from docs.slack.dev, "Views" and "Plain-text input element".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from failbot.errors import DraftError, FailbotError, InputError
from failbot.fields import as_dict, from_dict
from failbot.models import TITLE_LIMIT, Draft, ExpectedQuestion, Explanation, ExplanationStatus
from failbot.taxonomy import MODES, Outcome
from failbot.text import clean

CALLBACK = "failure_form"
LOADING = "failure_loading"  # a view that takes nothing: the form follows in its place
INPUT_LIMIT = 3_000  # characters of one plain-text input
METADATA_LIMIT = 3_000
OPTION_LIMIT = 75
ERROR_LIMIT = 300
REMARK_LIMIT = 500
MODES_AT_MOST = 3

Chosen = TypeVar("Chosen", bound=Enum)
Block = dict[str, object]
State = Mapping[str, Mapping[str, Mapping[str, object]]]

NEW = Draft(tried="", happened="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a form was opened and what it edits; Slack carries it as private_metadata."""

    channel_id: str
    hint: str = ""  # what the payload calls the channel
    number: int = 0  # of the failure being edited; 0 for a new one
    response_url: str = ""  # where the author can be answered alone, for half an hour

    def to_json(self) -> str:
        whole = json.dumps(as_dict(self))
        return whole if len(whole) <= METADATA_LIMIT else replace(self, response_url="").to_json()

    @classmethod
    def from_json(cls, metadata: str) -> Origin:
        """Also of a form that was open while failbot was upgraded. :raises InputError: not ours."""
        try:
            return from_dict(cls, json.loads(metadata))
        except (ValueError, InputError) as error:
            raise InputError("this form is out of date; open a new one with /failure") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text input of the form, named as the draft's field."""

    name: str
    label: str
    placeholder: str
    multiline: bool = True
    optional: bool = True
    limit: int = INPUT_LIMIT


TRIED = Text(
    name="tried",
    label="What we tried and expected",
    placeholder="Distilled the 7B into a 1B on our logs; expected to keep 95 % of its accuracy",
    optional=False,
)
HAPPENED = Text(
    name="happened",
    label="What happened instead",
    placeholder="Kept 71 %. The loss looked fine; every long input was cut at 512 tokens",
    optional=False,
)
WHY = Text(name="why", label="Why, as far as you know", placeholder="The tokeniser was the old one")
LESSON = Text(
    name="lesson", label="Lesson", placeholder="What would you tell someone about to try this?"
)
LINKS = Text(name="links", label="Links", placeholder="https://… one a line")
TAGS = Text(
    name="tags", label="Tags", placeholder="distillation, tokeniser", multiline=False, limit=1_000
)
COST = Text(
    name="cost", label="Cost", placeholder="3 days, 200 GPU hours", multiline=False, limit=300
)
TITLE = Text(
    name="title",
    label="Title",
    placeholder="Made from what happened if left empty",
    multiline=False,
    limit=TITLE_LIMIT,
)
QUESTIONS = Text(
    name="questions",
    label="How would someone ask about this?",
    placeholder="the small model forgets everything after half a page; one question a line",
)
PLAIN = (TRIED, HAPPENED, LESSON, COST, TITLE)  # inputs that hold a draft's field as it is


def failure_form(
    draft: Draft,
    origin: Origin,
    *,
    may_post: bool = True,
    questions: Sequence[ExpectedQuestion] = (),
    remark: str = "",
) -> dict[str, object]:
    """The view for a new failure, filled from `draft`, or for the failure that `origin` names.

    :param may_post: whether to offer a card in the channel; never offered when editing.
    :param remark: stands above all else: who filled it in, or why nobody did.
    :param questions: its expected ones, of whatever origin, to be kept, changed or removed.
    """
    is_new = not origin.number
    values = _values(draft) | {"questions": "\n".join(one.text for one in questions)}
    blocks = [_text_block(one, values[one.name], is_new=is_new) for one in (TRIED, HAPPENED)]
    blocks += [
        _outcome_block(draft),
        _text_block(WHY, values["why"], is_new=is_new),
        _status_block(draft),
        _modes_block(draft),
        *(
            _text_block(one, values[one.name], is_new=is_new)
            for one in (LESSON, LINKS, TAGS, COST, TITLE, QUESTIONS)
        ),
    ]
    if is_new and may_post:
        blocks.append(_post_block())
    if remark:
        blocks.insert(0, _remark_block(remark))
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "title": _plain("Log a failure" if is_new else f"Edit F-{origin.number}"),
        "submit": _plain("Log it" if is_new else "Save"),
        "close": _plain("Cancel"),
        "private_metadata": origin.to_json(),
        "blocks": blocks,
    }


def loading_view(words: str) -> dict[str, object]:
    """What is shown while a draft is made; closing it leaves nothing behind."""
    return {
        "type": "modal",
        "callback_id": LOADING,
        "title": _plain("Log a failure"),
        "close": _plain("Cancel"),
        "blocks": [_remark_block(words)],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A submitted form: its state by block, and where it came from."""

    origin: Origin
    state: State

    @property
    def posts_card(self) -> bool:
        """Whether the author left the card ticked; no where the form did not offer it."""
        return bool(_element(self.state, "post").get("selected_options"))

    @property
    def questions(self) -> tuple[str, ...] | None:
        """The expected questions, a line each; None where the form did not show them."""
        if "questions" not in self.state:
            return None
        lines = (line.strip() for line in _text(self.state, "questions").splitlines())
        return tuple(dict.fromkeys(line for line in lines if line))

    def draft(self, before: Draft = NEW) -> Draft:
        """`before` with what the form showed; what it did not show stays as it was.

        :raises DraftError: a choice that the form does not offer.
        """
        state = self.state
        typed: dict[str, Any] = {
            one.name: _text(state, one.name, getattr(before, one.name)) for one in PLAIN
        }
        explanations = _explanations(state, before.explanations)
        draft = replace(before, **typed, explanations=explanations)
        if "outcome" in state:
            draft = replace(draft, outcome=_choice(state, "outcome", Outcome))
        if "modes" in state:
            draft = replace(draft, modes=_choices(state, "modes"))
        if "links" in state:
            draft = replace(draft, links=_items(_text(state, "links").splitlines()))
        if "tags" in state:
            draft = replace(draft, tags=_items(_text(state, "tags").split(",")))
        return draft


def read(view: Mapping[str, object]) -> Filled:
    """The submitted form in a view_submission payload's `view`. :raises InputError: not ours."""
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    if not isinstance(values, dict):
        raise InputError("the form came back empty; open a new one with /failure")
    return Filled(origin=Origin.from_json(str(view.get("private_metadata") or "")), state=values)


def errors(error: FailbotError, view: Mapping[str, object]) -> dict[str, str]:
    """What is wrong, by the block that it is shown beside; Slack keeps all that was typed.

    Never empty, and never names a block that the view lacks: Slack would refuse either.
    """
    blocks = view.get("blocks")
    present = [
        str(block["block_id"])
        for block in (blocks if isinstance(blocks, list) else [])
        if isinstance(block, dict) and block.get("type") == "input" and block.get("block_id")
    ] or [HAPPENED.name]
    problems = error.problems if isinstance(error, DraftError) else {present[0]: error.for_people}
    found: dict[str, str] = {}
    for name, words in problems.items():
        block_id = "why" if name == "explanations" else name
        if block_id not in present:
            block_id, words = present[0], f"{name}: {words}"
        found[block_id] = "; ".join(filter(None, [found.get(block_id), words]))[:ERROR_LIMIT]
    return found


def _values(draft: Draft) -> dict[str, str]:
    """What each text input shows of the draft."""
    values: dict[str, str] = {one.name: getattr(draft, one.name) for one in PLAIN}
    values["why"] = draft.explanations[0].text if draft.explanations else ""
    values["links"] = "\n".join(draft.links)
    values["tags"] = ", ".join(draft.tags)
    return values


def _text_block(field: Text, value: str, *, is_new: bool) -> Block:
    """The input; where an existing text is too long for one, a note that it stays as it is."""
    value = clean(value)
    if len(value) > field.limit and not is_new:
        return _kept_block(field, len(value))
    element: Block = {
        "type": "plain_text_input",
        "action_id": field.name,
        "multiline": field.multiline,
        "max_length": field.limit,
        "placeholder": _plain(field.placeholder),
    }
    if value:
        shown = value if field.multiline else " ".join(value.split())
        element["initial_value"] = _cut(shown, field.limit)
    return _input(field.name, field.label, element, optional=field.optional)


def _kept_block(field: Text, size: int) -> Block:
    words = f"{field.label}: {size:,} characters are too many for a form; the text stays as it is."
    return {"type": "section", "text": _plain(words)}


def _remark_block(words: str) -> Block:
    return {"type": "section", "text": _plain(_cut(clean(words), REMARK_LIMIT))}


def _outcome_block(draft: Draft) -> Block:
    element = _select("outcome", "How it ended", [_option(one.value) for one in Outcome])
    if draft.outcome:
        element["initial_option"] = _option(draft.outcome.value)
    return _input("outcome", "Outcome", element)


def _status_block(draft: Draft) -> Block:
    options = [_option(one.value) for one in ExplanationStatus]
    element = _select("why_status", "How sure that is", options)
    if draft.explanations:
        element["initial_option"] = _option(draft.explanations[0].status.value)
    return _input("why_status", "That explanation is", element)


def _modes_block(draft: Draft) -> Block:
    element: Block = {
        "type": "multi_static_select",
        "action_id": "modes",
        "placeholder": _plain(f"Up to {MODES_AT_MOST}, if any fits"),
        "options": [_mode_option(mode) for mode in MODES],
        "max_selected_items": max(MODES_AT_MOST, len(draft.modes)),
    }
    if draft.modes:
        element["initial_options"] = [_mode_option(mode) for mode in draft.modes]
    return _input("modes", "Kind of failure", element)


def _post_block() -> Block:
    option = {"text": _plain("Post a card in this channel"), "value": "post"}
    element: Block = {
        "type": "checkboxes",
        "action_id": "post",
        "options": [option],
        "initial_options": [option],
    }
    return _input("post", "Share", element)


def _input(block_id: str, label: str, element: Block, *, optional: bool = True) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": _plain(label),
        "element": element,
        "optional": optional,
    }


def _select(action_id: str, placeholder: str, options: list[Block]) -> Block:
    return {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": _plain(placeholder),
        "options": options,
    }


def _option(value: str) -> Block:
    return {"text": _plain(value.capitalize()), "value": value}


def _mode_option(mode: str) -> Block:
    return {"text": _plain(_cut(MODES[mode].capitalize(), OPTION_LIMIT)), "value": mode}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _element(state: State, name: str) -> Mapping[str, object]:
    """What Slack says of the input `name`, whose block and action share that name."""
    found = state.get(name, {}).get(name, {})
    return found if isinstance(found, Mapping) else {}


def _text(state: State, name: str, before: str = "") -> str:
    """What was typed; `before` where the form has no such input."""
    if name not in state:
        return before
    value = _element(state, name).get("value")
    return clean(value).strip() if isinstance(value, str) else ""


def _items(parts: Iterable[str]) -> tuple[str, ...]:
    """The parts without blanks and doubles, in their order; a tag's # and a link's <> go."""
    items = (part.strip(" \t\n<>#") for part in parts)
    return tuple(dict.fromkeys(item for item in items if item))


def _selected(option: object) -> str:
    return str(option.get("value", "")) if isinstance(option, Mapping) else ""


def _choices(state: State, name: str) -> tuple[str, ...]:
    options = _element(state, name).get("selected_options")
    return tuple(_selected(one) for one in options) if isinstance(options, list) else ()


def _choice(state: State, name: str, kind: type[Chosen]) -> Chosen | None:
    """:raises DraftError: a value that the form does not offer."""
    value = _selected(_element(state, name).get("selected_option"))
    try:
        return kind(value) if value else None
    except ValueError as error:
        raise DraftError({name: f"{value[:30]!r} is not one of the choices"}) from error


def _explanations(state: State, before: tuple[Explanation, ...]) -> tuple[Explanation, ...]:
    """The first explanation is the one in the form; an emptied one goes, further ones stay."""
    first = before[0] if before else Explanation(text="")
    text = _text(state, "why", first.text)
    status = first.status
    if "why_status" in state:
        status = _choice(state, "why_status", ExplanationStatus) or ExplanationStatus.OPEN
    if not text:
        return before[1:]
    return (replace(first, text=text, status=status), *before[1:])
