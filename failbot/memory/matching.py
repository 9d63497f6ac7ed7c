"""From a question to its answer: encode, fetch candidates, rank."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from failbot.encoder.base import Encoder
from failbot.encoder.reranker import Reranker
from failbot.errors import ModelError
from failbot.memory.embedding import Embedder, telling
from failbot.memory.nulls import null_of
from failbot.memory.reading import Judge, Read
from failbot.models import Answer, Failure, Hit, Verdict, Viewer
from failbot.reader.base import NoReader, Reader
from failbot.search.calibration import Calibration, load, with_caution
from failbot.search.null import applied
from failbot.search.passages import text_of
from failbot.search.quoting import best_sentence
from failbot.search.scoring import rank
from failbot.search.values import Candidate, Corpus, Encoding, Query, RankedHit, Ranking
from failbot.search.words import salient, words
from failbot.store import base

log = logging.getLogger(__name__)

# With 60 and 30 no figure of `failbot eval` is better, on the sample questions or on 2,500 bug
# reports; with 30 and 15 they begin to fall.
BY_VECTOR = 40
BY_WORDS = 20
RERANKED = 20  # a pass over each costs 5 to 50 ms
QUOTED = 3  # hits whose best sentence is looked up: those that are shown


class RerankerSource(Protocol):
    """Where the second opinion comes from: it loads in the background, too."""

    def wait(self, timeout_s: float | None) -> Reranker | None:
        """The reranker, or None when it is not ready in time. :raises ModelError:"""


def calibration_for(
    store: base.Store, team_id: str, *, model: str, reranker: str = ""
) -> Calibration:
    """The workspace's own for this pair, else the shipped one, else a cautious one."""
    own = store.calibrations.current(team_id, model=model, reranker=reranker)
    if own is not None:
        return own
    if not reranker:
        return load(model)
    without = calibration_for(store, team_id, model=model)
    return with_caution(without, model=model, reranker=reranker)


def pair_name(model: str, reranker: str) -> str:
    """What a model and a reranker ("" for none) are called together, in words and in the store."""
    return f"{model} with {reranker}" if reranker else model


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A question on its way to its answer: for whom, and what was fetched for it."""

    query: Query
    viewer: Viewer
    found: Mapping[int, Candidate]  # by number
    corpus: Corpus

    def ranked(self, used: Calibration, reranked: Mapping[int, float] | None = None) -> Ranking:
        """What was fetched, best first; `reranked` is a reranker's scores by number."""
        found = list(self.found.values())
        return rank(self.query, found, corpus=self.corpus, calibration=used, reranked=reranked)

    def sentence(self, failure: Failure) -> str:
        """The failure's sentence that matches best; "" where there are no vectors to compare."""
        made, encoding = self.found[failure.number].embedding, self.query.encoding
        if made is None or encoding is None:
            return ""
        text = text_of(failure)
        return best_sentence(encoding, made.tokens, made.starts, text, corpus=self.corpus)


class Matcher:
    """Answers from one store with one model. Any thread may call it."""

    def __init__(
        self,
        store: base.Store,
        embedder: Embedder,
        reranker: RerankerSource | None = None,
        *,
        reader: Reader | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._reranker = reranker
        self._judge = Judge(store, reader or NoReader())
        self._fault = ""  # why the last answer was by words
        self._told: set[tuple[str, str]] = set()  # models and rerankers without a calibration

    def answer(
        self,
        text: str,
        *,
        viewer: Viewer,
        patience_s: float,
        limit: int,
        hidden: Collection[int] = (),
        whole: bool = False,
        is_private: bool = True,
        reads: bool = True,
    ) -> Answer:
        """The answer to this text; `hidden` are the numbers of failures to leave out.

        `whole`: it is an entry's own text, all of which counts; else what tells in a long paste.
        `is_private`: not everyone in the workspace may read it. `reads`: by the reader, too.

        Where the model cannot be used it is by words, and the log says why.
        """
        until = time.monotonic() + patience_s
        encoder, fault = self._encoder(patience_s)
        if encoder is not None:
            self._embedder.catch_up(encoder, until=until)
        query = _query(text if whole else salient(text), encoder)
        asked = self._fetched(query, viewer, hidden, limit)
        model = encoder.name if encoder else ""
        ranking, used = self._ranked(asked, model=model, until=until)
        read = Read()
        if reads:
            read = self._judge.read(query.text, ranking, viewer=viewer, is_private=is_private)
        ranking = read.applied(ranking)
        hits = tuple(read.beside(hit) for hit in self._hits(ranking.hits[:limit], asked))
        is_partial = encoder is not None and not self._embedder.is_complete(encoder)
        made = _answer(ranking, hits, read, used)
        in_vain = made.verdict is Verdict.UNKNOWN
        return replace(
            made,
            by_words_only=encoder is None,
            lacks_model=bool(fault),
            is_partial=is_partial,
            searched=self._store.search.size(viewer) if in_vain else None,
        )

    def _fetched(self, query: Query, viewer: Viewer, hidden: Collection[int], limit: int) -> _Asked:
        """The query with the candidates for it, fetched by its vector and its words."""
        encoding = query.encoding
        found = self._store.search.candidates(
            query.words,
            viewer=viewer,
            vector=encoding.sentence if encoding is not None else None,
            by_vector=max(BY_VECTOR, limit),
            by_words=BY_WORDS,
        )
        return _Asked(
            query=query,
            viewer=viewer,
            found={one.number: one for one in found if one.number not in hidden},
            corpus=self._store.search.corpus(viewer.team_id),
        )

    def _encoder(self, patience_s: float) -> tuple[Encoder | None, str]:
        """The encoder, None when it is not ready in time, and why it cannot be used at all."""
        fault = ""
        encoder: Encoder | None = None
        try:
            encoder = self._embedder.encoder(patience_s)
        except ModelError as error:
            fault = str(error)
        if fault and fault != self._fault:
            log.error("answering by words alone: %s", fault)
        self._fault = fault
        return encoder, fault

    def _ranked(self, asked: _Asked, *, model: str, until: float) -> tuple[Ranking, Calibration]:
        """The candidates in order, and what their probabilities were made with."""
        used = self._calibration(asked.viewer.team_id, model=model)
        ranking = asked.ranked(used)
        reranker = self._ready_reranker(until) if model and ranking.hits else None
        if reranker is not None:
            reranked = self._opinions(reranker, asked, ranking)
            used = self._calibration(asked.viewer.team_id, model=model, reranker=reranker.name)
            ranking = asked.ranked(used, reranked)
        self._tell(used)
        return ranking, used

    def _calibration(self, team_id: str, *, model: str, reranker: str = "") -> Calibration:
        """What is in force, with what "known" needs in this workspace."""
        used = calibration_for(self._store, team_id, model=model, reranker=reranker)
        return applied(used, null_of(self._store, team_id, model=pair_name(model, reranker)))

    def _ready_reranker(self, until: float) -> Reranker | None:
        """The reranker; None where none is set, where it is late or cannot be used."""
        if self._reranker is None:
            return None
        try:
            return self._reranker.wait(max(0.0, until - time.monotonic()))
        except ModelError:  # said in the log when it was loaded, and by `failbot doctor`
            return None

    def _opinions(self, reranker: Reranker, asked: _Asked, ranking: Ranking) -> dict[int, float]:
        best = [one.number for one in ranking.hits[:RERANKED]]
        failures = self._store.failures.at(best, viewer=asked.viewer)
        texts = [text_of(one) for one in failures.values()]
        scores = reranker.scores(asked.query.text, texts) if texts else ()
        return {number: float(one) for number, one in zip(failures, scores, strict=True)}

    def _tell(self, used: Calibration) -> None:
        """Says in the log, once, that answers are cautious, and why."""
        pair = (used.model, used.reranker)
        if used.model and used.is_cautious and pair not in self._told:
            self._told.add(pair)
            log.warning(
                "no calibration for %s: answers are cautious until `failbot calibrate` makes one",
                pair_name(*pair),
            )

    def _hits(self, ranked: Sequence[RankedHit], asked: _Asked) -> Iterator[Hit]:
        numbers = [one.number for one in ranked]
        failures = self._store.failures.at(numbers, viewer=asked.viewer)
        for at, one in enumerate(ranked):
            failure = failures.get(one.number)
            if failure is not None:  # deleted since
                yield _hit(one, failure, asked.sentence(failure) if at < QUOTED else "")


def _query(text: str, encoder: Encoder | None) -> Query:
    encoding: Encoding | None = None
    if encoder is not None:
        encoding = telling(encoder.encode([text], kind="query")[0], text)
    return Query(text=text, encoding=encoding, words=tuple(words(text)))


def _answer(ranking: Ranking, hits: tuple[Hit, ...], read: Read, used: Calibration) -> Answer:
    return Answer(
        verdict=ranking.verdict if hits else Verdict.UNKNOWN,
        hits=hits,
        confidence=ranking.confidence,
        runner_up=ranking.runner_up,
        basis=used.basis,
        read_by=read.by,
        unread=read.unread,
    )


def _hit(one: RankedHit, failure: Failure, sentence: str) -> Hit:
    return Hit(
        failure=failure,
        score=one.score,
        probability=one.probability,
        sentence=sentence,
        signals=dict(one.signals),
    )
