"""Import and export as processes: all or nothing, twice the same, there and back."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from failbot.models import Visibility
from tests.cli.conftest import Terminal
from tests.cli.test_memory import record

SAMPLES = str(files("failbot") / "samples" / "failures.jsonl")
RUNS = "run\tnote\tscore\tstatus\na1\thalved warm-up\t0.4\tdiscard\na2\tbigger batch\t0\tcrash\n"
MAP = ("--map", "note=tried", "--map", "status=happened", "--map", "score=happened")


def test_second_import_changes_nothing(terminal: Terminal) -> None:
    """The samples, as they are, twice."""
    assert terminal.json("import", SAMPLES) == {
        "new": 218,
        "already_there": 0,
        "bad": 0,
        "left_out": 0,
        "import": 1,
        "redacted": {},
    }
    before = terminal.ok("export")
    assert terminal.json("import", SAMPLES)["already_there"] == 218
    assert terminal.ok("export") == before


def test_export_comes_back_unchanged(terminal: Terminal) -> None:
    """Everything but who and when, which a new memory gives anew."""
    few = [json.loads(line) for line in Path(SAMPLES).read_text("utf-8").splitlines()[:5]]
    few[0]["questions"] = ["who asks so?", {"text": "and so?", "origin": "model"}]
    terminal.ok("import", "-", stdin="".join(json.dumps(one) + "\n" for one in few))
    exported = terminal.ok("export")
    other = Terminal(terminal.data / "other")
    other.data.mkdir()
    (other.data / "models").symlink_to(terminal.data / "models")
    other.ok("import", "-", stdin=exported)
    own = ("created_at", "updated_at")
    first, second = (
        [{k: v for k, v in json.loads(line).items() if k not in own} for line in text.splitlines()]
        for text in (exported, other.ok("export"))
    )
    assert first == second


def test_one_bad_line_keeps_all_out(bare: Terminal) -> None:
    """Every bad line is named, and nothing is stored."""
    text = "tried,happened\na,b\n,c\nd,\n"
    done = bare.run("import", "--format", "csv", "-", stdin=text)
    assert done.returncode == 2
    assert "line 3: tried: is missing" in done.stderr
    assert "line 4: happened: is missing" in done.stderr
    assert "nothing was imported, since 2 lines are bad" in done.stderr
    assert bare.json("list")["total"] == 0


def test_secrets_are_taken_out_and_their_lines_named(terminal: Terminal) -> None:
    """Whoever imports must know what leaked, and where it stands; an id is no hiding place."""
    token, key = "ghp_" + "a1B2" * 9, "AKIA" + "Z7QX" * 4
    text = f"id,tried,happened,cost\n1,a,b,\n2,{token},b,{key}\n{token},a,b,\n"
    told = terminal.json("import", "--format", "csv", "-", stdin=text)
    assert told["redacted"] == {"github token": [3, 4], "aws key": [3]}
    exported = terminal.ok("export")
    assert token not in exported
    assert key not in exported
    again = terminal.run("import", "--format", "csv", "-", stdin=text)
    assert again.stdout == "0 new, 3 already there, 0 bad, 0 left out.\n"
    assert "taken out before it was stored: github token, of 2 entries (lines 3, 4)" in again.stderr


def test_bad_lines_can_be_left_out(terminal: Terminal) -> None:
    """On request, and they are still named."""
    text = "tried,happened\na,b\n,c\n"
    told = terminal.json("import", "--format", "csv", "--skip-bad", "-", stdin=text)
    assert (told["new"], told["bad"]) == (1, 1)


def test_dry_run_changes_nothing(bare: Terminal) -> None:
    """It shows what would become of the first rows."""
    done = bare.run("import", "--format", "tsv", *MAP, "--dry-run", "-", stdin=RUNS)
    assert "halved warm-up" in done.stdout
    assert "2 entries would be imported" in done.stderr
    assert not bare.data.exists()


def test_runs_of_an_experiment_are_imported(terminal: Terminal) -> None:
    """Chosen rows, mapped columns, translated outcomes."""
    chosen = (
        "--where",
        "status!=crash",
        "--map",
        "status=outcome",
        "--outcome",
        "discard=no effect",
    )
    told = terminal.json("import", "--format", "tsv", *MAP, *chosen, "-", stdin=RUNS)
    assert (told["new"], told["left_out"]) == (1, 1)
    shown = terminal.json("show", "F-1")
    assert shown["happened"] == "status: discard\nscore: 0.4"
    assert shown["outcome"] == "no effect"


def test_export_says_how_many_private_entries_it_leaves_out(bare: Terminal) -> None:
    """And gives them on request; they do not come back in by accident."""
    record(bare, Visibility.CHANNEL)
    record(bare, Visibility.WORKSPACE)
    done = bare.run("export")
    assert len(done.stdout.splitlines()) == 1
    assert "1 private entries left out" in done.stderr
    everything = bare.ok("export", "--everything")
    assert len(everything.splitlines()) == 2
    refused = bare.run("import", "--format", "jsonl", "-", stdin=everything)
    assert refused.returncode == 2
    assert "line 1: visibility: the entry is private" in refused.stderr


def test_export_writes_a_file(bare: Terminal) -> None:
    """CSV with a header, even of nothing."""
    out = bare.data.parent / "out.csv"
    bare.ok("export", "--format", "csv", "--out", str(out))
    assert out.read_bytes().startswith(b"reference,title,outcome,")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("import", "/nowhere/at/all.csv"), 1, "/nowhere/at/all.csv: No such file"),
        (("import", "--map", "x", "-"), 2, "must be COLUMN=FIELD"),
        (("export", "--out", "/nowhere/at/all.csv"), 1, "/nowhere/at/all.csv: No such file"),
    ],
)
def test_what_cannot_be_read_or_written_is_named(
    bare: Terminal, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """One line that says which."""
    done = bare.run(*arguments)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_migrate_says_what_it_applied(bare: Terminal) -> None:
    """A new database gets all of them, once."""
    first = bare.json("migrate")["migrations"]
    assert first[0] == {"name": "0001_failures", "new": True}
    assert all(one["new"] for one in first)
    again = bare.json("migrate")["migrations"]
    assert again == [one | {"new": False} for one in first]


def test_a_backup_is_a_whole_memory(terminal: Terminal, tmp_path: Path) -> None:
    """Its folder answers as the one it was made of; a file that exists is refused."""
    terminal.log()
    terminal.ok("backup", str(tmp_path / "copy" / "failbot.db"))
    copy = Terminal(tmp_path / "copy")
    assert copy.json("show", "F-1")["number"] == 1
    again = terminal.run("backup", str(tmp_path / "copy" / "failbot.db"))
    assert again.returncode == 5
    assert "there already" in again.stderr


def test_reindex_embeds_what_is_there(terminal: Terminal) -> None:
    """And names the model that is searched with."""
    record(terminal, Visibility.WORKSPACE)
    assert terminal.json("reindex") == {"model": "failbot-minilm-1", "embedded": 1}
    assert terminal.json("reindex")["embedded"] == 0
