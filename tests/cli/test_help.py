"""Help is instant, complete, and needs nothing but the command line's own library."""

from __future__ import annotations

import subprocess
import sys

import pytest

from failbot.cli import cli
from tests.cli.conftest import ROOT, Terminal

HEAVY = "torch faiss sentence_transformers slack_bolt slack_sdk numpy onnxruntime rich sqlite_utils"
COMMANDS = """serve demo log ask show list digest import export reindex migrate backup manifest
doctor eval calibrate setup draft rescan expect edit
delete forget undo-import prune restore retry drop"""


def test_help_imports_no_heavy_library() -> None:
    """What `failbot --help` imports decides how long it takes."""
    script = (
        "import sys\n"
        "from failbot.cli import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        f"print('heavy:', [name for name in {HEAVY.split()!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_help_lists_every_command_and_the_exit_codes(bare: Terminal) -> None:
    """What there is, and what a script may rely on."""
    told = bare.ok("--help")
    listed = {
        line.split()[0] for line in told.splitlines() if line.startswith("  ") and line.strip()
    }
    commands = {name for name, one in cli.commands.items() if not one.hidden}
    assert commands == set(COMMANDS.split()) <= listed
    assert "Exit codes:" in told


@pytest.mark.parametrize("command", COMMANDS.split())
def test_each_command_has_help(bare: Terminal, command: str) -> None:
    """No setting, however wrong, is in the way of help."""
    done = bare.run(command, "--help", FAILBOT_PORT="nonsense")
    assert done.returncode == 0
    assert "Usage: failbot" in done.stdout


def test_unknown_command_is_a_usage_error(bare: Terminal) -> None:
    """Exit code 2, and words on standard error."""
    done = bare.run("remember")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'remember'" in done.stderr


def test_malformed_setting_is_named(bare: Terminal) -> None:
    """One line, with the variable's name, and exit code 2."""
    done = bare.run("list", FAILBOT_PORT="nonsense")
    assert done.returncode == 2
    assert done.stderr.startswith("failbot: FAILBOT_PORT must be")
    assert len(done.stderr.splitlines()) == 1


def test_manifest_can_be_pasted(bare: Terminal) -> None:
    """It needs no settings, and prints JSON and nothing else."""
    told = bare.run("manifest", FAILBOT_PORT="nonsense").stdout
    assert '"socket_mode_enabled": true' in told
    assert "https://bot.example/slack" in bare.ok("manifest", "--http", "https://bot.example/slack")
