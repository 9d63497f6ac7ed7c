"""The values that failbot works with: frozen, and free of Slack, SQL and JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from failbot.fields import problems, says
from failbot.taxonomy import MODES, Outcome

TITLE_LIMIT = 300
NAME_LIMIT = 120  # characters of a title derived from what happened
SHOWN_HITS = 3  # matches that an answer shows: a list of more is a search result, not an answer
# Expected questions of one failure. Six cover its symptom, its error line, a terse form, a plan, a
# paraphrase and a sibling; as many again leave room for what people really ask. Each is compared
# with every question, so that a list without an end would be paid for by all who ask.
EXPECTED_LIMIT = 12
EXPECTED_SIZE = 300  # characters of one: a question as it is typed, not a pasted log


class Visibility(StrEnum):
    """Who sees an entry or a question; it follows from the place where it was written."""

    WORKSPACE = "workspace"  # written in a public channel
    CHANNEL = "channel"  # written in a private channel: its members, as of when they ask
    AUTHOR = "author"  # written in a direct message


class Access(StrEnum):
    """Who may read a channel, as Slack says."""

    WORKSPACE = "workspace"  # every member of the workspace, and nobody else
    SHARED = "shared"  # every member of the workspace, and people of others
    PRIVATE = "private"
    HIDDEN = "hidden"  # Slack shows the bot no such channel: private without it, or deleted


class ExplanationStatus(StrEnum):
    OPEN = "open"
    SUPPORTED = "supported"
    RULED_OUT = "ruled out"


def _unknown_mode(mode: str) -> str:
    known = ", ".join(MODES)
    return "" if mode in MODES else f"unknown failure mode {mode!r}; known: {known}"


def _no_address(link: str) -> str:
    if re.match(r"https?://[^\s<>|]+$", link):
        return ""
    return f"{link[:60]!r} is not an address; it must begin with http:// or https://"


def _without_blanks(link: str) -> str:
    """What was taken out of an address leaves an address."""
    return link.strip().replace(" ", "%20")


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One of the rival accounts of why it happened."""

    text: str
    status: ExplanationStatus = field(
        default=ExplanationStatus.OPEN, metadata=says(is_searched=False)
    )
    evidence: str = field(default="", metadata=says(is_searched=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person says of a failure: `tried` and `happened`; all else may come later.

    The one list of an entry's fields. Whatever checks, redacts, embeds, stores, exports and
    imports one walks it (see `fields`), in this order, which is that of the text that is embedded:
    words alone are, since labels would make all alike. A field more needs a column (a migration,
    `TEXT NOT NULL DEFAULT ''`, or `'[]'` for a list, which is JSON there) and whatever shows it.
    """

    title: str = field(default="", metadata=says(limit=TITLE_LIMIT))
    tried: str = field(metadata=says(is_required=True))
    happened: str = field(metadata=says(is_required=True))
    outcome: Outcome | None = field(default=None, metadata=says(is_searched=False))
    explanations: tuple[Explanation, ...] = field(default=(), metadata=says(most=None))
    # The names in a closed list: nothing that someone typed.
    modes: tuple[str, ...] = field(
        default=(),
        metadata=says(is_redacted=False, is_searched=False, most=None, refusal=_unknown_mode),
    )
    lesson: str = ""
    valid_while: str = field(default="", metadata=says(is_searched=False))
    links: tuple[str, ...] = field(
        default=(),
        metadata=says(is_searched=False, limit=2_000, refusal=_no_address, tidy=_without_blanks),
    )
    tags: tuple[str, ...] = field(default=(), metadata=says(limit=50))
    cost: str = field(default="", metadata=says(is_searched=False))
    # Its blanks stay: the same file, imported again, must find the same id.
    external_id: str = field(default="", metadata=says(is_searched=False, tidy=_as_it_is))

    @property
    def name(self) -> str:
        """The title, or the first words of what happened where there is none."""
        return self.title or shorten(first_sentence(self.happened), NAME_LIMIT)

    def problems(self) -> dict[str, str]:
        """What keeps this draft from being recorded: field name -> words; empty if nothing does."""
        return problems(self)


def said(draft: Draft) -> dict[str, Any]:
    """A draft's fields by name, as they are; of a failure, without the record's own facts."""
    return {part.name: getattr(draft, part.name) for part in fields(Draft)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Draft):
    """A recorded draft: who wrote it, where, when, and its number within the workspace."""

    team_id: str
    number: int
    author_id: str
    channel_id: str
    visibility: Visibility
    created_at: datetime
    updated_at: datetime
    version: int = 1
    card_ts: str = ""  # the message that shows it in its channel, if one does
    # Slack did not say whether its channel is public: until it does, its members see it.
    is_unsure: bool = False
    is_published: bool = False  # the workspace's by its author's word, whatever its channel is

    @property
    def reference(self) -> str:
        return reference(self.number)

    def draft(self) -> Draft:
        """What the author said, without the record's own facts."""
        return Draft(**said(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a draft: the failure, and what whoever said it must be told.

    `is_new`: it made this failure, rather than changing or repeating one. `redacted`: the kinds
    of secrets that were taken out of it, in the fields' order, then of its expected questions,
    once each.
    """

    failure: Failure
    is_new: bool
    redacted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of an import's drafts, in their order; `id` is 0 where none was new."""

    id: int
    recorded: tuple[Recorded, ...]


class QuestionOrigin(StrEnum):
    """Who worded an expected question; only the first kind are the author's own words."""

    AUTHOR = "author"
    MODEL = "model"  # a language model, from the entry
    ASKER = "asker"  # somebody asked it, and confirmed that the entry was the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedQuestion:
    """How someone would ask about a failure: matched beside it, and seen by who sees it."""

    text: str
    origin: QuestionOrigin
    by: str  # who wrote, asked or set it: a person's id, or a model's name
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A failure's text as it was before or at a change; the newest is the failure's own."""

    number: int
    draft: Draft
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is written: its channel, and who therefore sees it.

    `is_unsure`: Slack did not say whether the channel is public, so it counts as private.
    """

    team_id: str
    channel_id: str
    visibility: Visibility
    is_unsure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """On whose behalf entries are read; the store's queries hold this, nothing filters afterwards.

    What was logged in the channels of `channel_ids` is visible, whether or not it is the
    workspace's. The audience of a channel is a viewer too: one without a user. `is_operator` sees
    everything of the workspace: whoever holds the database file.
    """

    team_id: str
    user_id: str = ""
    channel_ids: frozenset[str] = frozenset()
    sees_workspace: bool = True
    is_operator: bool = False


class Verdict(StrEnum):
    KNOWN = "known"  # the first hit is probably the same failure
    RELATED = "related"  # it may help
    UNKNOWN = "unknown"  # nobody has recorded this


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A failure that matches a question; `score` orders, higher is better, `probability` 0..1."""

    failure: Failure
    score: float
    probability: float
    sentence: str = ""  # the failure's sentence that matches best
    signals: dict[str, float] = field(default_factory=dict)
    judgement: str = ""  # a reader's: "same", "helps" or "no"; "" where it was not read
    matches: str = ""  # the reader's sentence on what matches, and what differs
    differs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an answer's probabilities were made with.

    The odds' logarithm is the intercept plus each hit's signals times the coefficients of their
    names; `weights` make the score in the same way. `origin`: "shipped" for this model, a
    workspace's "own", or "cautious", made for another model or without the reranker. The first
    hit is known from the probability `known` on.
    """

    model: str  # "" when only words were compared
    reranker: str  # "" for none
    origin: str
    questions: int  # with an answer, that it was fitted to
    intercept: float
    coefficients: dict[str, float]
    weights: dict[str, float]
    known: float
    related: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the memory says to a question: hits best first; `confidence` 0..1 is the first hit's."""

    verdict: Verdict
    hits: tuple[Hit, ...]
    confidence: float
    by_words_only: bool = False  # the model was not ready: no vectors were compared
    lacks_model: bool = False  # by words because the model cannot be used, rather than not yet
    runner_up: float | None = None  # log odds of what would be first without the first hit
    is_partial: bool = False  # some entries have no vectors yet: they were compared by words
    basis: Basis | None = None
    read_by: str = ""  # the language model that read the hits; "" where the score decided
    unread: str = ""  # why a language model that is set has read nothing; "" where none should
    searched: int | None = None  # of an unknown: how many entries its viewer may see

    @property
    def scope(self) -> str:
        """How much was searched in vain, in a sentence; "" where something was found."""
        if self.searched is None:
            return ""
        if self.searched == 0:
            return "There is no entry yet that may be shown here."
        entries = "The one entry" if self.searched == 1 else f"All {self.searched:,} entries"
        verb = "was" if self.searched == 1 else "were"
        return f"{entries} that may be shown here {verb} searched."

    @property
    def is_provisional(self) -> bool:
        """Whether the same question may be answered better later."""
        return self.by_words_only or self.is_partial

    @property
    def caveat(self) -> str:
        """What keeps this answer from being the last word, in a sentence; "" where nothing does."""
        return " ".join(filter(None, [self._lack(), self._unread()]))

    def _unread(self) -> str:
        if not self.unread:
            return ""
        return f"The language model did not read it ({self.unread}): this goes by the score alone."

    def _lack(self) -> str:
        if self.lacks_model:
            return (
                "The model cannot be used, so only words were compared; "
                "whoever runs failbot finds the reason in its log."
            )
        if self.by_words_only:
            return "The model is still loading, so only words were compared; ask again in a minute."
        if self.is_partial:
            return (
                "Some entries came in just now and were compared by their words only; "
                "ask again in a minute."
            )
        return ""

    def shown(self, limit: int = SHOWN_HITS) -> tuple[Hit, ...]:
        """The hits to show as answers: none when the verdict is unknown."""
        if self.verdict is Verdict.UNKNOWN:
            return ()
        return tuple(hit for hit in self.hits[:limit] if _is_shown(hit))

    def weak(self) -> Hit | None:
        """The closest match of an unknown, to be offered as weak; none where nothing is close."""
        if self.verdict is not Verdict.UNKNOWN or not self.hits:
            return None
        first = self.hits[0]
        is_close = first.probability >= WEAK_PROBABILITY and first.judgement != "no"
        return first if is_close else None


def _is_shown(hit: Hit) -> bool:
    """A reader's word goes before the score's."""
    if hit.judgement:
        return hit.judgement != "no"
    return hit.probability >= SHOWN_PROBABILITY


# Of the second hits to the sample questions, those below it helped one time in eight, those above
# it one time in three.
SHOWN_PROBABILITY = 0.2
# Of the sample questions whose answer was not sure enough to show, all that were right lay above
# 0.1; below this lie greetings and other fields, where any match would be a joke.
WEAK_PROBABILITY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What someone asked, where, and what was shown."""

    id: int
    place: Place
    user_id: str
    text: str
    verdict: Verdict
    shown: tuple[int, ...]  # failure numbers
    asked_at: datetime
    message_ts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A reader's word on one shown failure: it helped, or it did not."""

    question_id: int
    number: int
    user_id: str
    helped: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a channel gets its digest: weekday 0 is Monday, local time in an IANA zone."""

    team_id: str
    channel_id: str
    weekday: int
    hour: int
    minute: int
    zone: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A recurring failure mode or tag: what it is, and the failures that share it."""

    name: str
    meaning: str
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thanks:
    """A person whose entries were shown to others as an answer, or helped by their own word."""

    author_id: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One channel's lessons of the seven days that end at `until`.

    `week` is the ISO week in which it is due, such as 2026-W47.
    """

    week: str
    until: datetime
    pattern: Pattern | None
    lessons: tuple[Failure, ...]
    questions: tuple[Question, ...]
    thanks: tuple[Thanks, ...]
    more: int = 0  # new failures of the week beyond `lessons`

    @property
    def is_empty(self) -> bool:
        return not (self.lessons or self.questions or self.thanks)


def reference(number: int) -> str:
    """How people name the failure of this number."""
    return f"F-{number}"


def parse_reference(text: str) -> int | None:
    """The number in `F-12`, `f12`, `#12` or `12`; None where there is none."""
    match = re.fullmatch(r"\s*(?:[Ff]-?|#)?(\d{1,9})\s*", text)
    return int(match.group(1)) if match else None


def first_sentence(text: str) -> str:
    """The text's first sentence or line, without its final full stop."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return re.split(r"(?<=[.!?])\s", line, maxsplit=1)[0].rstrip(".")


def shorten(text: str, limit: int) -> str:
    """The text on one line in at most `limit` characters, cut at a word where that costs little."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit * 0.6 else cut).rstrip(" ,;:.") + "…"
