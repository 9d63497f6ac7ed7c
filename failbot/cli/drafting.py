"""An entry's fields as options: what `log` and `edit` have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from failbot.models import Explanation, ExplanationStatus
from failbot.taxonomy import MODES, Outcome
from failbot.text import clean

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option("--tried", help="What you tried and expected."),
    click.option("--happened", help="What happened instead."),
    click.option("--title", help="Made from what happened, if you give none."),
    click.option("--outcome", type=click.Choice([one.value for one in Outcome])),
    click.option("--explanation", multiple=True, help="Why it happened, as far as you know."),
    click.option(
        "--status",
        type=click.Choice([one.value for one in ExplanationStatus]),
        default="open",
        show_default=True,
        help="How the explanations stand.",
    ),
    click.option("--evidence", default="", help="What speaks for or against the explanation."),
    click.option("--lesson", help="What to do differently."),
    click.option("--mode", "modes", multiple=True, type=click.Choice(list(MODES)), metavar="CODE"),
    click.option("--valid-while", help="What would make it worth retrying."),
    click.option("--tag", "tags", multiple=True),
    click.option("--link", "links", multiple=True),
    click.option("--cost", help="Time, money, GPU hours."),
    click.option(
        "--asked-like",
        multiple=True,
        metavar="TEXT",
        help="How someone would ask about it; may be given several times.",
    ),
    click.option("--external-id", help="Your own id: the same one is never logged twice."),
)


def field_options(command: Command) -> Command:
    """The command with an option for each field of an entry."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def given_fields(
    fields: Mapping[str, Any], *, explanation: tuple[str, ...], status: str, evidence: str
) -> dict[str, Any]:
    """The fields of a draft that the options give; those that were not given are not there."""
    given = {name: _clean(value) for name, value in fields.items() if value}
    if explanation:
        given["explanations"] = tuple(
            Explanation(
                text=clean(text), status=ExplanationStatus(status), evidence=clean(evidence)
            )
            for text in explanation
        )
    if "outcome" in given:
        given["outcome"] = Outcome(given["outcome"])
    return given


def _clean(value: str | tuple[str, ...]) -> Any:
    return clean(value) if isinstance(value, str) else tuple(map(clean, value))
