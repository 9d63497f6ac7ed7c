"""Which failures answer a question, how probably, and when to stay silent: pure, no I/O."""

from failbot.ranking.quoting import best_sentence
from failbot.ranking.scoring import rank
from failbot.ranking.signals import quantise
from failbot.ranking.values import Candidate, Corpus, Encoding, Query, RankedHit, Ranking

__all__ = [
    "Candidate",
    "Corpus",
    "Encoding",
    "Query",
    "RankedHit",
    "Ranking",
    "best_sentence",
    "quantise",
    "rank",
]
