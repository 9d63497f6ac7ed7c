"""README says what there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from failbot.cli import EXIT_CODES, cli
from failbot.config import VARIABLES
from failbot.slack.commands import VERBS, parse

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def rows(heading: str) -> list[str]:
    """The first cells of the table's rows below this heading."""
    section = README.split(f"\n{heading}\n")[1].split("\n#")[0]
    cells = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")]
    return [cell for cell in cells if cell.startswith("`")]


def test_every_command_is_described_and_no_other() -> None:
    """The table of commands is the command line's own list."""
    described = {cell.split("`")[1].split()[1] for cell in rows("## On the command line")}
    assert described == {name for name, one in cli.commands.items() if not one.hidden}


def test_every_setting_is_described_and_no_other() -> None:
    """The table of settings is the list that Config reads."""
    described = {name for cell in rows("## Settings") for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert described == set(VARIABLES.values())


def test_every_exit_code_is_described() -> None:
    """The numbers in README are those of `failbot --help`."""
    line = next(one for one in README.splitlines() if one.startswith("Exit codes: "))
    told = set(re.findall(r"(?:: |; )(\d+) ", line))
    assert told == set(re.findall(r"^\s+(\d+) ", EXIT_CODES, re.MULTILINE))


TYPED = [one for cell in rows("### In Slack") for one in re.findall(r"`/failure ?([^`]*)`", cell)]


@pytest.mark.parametrize("text", TYPED)
def test_every_slack_command_is_understood(text: str) -> None:
    """What README tells people to type is understood as what it says."""
    first = text.split(" ")[0]
    assert parse(text).verb == (first if first in VERBS else "form")


def test_the_commands_that_set_it_up_are_marked() -> None:
    """.ci/run runs the block below the mark, to the letter."""
    for mark in ("demo", "test"):
        block = README.split(f"<!-- {mark} command -->\n```sh\n")[1].split("\n```")[0]
        assert len(block.splitlines()) == 1
        assert block.startswith("python3 -m venv .venv && ")


def test_the_picture_is_there() -> None:
    """Links to files of the repository lead somewhere."""
    for target in re.findall(r"\]\((\.?[\w./-]+)\)", README):
        assert (ROOT / target).exists(), target
