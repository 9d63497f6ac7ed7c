"""`import`, `export`, `rescan`, `reindex`, `setup`: the entries as a whole."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from failbot.cli import output
from failbot.cli.session import Memory, Session, login, now, pass_session, prepare_model
from failbot.errors import InputError, ModelError
from failbot.files import exporting, importing, tabular
from failbot.models import Failure, Recorded, Visibility, shorten

if TYPE_CHECKING:
    from failbot.memory.rescanning import Rescan

BAD_SHOWN = 10
LINES_NAMED = 20  # of those that held a secret; --json names all
SAMPLED = 5
ALL = 1_000_000_000

as_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output."
)


@click.command("import")
@click.argument("file")
@click.option("--format", "kind", type=click.Choice(tabular.FORMATS), help="[default: by suffix]")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="A column feeds a field; several may feed one, and one several.",
)
@click.option(
    "--where",
    "wheres",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only these rows; COLUMN!=VALUE for all but these.",
)
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    metavar="WORD=OUTCOME",
    help="What the file's word means; * for all others, and nothing after = for none.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be imported, and change nothing.")
@click.option("--skip-bad", is_flag=True, help="Leave out bad lines, instead of refusing the file.")
@click.option("--publish", is_flag=True, help="Take private entries of an export, for all to see.")
@click.option("--author", help="Who logged these.  [default: your login name]")
@as_json
@pass_session
def import_(
    session: Session,
    file: str,
    kind: str | None,
    maps: tuple[str, ...],
    wheres: tuple[str, ...],
    outcomes: tuple[str, ...],
    dry_run: bool,
    skip_bad: bool,
    publish: bool,
    author: str | None,
    as_json: bool,
) -> None:
    """Import failures from FILE: JSON Lines, CSV or TSV; - is standard input.

    All or nothing, unless --skip-bad. Columns that bear a field's name need no --map. A second
    import of the same file changes nothing.
    """
    plan = importing.parse_plan(maps, wheres, outcomes, publish=publish)
    with _opened(file) as stream:
        kind = kind or tabular.format_of(file, stream.peek(4096))
        reading = importing.read(tabular.rows(stream, format=kind), plan)
    for warning in reading.warnings:
        output.warn(warning)
    _report_bad(reading.bad, refuse=not (skip_bad or dry_run))
    counts = {"bad": len({bad.line for bad in reading.bad}), "left_out": reading.left_out}
    if dry_run:
        _report_dry(reading, counts, as_json=as_json)
        return
    with session.memory() as memory:
        imported = memory.service.record_many(
            reading.drafts,
            place=memory.place,
            author_id=author or login(),
            now=now(),
            questions=reading.questions,
            name="standard input" if file == "-" else Path(file).name,
        )
        new = sum(one.is_new for one in imported.recorded)
        counts = {"new": new, "already_there": len(imported.recorded) - new, **counts}
        redacted = _redacted(reading.entries, imported.recorded)
        _report_counts(counts, redacted, import_id=imported.id, as_json=as_json)
        _embed(memory)


@contextmanager
def _opened(file: str) -> Iterator[io.BufferedReader]:
    if file == "-":
        yield cast(io.BufferedReader, sys.stdin.buffer)
    else:
        with Path(file).open("rb") as stream:
            yield stream


def _report_bad(bad: Sequence[tabular.Bad], *, refuse: bool) -> None:
    for one in bad[:BAD_SHOWN]:
        output.note(str(one))
    if len(bad) > BAD_SHOWN:
        output.note(f"… and {len(bad) - BAD_SHOWN:,} more")
    if bad and refuse:
        raise InputError(
            f"nothing was imported, since {len({one.line for one in bad}):,} lines are bad; "
            "mend them, or leave them out with --skip-bad"
        )


def _report_dry(reading: importing.Reading, counts: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        output.emit_json({"would_import": len(reading.entries), **counts})
        return
    output.table(
        ("Line", "Title", "Tried", "Happened", "Outcome"),
        [
            (
                str(one.line),
                shorten(one.draft.name, 40),
                shorten(one.draft.tried, 60),
                shorten(one.draft.happened, 60),
                one.draft.outcome or "",
            )
            for one in reading.entries[:SAMPLED]
        ],
        headers_in_pipe=True,
    )
    output.note(
        f"{len(reading.entries):,} entries would be imported, {_words(counts)}. Nothing is changed."
    )


def _redacted(
    entries: Sequence[importing.Entry], recorded: Sequence[Recorded]
) -> dict[str, list[int]]:
    """The kinds of secrets that were taken out, and the lines of the entries that held each."""
    lines: dict[str, list[int]] = {}
    for entry, one in zip(entries, recorded, strict=True):
        for kind in one.redacted:
            lines.setdefault(kind, []).append(entry.line)
    return lines


def _report_counts(
    counts: dict[str, int], redacted: dict[str, list[int]], *, import_id: int, as_json: bool
) -> None:
    if as_json:
        output.emit_json({**counts, "import": import_id or None, "redacted": redacted})
        return
    click.echo(f"{_words(counts)}.")
    if import_id:
        output.note(f"This is import {import_id}; `failbot undo-import {import_id}` takes it back.")
    for kind, lines in redacted.items():
        named = ", ".join(map(str, lines[:LINES_NAMED])) + (", …" if lines[LINES_NAMED:] else "")
        output.warn(
            f"taken out before it was stored: {kind}, of {len(lines):,} entries (lines {named})."
        )


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _embed(memory: Memory) -> None:
    """The entries are kept by now: without a model they wait for one."""
    try:
        memory.embed_new()
    except ModelError as error:
        output.warn(str(error))


@click.command()
@click.option("--format", "kind", type=click.Choice(["jsonl", "csv"]), default="jsonl")
@click.option("--out", type=click.Path(dir_okay=False), help="[default: standard output]")
@click.option("--everything", is_flag=True, help="Private entries too: you hold the data.")
@pass_session
def export(session: Session, kind: str, out: str | None, everything: bool) -> None:
    """Export entries, oldest first: JSON Lines, which `import` takes back, or CSV.

    JSON Lines hold each entry's text, and say who wrote it and when; a new memory gives its own
    numbers and dates.
    """
    with session.memory(everything=True) as memory:
        found = memory.service.newest(viewer=memory.viewer, limit=ALL)
        shown = [one for one in reversed(found) if everything or _is_public(one)]
        questions = memory.service.expected([one.number for one in shown], viewer=memory.viewer)
    write = exporting.json_lines if kind == "jsonl" else exporting.csv_lines
    lines = write(shown, questions)
    if out:
        with Path(out).open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(lines)
    else:
        _print(lines)
    hidden = len(found) - len(shown)
    output.note(f"{len(shown):,} entries exported.")
    if hidden:
        output.note(f"{hidden:,} private entries left out; --everything takes them too.")


def _is_public(failure: Failure) -> bool:
    return failure.visibility is Visibility.WORKSPACE


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line.encode(), nl=False)  # bytes: CRLF stays CRLF, whatever the terminal


@click.command()
@as_json
@pass_session
def reindex(session: Session, as_json: bool) -> None:
    """Embed everything again with the model that is set, then search with it.

    May be interrupted: what is done stays done. A bot that serves meanwhile goes on answering.
    """
    prepare_model(session.config())
    with session.memory(keeps_model=False) as memory:
        with output.progress("Embedding") as progress:
            embedded = memory.service.reindex(progress)
        active = memory.runtime.store.embeddings.active()
    model = active.name if active else session.config().model
    if as_json:
        output.emit_json({"model": model, "embedded": embedded})
    else:
        click.echo(f"{embedded:,} entries embedded; searching with {model}.")


@click.command()
@as_json
@pass_session
def setup(session: Session, as_json: bool) -> None:
    """Prepare the model's fast form, once: later commands start in a fraction of the time."""
    from failbot.encoder.export import export_in_subprocess

    config = session.config()
    with output.waiting(f"Preparing {config.model} (about 20 seconds)"):
        folder = export_in_subprocess(config.model, config.data_folder)
    if as_json:
        output.emit_json({"model": config.model, "folder": str(folder)})
    else:
        click.echo(f"Ready: {folder}")


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be taken out, and change nothing.")
@as_json
@pass_session
def rescan(session: Session, dry_run: bool, as_json: bool) -> None:
    """Take secrets out that older rules let in: of entries, their older versions, questions.

    Names what was found, never the secret itself. May be interrupted, and run while the bot
    serves; a backup made before still holds what was taken out.
    """
    with session.memory(everything=True) as memory:
        found = memory.service.rescan(viewer=memory.viewer, dry_run=dry_run)
        if as_json:
            output.emit_json(rescan_json(found, dry_run=dry_run))
        else:
            _report_rescan(found, dry_run=dry_run)
        if not dry_run:
            memory.scrub()
        if found.failures and not dry_run:
            _embed(memory)


def rescan_json(found: Rescan, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "kinds": dict(found.kinds),
        "entries": {f"F-{number}": kinds for number, kinds in found.failures.items()},
        "questions": len(found.questions),
    }


def _report_rescan(found: Rescan, *, dry_run: bool) -> None:
    for number, kinds in found.failures.items():
        click.echo(f"F-{number}\t{', '.join(kinds)}")
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.items()) or "nothing"
    verb = "would be taken" if dry_run else "taken"
    click.echo(
        f"{counts} {verb} out of {len(found.failures):,} entries and "
        f"{len(found.questions):,} questions."
    )


COMMANDS = (import_, export, rescan, reindex, setup)
