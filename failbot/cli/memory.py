"""`ask`, `log`, `show`, `list`, `digest`: the memory itself."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import click

from failbot.cli import output
from failbot.cli.drafting import field_options, given_fields
from failbot.cli.explaining import show_explanation
from failbot.cli.session import (
    Memory,
    Session,
    login,
    now,
    number_of,
    pass_session,
    read_input,
)
from failbot.errors import InputError, ModelError, ReaderError
from failbot.fields import as_dict
from failbot.files import exporting
from failbot.models import (
    Answer,
    Draft,
    Failure,
    Hit,
    QuestionOrigin,
    Recorded,
    Viewer,
    Visibility,
    said,
)
from failbot.text import clean

PATIENCE_S = 120.0  # someone waits at the terminal, and words alone would be the worse answer

as_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output."
)
everything = click.option(
    "--everything", is_flag=True, help="See private entries too: you hold the data."
)


@click.command()
@click.argument("text", nargs=-1)
@click.option("--limit", default=3, show_default=True, type=click.IntRange(1, 200))
@click.option(
    "--share",
    is_flag=True,
    help="Keep the question: if nobody knows, the weekly digest passes it on.",
)
@click.option("--explain", is_flag=True, help="Say what scores and probabilities are made of.")
@as_json
@everything
@pass_session
def ask(
    session: Session,
    text: tuple[str, ...],
    limit: int,
    share: bool,
    explain: bool,
    as_json: bool,
    everything: bool,
) -> None:
    """Has anyone seen this problem? TEXT is a sentence, an error message, a plan.

    Without TEXT, or with -, it reads standard input.
    """
    question = _typed(" ".join(text), "question")
    with session.memory(everything=everything) as memory:
        memory.embed_new()
        answer = memory.service.ask(
            question,
            viewer=memory.viewer,
            patience_s=PATIENCE_S,
            limit=max(limit, 10),
            is_private=memory.place.visibility is not Visibility.WORKSPACE,
        )
        if share:
            memory.service.keep_question(
                question,
                answer,
                place=memory.place,
                user_id=memory.viewer.user_id,
                message_ts="",
                now=now(),
            )
    if as_json:
        output.emit_json(exporting.answer_as_dict(answer, limit=limit, explain=explain))
    else:
        _tell_answer(answer, limit=limit, explain=explain)


def _tell_answer(answer: Answer, *, limit: int, explain: bool) -> None:
    output.show_answer(answer, limit=limit)
    if explain:
        show_explanation(answer, limit=limit)
    if answer.caveat:
        output.warn(answer.caveat)


def _typed(text: str, what: str) -> str:
    return read_input(what) if text.strip() in ("", "-") else clean(text)


@click.command()
@click.argument("source", required=False, metavar="[-]")
@field_options
@click.option("--author", help="Who logs it, such as a Slack user id.  [default: your login name]")
@as_json
@pass_session
def log(
    session: Session,
    /,
    source: str | None,
    author: str | None,
    as_json: bool,
    explanation: tuple[str, ...],
    status: str,
    evidence: str,
    asked_like: tuple[str, ...],
    **fields: Any,
) -> None:
    """Log a failure: what you tried and expected, and what happened instead.

    Asks for these two on a terminal. From standard input (piped, or with -) it takes a JSON
    object with the fields' names, or text: the first paragraph is what you tried, the rest what
    happened.
    """
    if source not in (None, "-"):
        raise click.UsageError("say --tried and --happened, or pipe the text in")
    given = given_fields(fields, explanation=explanation, status=status, evidence=evidence)
    draft, questions = _said(given, from_input=source == "-")
    questions |= dict.fromkeys(map(clean, asked_like), QuestionOrigin.AUTHOR)
    with session.memory() as memory:
        recorded = memory.service.record(
            replace(draft, **given),
            place=memory.place,
            author_id=author or login(),
            now=now(),
            questions=questions,
        )
        if not as_json:  # before the model loads
            _tell_logged(recorded)
        similar = _similar(memory, recorded.failure) if recorded.is_new else None
    if as_json:
        _emit_logged(recorded, similar.shown() if similar else ())
    elif similar:
        output.show_similar(similar)


@click.command()
@click.argument("text", nargs=-1)
@pass_session
def draft(session: Session, text: tuple[str, ...]) -> None:
    """Make a draft of a thread or a pasted log, for you to change.

    It prints the fields as JSON and stores nothing; `failbot log -` takes them back. Without a
    language model (FAILBOT_LLM_URL) all of the text is what happened.
    """
    told = _typed(" ".join(text), "thread or log")
    with session.memory() as memory:
        is_private = memory.place.visibility is not Visibility.WORKSPACE
        try:
            made = memory.service.draft_from(told, is_private=is_private)
        except ReaderError as error:
            output.warn(f"Without the language model ({error}).")
            made = Draft(tried="", happened=told)
    output.emit_json(as_dict(made))


def _said(given: dict[str, Any], *, from_input: bool) -> tuple[Draft, dict[str, QuestionOrigin]]:
    """The mandatory texts: as options, from a person at the terminal, or from standard input.

    An object there may hold questions beside the draft.
    """
    tried, happened = given.get("tried", ""), given.get("happened", "")
    if tried and happened and not from_input:
        return Draft(tried=tried, happened=happened), {}
    if sys.stdin is not None and sys.stdin.isatty() and not from_input:
        tried = tried or click.prompt("What did you try, and expect")
        return Draft(tried=tried, happened=happened or click.prompt("What happened instead")), {}
    text = read_input("failure")
    if text.startswith("{"):
        return _parsed_object(text)
    return _parsed(text, tried=tried, happened=happened), {}


def _parsed_object(text: str) -> tuple[Draft, dict[str, QuestionOrigin]]:
    from failbot.files.importing import entry_of

    try:
        entry = entry_of(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InputError(f"standard input begins like JSON, but is not ({error})") from error
    return entry.draft, dict(entry.questions)


def _parsed(text: str, *, tried: str, happened: str) -> Draft:
    if tried:
        return Draft(tried=tried, happened=text)
    if happened:
        return Draft(tried=text, happened=happened)
    first, *rest = re.split(r"\n\s*\n", text, maxsplit=1)
    if not rest:
        first, *rest = text.split("\n", 1)
    return Draft(tried=first.strip(), happened="".join(rest).strip())


def _similar(memory: Memory, failure: Failure) -> Answer | None:
    """Earlier failures like it; None where the model cannot be used: it is logged all the same."""
    try:
        memory.embed_new()
        return memory.service.similar(failure, viewer=memory.viewer)
    except ModelError as error:
        output.warn(str(error))
        return None


def _tell_logged(recorded: Recorded) -> None:
    failure = recorded.failure
    if recorded.is_new:
        click.echo(f"{failure.reference} logged: {clean(failure.name)}")
    else:
        click.echo(f"{failure.reference} holds this already; nothing was changed.")
    if recorded.redacted:
        output.warn(f"taken out before it was stored: {', '.join(recorded.redacted)}.")


def _emit_logged(recorded: Recorded, similar: tuple[Hit, ...]) -> None:
    output.emit_json(
        {
            "number": recorded.failure.number,
            "reference": recorded.failure.reference,
            "is_new": recorded.is_new,
            "redacted": list(recorded.redacted),
            "similar": [exporting.hit_as_dict(hit) for hit in similar],
        }
    )


@click.command()
@click.argument("reference")
@click.option("--versions", is_flag=True, help="Every version, oldest first.")
@as_json
@everything
@pass_session
def show(session: Session, reference: str, versions: bool, as_json: bool, everything: bool) -> None:
    """Show one entry, such as F-12."""
    number = number_of(reference)
    with session.memory(everything=everything) as memory:
        failure = memory.service.show(number, viewer=memory.viewer)
        questions = memory.service.expected([number], viewer=memory.viewer).get(number, ())
        history = memory.service.versions(number, viewer=memory.viewer) if versions else []
    drafts = [
        replace(failure, **said(one.draft), version=one.number, updated_at=one.changed_at)
        for one in history
    ]
    if as_json:
        shown = exporting.with_questions(failure, questions)
        if versions:
            shown["versions"] = [
                exporting.failure_as_dict(old) | {"changed_by": one.changed_by}
                for old, one in zip(drafts, history, strict=True)
            ]
        output.emit_json(shown)
        return
    for old, one in zip(drafts, history, strict=True):
        click.secho(f"Version {one.number}, by {output.named(one.changed_by)}", dim=True)
        output.show_failure(old)
        click.echo()
    if not versions:
        output.show_failure(failure)
        output.show_expected(questions)


@click.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--author", default="", help="Only this person's, such as cli:ann or a Slack id.")
@click.option("--search", default="", metavar="WORDS", help="Only entries that hold all of these.")
@as_json
@everything
@pass_session
def list_(
    session: Session, limit: int, author: str, search: str, as_json: bool, everything: bool
) -> None:
    """List entries, newest first; with --search, best match first."""
    with session.memory(everything=everything) as memory:
        service, viewer = memory.service, memory.viewer
        if search:
            found = service.search(search, viewer=viewer, limit=10_000 if author else limit)
            found = [one for one in found if not author or one.author_id == author][:limit]
            total = len(found)
        else:
            found = service.newest(viewer=viewer, limit=limit, author_id=author)
            total = service.count(viewer=viewer, author_id=author)
    if as_json:
        entries = [exporting.failure_as_dict(one) for one in found]
        output.emit_json({"total": total, "failures": entries})
        return
    output.show_list(found)
    if not found:
        output.note("Nothing yet: log the first one with `failbot log`.")
    elif total > len(found):
        output.note(f"{len(found)} of {total:,}; more with --limit.")


@click.command()
@click.option("--week", metavar="2026-W47", help="An ISO week.  [default: the last seven days]")
@click.option("--channel", default="", metavar="ID", help="As this channel would get it.")
@as_json
@pass_session
def digest(session: Session, week: str | None, channel: str, as_json: bool) -> None:
    """Print the weekly digest, as a channel would get it."""
    until = _end_of(week) if week else now()
    with session.memory() as memory:
        audience = Viewer(
            team_id=memory.viewer.team_id,
            channel_ids=frozenset({channel}) if channel else frozenset(),
        )
        made = memory.service.digest(audience=audience, now=until, week=week or "")
    if as_json:
        output.emit_json(exporting.digest_as_dict(made))
    else:
        output.show_digest(made)


def _end_of(week: str) -> datetime:
    """The end of an ISO week, in UTC. :raises InputError: if it is none."""
    try:
        monday = datetime.strptime(f"{week}-1 +0000", "%G-W%V-%u %z")
    except ValueError as error:
        raise InputError(f"{week!r} is no ISO week; write it as 2026-W47") from error
    return monday + timedelta(days=7)


COMMANDS = (ask, log, draft, show, list_, digest)
