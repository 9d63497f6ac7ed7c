"""The values that failbot works with: frozen, and free of Slack, SQL and JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum

from failbot.taxonomy import MODES, Outcome

TEXT_LIMIT = 40_000  # characters of one text; Slack truncates a message there (chat.postMessage)
TITLE_LIMIT = 300
NAME_LIMIT = 120  # characters of a title derived from what happened
LIST_LIMIT = 20
SHOWN_HITS = 3  # matches that an answer shows: a list of more is a search result, not an answer
# Expected questions of one failure. Six cover its symptom, its error line, a terse form, a plan, a
# paraphrase and a sibling; as many again leave room for what people really ask. Each is compared
# with every question, so that a list without an end would be paid for by all who ask.
EXPECTED_LIMIT = 12
EXPECTED_SIZE = 300  # characters of one: a question as it is typed, not a pasted log
ITEM_LIMIT = {"links": 2_000, "tags": 50}
TEXT_FIELDS = ("tried", "happened", "lesson", "valid_while", "cost", "title", "external_id")


class Visibility(StrEnum):
    """Who sees an entry or a question; it follows from the place where it was written."""

    WORKSPACE = "workspace"  # written in a public channel
    CHANNEL = "channel"  # written in a private channel: its members, as of when they ask
    AUTHOR = "author"  # written in a direct message


class ExplanationStatus(StrEnum):
    OPEN = "open"
    SUPPORTED = "supported"
    RULED_OUT = "ruled out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One of the rival accounts of why it happened."""

    text: str
    status: ExplanationStatus = ExplanationStatus.OPEN
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person says of a failure: `tried` and `happened`; all else may come later."""

    tried: str
    happened: str
    title: str = ""
    outcome: Outcome | None = None
    explanations: tuple[Explanation, ...] = ()
    modes: tuple[str, ...] = ()
    lesson: str = ""
    valid_while: str = ""
    links: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cost: str = ""
    external_id: str = ""

    @property
    def name(self) -> str:
        """The title, or the first words of what happened where there is none."""
        return self.title or shorten(first_sentence(self.happened), NAME_LIMIT)

    def problems(self) -> dict[str, str]:
        """What keeps this draft from being recorded: field name -> words; empty if nothing does."""
        found = dict(_text_problems(self)) | dict(_list_problems(self))
        unknown = [mode for mode in self.modes if mode not in MODES]
        if unknown:
            found["modes"] = f"unknown failure mode {unknown[0]!r}; known: {', '.join(MODES)}"
        return found


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

    @property
    def reference(self) -> str:
        return f"F-{self.number}"

    def draft(self) -> Draft:
        """What the author said, without the record's own facts."""
        return Draft(**{part.name: getattr(self, part.name) for part in fields(Draft)})


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
    """Where something is written: its channel, and who therefore sees it."""

    team_id: str
    channel_id: str
    visibility: Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """On whose behalf entries are read; the store's queries hold this, nothing filters afterwards.

    `channel_ids` are the private channels whose entries are visible. The audience of a channel is
    a viewer too: one without a user. `is_operator` sees everything of the workspace: whoever
    holds the database file.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an answer's probabilities were made with.

    The odds' logarithm is the intercept plus each hit's signals times the coefficients of their
    names. `origin`: "shipped" for this model, a workspace's "own", or "cautious", made for another
    model or without the reranker. The first hit is known from the probability `known` on.
    """

    model: str  # "" when only words were compared
    reranker: str  # "" for none
    origin: str
    questions: int  # with an answer, that it was fitted to
    intercept: float
    coefficients: dict[str, float]
    known: float
    related: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the memory says to a question: hits best first; `confidence` 0..1 is the first hit's."""

    verdict: Verdict
    hits: tuple[Hit, ...]
    confidence: float
    by_words_only: bool = False  # the model was not ready: no vectors were compared
    is_partial: bool = False  # some entries have no vectors yet: they were compared by words
    basis: Basis | None = None

    @property
    def caveat(self) -> str:
        """What keeps this answer from being the last word, in a sentence; "" where nothing does."""
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
        return tuple(hit for hit in self.hits[:limit] if hit.probability >= SHOWN_PROBABILITY)

    def weak(self) -> Hit | None:
        """The closest match of an unknown, to be offered as weak; none where nothing is close."""
        if self.verdict is not Verdict.UNKNOWN or not self.hits:
            return None
        return self.hits[0] if self.hits[0].probability >= WEAK_PROBABILITY else None


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


def _text_problems(draft: Draft) -> Iterator[tuple[str, str]]:
    for name in ("tried", "happened"):
        if not getattr(draft, name).strip():
            yield name, "is missing; one sentence is enough"
    for name in TEXT_FIELDS:
        limit = TITLE_LIMIT if name == "title" else TEXT_LIMIT
        size = len(getattr(draft, name))
        if size > limit:
            yield name, f"has {size:,} characters; at most {limit:,} fit, link to the rest"
    if any(len(one.text) > TEXT_LIMIT for one in draft.explanations):
        yield "explanations", f"at most {TEXT_LIMIT:,} characters each fit, link to the rest"


def _list_problems(draft: Draft) -> Iterator[tuple[str, str]]:
    for name, limit in ITEM_LIMIT.items():
        items: tuple[str, ...] = getattr(draft, name)
        if len(items) > LIST_LIMIT:
            yield name, f"has {len(items)} items; at most {LIST_LIMIT} fit"
        long = next((item for item in items if len(item) > limit), None)
        if long:
            yield name, f"{long[:30]!r}… has {len(long):,} characters; at most {limit:,} fit"
    bad = next((link for link in draft.links if not re.match(r"https?://[^\s<>|]+$", link)), None)
    if bad:
        yield "links", f"{bad[:60]!r} is not an address; it must begin with http:// or https://"
