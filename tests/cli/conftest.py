"""The command line as its users meet it: a process with arguments, standard input and a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FIRST = "Halved the warm-up to save time; expected the same curve."
SECOND = "The loss diverged after nine hundred steps and never came back."


@dataclass(frozen=True, slots=True)
class Terminal:
    """Runs `python -m failbot` on one data folder, as nobody's terminal: everything is a pipe."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: str, stdin: str | bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The finished process, whatever its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "failbot", *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            check=False,
            timeout=120,
            cwd=ROOT,
            env=_clean(os.environ) | {"FAILBOT_DATA": str(self.data)} | environment,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def ok(self, *arguments: str, stdin: str | bytes = b"") -> str:
        """The standard output of a command that must succeed."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str, stdin: str | bytes = b"") -> Any:
        """The object that a command prints with --json."""
        return json.loads(self.ok(*arguments, "--json", stdin=stdin))

    def log(self, tried: str = FIRST, happened: str = SECOND, *more: str) -> str:
        return self.ok("log", "--tried", tried, "--happened", happened, *more)


def _clean(environment: Any) -> dict[str, str]:
    ours = ("FAILBOT_", "SLACK_")
    kept = {name: value for name, value in environment.items() if not name.startswith(ours)}
    return kept | {"HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def terminal(tmp_path: Path, models: Path) -> Terminal:
    """An empty memory whose model is prepared."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "models").symlink_to(models)
    return Terminal(data)


@pytest.fixture
def bare(tmp_path: Path) -> Terminal:
    """A data folder that does not exist yet; for commands that need no model."""
    return Terminal(tmp_path / "data")
