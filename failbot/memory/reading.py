"""A reader's judgements put to use: what it is given, and what order and verdict they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from failbot.models import SHOWN_PROBABILITY, Failure, Verdict, Visibility
from failbot.reader.base import Judgement, Passage, Reading
from failbot.search.values import RankedHit, Ranking

# On 240 questions to two memories a careful reader's "same" was right every time, and missing for
# 7 and 20 in a hundred that had an answer (`.docs/reader.md`). The bounds leave room for a lesser
# one; within them the score's word counts.
LEAST_SAME = 0.95
MOST_HELPS = 0.2
MOST_NO = 0.05
_ORDER = {Judgement.SAME: 0, Judgement.HELPS: 1, None: 2, Judgement.NO: 3}
PART_LIMIT = 400  # characters of one field: a pasted log must not push the lesson out


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

    Known needs a "same". What was not read counts by its score, and for "related" at most.
    """
    hits = [_bounded(one, readings.get(one.number)) for one in ranking.hits]
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


def _bounded(hit: RankedHit, reading: Reading | None) -> RankedHit:
    """The hit with a probability that agrees with its judgement."""
    if reading is None:
        return hit
    if reading.judgement is Judgement.SAME:
        return replace(hit, probability=max(hit.probability, LEAST_SAME))
    most = MOST_HELPS if reading.judgement is Judgement.HELPS else MOST_NO
    return replace(hit, probability=min(hit.probability, most))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= PART_LIMIT else line[:PART_LIMIT].rstrip() + "…"
