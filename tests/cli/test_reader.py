"""With a language model: asking, drafting, measuring, and what doctor says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Terminal
from tests.cli.test_doctor import checks
from tests.cli.test_eval import ENTRIES, QUESTIONS, write
from tests.reader import server
from tests.reader.server import ChatServer

ASKED = "the loss diverged after nine hundred steps"


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """It finds the same failure where both diverged, and nothing in all else."""
    made = ChatServer()
    made.judge = lambda *texts: "same" if all("diverged" in one for one in texts) else "no"
    yield made
    made.close()


def settings(chat: ChatServer) -> dict[str, str]:
    return {"FAILBOT_LLM_URL": chat.url, "FAILBOT_LLM_MODEL": "small"}


def asked(terminal: Terminal, chat: ChatServer) -> dict[str, Any]:
    done = terminal.run("ask", ASKED, "--json", **settings(chat))
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_an_answer_says_what_matches_and_differs(terminal: Terminal, chat: ChatServer) -> None:
    """In words, and as JSON with whose words they are."""
    terminal.log()
    told = asked(terminal, chat)
    assert (told["verdict"], told["read_by"], told["unread"]) == ("known", "small", "")
    hit = told["hits"][0]
    assert (hit["judgement"], hit["matches"]) == ("same", "Both diverge.")
    words = terminal.run("ask", ASKED, **settings(chat)).stdout
    assert "Matches: Both diverge." in words
    assert "Differs: Other model." in words
    assert "the words of small" in words


def test_logging_says_what_resembles_it(terminal: Terminal, chat: ChatServer) -> None:
    """Read as a question is: what matches and differs, in whose words."""
    terminal.log()
    done = terminal.run("log", "--tried", "Halved it", "--happened", ASKED, **settings(chat))
    assert "Like F-1: " in done.stdout
    assert "Matches: Both diverge." in done.stdout
    assert "the words of small" in done.stdout


def test_what_is_judged_no_is_nobodys(terminal: Terminal, chat: ChatServer) -> None:
    """Neither a match nor a weak one, in words and in JSON."""
    terminal.log()
    chat.judge = lambda question, entry: "no"
    words = terminal.run("ask", ASKED, **settings(chat)).stdout
    assert words.startswith("Nobody has recorded this.")
    assert "F-1" not in words
    told = asked(terminal, chat)
    assert (told["verdict"], told["hits"], told["read_by"]) == ("unknown", [], "small")


def test_a_broken_model_is_said(terminal: Terminal, chat: ChatServer) -> None:
    """The answer comes by its score, with a note."""
    terminal.log()
    chat.script = [server.status(500)] * 2
    done = terminal.run("ask", ASKED, **settings(chat))
    assert done.returncode == 0
    assert "it answers with status 500" in done.stderr
    assert "by the score alone" in done.stderr


def test_a_log_becomes_a_draft_that_can_be_logged(terminal: Terminal, chat: ChatServer) -> None:
    """Printed, not stored; what `log` takes. Secrets are out before it is sent."""
    secret = "AKIA" + "Z7QX" * 4
    done = terminal.run("draft", stdin=f"step 900 loss nan {secret}", **settings(chat))
    draft = json.loads(done.stdout)
    assert (draft["tried"], draft["happened"], draft["tags"]) == ("A", "B", ["x"])
    assert secret not in str(chat.seen)
    assert "Nothing yet" in terminal.run("list").stderr
    terminal.ok("log", "-", stdin=done.stdout)
    assert json.loads(terminal.ok("show", "F-1", "--json"))["happened"] == "B"


def test_without_a_model_a_draft_is_the_text(bare: Terminal, chat: ChatServer) -> None:
    """Also when it fails, with a note."""
    assert json.loads(bare.ok("draft", "step 900"))["happened"] == "step 900"
    chat.script = [server.status(401)]
    done = bare.run("draft", "step 900", **settings(chat))
    assert json.loads(done.stdout)["happened"] == "step 900"
    assert "FAILBOT_LLM_KEY" in done.stderr


def test_doctor_tries_the_model(bare: Terminal, chat: ChatServer) -> None:
    """On a made-up entry: how long it takes, and what it sees."""
    chat.judge = lambda question, entry: "same"
    _, told = checks(bare, **settings(chat))
    state, words = told["language model"]
    assert state == "ok"
    assert "small at 127.0.0.1, which sees private entries too: 'same' in" in words
    assert "100 + 20 tokens, form json_schema" in words


def test_doctor_says_what_is_wrong(bare: Terminal, chat: ChatServer) -> None:
    """With the setting to look at; offline it is not asked."""
    chat.script = [server.status(404)]
    code, told = checks(bare, **settings(chat))
    assert (code, told["language model"][0]) == (1, "fail")
    assert "FAILBOT_LLM_MODEL" in told["language model"][1]
    seen = len(chat.seen)
    done = bare.run("doctor", "--offline", **settings(chat))
    assert "language model: small at 127.0.0.1, not tried" in done.stdout
    assert len(chat.seen) == seen


def test_doctor_says_how_much_it_was_asked(terminal: Terminal, chat: ChatServer) -> None:
    """By all processes together, of which this one asks for none of it."""
    terminal.log()
    for script in ([], [server.status(401)]):
        chat.script = list(script)
        assert terminal.run("ask", ASKED, **settings(chat)).returncode == 0
    terminal.run("log", "--tried", "A", "--happened", "B", **settings(chat))
    used = terminal.run("doctor", "--offline").stdout.split("language model use: ")[1]
    assert used.startswith(
        "today 3 calls (1 failed, 0 not sent), 0 readings from the cache, 200 + 40 tokens; "
        "in 30 days 3 calls"
    )
    assert "1 entries wait for their expected questions" in used


def test_doctor_knows_no_model_that_is_not_set(bare: Terminal) -> None:
    """Off by default, and then not spoken of."""
    assert "language model" not in bare.run("doctor").stdout


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    return write(tmp_path / "f.jsonl", ENTRIES), write(tmp_path / "q.jsonl", QUESTIONS)


def test_a_measured_run_is_recorded_and_replayed(
    terminal: Terminal, files: tuple[str, str], tmp_path: Path, chat: ChatServer
) -> None:
    """The same figures, without a server."""
    folder, command = str(tmp_path / "tape"), ("eval", *files, "--no-plain", "--json")
    done = terminal.run(*command, "--reader", "llm", "--record", folder, **settings(chat))
    assert done.returncode == 0, done.stderr
    chat.close()
    replayed = terminal.run(*command, "--replay", folder)
    assert json.loads(replayed.stdout) == json.loads(done.stdout)
    assert json.loads(done.stdout)["failbot"]["known_precision"] == 1.0


def test_requests_alone_are_recorded_for_others_to_judge(
    terminal: Terminal, files: tuple[str, str], tmp_path: Path
) -> None:
    """Then a replay names the file that has no reply, and exits with 2."""
    folder, command = str(tmp_path / "tape"), ("eval", *files, "--no-plain")
    done = terminal.run(*command, "--record", folder)
    assert done.returncode == 0, done.stderr
    assert "5 of 5 questions were answered without the language model" in done.stderr
    assert len(list(Path(folder).glob("read-*.json"))) == 5
    replayed = terminal.run(*command, "--replay", folder)
    assert replayed.returncode == 2
    assert ".json holds no reply yet" in replayed.stderr


def test_eval_sends_nothing_unless_told_to(
    terminal: Terminal, files: tuple[str, str], chat: ChatServer
) -> None:
    """A model that is set is not measured by default."""
    done = terminal.run("eval", *files, "--no-plain", **settings(chat))
    assert (done.returncode, chat.seen) == (0, [])


def test_nobody_to_read_is_said(terminal: Terminal, files: tuple[str, str], tmp_path: Path) -> None:
    """Which setting is missing, or which two options exclude each other."""
    done = terminal.run("eval", *files, "--reader", "llm")
    assert (done.returncode, "FAILBOT_LLM_URL" in done.stderr) == (2, True)
    both = ("--record", str(tmp_path), "--replay", str(tmp_path))
    assert terminal.run("eval", *files, *both).returncode == 2
