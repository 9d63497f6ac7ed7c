"""`migrate`, `backup`, `restore`: the database as a whole."""

from __future__ import annotations

from pathlib import Path

import click

from failbot.cli import output
from failbot.cli.session import Session, now, pass_session

as_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output."
)


@click.command()
@as_json
@pass_session
def migrate(session: Session, as_json: bool) -> None:
    """Bring the database up to date; every other command does so too."""
    with session.memory() as memory:
        migrations = memory.runtime.store.migrations()
    if as_json:
        output.emit_json({"migrations": [{"name": one, "new": new} for one, new in migrations]})
        return
    for name, is_new in migrations:
        click.echo(f"{name}\t{'applied now' if is_new else 'applied before'}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
@pass_session
def backup(session: Session, file: Path, as_json: bool) -> None:
    """Copy the whole database to FILE, while the bot goes on; the copy is read and counted.

    `failbot restore FILE` puts it back.
    """
    with session.memory() as memory:
        counts = memory.runtime.store.back_up(file)
    size = file.stat().st_size
    if as_json:
        output.emit_json({"file": str(file), "bytes": size, "rows": counts})
        return
    failures, questions = counts.get("failures", 0), counts.get("questions", 0)
    click.echo(
        f"{file}: {size / 1e6:,.1f} MB, read and whole: {failures:,} entries, "
        f"{questions:,} questions."
    )


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Even while a bot has the database open.")
@click.option(
    "--tombstones",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A copy of failbot.tombstones, where the data folder is lost.",
)
@as_json
@pass_session
def restore(
    session: Session, file: Path, force: bool, tombstones: Path | None, as_json: bool
) -> None:
    """Put a backup in the place of the database, once it is found whole.

    An older one is migrated. What was deleted since the backup is deleted again, secrets and old
    questions go as ever, and what is to be done or was posted since stays known. The replaced
    database is kept beside it, until you remove it.
    """
    from failbot.restoring import restore as run

    with output.waiting("Restoring"):
        done = run(session.config(), file, force=force, tombstones=tombstones, now=now())
    if as_json:
        output.emit_json(
            {
                "rows": done.rows,
                "migrations": list(done.migrations),
                "deleted_again": done.deleted,
                "secrets": dict(done.secrets),
                "aside": [str(path) for path in done.aside],
            }
        )
        return
    click.echo(
        f"Restored: {done.rows['failures']:,} entries, {done.rows['questions']:,} questions."
    )
    if done.migrations:
        click.echo(f"Migrated: {', '.join(done.migrations)}.")
    if done.deleted:
        click.echo(f"{done.deleted:,} entries that were deleted since are deleted again.")
    for kind, count in done.secrets.items():
        output.warn(f"taken out by today's rules: {count:,} {kind}.")
    for path in done.aside:
        output.note(f"The replaced database is {path}; remove it once you need it no more.")
    if not done.is_clean:
        output.warn("the database's files are not scrubbed yet: run `failbot prune`.")


COMMANDS = (migrate, backup, restore)
