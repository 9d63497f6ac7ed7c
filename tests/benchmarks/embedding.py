"""Many texts to vectors."""

from __future__ import annotations

from collections.abc import Iterator

from failbot.encoder import Encoder
from failbot.search.passages import text_of
from tests.benchmarks import corpus
from tests.benchmarks.process import plain_model
from tests.benchmarks.table import Row, timed

TEXTS = 400


def rows(encoder: Encoder) -> Iterator[Row]:
    texts = [text_of(draft) for draft in corpus.drafts(TEXTS)]
    model = plain_model()
    model.encode(texts[:8])
    own = [timed(lambda: encoder.encode(texts)) for _ in range(2)]
    baseline = [timed(lambda: model.encode(texts, normalize_embeddings=True)) for _ in range(2)]
    yield Row(
        what="bulk embedding, one text (failbot: its tokens too)",
        unit="ms",
        failbot=min(own) / TEXTS,
        baseline=min(baseline) / TEXTS,
    )
