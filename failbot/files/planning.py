"""How a file's columns become fields: what the options say, and what feeds what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from failbot.errors import InputError
from failbot.fields import kinds
from failbot.models import Draft
from failbot.taxonomy import Outcome

# A column is named as its field, but for this one: a row has one explanation, not a list.
COLUMN = {"explanations": "explanation"}
# Beside the draft's own fields, how someone would ask about it.
FIELDS = (*(COLUMN.get(name, name) for name in kinds(Draft)), "questions")
# Other names of a field. The last two are what people write, or an export.
ALIASES = {"id": "external_id", "why": "explanation"} | COLUMN


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a file's columns become fields.

    `maps` are (column, field) as given: several columns of one text field are joined as lines
    "column: value"; one column may feed several fields. A column that bears a field's name feeds
    it unless either is mapped. `wheres` are (column, value, whether it must be equal). `outcomes`
    translates a file's words into outcomes; "*" stands for all others, "" for none.
    """

    maps: tuple[tuple[str, str], ...] = ()
    wheres: tuple[tuple[str, str, bool], ...] = ()
    outcomes: dict[str, str] = field(default_factory=dict)
    publish: bool = False  # take entries that their export calls private


def parse_plan(
    maps: Sequence[str] = (),
    wheres: Sequence[str] = (),
    outcomes: Sequence[str] = (),
    *,
    publish: bool = False,
) -> Plan:
    """The plan that the options say. :raises InputError: naming the option that cannot be read."""
    return Plan(
        maps=tuple(_map(text) for text in maps),
        wheres=tuple(_where(text) for text in wheres),
        outcomes=dict(_outcome_word(text) for text in outcomes),
        publish=publish,
    )


def feeds(column: str, plan: Plan) -> tuple[str, ...]:
    """The fields that a column feeds."""
    mapped = tuple(name for source, name in plan.maps if source == column)
    own = ALIASES.get(column, column)
    if mapped or own not in FIELDS or any(name == own for _, name in plan.maps):
        return mapped
    return (own,)


def _map(text: str) -> tuple[str, str]:
    column, sign, name = text.rpartition("=")
    name = ALIASES.get(name.strip(), name.strip())
    if not sign or not column.strip() or name not in FIELDS:
        raise InputError(f"--map {text!r}: must be COLUMN=FIELD; fields: {', '.join(FIELDS)}")
    return column.strip(), name


def _where(text: str) -> tuple[str, str, bool]:
    column, sign, value = text.partition("=")
    if not sign or not column.rstrip("!").strip():
        raise InputError(f"--where {text!r}: must be COLUMN=VALUE or COLUMN!=VALUE")
    return column.rstrip("!").strip(), value.strip(), not column.endswith("!")


def _outcome_word(text: str) -> tuple[str, str]:
    word, sign, outcome = text.rpartition("=")
    if not sign or (outcome and outcome.lower() not in tuple(Outcome)):
        raise InputError(
            f"--outcome {text!r}: must be WORD=OUTCOME; outcomes: {', '.join(Outcome)}, "
            "or nothing for none"
        )
    return word.strip(), outcome.lower()
