"""A team's labelled questions asked of its own memory: what a calibration is fitted to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from failbot.errors import InputError, ModelError
from failbot.evaluation.calibrating import Example
from failbot.evaluation.metrics import same_failure
from failbot.evaluation.reading import BAD_SHOWN, Labelled
from failbot.memory.service import Service
from failbot.models import Failure, Viewer, parse_reference

PATIENCE_S = 600.0


def resolved(
    questions: Sequence[Labelled], failures: Sequence[Failure], *, path: Path
) -> list[Labelled]:
    """The questions with every relevant entry under its reference, such as F-12.

    They may name an entry by its external id or by its reference, the former first.
    :raises InputError: naming the lines that name none.
    """
    names = {one.reference: one.reference for one in failures}
    names |= {one.external_id: one.reference for one in failures if one.external_id}
    bad = [
        f"line {question.line}: relevant: {name!r} is no entry's external id or number"
        for question in questions
        for name in question.relevant
        if name not in names
    ]
    if bad:
        more = f"; and {len(bad) - BAD_SHOWN} more" if len(bad) > BAD_SHOWN else ""
        raise InputError(f"{path}: " + "; ".join(bad[:BAD_SHOWN]) + more)
    return [
        replace(one, relevant={names[name]: grade for name, grade in one.relevant.items()})
        for one in questions
    ]


def examples(
    service: Service,
    questions: Sequence[Labelled],
    *,
    viewer: Viewer,
    reranker: str,
    progress: Callable[[int, int], None],
) -> list[Example]:
    """Every question asked, then every answerable one again with its relevant entries hidden.

    `questions` are `resolved`. :raises ModelError: an answer came without the model, or without
    this reranker ("" for none).
    """
    rounds = [(one, False) for one in questions]
    rounds += [(one, True) for one in questions if one.relevant]
    found = []
    for done, (question, masked) in enumerate(rounds, start=1):
        found.append(_example(service, question, masked=masked, viewer=viewer, reranker=reranker))
        progress(done, len(rounds))
    return found


def _example(
    service: Service, question: Labelled, *, masked: bool, viewer: Viewer, reranker: str
) -> Example:
    hidden = [number for name in question.relevant if (number := parse_reference(name))]
    answer = service.ask(
        question.text,
        viewer=viewer,
        patience_s=PATIENCE_S,
        limit=1,
        hidden=hidden if masked else (),
        reads=False,  # what is fitted is the score's own probability
    )
    if answer.by_words_only or (answer.hits and answer.basis and answer.basis.reranker != reranker):
        raise ModelError("The models were not ready in time. Run `failbot doctor`.")
    first = answer.hits[0] if answer.hits else None
    return Example(
        question=question.id,
        signals=first.signals if first else {},
        is_right=first is not None and first.failure.reference in same_failure(question.relevant),
        has_answer=bool(question.relevant),
        is_masked=masked,
    )
