"""The command line: each group of commands is a module, and imports what it needs when it runs."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, NoReturn

import click

from failbot import __version__
from failbot.cli import (
    calibrating,
    data,
    editing,
    erasing,
    evaluate,
    expecting,
    given_up,
    health,
    keeping,
    memory,
    serving,
)
from failbot.cli.session import Session
from failbot.errors import FailbotError, StoppedError

BUG = 70  # sysexits.h, EX_SOFTWARE
EXIT_CODES = """\b
Exit codes:
  0   done; `ask` also when nobody has recorded it, `serve` and `demo` when they were stopped
  1   refused, interrupted, or `doctor` found a fault
  2   what was typed, read or set cannot be understood
  3   no such entry, or not one that you may see
  4   seen, but not yours to change
  5   the database cannot be opened, read or written
  6   the model cannot be found, loaded or trusted
  7   Slack refused something that is needed
  70  a bug in failbot; --debug shows where
"""


class Edge(click.Group):
    """Where every error becomes words: what happened, and what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StoppedError as error:
            ctx.exit(error.exit_code)
        except FailbotError as error:
            _refuse(ctx, str(error), error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            if error.errno == errno.EPIPE or error.filename is None:
                raise
            _refuse(ctx, f"{error.filename}: {error.strerror}", 1)
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            _refuse(ctx, _apology(error), BUG)


def _refuse(ctx: click.Context, words: str, exit_code: int) -> NoReturn:
    click.echo(f"failbot: {words}", err=True)
    ctx.exit(exit_code)


def _apology(error: Exception) -> str:
    """Names the place, and nothing of the text that was being worked on."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    code = frame.tb_frame.f_code if frame else None
    place = f"{code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}" if code and frame else "?"
    return (
        f"this should not have happened, sorry ({type(error).__name__} at {place}). "
        "Put --debug before the command to see where, and please report it."
    )


@click.group(
    cls=Edge,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--data",
    metavar="FOLDER",
    envvar="FAILBOT_DATA",
    type=click.Path(file_okay=False),
    help="Where everything is kept.  [env: FAILBOT_DATA; default: ~/.local/share/failbot]",
)
@click.option(
    "--team",
    metavar="ID",
    help="The workspace, where the data holds several.  [env: FAILBOT_TEAM_ID]",
)
@click.option("--debug", is_flag=True, help="Show where an unexpected error came from.")
@click.version_option(__version__, prog_name="failbot")
@click.pass_context
def cli(ctx: click.Context, data: str | None, team: str | None, debug: bool) -> None:
    """A team's memory of what did not work: log a failure, or ask whether anyone has seen one."""
    source = ctx.get_parameter_source("data")
    typed = source is click.core.ParameterSource.COMMANDLINE
    ctx.obj = Session(data=data or "", team=team or "", is_data_typed=typed)


for _module in (
    memory,
    editing,
    erasing,
    data,
    expecting,
    keeping,
    serving,
    health,
    given_up,
    evaluate,
    calibrating,
):
    for _command in _module.COMMANDS:
        cli.add_command(_command)


def main() -> None:
    """Runs the command line; never returns."""
    # Before numpy is loaded. Ranking multiplies small matrices: a second thread spins more than it
    # computes, and made an answer two to five times as slow on two cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 must not cost the answer
            stream.reconfigure(errors="replace")
    cli(prog_name="failbot")
