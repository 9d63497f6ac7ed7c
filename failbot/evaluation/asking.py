"""The questions asked of a memory made for them, by failbot and by the baseline beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from failbot.evaluation.reading import Document, Labelled
from failbot.memory.service import Service
from failbot.models import Answer, Place, Verdict, Viewer, Visibility

RANKED = 100  # entries of each ranking that are kept
PATIENCE_S = 600.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came back: external ids best first. `masked`: the relevant entries were hidden.

    `signals` are the first hit's, by name; none where nothing was found.
    """

    id: str
    verdict: Verdict
    confidence: float
    ranking: tuple[str, ...]
    masked: bool = False
    signals: Mapping[str, float] = field(default_factory=dict)
    unread: str = ""  # why the language model that is set did not read the candidates

    def as_line(self) -> str:
        return json.dumps(
            {
                "id": self.id,
                "verdict": self.verdict.value,
                "confidence": round(self.confidence, 6),
                "ranking": list(self.ranking),
                "masked": self.masked,
            }
        )


class Memory:
    """The documents in a service's empty store, each of which can be hidden from a question.

    Hiding is the viewer's: every document is in a private channel of its own, so that what is
    hidden is invisible in just the way that a private entry is.
    """

    def __init__(
        self,
        service: Service,
        documents: Sequence[Document],
        *,
        team_id: str,
        now: datetime,
        progress: Progress,
    ) -> None:
        self._service = service
        self._team_id = team_id
        self._now = now
        self._channels = frozenset(one.id for one in documents)
        for one in documents:
            place = Place(team_id=team_id, channel_id=one.id, visibility=Visibility.CHANNEL)
            service.record(
                one.draft,
                place=place,
                author_id="evaluation",
                now=now,
                questions=one.questions,
            )
        service.embed_missing(progress)
        service.measure_nulls()

    def ask(self, question: Labelled, *, masked: bool = False) -> Result:
        """What failbot says. A document with the question's own id is never shown."""
        hidden = {question.id} | (set(question.relevant) if masked else set())
        viewer = Viewer(team_id=self._team_id, channel_ids=self._channels - hidden)
        answer = self._service.ask(
            question.text, viewer=viewer, patience_s=PATIENCE_S, limit=RANKED
        )
        if not masked:
            self._keep(question, answer)
        return Result(
            id=question.id,
            verdict=answer.verdict,
            confidence=answer.confidence,
            ranking=tuple(hit.failure.external_id for hit in answer.hits),
            masked=masked,
            signals=answer.hits[0].signals if answer.hits else {},
            unread=answer.unread,
        )

    def _keep(self, question: Labelled, answer: Answer) -> None:
        """As after every question that someone asks: the memory's null learns from it."""
        place = Place(team_id=self._team_id, channel_id="asked", visibility=Visibility.CHANNEL)
        self._service.keep_question(
            question.text,
            answer,
            place=place,
            user_id="evaluation",
            message_ts=question.id,
            now=self._now,
        )


def ask_all(memory: Memory, questions: Sequence[Labelled], *, progress: Progress) -> list[Result]:
    """Every question, then every answerable one again with its relevant entries hidden."""
    rounds = [(one, False) for one in questions]
    rounds += [(one, True) for one in questions if one.relevant]
    results = []
    for done, (question, masked) in enumerate(rounds, start=1):
        results.append(memory.ask(question, masked=masked))
        progress(done, len(rounds))
    return results


def ask_baseline(
    documents: Sequence[Document],
    questions: Sequence[Labelled],
    *,
    folder: Path,
    progress: Progress,
) -> list[Result]:
    """What anyone would build in an hour: SentenceTransformer.encode of the whole entry, and a flat
    faiss index by inner product. The confidence is the cosine; there is no verdict but `known`.
    """
    import faiss
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # it would write over the command's own output
    model = SentenceTransformer(str(folder), device="cpu", trust_remote_code=False)
    vectors = model.encode(
        [one.text for one in documents], normalize_embeddings=True, show_progress_bar=False
    )
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    results: list[Result] = []
    asked = model.encode(
        [one.text for one in questions], normalize_embeddings=True, show_progress_bar=False
    )
    for done, question in enumerate(questions, start=1):
        depth = min(len(documents), RANKED + 1 + len(question.relevant))
        scores, places = index.search(asked[done - 1 : done], depth)
        found = [
            (documents[at].id, float(score)) for at, score in zip(places[0], scores[0], strict=True)
        ]
        results.append(_baseline_result(question, found, masked=False))
        if question.relevant:
            results.append(_baseline_result(question, found, masked=True))
        progress(done, len(questions))
    return results


def _baseline_result(
    question: Labelled, found: Sequence[tuple[str, float]], *, masked: bool
) -> Result:
    hidden = {question.id} | (set(question.relevant) if masked else set())
    left = [(id, score) for id, score in found if id not in hidden][:RANKED]
    return Result(
        id=question.id,
        verdict=Verdict.KNOWN,
        confidence=left[0][1] if left else 0.0,
        ranking=tuple(id for id, _ in left),
        masked=masked,
    )
