"""What looking at one thing gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: how it is, and where it is not well, what to do."""

    name: str
    state: State
    words: str


def ok(name: str, words: str) -> Check:
    return Check(name=name, state=State.OK, words=words)


def warn(name: str, words: str) -> Check:
    return Check(name=name, state=State.WARN, words=words)


def fail(name: str, words: str) -> Check:
    return Check(name=name, state=State.FAIL, words=words)
