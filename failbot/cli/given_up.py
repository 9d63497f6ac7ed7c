"""`retry`, `drop`: what the bot could not do, and gave up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from failbot.cli import output
from failbot.cli.session import Session, now, pass_session
from failbot.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from failbot.store.base import Inbox

    Deed = Callable[[Inbox, int], bool]


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for add in (
        click.argument("ids", nargs=-1, type=int, metavar="[ID]..."),
        click.option("--all", "all_of_it", is_flag=True, help="Whatever was given up."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output."),
        pass_session,
    ):
        command = add(command)
    return command


@click.command()
@_options
def retry(session: Session, ids: Sequence[int], all_of_it: bool, as_json: bool) -> None:
    """Try again what the bot gave up: a question, a card; `failbot doctor` lists the IDs.

    A serving bot takes it up at once. What was sent before is looked for, and not sent twice.
    """
    done = _each(session, ids, all_of_it, lambda inbox, id: inbox.retry(id, now=now()))
    _tell("retried", done, as_json=as_json)


@click.command()
@_options
def drop(session: Session, ids: Sequence[int], all_of_it: bool, as_json: bool) -> None:
    """Forget what the bot gave up; after 30 days it is forgotten anyway."""
    done = _each(session, ids, all_of_it, lambda inbox, id: inbox.drop(id))
    _tell("dropped", done, as_json=as_json)


def _each(session: Session, ids: Sequence[int], all_of_it: bool, deed: Deed) -> list[int]:
    """The ids that it was done to. :raises NotFoundError: one was never, or is no longer, there.

    :raises InputError: neither ids nor --all, or both.
    """
    if bool(ids) == all_of_it:
        raise InputError("name the IDs that `failbot doctor` lists, or --all")
    with session.memory() as memory:
        inbox = memory.runtime.store.inbox
        known = [one.job.id for one in inbox.given_up()]
        if missing := [id for id in ids if id not in known]:
            raise NotFoundError(
                f"nothing of the id {missing[0]} was given up; `failbot doctor` lists what was"
            )
        return [id for id in (known if all_of_it else dict.fromkeys(ids)) if deed(inbox, id)]


def _tell(word: str, done: Sequence[int], *, as_json: bool) -> None:
    if as_json:
        output.emit_json({word: list(done)})
    else:
        click.echo(f"{word}: {', '.join(map(str, done)) or 'nothing was given up'}")


COMMANDS = (retry, drop)
