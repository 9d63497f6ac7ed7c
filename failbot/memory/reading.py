"""A reader's judgements put to use: what it is given, and what order and verdict they make."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from failbot.errors import ReaderError
from failbot.memory.redact import redact
from failbot.models import SHOWN_PROBABILITY, Failure, Hit, Verdict, Viewer, Visibility
from failbot.reader.base import READ, Judgement, Passage, Reader, Reading
from failbot.search.values import RankedHit, Ranking
from failbot.store import base

log = logging.getLogger(__name__)

# On 240 questions to two memories a careful reader's "same" was right every time, and missing for
# 7 and 20 in a hundred that had an answer (`.docs/reader.md`). The bounds leave room for a lesser
# one; within them the score's word counts.
LEAST_SAME = 0.95
MOST_HELPS = 0.2
MOST_NO = 0.05
MOST_BEHIND = 0.04  # less than any match that is shown, a weak one included
_ORDER = {Judgement.SAME: 0, Judgement.HELPS: 1, None: 2, Judgement.NO: 3}
PART_LIMIT = 400  # characters of one field: a pasted log must not push the lesson out


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a reader made of the best candidates, by number; nothing where it was not asked."""

    readings: Mapping[int, Reading] = field(default_factory=dict)
    by: str = ""  # the reader's name; "" where there are no readings
    unread: str = ""  # why one that is set has read nothing

    def applied(self, ranking: Ranking) -> Ranking:
        """The ranking after the reading; as it is where nothing was read."""
        return judged(ranking, self.readings) if self.readings else ranking

    def beside(self, hit: Hit) -> Hit:
        """The hit with what was read of it."""
        one = self.readings.get(hit.failure.number)
        if one is None:
            return hit
        return replace(hit, judgement=one.judgement.value, matches=one.matches, differs=one.differs)


class Judge:
    """Has a reader read what the score finds best. Any thread may call it."""

    def __init__(self, store: base.Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader
        self._unread = ""  # why the last reading failed

    def read(self, text: str, ranking: Ranking, *, viewer: Viewer, is_private: bool) -> Read:
        """Its judgements of the best candidates, or why there are none."""
        if not (self._reader.name and ranking.hits):
            return Read()
        best = [one.number for one in ranking.hits[:READ]]
        failures = self._store.failures.at(best, viewer=viewer)
        passages = [passage_of(failure) for failure in failures.values()]
        question = redact(text)[0]  # an entry's secrets were taken out when it was recorded
        try:
            readings = self._reader.read(question, passages, is_private=is_private)
        except ReaderError as error:
            self._tell(str(error))
            return Read(unread=str(error))
        self._tell("")
        return Read(readings=readings, by=self._reader.name if readings else "")

    def _tell(self, reason: str) -> None:
        """Says in the log why the reader reads nothing, once until the reason changes."""
        if reason and reason != self._unread:
            log.warning("answering without the language model: %s", reason)
        self._unread = reason


def passage_of(failure: Failure) -> Passage:
    """What a reader is given of an entry: its own words, each field under its name."""
    parts = {
        "Title": failure.title,
        "Tried": failure.tried,
        "Happened": failure.happened,
        "Why": "; ".join(f"{one.text} ({one.status})" for one in failure.explanations),
        "Lesson": failure.lesson,
        "Tags": ", ".join(failure.tags),
    }
    lines = [f"{name}: {_cut(part)}" for name, part in parts.items() if part.strip()]
    return Passage(
        number=failure.number,
        version=failure.version,
        text="\n".join(lines),
        is_private=failure.visibility is not Visibility.WORKSPACE,
    )


def judged(ranking: Ranking, readings: Mapping[int, Reading]) -> Ranking:
    """The ranking after a reading: the same first, then what helps, then by score, "no" last.

    Known needs a "same". What was not read counts by its score, and for "related" at most; what
    stands behind all that was read is not shown.
    """
    hits = [
        _bounded(one, readings.get(one.number), is_behind=at >= READ)
        for at, one in enumerate(ranking.hits)
    ]
    hits.sort(key=lambda one: _ORDER[_judgement(readings, one)])  # stable: by score within each
    return Ranking(
        hits=tuple(hits),
        verdict=_verdict(ranking, hits, readings),
        confidence=hits[0].probability if hits else 0.0,
    )


def _verdict(ranking: Ranking, hits: list[RankedHit], readings: Mapping[int, Reading]) -> Verdict:
    said = {_judgement(readings, one) for one in hits}
    if Judgement.SAME in said:
        return Verdict.KNOWN
    if Judgement.HELPS in said:
        return Verdict.RELATED
    unread = [one.probability for one in hits if one.number not in readings]
    is_close = max(unread, default=0.0) >= SHOWN_PROBABILITY
    return (
        Verdict.RELATED if is_close and ranking.verdict is not Verdict.UNKNOWN else Verdict.UNKNOWN
    )


def _judgement(readings: Mapping[int, Reading], hit: RankedHit) -> Judgement | None:
    reading = readings.get(hit.number)
    return reading.judgement if reading else None


def _bounded(hit: RankedHit, reading: Reading | None, *, is_behind: bool) -> RankedHit:
    """The hit with a probability that agrees with its judgement.

    `is_behind`: so many score higher that it was not handed to the reader.
    """
    if reading is None:
        return replace(hit, probability=min(hit.probability, MOST_BEHIND)) if is_behind else hit
    if reading.judgement is Judgement.SAME:
        return replace(hit, probability=max(hit.probability, LEAST_SAME))
    most = MOST_HELPS if reading.judgement is Judgement.HELPS else MOST_NO
    return replace(hit, probability=min(hit.probability, most))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= PART_LIMIT else line[:PART_LIMIT].rstrip() + "…"
