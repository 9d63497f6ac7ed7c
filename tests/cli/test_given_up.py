"""What the bot gave up is listed, tried again or forgotten."""

from __future__ import annotations

import pytest

from failbot.store.sqlite import SqliteStore
from tests.cli.conftest import Terminal
from tests.cli.test_doctor import checks
from tests.conftest import NOW


@pytest.fixture
def terminal(bare: Terminal) -> Terminal:
    """A memory in which the jobs 1, 2 and 3 were given up."""
    store = SqliteStore(bare.data / "failbot.db")
    for _ in range(3):
        store.inbox.add("question", {"text": "canary"}, team_id="T1", keys=[], now=NOW)
        job = store.inbox.claim(now=NOW, lease_s=60)
        assert job is not None
        store.inbox.give_up(job, reason="Slack says is_archived", now=NOW)
    store.close()
    return bare


def left(terminal: Terminal) -> tuple[list[int], int]:
    """The ids of what is given up, and how many jobs wait."""
    store = SqliteStore(terminal.data / "failbot.db")
    found = [one.job.id for one in store.inbox.given_up()], store.inbox.waiting()
    store.close()
    return found


def test_doctor_lists_what_was_given_up(terminal: Terminal) -> None:
    """With ids, kinds, times and reasons, what to do, and nothing of what people wrote."""
    _, told = checks(terminal)
    state, words = told["inbox"]
    assert state == "warn"
    assert "0 jobs wait, 3 were given up: 1 (question, 2026-03-02 09:00 UTC: Slack says" in words
    assert "failbot retry" in words
    assert "canary" not in words


def test_one_is_tried_again_and_one_forgotten(terminal: Terminal) -> None:
    """The third stays."""
    assert terminal.ok("retry", "1") == "retried: 1\n"
    assert terminal.json("drop", "2") == {"dropped": [2]}
    assert left(terminal) == ([3], 1)


def test_all_are_tried_again(terminal: Terminal) -> None:
    """A second time there is nothing left."""
    assert terminal.json("retry", "--all") == {"retried": [1, 2, 3]}
    assert left(terminal) == ([], 3)
    assert "nothing was given up" in terminal.ok("drop", "--all")


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("1", "--all"), 2), (("1", "9"), 3)])
def test_what_is_unclear_changes_nothing(
    terminal: Terminal, arguments: tuple[str, ...], code: int
) -> None:
    """Neither ids nor all of it, both, or one that is not there."""
    done = terminal.run("drop", *arguments)
    assert (done.returncode, "failbot doctor" in done.stderr) == (code, True)
    assert left(terminal) == ([1, 2, 3], 0)


def test_without_anything_given_up_doctor_is_content(bare: Terminal) -> None:
    """One line says so."""
    SqliteStore(bare.data / "failbot.db").close()
    _, told = checks(bare)
    assert told["inbox"] == ("ok", "0 jobs wait, none was given up")
