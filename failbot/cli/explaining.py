"""`ask --explain`: what each match's score and probability are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import click

from failbot.cli import output
from failbot.models import Answer, Basis, Hit

SIGNALS = {
    "late_interaction": "late_interaction: the question's tokens, found in the entry",
    "expected": "expected: the same, in the best of what it is asked like; 0 without any",
    "bm25": "bm25: of the most that it could be",
    "dense": "dense: cosine of the whole text",
    "title": "title: cosine of the title",
    "interaction": "interaction: what the score takes of both",
    "closeness": "closeness: of dense and title, where they are high",
    "reranker": "reranker: the cross-encoder's score",
    "margin": "margin: score above the five next best",
    "reverse": "reverse: the entry's tokens, found in the question",
}


def show_explanation(answer: Answer, *, limit: int) -> None:
    """A column for each match, or for the first, if too weak to count; then the calibration."""
    hits = answer.shown(limit) or answer.hits[:1]
    basis = answer.basis
    if not hits or basis is None:
        return
    click.echo()
    headers = ("Signal", *(hit.failure.reference for hit in hits))
    output.table(headers, [*_score(hits), *_probability(hits, basis)], headers_in_pipe=True)
    click.echo(output.paragraph(_formula(hits, basis)))
    click.echo(output.paragraph(f"Calibration: {origin(basis)}"))
    if answer.read_by:
        click.echo(
            output.paragraph(
                f"{answer.read_by} has read the matches. Its word decides: known needs a “same”, "
                "and a probability is moved to agree with what it says."
            )
        )
    click.echo(
        f"Known from {basis.known:.0%} with two words that tell, related from {basis.related:.0%}; "
        f"the first has {answer.confidence:.0%}: {answer.verdict.value}."
    )


def origin(basis: Basis) -> str:
    """Where a calibration comes from, in a sentence."""
    pair = f"{basis.model} with {basis.reranker}" if basis.reranker else basis.model
    if basis.origin == "own":
        return f"your own for {pair}, from {basis.questions} questions with an answer."
    if basis.origin == "shipped":
        return f"shipped for {pair}, from {basis.questions} questions with an answer."
    return f"none for {pair or 'words alone'}, so a cautious one; `failbot calibrate` makes it."


def _score(hits: Sequence[Hit]) -> list[tuple[str, ...]]:
    rows = [
        (words, *(f"{hit.signals[name]:.3f}" for hit in hits))
        for name, words in SIGNALS.items()
        if name in hits[0].signals
    ]
    return [*rows, ("score: puts them in order", *(f"{hit.score:.3f}" for hit in hits))]


def _probability(hits: Sequence[Hit], basis: Basis) -> list[tuple[str, ...]]:
    """The terms of the odds' logarithm, their sum, and what it comes to."""
    used = {name: by for name, by in basis.coefficients.items() if name in hits[0].signals}
    rows = [("intercept", *(f"{basis.intercept:+.2f}" for _ in hits))]
    rows += [
        (f"{name} × {by:.2f}", *(f"{by * hit.signals[name]:+.2f}" for hit in hits))
        for name, by in used.items()
    ]
    odds = [
        basis.intercept + sum(by * hit.signals[name] for name, by in used.items()) for hit in hits
    ]
    rows.append(("sum: logarithm of the odds", *(f"{one:+.2f}" for one in odds)))
    rows.append(("odds", *(f"{math.exp(one):.2f} : 1" for one in odds)))
    return [*rows, ("probability", *(f"{hit.probability:.1%}" for hit in hits))]


def _formula(hits: Sequence[Hit], basis: Basis) -> str:
    from failbot.search.scoring import CLOSE_FROM, RERANKER_WEIGHT

    is_asked_like = any(hit.signals.get("expected") for hit in hits)
    expected = " (its mean with expected, where there is one)" if is_asked_like else ""
    interaction = f"interaction is late_interaction{expected}"
    terms = [f"{by:.1f} × {name}" for name, by in basis.weights.items()]
    if "reranker" in hits[0].signals:
        terms.append(f"{RERANKER_WEIGHT:.1f} × reranker")
    return (
        f"score = {' + '.join(terms)}; {interaction}; closeness is what dense or title have above "
        f"{CLOSE_FROM:.1f}, squared; from the fourth on, less what is unlike the first. No match "
        "is more probable than the one before it."
    )
