"""The demo: nothing typed, everything real, and the data goes on from there."""

from __future__ import annotations

import json

from tests.cli.conftest import Terminal


def test_conversation_is_played_and_goes_on(terminal: Terminal) -> None:
    """Logged, found in other words, honestly not found, digested; a second run adds nothing."""
    folder = str(terminal.data)
    told = terminal.ok("--data", folder, "demo", "--script")
    assert "218 sample failures" in told
    logged, found, unknown, digest = told.split("failbot:")[1:]
    assert "Recorded as F-219" in logged
    assert "F-219  Compiling the model" in found
    assert "Nobody has recorded this." in unknown
    assert "helped someone" in digest
    assert f"failbot --data {folder} ask" in told
    again = terminal.ok("--data", folder, "demo", "--script")
    assert again.split("failbot:")[1:] == told.split("failbot:")[1:]
    asked = terminal.ok("--data", folder, "ask", "--json", "compile made our training slower")
    assert json.loads(asked)["hits"][0]["number"] == 219


def test_demo_stays_in_a_folder_of_its_own(terminal: Terminal) -> None:
    """A folder from the environment is the team's: the demo takes one inside it."""
    (terminal.data / "demo").mkdir()
    (terminal.data / "demo" / "models").symlink_to(terminal.data / "models")
    assert f"{terminal.data / 'demo'}" in terminal.ok("demo", "--script")
    assert not (terminal.data / "failbot.db").exists()


def test_demo_leaves_a_real_memory_alone(terminal: Terminal) -> None:
    """Even when asked to start over."""
    terminal.log()
    done = terminal.run("--data", str(terminal.data), "demo", "--script", "--fresh")
    assert (done.returncode, "is not the demo's" in done.stderr) == (2, True)
    assert terminal.json("list")["total"] == 1
