"""`failbot rescan`: what older rules let in is taken out, and nothing of it is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from failbot.models import ExpectedQuestion, Place, QuestionOrigin, Verdict, Visibility
from failbot.store.sqlite import SqliteStore
from tests.cli.conftest import Terminal
from tests.make import draft, viewer

SECRET = "gh" + "p_" + "A1b2C3" * 6
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLACE = Place(team_id="local", channel_id="", visibility=Visibility.AUTHOR)
OPERATOR = viewer(team_id="local", is_operator=True)


def store_of_old(data: Path) -> SqliteStore:
    """A private entry, edited since, and a question, each with a secret that was let in."""
    data.mkdir(mode=0o700, exist_ok=True)
    store = SqliteStore(data / "failbot.db")
    old = draft(
        f"It used {SECRET}.", tags=(SECRET,), links=(f"https://x.org/{SECRET}",), lesson="Rotate."
    )
    asked = ExpectedQuestion(
        text=f"who knows {SECRET}?", origin=QuestionOrigin.ASKER, by="U2", at=NOW
    )
    store.failures.record(old, place=PLACE, author_id="U1", now=NOW, expected=[asked])
    edited = replace(old, happened="It used a token.", tags=(), links=())
    store.failures.revise(1, edited, viewer=OPERATOR, by="U1", now=NOW)
    store.failures.record(draft("Clean."), place=PLACE, author_id="U1", now=NOW)
    store.questions.keep(
        f"Who owns {SECRET}?",
        place=PLACE,
        user_id="U1",
        message_ts="",
        verdict=Verdict.UNKNOWN,
        shown=[],
        now=NOW,
    )
    return store


def texts(store: SqliteStore) -> str:
    versions = store.failures.versions(1, viewer=OPERATOR)
    asked = store.expected.of([1], viewer=OPERATOR)
    return repr((versions, asked)) + store.questions.get(1, team_id="local").text


def test_secrets_are_taken_out_everywhere(terminal: Terminal) -> None:
    """Of every version and every field of it, of questions, asked and expected; once is enough."""
    store_of_old(terminal.data).close()
    told = terminal.json("rescan")
    assert told["kinds"] == {"github token": 5}
    assert told["entries"] == {"F-1": ["github token"]}
    assert told["questions"] == 1
    store = SqliteStore(terminal.data / "failbot.db")
    assert SECRET not in texts(store)
    assert store.expected.of([1], viewer=OPERATOR)[1][0].by == "U2"
    store.close()
    files = [path for path in terminal.data.iterdir() if path.is_file()]
    assert [path.name for path in files if SECRET.encode() in path.read_bytes()] == []
    assert terminal.json("rescan")["kinds"] == {}


def test_dry_run_changes_nothing(bare: Terminal) -> None:
    """It says the same, by reference and kind, and never the secret."""
    store_of_old(bare.data).close()
    told = bare.ok("rescan", "--dry-run")
    assert told.splitlines() == [
        "F-1\tgithub token",
        "5 github token would be taken out of 1 entries and 1 questions.",
    ]
    store = SqliteStore(bare.data / "failbot.db")
    assert SECRET in texts(store)
    store.close()


def test_team_rules_hold(bare: Terminal, tmp_path: Path) -> None:
    """FAILBOT_SECRETS is read at the start of every command that opens the memory."""
    rules = tmp_path / "secrets.toml"
    rules.write_text('[[rule]]\nname = "acme key"\npattern = "Clean"\n')
    store_of_old(bare.data).close()
    told = bare.run("rescan", "--dry-run", FAILBOT_SECRETS=str(rules))
    assert "F-2\tacme key" in told.stdout
    rules.write_text("[[rule]]\n")
    refused = bare.run("list", FAILBOT_SECRETS=str(rules))
    assert refused.returncode == 2
    assert "FAILBOT_SECRETS" in refused.stderr
