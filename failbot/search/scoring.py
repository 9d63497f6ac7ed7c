"""From signals to an order, to probabilities, to a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from failbot.models import Verdict
from failbot.search.calibration import Calibration
from failbot.search.signals import compare, is_comparable
from failbot.search.values import (
    Candidate,
    Corpus,
    Query,
    RankedHit,
    Ranking,
    Signals,
    Vector,
)
from failbot.search.words import content_words

CLOSE_FROM = np.float32(0.4)  # far above it is a paraphrase; below late interaction knows better
OWN_PLACES = 3  # that only the own match decides: those that a reader is shown
NEIGHBOUR_WEIGHT = np.float32(0.3)
# Of a reranker's score, 0..1: its sure yes against its sure no outweighs the margin of a sure
# match, about 0.2. What it is worth in probability `failbot calibrate` finds.
RERANKER_WEIGHT = np.float32(0.3)
RIVALS = 5
LEAST_WORDS = 2  # with fewer content words anything matches: "test" scores as a paraphrase does


def rank(
    query: Query,
    candidates: Sequence[Candidate],
    *,
    corpus: Corpus,
    calibration: Calibration,
    reranked: Mapping[int, float] | None = None,
) -> Ranking:
    """All candidates, best first, ties by number; deterministic, whatever order they come in.

    The first three places are decided by the score alone. From the fourth on, failures like the
    first come before others that match as well: what helps is often its neighbour. `reranked` is
    a reranker's score, 0..1, of the best candidates by number; it enters order and probability,
    and leaves the other signals as they are.
    """
    if not candidates:
        return Ranking(hits=(), verdict=Verdict.UNKNOWN, confidence=0.0)
    candidates = sorted(candidates, key=lambda one: one.number)
    signals, own = _compared(query, candidates, corpus, calibration)
    if reranked:
        signals = {**signals, "reranker": _opinions(candidates, reranked)}
        own = own + RERANKER_WEIGHT * signals["reranker"]
    order, scores = _order(own, candidates)
    hits = _hits(candidates, order, scores, signals, calibration)
    is_embedded = is_comparable(query, candidates[order[0]])
    verdict = _verdict(query, hits[0], is_embedded, calibration)
    return Ranking(
        hits=hits,
        verdict=verdict,
        confidence=hits[0].probability,
        runner_up=_runner_up(own, signals, order, calibration),
    )


def _compared(
    query: Query, candidates: Sequence[Candidate], corpus: Corpus, calibration: Calibration
) -> tuple[Signals, Vector]:
    """All signals but a reranker's, and the scores that they make."""
    signals = compare(query, candidates, corpus=corpus)
    signals["interaction"] = _interaction(signals)
    signals["closeness"] = _closeness(signals)
    own = _scores(signals, calibration.weights)
    signals["margin"] = _margins(own, floor=calibration.floor)
    return signals, own


def _hits(
    candidates: Sequence[Candidate],
    order: Sequence[int],
    scores: Vector,
    signals: Signals,
    calibration: Calibration,
) -> tuple[RankedHit, ...]:
    """In order; none is more probable than the one before it."""
    probabilities = np.minimum.accumulate(calibration.probabilities(signals)[order])
    return tuple(
        RankedHit(
            number=candidates[at].number,
            score=float(scores[at]),
            probability=float(probability),
            signals={name: float(values[at]) for name, values in signals.items()},
        )
        for at, probability in zip(order, probabilities, strict=True)
    )


def _runner_up(
    own: Vector, signals: Signals, order: Sequence[int], calibration: Calibration
) -> float | None:
    """The log odds of the second as if the first were hidden: margins are anew, all else stays."""
    if len(order) < 2:
        return None
    left = np.delete(np.arange(len(own)), order[0])
    best = int(np.argmax(own[left]))
    rest = {name: float(values[left[best]]) for name, values in signals.items()}
    rest["margin"] = float(_margins(own[left], floor=calibration.floor)[best])
    return float(calibration.log_odds(rest))


def _closeness(signals: Signals) -> Vector:
    """What `dense` or `title` have above `CLOSE_FROM`, squared: 0..0.36."""
    close: Vector = np.maximum(np.maximum(signals["dense"], signals["title"]) - CLOSE_FROM, 0) ** 2
    return close


def _scores(signals: Signals, weights: Mapping[str, float]) -> Vector:
    """The signals' weighted sum, one figure for each candidate; far above `floor` for a match."""
    parts = [np.float32(by) * signals[name] for name, by in weights.items()]
    scores: Vector = np.sum(parts, axis=0)
    return scores


def _interaction(signals: Signals) -> Vector:
    """Late interaction with the entry; its mean with that of the best expected question, if any."""
    late, expected = signals["late_interaction"], signals["expected"]
    both: Vector = np.where(expected != 0, (late + expected) / 2, late)
    return both


def _opinions(candidates: Sequence[Candidate], reranked: Mapping[int, float]) -> Vector:
    """The reranker's scores in the candidates' order, 0 for those it was not asked about."""
    return np.array([reranked.get(one.number, 0.0) for one in candidates], np.float32)


def _order(own: Vector, candidates: Sequence[Candidate]) -> tuple[list[int], Vector]:
    """Places of the candidates, best first, and the scores that they are ordered by."""
    shown = np.argsort(-own, kind="stable")[:OWN_PLACES]
    first = candidates[int(shown[0])]
    unlike = np.array([1 - _cosine(one, first) for one in candidates], np.float32)
    unlike[shown] = 0
    scores: Vector = (own - NEIGHBOUR_WEIGHT * np.maximum(unlike, 0)).astype(np.float32)
    rest = np.argsort(-scores, kind="stable")
    return [*shown.tolist(), *(at for at in rest.tolist() if at not in shown)], scores


def _cosine(one: Candidate, other: Candidate) -> float:
    if one.embedding is None or other.embedding is None:
        return 0.0
    return float(one.embedding.vectors[0] @ other.embedding.vectors[0])


def _margins(own: Vector, *, floor: float) -> Vector:
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


def _verdict(
    query: Query, first: RankedHit, is_embedded: bool, calibration: Calibration
) -> Verdict:
    if first.probability < calibration.related:
        return Verdict.UNKNOWN
    is_sure = first.probability >= calibration.known and is_embedded
    if is_sure and content_words(query.text) >= LEAST_WORDS:
        return Verdict.KNOWN
    return Verdict.RELATED
