"""Log, show, list, ask, digest: as a process, by arguments, by standard input, as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from failbot.models import Place, Visibility
from tests.cli.conftest import FIRST, SECOND, Terminal
from tests.make import draft

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def record(terminal: Terminal, visibility: Visibility, *, team_id: str = "local") -> None:
    """An entry as Slack would have left it."""
    from failbot.store.sqlite import SqliteStore

    store = SqliteStore(terminal.data / "failbot.db")
    place = Place(team_id=team_id, channel_id="G0SECRET", visibility=visibility)
    store.failures.record(draft(), place=place, author_id="U0ANA", now=NOW)
    store.close()


def test_what_is_logged_is_shown_listed_and_found(terminal: Terminal) -> None:
    """The whole way, in four processes."""
    assert terminal.log().startswith("F-1 logged: The loss diverged after nine hundred steps")
    assert FIRST in terminal.ok("show", "F-1")
    assert terminal.ok("list").startswith("F-1\t")
    answer = terminal.json("ask", "our loss diverges after a short warm-up and does not recover")
    assert answer["hits"][0]["number"] == 1
    assert answer["verdict"] in {"known", "related"}


def test_answer_as_json_has_its_documented_shape(terminal: Terminal) -> None:
    """Programs read these names."""
    terminal.log(FIRST, SECOND, "--external-id", "X1", "--lesson", "Warm up.")
    answer = terminal.json("ask", "loss diverged after nine hundred steps with half the warm-up")
    told = {"verdict", "confidence", "by_words_only", "is_partial", "read_by", "unread", "hits"}
    assert told | {"searched"} == set(answer)
    hit = answer["hits"][0]
    assert (hit["number"], hit["external_id"], hit["lesson"]) == (1, "X1", "Warm up.")
    assert 0 <= hit["probability"] <= 1
    assert {"reference", "title", "score", "sentence", "outcome", "explanations"} <= set(hit)


def test_an_answer_quotes_the_sentence_that_matches(terminal: Terminal) -> None:
    """In words and as JSON: not the entry's first sentence, and nothing but the sentence."""
    terminal.log(FIRST, f"The loader was slow all day. {SECOND} We went home.")
    question = "loss diverged after nine hundred steps and never came back"
    assert terminal.json("ask", question)["hits"][0]["sentence"] == SECOND
    assert f"    “{SECOND}”" in terminal.ok("ask", question)


def test_nothing_recorded_is_said_so(terminal: Terminal) -> None:
    """An honest answer is a success."""
    terminal.log()
    done = terminal.run("ask", "the coffee machine in the kitchen leaks water on the floor")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Nobody has recorded this.")


def test_question_is_read_from_standard_input(terminal: Terminal) -> None:
    """Piped, with or without a dash."""
    for arguments in ((), ("-",)):
        assert terminal.json("ask", *arguments, stdin="the loss diverged")["hits"] == []


@pytest.mark.parametrize(
    "stdin",
    [
        f"{FIRST}\n\n{SECOND}\n",
        f"{FIRST}\n{SECOND}",
        json.dumps({"tried": FIRST, "happened": SECOND}),
    ],
)
def test_log_reads_text_and_json(terminal: Terminal, stdin: str) -> None:
    """The first paragraph or line is what was tried; an object names its fields."""
    terminal.ok("log", stdin=stdin)
    shown = terminal.json("show", "F-1")
    assert (shown["tried"], shown["happened"]) == (FIRST, SECOND)


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        (b"", "no failure"),
        (b"only one line", "happened: is missing"),
        (b'{"tryed": "x"}', "unknown field 'tryed'"),
        (b"{nonsense", "begins like JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_log_refuses_what_it_cannot_read(bare: Terminal, stdin: bytes, words: str) -> None:
    """Exit code 2, one line, nothing stored."""
    done = bare.run("log", stdin=stdin)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert bare.json("list")["total"] == 0


def test_log_reports_as_json(terminal: Terminal) -> None:
    """The number, whether it is new, what was taken out."""
    token = "hf" + "_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH"
    key = "AKIA" + "Z7QX" * 4
    ids = ("--external-id", f"run-{key}")
    told = terminal.json("log", "--tried", FIRST, "--happened", f"login with {token} failed", *ids)
    assert (told["number"], told["is_new"]) == (1, True)
    assert told["redacted"] == ["hugging face token", "aws key"]
    assert terminal.json("show", "F-1")["external_id"] == "run-[redacted: aws key]"
    assert token not in terminal.ok("show", "F-1")
    assert not any(
        token.encode() in path.read_bytes() for path in terminal.data.glob("failbot.db*")
    )


def test_similar_failure_is_hinted_at(terminal: Terminal) -> None:
    """Who logs it again hears of the first."""
    terminal.log()
    told = terminal.log("Halved the warm-up again", "the loss diverged after nine hundred steps")
    assert "Like F-1: " in told


def test_every_field_is_an_option(terminal: Terminal) -> None:
    """What the form takes, the command line takes."""
    terminal.log(
        FIRST,
        SECOND,
        *("--title", "Short warm-up", "--outcome", "no effect", "--lesson", "Warm up longer."),
        *("--explanation", "Too steep.", "--status", "supported", "--evidence", "three seeds"),
        *("--mode", "train.unstable", "--tag", "llm", "--tag", "loss", "--cost", "2 days"),
        *("--link", "https://a.example/run", "--valid-while", "Another optimiser."),
        *("--external-id", "R7", "--author", "U0ANA"),
    )
    shown = terminal.json("show", "F-1")
    assert shown["explanations"] == [
        {"text": "Too steep.", "status": "supported", "evidence": "three seeds"}
    ]
    assert (shown["title"], shown["outcome"], shown["cost"]) == (
        "Short warm-up",
        "no effect",
        "2 days",
    )
    assert (shown["tags"], shown["modes"]) == (["llm", "loss"], ["train.unstable"])
    assert (shown["links"], shown["author_id"]) == (["https://a.example/run"], "U0ANA")


def test_what_it_is_asked_like_is_logged_shown_and_found(terminal: Terminal) -> None:
    """The option may be repeated, and the entry answers in those words."""
    terminal.log(FIRST, SECOND, "--asked-like", "garbage at midnight", "--asked-like", "why NaN?")
    assert "- garbage at midnight (author)" in terminal.ok("show", "F-1")
    assert terminal.json("show", "F-1")["questions"] == [
        {"text": "garbage at midnight", "origin": "author"},
        {"text": "why NaN?", "origin": "author"},
    ]
    hit = terminal.json("ask", "garbage every midnight")["hits"][0]
    assert hit["signals"]["expected"] > 0.5
    refused = terminal.run("log", "--tried", "a", "--happened", "b", "--asked-like", "x" * 301)
    assert (refused.returncode, "at most 300 fit" in refused.stderr) == (2, True)


def test_same_external_id_is_logged_once(terminal: Terminal) -> None:
    """A script that runs twice changes nothing."""
    terminal.log(FIRST, SECOND, "--external-id", "R7")
    again = terminal.log("other", "words", "--external-id", "R7")
    assert again == "F-1 holds this already; nothing was changed.\n"


@pytest.mark.parametrize(("reference", "code"), [("F-9", 3), ("nine", 2), ("F-0", 3)])
def test_entry_that_is_not_there(bare: Terminal, reference: str, code: int) -> None:
    """Not found is not the same as not understood."""
    assert bare.run("show", reference).returncode == code


def test_versions_are_shown(terminal: Terminal) -> None:
    """Also of an entry that was never changed."""
    terminal.log()
    versions = terminal.json("show", "F-1", "--versions")["versions"]
    assert [(one["version"], one["tried"]) for one in versions] == [(1, FIRST)]


@pytest.mark.parametrize("visibility", [Visibility.CHANNEL, Visibility.AUTHOR])
def test_private_entry_needs_everything(bare: Terminal, visibility: Visibility) -> None:
    """The data's holder has to say that private entries are meant."""
    record(bare, visibility)
    assert bare.run("show", "F-1").returncode == 3
    assert bare.json("list")["total"] == 0
    assert bare.json("list", "--everything")["total"] == 1
    assert bare.json("show", "F-1", "--everything")["visibility"] == visibility.value


def test_only_workspace_is_taken_and_of_several_one_must_be_named(bare: Terminal) -> None:
    """A bot's own workspace needs no option until there are two."""
    record(bare, Visibility.WORKSPACE, team_id="T1")
    assert bare.json("list")["total"] == 1
    record(bare, Visibility.WORKSPACE, team_id="T2")
    done = bare.run("list")
    assert done.returncode == 2
    assert "several workspaces (T1, T2)" in done.stderr
    assert bare.json("--team", "T2", "list")["total"] == 1


def test_list_searches_and_limits(bare: Terminal) -> None:
    """All the words must occur; the limit is said."""
    record(bare, Visibility.WORKSPACE)
    record(bare, Visibility.WORKSPACE)
    assert bare.json("list", "--search", "loss diverged")["total"] == 2
    assert bare.json("list", "--search", 'no" such')["total"] == 0
    assert bare.json("list", "--author", "U0ANA", "--limit", "1")["total"] == 2
    assert "1 of 2; more with --limit" in bare.run("list", "--limit", "1").stderr


def test_digest_of_a_week(terminal: Terminal) -> None:
    """What was logged in it, and what was asked in vain and shared."""
    terminal.log(FIRST, SECOND, "--lesson", "Warm up longer.")
    terminal.ok("ask", "--share", "the coffee machine in the kitchen leaks water")
    terminal.ok("ask", "nobody hears of this question about the lift")
    told = terminal.json("digest")
    assert [one["reference"] for one in told["lessons"]] == ["F-1"]
    assert [one["text"] for one in told["questions"]] == [
        "the coffee machine in the kitchen leaks water"
    ]
    assert "Nothing was logged" in terminal.ok("digest", "--week", "2020-W10")


def test_week_that_is_none_is_refused(bare: Terminal) -> None:
    """Exit code 2, with an example."""
    done = bare.run("digest", "--week", "2026-W60")
    assert (done.returncode, "write it as 2026-W47" in done.stderr) == (2, True)


def test_what_people_wrote_cannot_move_the_cursor(bare: Terminal) -> None:
    """Escape sequences in an entry never reach the terminal."""
    from failbot.store.sqlite import SqliteStore

    store = SqliteStore(bare.data / "failbot.db")
    place = Place(team_id="local", channel_id="", visibility=Visibility.WORKSPACE)
    store.failures.record(
        draft("a\x1b[2Jb", title="x\x1b]0;t\x07"), place=place, author_id="U\x1b[1m", now=NOW
    )
    store.close()
    for command in (("show", "F-1"), ("list",), ("digest", "--week", "2026-W10")):
        assert "\x1b" not in bare.ok(*command)
