"""The log of a serving process: no text of other people's, and no line for ever."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from failbot.errors import ConfigError, FailbotError, InputError, ModelError, SaidError, StoreError
from failbot.logs import BURST, WINDOW_S, JsonLines, Repeats, TextLines, told

SECRET = "what somebody wrote"


def raised(work: Callable[[], object]) -> BaseException:
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def record(words: str = "job %s broke", *args: object, line: int = 1, **more: object) -> Any:
    made = logging.LogRecord("failbot.x", logging.ERROR, "x.py", line, words, args or ("7",), None)
    made.__dict__.update(more)
    return made


def quoting() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise KeyError(SECRET) from error


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()], ids=["text", "json"])
def test_a_trace_quotes_nobody(formatter: logging.Formatter) -> None:
    """The place and the kind of an error and of its cause, without what they quote."""
    error = raised(quoting)
    line = formatter.format(record(exc_info=(type(error), error, error.__traceback__)))
    assert SECRET not in line
    assert "KeyError" in line
    assert "ValueError" in line
    assert "in quoting" in line


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StoreError("/data/failbot.db: database or disk is full"), "disk is full"),
        (OSError(28, "No space left on device"), "No space left"),
        (InputError(f"no such command: {SECRET}"), "InputError"),
        (RuntimeError(SECRET), "RuntimeError"),
    ],
)
def test_what_is_for_whoever_runs_failbot_is_written(error: Exception, words: str) -> None:
    """Of failbot's own errors those that are not said to people, and the system's."""

    def fail() -> None:
        raise error

    line = told(raised(fail))
    assert words in line
    assert SECRET not in line
    assert ("in fail" in line) is not isinstance(error, FailbotError), "its words say enough"


def test_a_json_line_is_an_object_with_what_is_beside_the_words() -> None:
    """Ids and durations as fields of their own; times in UTC."""
    line = json.loads(JsonLines().format(record(job_id=7, duration_ms=1.5)))
    assert (line["level"], line["logger"], line["message"]) == (
        "ERROR",
        "failbot.x",
        "job 7 broke",
    )
    assert (line["job_id"], line["duration_ms"]) == (7, 1.5)
    assert line["timestamp"].endswith("+00:00")


class Clock:
    at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


def test_a_line_that_repeats_is_left_out_and_counted() -> None:
    """A disk that stays full is said ten times a minute, with how often it was not."""
    clock = Clock()
    repeats = Repeats(clock=clock)
    passed = [one for one in (record() for _ in range(1_000)) if repeats.filter(one)]
    assert len(passed) == BURST
    assert repeats.filter(record(line=2)), "another line of the code has its own count"
    clock.at_s = WINDOW_S
    later = record()
    assert repeats.filter(later)
    assert later.getMessage() == "job 7 broke (990 like it were left out before)"
    assert repeats.filter(record())


def test_what_is_no_warning_is_not_counted() -> None:
    """A line for each job is no repetition."""
    repeats = Repeats(clock=Clock())
    done = record()
    done.levelno = logging.INFO
    assert all(repeats.filter(done) for _ in range(10 * BURST))


def test_no_error_is_said_to_people_unless_it_is_meant_for_them() -> None:
    """Every kind there is; database, model and settings are among those that name paths."""
    kinds: list[type[FailbotError]] = []
    todo = [FailbotError]
    while todo:
        kinds.append(todo.pop())
        todo += kinds[-1].__subclasses__()
    hidden = [one for one in kinds if not issubclass(one, SaidError)]
    assert {StoreError, ModelError, ConfigError} <= set(hidden)
    assert not [one for one in hidden if "/a/path" in one.__new__(one, "/a/path").for_people]
