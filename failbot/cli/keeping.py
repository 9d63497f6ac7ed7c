"""`migrate`, `backup`, `restore`: the database as a whole."""

from __future__ import annotations

from pathlib import Path

import click

from failbot.cli import output
from failbot.cli.session import Session, pass_session

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


COMMANDS = (migrate, backup)
