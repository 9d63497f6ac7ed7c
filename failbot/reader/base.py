"""What every reader gives: for each candidate a judgement, and what matches and differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from failbot.models import Draft
from failbot.text import clean

# Candidates in one reading. On eight teams' questions the right one is among the first 8, 16, 24
# and 32 of 84, 91, 95 and 97 in a hundred (`.docs/reader.md`); a request is then some 3,500 tokens.
READ = 24
DEADLINE_S = 6.0  # how long an asker waits for a reading before the answer comes without it
SENTENCE_LIMIT = 240  # characters of what matches, and of what differs


class Judgement(StrEnum):
    SAME = "same"  # the failure that was asked about
    HELPS = "helps"  # another one, whose lesson helps
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One candidate, judged. The judgement decides; the sentences are for people, unescaped."""

    judgement: Judgement
    matches: str = ""
    differs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A candidate as it is read: its entry's number, version and text.

    `is_private`: not everyone in the workspace may see it.
    """

    number: int
    version: int
    text: str
    is_private: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a reader did since its process began; tokens as the server counts them."""

    calls: int = 0
    failed: int = 0  # no usable reply in time
    refused: int = 0  # not sent: over the limit, or the breaker was open
    cached: int = 0  # passages that needed no call
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    is_open: bool = False  # the breaker: nothing is sent for a while
    form: str = ""  # how the server takes the schema, of `chat.FORMS`; "" not known yet

    def without(self, earlier: Stats) -> Stats:
        """What came since `earlier`; the last two as they are now."""
        return Stats(
            calls=self.calls - earlier.calls,
            failed=self.failed - earlier.failed,
            refused=self.refused - earlier.refused,
            cached=self.cached - earlier.cached,
            prompt_tokens=self.prompt_tokens - earlier.prompt_tokens,
            completion_tokens=self.completion_tokens - earlier.completion_tokens,
            seconds=self.seconds - earlier.seconds,
            is_open=self.is_open,
            form=self.form,
        )


class Reader(Protocol):
    """Judges candidates against a question; any thread may call it."""

    @property
    def name(self) -> str:
        """Whose judgement it is, for people; "" for nobody's."""

    def read(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        is_private: bool = True,
        deadline_s: float = DEADLINE_S,
    ) -> dict[int, Reading]:
        """A reading by number, of at most the first `READ`; those left out were not read.

        What it may not see is left out: everything when the question `is_private`, else the
        private passages, unless the reader is one that may see private text. Each sentence is one
        line of at most `SENTENCE_LIMIT` characters.
        :raises ReaderError: it did not answer in time, or not usably.
        """

    def draft_from(self, text: str, *, is_private: bool = True) -> Draft:
        """A draft of what a thread or a pasted log tells, for a person to change.

        :raises PrivateTextError: it may not see the text. :raises ReaderError: it did not answer.
        """

    def expected_questions(self, text: str, *, is_private: bool = True) -> tuple[str, ...]:
        """Up to six messages that somebody would type later who meets what this entry records.

        One line each, none twice. :raises ReaderError: as `draft_from`.
        """

    def stats(self) -> Stats:
        """What has happened since the process began; costs nothing, for whoever exports it."""


class NoReader:
    """Reads nothing: the score decides, and the null below it. Writes nothing of its own."""

    name = ""

    def read(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        is_private: bool = True,
        deadline_s: float = DEADLINE_S,
    ) -> dict[int, Reading]:
        """See Reader.read."""
        return {}

    def draft_from(self, text: str, *, is_private: bool = True) -> Draft:
        """All of the text as what happened; what was tried is the person's to say."""
        return Draft(tried="", happened=text.strip())

    def expected_questions(self, text: str, *, is_private: bool = True) -> tuple[str, ...]:
        """See Reader.expected_questions."""
        return ()

    def stats(self) -> Stats:
        """See Reader.stats."""
        return Stats()


def sentence(text: str) -> str:
    """The text as one line of at most `SENTENCE_LIMIT` characters, without control characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= SENTENCE_LIMIT else line[: SENTENCE_LIMIT - 1].rstrip() + "…"
