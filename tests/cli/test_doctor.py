"""Doctor: each line is ok, warn or fail, with what to do; and an exit code for scripts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from failbot.slack.manifest import SCOPES
from failbot.store.sqlite import SqliteStore
from tests.cli.conftest import Terminal
from tests.conftest import NOW
from tests.make import draft, public, viewer

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-" + "1", "SLACK_APP_TOKEN": "xapp-" + "1"}


class Slack(BaseHTTPRequestHandler):
    """auth.test and apps.connections.open, and the scopes that the token has."""

    scopes: tuple[str, ...] = SCOPES

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-OAuth-Scopes", ",".join(self.scopes))
        self.end_headers()
        if self.path == "/api/auth.test":
            self.wfile.write(b'{"ok": true, "user": "failbot", "team": "Lab"}')
        else:
            self.wfile.write(b'{"ok": false, "error": "not_allowed_token_type"}')

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def slack() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slack)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api/"
    server.shutdown()
    server.server_close()


def checks(terminal: Terminal, **environment: str) -> tuple[int, dict[str, tuple[str, str]]]:
    import json

    done = terminal.run("doctor", "--json", **environment)
    told = json.loads(done.stdout)["checks"]
    return done.returncode, {one["name"]: (one["state"], one["words"]) for one in told}


def test_nothing_is_wrong_with_a_new_installation(terminal: Terminal) -> None:
    """No database and no tokens yet are no faults, and looking makes none."""
    code, told = checks(terminal)
    assert (code, {state for state, _ in told.values()}) == (0, {"ok"}), told
    assert "only `failbot serve` needs them" in told["slack"][1]
    assert not (terminal.data / "failbot.db").exists()


def test_memory_is_examined(terminal: Terminal) -> None:
    """Database, vectors and calibration each get a line."""
    terminal.log()
    code, told = checks(terminal)
    assert code == 0
    assert told["database"][0] == "ok"
    assert told["vectors"] == ("ok", "1 entries, 384 dimensions")
    assert told["calibration"][0] == "ok"


def test_wrong_setting_is_a_fault(bare: Terminal) -> None:
    """Without settings there is nothing more to look at."""
    code, told = checks(bare, SLACK_BOT_TOKEN="xoxp-1")
    assert (code, told["settings"][0], len(told)) == (1, "fail", 1)


def test_damaged_database_is_a_fault(terminal: Terminal) -> None:
    """It says which file, and the rest is looked at all the same."""
    (terminal.data / "failbot.db").write_bytes(b"no database at all, but longer than a header" * 99)
    code, told = checks(terminal)
    assert (code, told["database"][0]) == (1, "fail")
    assert str(terminal.data / "failbot.db") in told["database"][1]
    assert "slack" in told


def test_missing_model_is_a_fault(bare: Terminal) -> None:
    """It says what to set."""
    code, told = checks(bare, FAILBOT_MODEL="/nowhere/at/all")
    assert (code, told["model"][0]) == (1, "fail")


def test_tokens_are_tried_against_slack(terminal: Terminal, slack: str) -> None:
    """A good bot token, and an app token of the wrong kind."""
    code, told = checks(terminal, SLACK_API_URL=slack, **TOKENS)
    assert told["bot token"] == ("ok", f"failbot in Lab, all {len(SCOPES)} scopes")
    assert (code, told["app token"][0]) == (1, "fail")
    assert "another kind of token" in told["app token"][1]


def test_missing_scopes_are_named(
    terminal: Terminal, slack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how to get them."""
    monkeypatch.setattr(Slack, "scopes", SCOPES[2:])
    _, told = checks(terminal, SLACK_API_URL=slack, **TOKENS)
    assert told["bot token"][0] == "fail"
    assert f"the scopes {SCOPES[0]}, {SCOPES[1]} are missing" in told["bot token"][1]
    assert "`failbot manifest`" in told["bot token"][1]


def test_slack_out_of_reach_is_a_fault_unless_offline(terminal: Terminal) -> None:
    """A refused connection is said in words."""
    code, told = checks(terminal, SLACK_API_URL="http://127.0.0.1:9/api/", **TOKENS)
    assert (code, "cannot be reached" in told["bot token"][1]) == (1, True)
    assert terminal.run("doctor", "--offline", **TOKENS).returncode == 0


def test_what_is_deleted_and_not_gone_is_named(bare: Terminal, tmp_path: Path) -> None:
    """In the files, in a database that was put back by hand, in one that a restore put aside."""
    store = SqliteStore(bare.data / "failbot.db")
    for happened in ("One.", "Two."):
        place = public(team_id="local")
        store.failures.record(draft(happened), place=place, author_id="cli:me", now=NOW)
    store.failures.delete(1, viewer=viewer(team_id="local", is_operator=True))
    store.close()
    assert "run `failbot prune`" in checks(bare, FAILBOT_MODEL="none")[1]["deleted"][1]
    bare.ok("prune")
    assert "deleted" not in checks(bare, FAILBOT_MODEL="none")[1]
    bare.ok("backup", str(tmp_path / "old.db"))
    bare.ok("delete", "F-2", "--everything", "--yes")
    (bare.data / "failbot.db").unlink()
    shutil.copy(tmp_path / "old.db", bare.data / "failbot.db")
    assert "older than 1 deletions" in checks(bare, FAILBOT_MODEL="none")[1]["deleted"][1]
    bare.ok("restore", str(tmp_path / "old.db"))
    assert "holds what a restore replaced" in checks(bare, FAILBOT_MODEL="none")[1]["deleted"][1]
