"""`edit`: another text for an entry, from options or in an editor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import click

from failbot.cli import output
from failbot.cli.drafting import field_options, given_fields
from failbot.cli.session import Session, now, number_of, pass_session
from failbot.errors import DraftError, InputError
from failbot.fields import about, as_dict
from failbot.models import Draft, ExpectedQuestion, Failure, Recorded, Viewer
from failbot.text import clean

CLEARABLE = tuple(part.name for part in fields(Draft) if not about(part).is_required)
QUESTIONS = "questions"


@click.command()
@click.argument("reference")
@field_options
@click.option(
    "--clear",
    "cleared",
    multiple=True,
    type=click.Choice([*CLEARABLE, QUESTIONS]),
    help="Empty this field; may be given several times.",
)
@click.option("--everything", is_flag=True, help="Anybody's, private ones too: you hold the data.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@pass_session
def edit(
    session: Session,
    /,
    reference: str,
    cleared: tuple[str, ...],
    everything: bool,
    as_json: bool,
    explanation: tuple[str, ...],
    status: str,
    evidence: str,
    asked_like: tuple[str, ...],
    **options: Any,
) -> None:
    """Change an entry, such as F-12; the version before is kept.

    Options take the place of what a field holds: give all of a list. Without any, it opens your
    editor ($EDITOR) with the fields as JSON.
    """
    given = given_fields(options, explanation=explanation, status=status, evidence=evidence)
    number = number_of(reference)
    with session.memory(everything=everything) as memory:
        viewer = memory.viewer
        before = memory.service.editable(number, viewer=viewer, is_admin=False)
        asked = memory.service.expected([number], viewer=viewer).get(number, ())
        if given or cleared or asked_like:
            draft = replace(before.draft(), **(_empty(cleared) | given))
            questions = _questions(asked_like, cleared)
            recorded = memory.service.revise(
                number, draft, viewer=viewer, is_admin=False, now=now(), questions=questions
            )
        else:
            recorded = _edited(memory.service, before, asked, viewer=viewer)
    _tell(recorded, before, as_json=as_json)


def _empty(cleared: tuple[str, ...]) -> dict[str, Any]:
    blank = Draft(tried="", happened="")
    return {name: getattr(blank, name) for name in cleared if name != QUESTIONS}


def _questions(asked_like: tuple[str, ...], cleared: tuple[str, ...]) -> list[str] | None:
    """What they are from now on; None where nothing was said of them."""
    if asked_like:
        return [clean(one) for one in asked_like]
    return [] if QUESTIONS in cleared else None


def _edited(
    service: Any, before: Failure, asked: tuple[ExpectedQuestion, ...], *, viewer: Viewer
) -> Recorded:
    """What became of the text in the editor, opened again as long as it cannot be taken."""
    told = as_dict(before.draft()) | {QUESTIONS: [one.text for one in asked]}
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    while True:
        written = click.edit(text, extension=".json")
        if written is None or not written.strip() or written == text:
            return Recorded(failure=before, is_new=False, redacted=())
        text = written
        try:
            draft, questions = _parsed(written)
            return service.revise(  # type: ignore[no-any-return]  # a Service, imported late
                before.number,
                draft,
                viewer=viewer,
                is_admin=False,
                now=now(),
                questions=questions,
            )
        except (DraftError, InputError) as error:
            output.warn(str(error))
            if not click.confirm("Open it again?", default=True, err=True):
                raise


def _parsed(text: str) -> tuple[Draft, list[str]]:
    from failbot.files.importing import entry_of

    try:
        cells: Mapping[str, object] = json.loads(text)
        entry = entry_of(dict(cells))
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"this is no JSON object ({error})") from error
    return entry.draft, list(entry.questions)


def _tell(recorded: Recorded, before: Failure, *, as_json: bool) -> None:
    failure = recorded.failure
    if as_json:
        told = {"reference": failure.reference, "version": failure.version}
        output.emit_json({**told, "redacted": list(recorded.redacted)})
        return
    if failure.version > before.version:
        click.echo(f"{failure.reference} is saved, as version {failure.version}.")
    else:
        click.echo(f"{failure.reference}: its text is as it was.")
    if recorded.redacted:
        output.warn(f"taken out before it was stored: {', '.join(recorded.redacted)}.")


COMMANDS = (edit,)
