"""`doctor`: what is wrong here, and what to do."""

from __future__ import annotations

import os

import click

from failbot.cli import output
from failbot.cli.session import Session, pass_session

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option(
    "--offline", is_flag=True, help="Do not try the tokens against Slack, nor the language model."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
@pass_session
def doctor(session: Session, ctx: click.Context, offline: bool, as_json: bool) -> None:
    """Check settings, database, model and tokens, and say what to do. Exits with 1 on a fault."""
    from failbot.doctor import State, examine

    checks = []
    for check in examine(session.environment(os.environ), slack=not offline, llm=not offline):
        checks.append(check)
        if not as_json:
            mark = click.style(f"{check.state.value:4}", fg=COLOURS[check.state.value])
            click.echo(f"{mark}  {check.name}: {check.words}")
    failed = any(check.state is State.FAIL for check in checks)
    if as_json:
        told = [{"name": one.name, "state": one.state.value, "words": one.words} for one in checks]
        output.emit_json({"ok": not failed, "checks": told})
    ctx.exit(1 if failed else 0)


COMMANDS = (doctor,)
