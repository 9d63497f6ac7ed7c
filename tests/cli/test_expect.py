"""`failbot expect`: a language model's questions for entries that have none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Terminal
from tests.cli.test_reader import settings
from tests.reader import server
from tests.reader.server import ChatServer


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    chat = ChatServer()
    yield chat
    chat.close()


def questions(terminal: Terminal, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(terminal.ok("show", f"F-{number}", "--json"))[
        "questions"
    ]
    return found


def expected(terminal: Terminal, chat: ChatServer, *options: str) -> dict[str, Any]:
    done = terminal.run("expect", "--json", *options, **settings(chat))
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def log(terminal: Terminal, happened: str, **more: str) -> None:
    done = terminal.run("log", "--tried", "Warm-up", "--happened", happened, **more)
    assert done.returncode == 0, done.stderr


def test_it_fills_in_what_is_missing(terminal: Terminal, chat: ChatServer) -> None:
    """Once: a second run asks nobody. Each question says whose words it is."""
    log(terminal, "the loss diverged")
    log(terminal, "the labels were swapped")
    assert expected(terminal, chat, "--limit", "1") == {
        "written": 1,
        "questions": 2,
        "left_out": {},
        "left": 0,
    }
    assert questions(terminal, 1) == [
        {"text": "it broke", "origin": "model"},
        {"text": "why NaN?", "origin": "model"},
    ]
    assert questions(terminal, 2) == []
    assert expected(terminal, chat)["written"] == 1
    asked = len(chat.seen)
    done = terminal.run("expect", **settings(chat))
    assert done.stdout == "0 questions beside 0 entries; 0 left.\n"
    assert len(chat.seen) == asked == 2


def test_what_is_logged_with_a_model_is_wanted(terminal: Terminal, chat: ChatServer) -> None:
    """It is written by whoever serves, or by this command; logging waits for nothing."""
    log(terminal, "the loss diverged", **settings(chat))
    assert chat.seen == []
    terminal.ok("import", "-", "--format", "jsonl", stdin='{"tried": "A", "happened": "B"}\n')
    assert expected(terminal, chat)["written"] == 2


def test_a_model_that_fails_is_said(terminal: Terminal, chat: ChatServer) -> None:
    """What is left stays wanted, for the next run."""
    log(terminal, "the loss diverged")
    log(terminal, "the labels were swapped")
    chat.script = [server.good, server.status(500), server.status(500)]
    done = terminal.run("expect", **settings(chat))
    assert done.returncode == 6
    assert "2 questions beside 1 entries; 1 left." in done.stdout
    assert "it answers with status 500" in done.stderr


def test_it_needs_a_model(bare: Terminal) -> None:
    """And says which setting names one."""
    done = bare.run("expect")
    assert done.returncode == 2
    assert "FAILBOT_LLM_URL" in done.stderr
