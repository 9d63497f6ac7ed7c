"""From signals to an order, to probabilities, to a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from failbot.search.calibration import Calibration
from failbot.search.signals import Signals, compare
from failbot.search.values import Candidate, Corpus, Query, RankedHit, Ranking, Vector
from failbot.search.words import content_words

# Chosen on the sample memory, duplicate bug reports and FAQ paraphrases together, in the middle of
# plateaus: from 0.3 to 0.6, 1 to 4, and 0.3 to 0.5 no figure of the sample memory moves by two
# points.
WORDS_WEIGHT = np.float32(0.4)
CLOSE_WEIGHT = np.float32(2.0)
CLOSE_FROM = np.float32(0.4)  # far above it is a paraphrase; below late interaction knows better
SHOWN = 3  # places that only the own match decides: those that a reader is shown
NEIGHBOUR_WEIGHT = np.float32(0.3)
# Of a reranker's score, 0..1: its sure yes against its sure no outweighs the gap of a sure match,
# about 0.2. What it is worth in probability `failbot tune` finds.
SECOND_WEIGHT = np.float32(0.3)
RIVALS = 5
LEAST_WORDS = 2  # with fewer content words anything matches: "test" scores as a paraphrase does


def rank(
    query: Query,
    candidates: Sequence[Candidate],
    *,
    corpus: Corpus,
    calibration: Calibration,
    second: Mapping[int, float] | None = None,
) -> Ranking:
    """All candidates, best first, ties by number; deterministic, whatever order they come in.

    The first three places are decided by the score alone. From the fourth on, failures like the
    first come before others that match as well: what helps is often its neighbour. `second` is a
    reranker's score, 0..1, of the best candidates by number; it enters order and probability,
    and leaves the other signals as they are.
    """
    if not candidates:
        return Ranking(hits=(), verdict="unknown", confidence=0.0)
    candidates = sorted(candidates, key=lambda one: one.number)
    signals = compare(query, candidates, corpus=corpus)
    own = _scores(signals)
    gaps = _gaps(own, floor=calibration.floor)
    opinions = _opinions(candidates, second or {})
    order, scores = _order(own + SECOND_WEIGHT * opinions, candidates)
    probabilities = calibration.probabilities(gaps, signals.back, opinions)[order]
    figures = _figures(signals, gaps, opinions if second else None)
    hits = tuple(
        RankedHit(
            number=candidates[at].number,
            score=float(scores[at]),
            probability=float(probability),
            signals={name: float(values[at]) for name, values in figures.items()},
        )
        for at, probability in zip(order, np.minimum.accumulate(probabilities), strict=True)
    )
    verdict = _verdict(query, hits[0], bool(signals.is_embedded[order[0]]), calibration)
    return Ranking(hits=hits, verdict=verdict, confidence=hits[0].probability)


def _scores(signals: Signals) -> Vector:
    """One figure for each candidate; about 0.35 for a stranger, 0.6 for a match; at most 2.1."""
    close = np.maximum(np.maximum(signals.meaning, signals.title) - CLOSE_FROM, 0)
    scores: Vector = signals.late + WORDS_WEIGHT * signals.words + CLOSE_WEIGHT * close**2
    return scores


def _opinions(candidates: Sequence[Candidate], second: Mapping[int, float]) -> Vector:
    """The reranker's scores in the candidates' order, 0 for those it was not asked about."""
    return np.array([second.get(one.number, 0.0) for one in candidates], np.float32)


def _order(own: Vector, candidates: Sequence[Candidate]) -> tuple[list[int], Vector]:
    """Places of the candidates, best first, and the scores that they are ordered by."""
    shown = np.argsort(-own, kind="stable")[:SHOWN]
    first = candidates[int(shown[0])].sentence
    unlike = np.array([1 - _cosine(one.sentence, first) for one in candidates], np.float32)
    unlike[shown] = 0
    scores: Vector = (own - NEIGHBOUR_WEIGHT * np.maximum(unlike, 0)).astype(np.float32)
    rest = np.argsort(-scores, kind="stable")
    return [*shown.tolist(), *(at for at in rest.tolist() if at not in shown)], scores


def _cosine(one: Vector | None, other: Vector | None) -> float:
    return 0.0 if one is None or other is None else float(one @ other)


def _gaps(own: Vector, *, floor: float) -> Vector:
    """How far each stands out: its score less the mean of the best five others.

    A question that nothing answers is about as far from its first as from its sixth. In a small
    memory the others are strangers: one that scores below `floor`, or is not there, counts as it.
    """
    order = np.argsort(-own, kind="stable")[: RIVALS + 1]
    best = np.full(RIVALS + 1, floor, np.float32)
    best[: len(order)] = np.maximum(own[order], floor)
    rivals = np.full(len(own), best[:RIVALS].sum(), np.float32)
    rivals[order[:RIVALS]] += best[RIVALS] - best[:RIVALS][: len(order)]
    return own - rivals / np.float32(RIVALS)


def _figures(signals: Signals, gaps: Vector, opinions: Vector | None) -> dict[str, Vector]:
    """Each signal by its name, in the candidates' order."""
    figures = {
        "late": signals.late,
        "words": signals.words,
        "meaning": signals.meaning,
        "title": signals.title,
        "back": signals.back,
        "gap": gaps,
    }
    return figures if opinions is None else figures | {"second": opinions}


def _verdict(
    query: Query, first: RankedHit, is_embedded: bool, calibration: Calibration
) -> Literal["known", "related", "unknown"]:
    if first.probability < calibration.related:
        return "unknown"
    is_sure = first.probability >= calibration.known and is_embedded
    return "known" if is_sure and content_words(query.text) >= LEAST_WORDS else "related"
