"""An error is one line of words and an exit code; a bug says where it is, and not what it read."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner, Result

from failbot.cli import BUG, Edge
from failbot.errors import NotFoundError

SECRET = "the patient's name"


def outcome(error: Exception, *arguments: str) -> Result:
    @click.group(cls=Edge)
    @click.option("--debug", is_flag=True)
    def group(debug: bool) -> None: ...

    @group.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(group, [*arguments, "fail"])


def test_refusal_is_one_line_and_its_exit_code() -> None:
    """What happened and what to do next, without a traceback."""
    done = outcome(NotFoundError("There is no F-9."))
    assert (done.exit_code, done.stderr, done.stdout) == (3, "failbot: There is no F-9.\n", "")


def test_bug_names_the_place_and_quotes_nothing() -> None:
    """An exception's own words may hold what someone wrote."""
    done = outcome(KeyError(SECRET))
    assert done.exit_code == BUG
    assert SECRET not in done.output
    assert "KeyError at test_errors.py:" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_debug_shows_the_traceback() -> None:
    """Who looks for the bug gets it whole."""
    done = outcome(KeyError("x"), "--debug")
    assert isinstance(done.exception, KeyError)


def test_file_that_cannot_be_written_is_named() -> None:
    """A mistyped path is no bug."""
    done = outcome(PermissionError(13, "Permission denied", "/somewhere"))
    assert (done.exit_code, done.stderr) == (1, "failbot: /somewhere: Permission denied\n")


@pytest.mark.parametrize("error", [click.UsageError("wrong"), click.BadParameter("wrong")])
def test_usage_errors_stay_clicks(error: click.ClickException) -> None:
    """Exit code 2, with the usage line that helps."""
    done = outcome(error)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr
