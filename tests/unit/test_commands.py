"""What is a command, what is a text to log, and what is a slip of the fingers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.errors import InputError
from failbot.slack.commands import VERBS, Command, Weekly, parse, parse_weekly


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", Command(verb="form")),
        ("the loss exploded", Command(verb="form", text="the loss exploded")),
        ("loss &lt; 0", Command(verb="form", text="loss < 0")),
        ("log overfitting", Command(verb="form", text="overfitting")),
        ("log list shuffling broke", Command(verb="form", text="list shuffling broke")),
        ("List", Command(verb="list")),
        ("show f-12", Command(verb="show", number=12)),
        ("edit 12", Command(verb="edit", number=12)),
        ("delete #12", Command(verb="delete", number=12)),
        ("search out of memory", Command(verb="search", text="out of memory")),
        ("digest", Command(verb="digest")),
        ("digest off", Command(verb="digest", text="off")),
        (
            "digest here monday 09:00 Europe/Berlin",
            Command(verb="digest", text="here monday 09:00 Europe/Berlin"),
        ),
        (
            "edit distance loss did nothing for us",
            Command(verb="form", text="edit distance loss did nothing for us"),
        ),
        (
            "lists of hard negatives made it worse",
            Command(verb="form", text="lists of hard negatives made it worse"),
        ),
    ],
)
def test_what_is_meant(typed: str, meant: Command) -> None:
    """A sentence is a text, also when it begins like a command."""
    assert parse(typed) == meant


@pytest.mark.parametrize(
    "typed", ["xyz", "shw F-1", "serach foo", "show", "edit me", "list all", "digest soon", "hlep"]
)
def test_what_is_mistyped(typed: str) -> None:
    """Short, and like a command: what to type instead is said."""
    with pytest.raises(InputError, match="/failure"):
        parse(typed)


@given(st.text() | st.sampled_from(VERBS).flatmap(lambda verb: st.text().map(f"{verb} ".__add__)))
def test_everything_is_understood_or_refused_in_words(typed: str) -> None:
    """Nothing breaks."""
    try:
        verb = parse(typed).verb
    except InputError:
        return
    assert verb in {*VERBS, "form"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("monday 09:00", Weekly(weekday=0, hour=9, minute=0)),
        ("Sun 7.30", Weekly(weekday=6, hour=7, minute=30)),
        (
            "fridays 23:59 europe/berlin",
            Weekly(weekday=4, hour=23, minute=59, zone="Europe/Berlin"),
        ),
    ],
)
def test_a_weekly_moment(typed: str, meant: Weekly) -> None:
    """Days may be short, times with a colon or a point, zones in any case."""
    assert parse_weekly(typed) == meant


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("monday", "day and a time"),
        ("mo 09:00", "day of the week"),
        ("monday 24:00", "time of day"),
        ("monday 9", "time of day"),
        ("monday 09:00 Berlin/Europe", "time zone"),
    ],
)
def test_a_moment_that_is_none(typed: str, named: str) -> None:
    """The part that is wrong is named."""
    with pytest.raises(InputError, match=named):
        parse_weekly(typed)
