"""`delete`, `forget`, `undo-import`, `prune`: what goes for good, listed before it does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from failbot.cli import output
from failbot.cli.session import Memory, Session, now, number_of, pass_session
from failbot.errors import InputError
from failbot.models import Failure, shorten
from failbot.text import clean

if TYPE_CHECKING:
    from failbot.store.erasing import Import, Traces

LISTED = 20

as_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output."
)
yes = click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")


@click.command()
@click.argument("references", nargs=-1, required=True, metavar="F-12…")
@click.option("--everything", is_flag=True, help="Anybody's, private ones too: you hold the data.")
@yes
@as_json
@pass_session
def delete(
    session: Session, references: tuple[str, ...], everything: bool, is_sure: bool, as_json: bool
) -> None:
    """Delete entries for good: their versions, questions, vectors and what was said of them.

    Messages in Slack that show them are removed by the bot. All of them or none.
    """
    numbers = [number_of(one) for one in references]
    with session.memory(everything=everything) as memory:
        _delete(memory, numbers, is_sure=is_sure, as_json=as_json)


def _delete(memory: Memory, numbers: Sequence[int], *, is_sure: bool, as_json: bool) -> None:
    service, viewer = memory.service, memory.viewer
    chosen = [
        service.editable(number, viewer=viewer, is_admin=False) for number in dict.fromkeys(numbers)
    ]
    _list(chosen)
    _confirm(f"Delete {_count(len(chosen), 'entry', 'entries')} for good?", is_sure=is_sure)
    gone = service.erasing.delete([one.number for one in chosen], viewer=viewer)
    memory.scrub()
    _tell_deleted(gone, as_json=as_json)


@click.command()
@click.option("--user", metavar="ID", help="A person: a Slack id, or a name such as cli:ann.")
@click.option("--failure", "reference", metavar="F-12", help="One entry, whoever logged it.")
@click.option("--keep-entries", is_flag=True, help="The person's entries stay, without the name.")
@yes
@as_json
@pass_session
def forget(
    session: Session,
    user: str | None,
    reference: str | None,
    keep_entries: bool,
    is_sure: bool,
    as_json: bool,
) -> None:
    """Forget a person, or an entry, for good, also when a backup is restored.

    Of a person go: entries, questions, feedback, questions of theirs that entries are found by,
    and what waits in the inbox. What stays of others' loses the name. With --keep-entries so do
    the person's own, but for those that only they saw; what their text tells of them stays.
    """
    if bool(user) == bool(reference):
        raise click.UsageError("say --user ID or --failure F-12")
    with session.memory(everything=True) as memory:
        if reference:
            _delete(memory, [number_of(reference)], is_sure=is_sure, as_json=as_json)
        else:
            person = user or ""
            _forget(memory, person, keeps=keep_entries, is_sure=is_sure, as_json=as_json)


def _forget(memory: Memory, user_id: str, *, keeps: bool, is_sure: bool, as_json: bool) -> None:
    service, viewer = memory.service, memory.viewer
    found = service.what_to_forget(user_id, viewer=viewer, is_admin=False)
    for line in _traces(found, keeps=keeps):
        output.note(line)
    _confirm(f"Forget {clean(user_id)} for good?", is_sure=is_sure)
    done = service.forget(user_id, viewer=viewer, is_admin=False, now=now(), keeps_entries=keeps)
    memory.scrub()
    if as_json:
        told = {"deleted": done.deleted, "without_name": done.kept}
        numbers = {name: [one.reference for one in gone] for name, gone in told.items()}
        output.emit_json({**numbers, "questions": found.questions, "feedback": found.feedback})
        return
    kept = f", {len(done.kept):,} kept without the name" if keeps else ""
    click.echo(f"Forgotten: {_count(len(done.deleted), 'entry', 'entries')} deleted{kept}.")
    output.note(
        "Exports and backups that you made hold them still; a backup forgets them when "
        "`failbot restore` puts it back."
    )


def _traces(found: Traces, *, keeps: bool) -> list[str]:
    """What there is of a person, and what becomes of it."""
    numbers = ", ".join(f"F-{number}" for number in found.entries[:LISTED])
    more = ", …" if found.entries[LISTED:] else ""
    entries = f"entries: {numbers}{more}" if numbers else "entries"
    fate = "go"
    if keeps:
        fate = f"stay without the name, but for {len(found.own):,} that only they saw"
    return [
        f"{len(found.entries):,} {entries}: {fate}",
        f"{found.questions:,} questions asked: go",
        f"{found.feedback:,} words on answers: go",
        f"{found.expected:,} expected questions of others' entries: what they asked goes, what "
        "they wrote stays without the name",
        f"{found.waiting:,} jobs that wait: go",
        f"{found.edits:,} changes of others' entries, {found.schedules:,} digests set, "
        f"{found.imports:,} imports: stay without the name",
    ]


@click.command("undo-import")
@click.argument("import_id", type=int, required=False, metavar="[ID]")
@click.option("--list", "lists", is_flag=True, help="What was imported, newest first.")
@yes
@as_json
@pass_session
def undo_import(
    session: Session, import_id: int | None, lists: bool, is_sure: bool, as_json: bool
) -> None:
    """Delete what one import brought in, as far as it is there still.

    Entries that were there before the import stay; those that were edited since go, too.
    """
    if lists == (import_id is not None):
        raise click.UsageError("say an import's ID, or --list")
    with session.memory(everything=True) as memory:
        erasing, viewer = memory.service.erasing, memory.viewer
        if import_id is None:
            _list_imports(erasing.imports(viewer.team_id), as_json=as_json)
            return
        numbers = erasing.import_of(import_id, viewer.team_id).numbers
        chosen = [memory.service.show(number, viewer=viewer) for number in numbers]
        _list(chosen)
        if edited := [one.reference for one in chosen if one.version > 1]:
            output.warn(f"{len(edited):,} were edited since: {', '.join(edited[:LISTED])}.")
        _confirm(f"Delete {_count(len(chosen), 'entry', 'entries')} for good?", is_sure=is_sure)
        gone = erasing.undo_import(import_id, viewer=viewer)
        memory.scrub()
        _tell_deleted(gone, as_json=as_json)


def _list_imports(imports: Sequence[Import], *, as_json: bool) -> None:
    if as_json:
        told = [
            {
                "id": one.id,
                "name": one.name,
                "by": one.by,
                "at": one.at.isoformat(),
                "entries": [f"F-{number}" for number in one.numbers],
            }
            for one in imports
        ]
        output.emit_json({"imports": told})
        return
    rows = [
        (str(one.id), f"{one.at:%Y-%m-%d %H:%M}", f"{len(one.numbers):,}", one.name, one.by)
        for one in imports
    ]
    output.table(("Import", "When", "Entries", "File", "By"), rows)
    if not rows:
        output.note("Nothing was imported, or nothing is left of it.")


@click.command()
@click.option(
    "--days",
    type=click.IntRange(1),
    help="Older than this.  [env: FAILBOT_RETENTION_DAYS; default: 180]",
)
@as_json
@pass_session
def prune(session: Session, days: int | None, as_json: bool) -> None:
    """Remove questions that are older than the retention, and what waits as long in the inbox.

    A serving bot does so daily. Entries stay. Also takes what was deleted out of the database's
    files, where that was not possible before.
    """
    kept_days = session.config().retention_days if days is None else days
    with session.memory() as memory:
        pruned = memory.service.erasing.prune(days=kept_days, now=now())
        is_clean = memory.scrub()
    if as_json:
        told = {"questions": pruned.questions, "waiting": pruned.waiting, "is_clean": is_clean}
        output.emit_json(dict(told))
        return
    click.echo(f"{pruned.questions:,} questions and {pruned.waiting:,} jobs removed.")
    if not kept_days:
        output.note("FAILBOT_RETENTION_DAYS=0 keeps all of them.")


def _list(chosen: Sequence[Failure]) -> None:
    for one in chosen[:LISTED]:
        title = shorten(clean(one.name), 80)
        output.note(f"{one.reference}  {title} ({output.named(one.author_id)})")
    if len(chosen) > LISTED:
        output.note(f"… and {len(chosen) - LISTED:,} more")


def _confirm(question: str, *, is_sure: bool) -> None:
    """:raises InputError: nobody can be asked. :raises click.Abort: the answer is no."""
    if is_sure:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError("nothing was deleted: put --yes after the command if you are sure")
    click.confirm(question, abort=True, err=True)


def _tell_deleted(gone: Sequence[Failure], *, as_json: bool) -> None:
    if as_json:
        output.emit_json({"deleted": [one.reference for one in gone]})
    else:
        click.echo(f"{_count(len(gone), 'entry', 'entries')} deleted.")


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


COMMANDS = (delete, forget, undo_import, prune)
