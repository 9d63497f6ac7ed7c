"""`delete`, `edit`, `forget`, `undo-import`, `prune`, `restore` as processes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from failbot.models import Verdict
from failbot.store.sqlite import SqliteStore
from tests.cli.conftest import Terminal
from tests.make import draft, public, viewer

OPERATOR = viewer(team_id="local", is_operator=True)
CANARY = "zqcanary"
ROWS = "id,tried,happened\n1,a,b\n2,c,d\n"


def store_at(terminal: Terminal) -> SqliteStore:
    terminal.data.mkdir(mode=0o700, exist_ok=True)
    return SqliteStore(terminal.data / "failbot.db")


def log(terminal: Terminal, *said: str, author_id: str = "U0ANA") -> None:
    """Entries of a person in Slack, each with a question of theirs."""
    store = store_at(terminal)
    now = datetime.now(UTC)
    place = public(team_id="local")
    for one in said:
        store.failures.record(draft(one), place=place, author_id=author_id, now=now)
        asked = {"place": place, "user_id": author_id, "message_ts": "", "now": now}
        store.questions.keep(f"{one}?", verdict=Verdict.UNKNOWN, shown=[], **asked)
    store.close()


def holding(terminal: Terminal, text: str = CANARY) -> list[str]:
    files = [one for one in terminal.data.iterdir() if one.is_file()]
    return [one.name for one in files if text.encode() in one.read_bytes()]


def references(terminal: Terminal) -> list[str]:
    return sorted(one["reference"] for one in terminal.json("list", "--everything")["failures"])


def test_deleting_asks_and_leaves_no_byte(bare: Terminal) -> None:
    """What goes is listed; without a terminal to answer on it wants --yes."""
    log(bare, f"{CANARY} sang.", author_id="cli:me")
    refused = bare.run("delete", "F-1", "--everything")
    assert refused.returncode == 2
    assert f"F-1  {CANARY} sang (cli:me)" in refused.stderr
    assert "nothing was deleted: put --yes after the command" in refused.stderr
    assert references(bare) == ["F-1"]
    assert bare.ok("delete", "F-1", "--everything", "--yes") == "1 entry deleted.\n"
    bare.ok("forget", "--user", "cli:me", "--yes")
    assert holding(bare) == []


def test_deleting_others_entries_takes_a_word_more(bare: Terminal) -> None:
    """As everywhere: --everything, for you hold the data. One refusal keeps all."""
    log(bare, "One.", "Two.")
    denied = bare.run("delete", "F-1", "F-2", "--yes")
    assert (denied.returncode, "Only the author of F-1" in denied.stderr) == (4, True)
    missing = bare.run("delete", "F-1", "F-9", "--everything", "--yes")
    assert missing.returncode == 3
    assert references(bare) == ["F-1", "F-2"]
    assert bare.json("delete", "F-2", "F-1", "--everything", "--yes") == {"deleted": ["F-2", "F-1"]}


def test_a_person_is_forgotten(bare: Terminal) -> None:
    """All that goes is listed first."""
    log(bare, f"{CANARY} sang.")
    log(bare, "Another's.", author_id="U0BEN")
    listed = bare.run("forget", "--user", "U0ANA")
    assert listed.returncode == 2
    assert "1 entries: F-1: go" in listed.stderr
    assert "1 questions asked: go" in listed.stderr
    told = bare.json("forget", "--user", "U0ANA", "--yes")
    assert told == {"deleted": ["F-1"], "without_name": [], "questions": 1, "feedback": 0}
    assert holding(bare) == []
    assert holding(bare, "U0ANA") == []
    assert references(bare) == ["F-2"]


def test_entries_may_stay_without_a_name(bare: Terminal) -> None:
    """The text stays, and nobody's name beside it."""
    log(bare, f"{CANARY} sang.")
    told = bare.json("forget", "--user", "U0ANA", "--keep-entries", "--yes")
    assert (told["deleted"], told["without_name"]) == ([], ["F-1"])
    assert holding(bare, "U0ANA") == []
    shown = bare.ok("show", "F-1")
    assert shown.splitlines()[1].startswith("without a name, ")


def test_forgetting_one_entry_is_deleting_it(bare: Terminal) -> None:
    """Whoever logged it; one or the other must be said."""
    log(bare, "One.")
    assert bare.json("forget", "--failure", "F-1", "--yes") == {"deleted": ["F-1"]}
    assert bare.run("forget", "--yes").returncode == 2
    assert bare.run("forget", "--user", "U1", "--failure", "F-1").returncode == 2


def test_an_import_is_taken_back(terminal: Terminal, tmp_path: Path) -> None:
    """By the id that it printed; what was there before, or came otherwise, stays."""
    terminal.log()
    file = tmp_path / "rows.csv"
    file.write_text(ROWS)
    first = terminal.run("import", str(file))
    assert "This is import 1; `failbot undo-import 1` takes it back." in first.stderr
    assert terminal.json("import", str(file))["import"] is None
    file.write_text(ROWS + "3,e,f\n")
    assert terminal.json("import", str(file))["import"] == 2
    listed = terminal.json("undo-import", "--list")["imports"]
    assert [(one["id"], one["name"], one["entries"]) for one in listed] == [
        (2, "rows.csv", ["F-4"]),
        (1, "rows.csv", ["F-2", "F-3"]),
    ]
    terminal.ok("edit", "F-3", "--lesson", "Mind it.", "--everything")
    undone = terminal.run("undo-import", "1", "--yes")
    assert undone.stdout == "2 entries deleted.\n"
    assert "1 were edited since: F-3." in undone.stderr
    assert references(terminal) == ["F-1", "F-4"]
    again = terminal.run("undo-import", "1", "--yes")
    assert (again.returncode, "Nothing is left of an import 1" in again.stderr) == (3, True)
    assert terminal.run("undo-import").returncode == 2


def test_fields_are_edited_by_options(bare: Terminal) -> None:
    """What is not named stays; a list is given whole; a field can be emptied."""
    bare.log("Tried.", "Happened.", "--tag", "a", "--cost", "1 h", "--asked-like", "why is it so?")
    assert bare.ok("edit", "F-1", "--lesson", "Wait.", "--tag", "b", "--tag", "c") == (
        "F-1 is saved, as version 2.\n"
    )
    told = bare.json("edit", "F-1", "--clear", "cost", "--happened", "It used ghp_" + "a1B2" * 9)
    assert told == {"reference": "F-1", "version": 3, "redacted": ["github token"]}
    shown = bare.json("show", "F-1")
    assert (shown["lesson"], shown["tags"], shown["cost"]) == ("Wait.", ["b", "c"], "")
    assert (shown["tried"], shown["happened"]) == ("Tried.", "It used [redacted: github token]")
    assert [one["text"] for one in shown["questions"]] == ["why is it so?"]
    bare.ok("edit", "F-1", "--clear", "questions")
    assert bare.json("show", "F-1")["questions"] == []
    assert bare.ok("edit", "F-1", "--lesson", "Wait.") == "F-1: its text is as it was.\n"
    bare.ok("edit", "F-1", "--clear", "lesson", "--lesson", "Wait longer.")
    assert bare.json("show", "F-1")["lesson"] == "Wait longer."


def test_what_may_not_be_edited_is_said(bare: Terminal) -> None:
    """Not yours, not there, or without what is needed."""
    log(bare, "One.")
    assert bare.run("edit", "F-1", "--lesson", "x").returncode == 4
    assert bare.run("edit", "F-9", "--lesson", "x").returncode == 3
    assert bare.run("edit", "F-1", "--everything", "--clear", "tried").returncode == 2
    assert bare.run("edit", "F-1", "--everything", "--link", "nowhere").returncode == 2
    bare.ok("edit", "F-1", "--everything", "--lesson", "x")


def editor(folder: Path, code: str) -> str:
    """A program that changes the fields in the file that it is given."""
    path = folder / "editor.py"
    path.write_text(
        "import json, sys\n"
        "text = open(sys.argv[1], encoding='utf-8').read()\n"
        f"{code}\n"
        "open(sys.argv[1], 'w', encoding='utf-8').write(text)\n"
    )
    return f"python3 {path}"


def test_fields_are_edited_in_an_editor(bare: Terminal, tmp_path: Path) -> None:
    """As JSON; left as it is, nothing changes."""
    bare.log("Tried.", "Happened.", "--asked-like", "why is it so?")
    change = (
        "said = json.loads(text); said['lesson'] = 'Wait.'; said['questions'].append('and now?')"
    )
    changes = {"EDITOR": editor(tmp_path, f"{change}\ntext = json.dumps(said)")}
    assert bare.run("edit", "F-1", **changes).stdout == "F-1 is saved, as version 2.\n"
    shown = bare.json("show", "F-1")
    assert (shown["lesson"], shown["happened"]) == ("Wait.", "Happened.")
    assert [one["text"] for one in shown["questions"]] == ["why is it so?", "and now?"]
    left = bare.run("edit", "F-1", EDITOR=editor(tmp_path, "pass"))
    assert left.stdout == "F-1: its text is as it was.\n"
    broken = bare.run("edit", "F-1", stdin="n\n", EDITOR=editor(tmp_path, "text = '{'"))
    assert (broken.returncode, "this is no JSON object" in broken.stderr) == (2, True)


def test_old_questions_are_pruned(bare: Terminal) -> None:
    """Those beyond the retention; a malformed one is named; 0 keeps all."""
    store = store_at(bare)
    place = {"place": public(team_id="local"), "user_id": "U1", "message_ts": ""}
    for days, text in ((181, CANARY), (179, "young")):
        at = datetime.now(UTC) - timedelta(days=days)
        store.questions.keep(text, verdict=Verdict.UNKNOWN, shown=[], now=at, **place)
    store.close()
    assert bare.run("prune", FAILBOT_RETENTION_DAYS="0").stdout.startswith("0 questions")
    assert bare.run("prune", FAILBOT_RETENTION_DAYS="-1").returncode == 2
    assert bare.json("prune") == {"questions": 1, "waiting": 0, "is_clean": True}
    assert holding(bare) == []
    assert bare.ok("prune", "--days", "30") == "1 questions and 0 jobs removed.\n"


def test_a_backup_is_put_back(bare: Terminal, tmp_path: Path) -> None:
    """What was deleted since is deleted again, and the replaced database is named."""
    log(bare, "One.", f"{CANARY} sang.")
    file = tmp_path / "backup.db"
    assert "2 entries, 2 questions" in bare.ok("backup", str(file))
    bare.ok("forget", "--user", "U0ANA", "--keep-entries", "--yes")
    bare.ok("delete", "F-2", "--everything", "--yes")
    done = bare.run("restore", str(file))
    assert done.stdout == (
        "Restored: 1 entries, 0 questions.\n1 entries that were deleted since are deleted again.\n"
    )
    assert "failbot-replaced-" in done.stderr
    assert (holding(bare), holding(bare, "U0ANA")) == ([], [])
    assert bare.json("restore", str(file))["deleted_again"] == 1
    missing = bare.run("restore", str(tmp_path / "nothing"))
    assert (missing.returncode, "there is no such file" in missing.stderr) == (5, True)


@pytest.mark.parametrize("name", ["delete", "forget", "undo-import", "prune", "restore", "edit"])
def test_json_is_one_object(bare: Terminal, name: str, tmp_path: Path) -> None:
    """Whatever else is said goes to standard error."""
    log(bare, "One.")
    bare.ok("backup", str(tmp_path / "b.db"))
    rest = {
        "delete": ("F-1", "--everything", "--yes"),
        "forget": ("--user", "U0ANA", "--yes"),
        "undo-import": ("--list",),
        "restore": (str(tmp_path / "b.db"),),
        "edit": ("F-1", "--everything", "--cost", "1 h"),
    }
    assert isinstance(json.loads(bare.ok(name, *rest.get(name, ()), "--json")), dict)
