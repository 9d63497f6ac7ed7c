"""The sandbox and its tests need nothing else of failbot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Imports every module of the sandbox, collects its tests, and names what else came with them.
LOOK = """
import contextlib, importlib, io, pkgutil, sys
import pytest
import failbot.sandbox

for module in pkgutil.walk_packages(failbot.sandbox.__path__, "failbot.sandbox."):
    importlib.import_module(module.name)
with contextlib.redirect_stdout(io.StringIO()):
    options = ["--collect-only", "-q", "-Wdefault", "-pno:cacheprovider"]
    assert pytest.main([*options, "tests/sandbox"]) == 0
foreign = {name for name in sys.modules if name.startswith("failbot.")}
print(*sorted(name for name in foreign if not name.startswith("failbot.sandbox")))
"""


def test_nothing_else_of_failbot_is_imported() -> None:
    """In a fresh interpreter, all of the sandbox and its tests load no other part of failbot."""
    look = [sys.executable, "-c", LOOK]
    done = subprocess.run(look, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
