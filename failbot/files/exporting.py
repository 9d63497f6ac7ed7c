"""Failures as JSON and as CSV: what other programs read, and what `import` takes back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from failbot.fields import as_dict, lists
from failbot.models import Answer, Digest, Draft, ExpectedQuestion, Failure, Hit

Questions = Mapping[int, Sequence[ExpectedQuestion]]  # by the failure's number

COLUMNS = [  # of a table; what is shown of an entry, and in which order
    "reference",
    "title",
    "outcome",
    "tried",
    "happened",
    "explanation",
    "explanation_status",
    "lesson",
    "valid_while",
    "modes",
    "tags",
    "links",
    "cost",
    "external_id",
    "author_id",
    "visibility",
    "created_at",
    "updated_at",
    "questions",
]
# A cell that begins so is run as a formula by spreadsheets (OWASP, "CSV injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def failure_as_dict(failure: Failure) -> dict[str, object]:
    """The failure as a JSON object: its number, the draft's fields under their names, the rest."""
    return {
        "number": failure.number,
        "reference": failure.reference,
        **as_dict(failure.draft()),
        "author_id": failure.author_id,
        "channel_id": failure.channel_id,
        "visibility": failure.visibility.value,
        "created_at": failure.created_at.isoformat(),
        "updated_at": failure.updated_at.isoformat(),
        "version": failure.version,
    }


def with_questions(failure: Failure, questions: Sequence[ExpectedQuestion]) -> dict[str, object]:
    """As `failure_as_dict`, with how people would ask about it; who asked stays in this memory."""
    told = [{"text": one.text, "origin": one.origin.value} for one in questions]
    return failure_as_dict(failure) | {"questions": told}


def json_lines(failures: Iterable[Failure], questions: Questions) -> Iterator[str]:
    """One object a line, ASCII only: no line break or encoding can come between."""
    for failure in failures:
        yield json.dumps(with_questions(failure, questions.get(failure.number, ()))) + "\n"


def csv_lines(failures: Iterable[Failure], questions: Questions) -> Iterator[str]:
    """A header and a row each, ended by CRLF (RFC 4180); no cell is a formula to a spreadsheet."""
    yield _csv_row(COLUMNS)
    for failure in failures:
        cells = _cells(failure, questions.get(failure.number, ()))
        yield _csv_row(_safe("" if cells[name] is None else str(cells[name])) for name in COLUMNS)


def _cells(failure: Failure, questions: Sequence[ExpectedQuestion]) -> dict[str, object]:
    """What stands in each column: of a list its items, as `importing` parts them again."""
    joined = {name: ", ".join(map(str, getattr(failure, name))) for name in lists(Draft)}
    return {
        **failure_as_dict(failure),
        **joined,
        "explanation": "\n".join(one.text for one in failure.explanations),
        "explanation_status": ", ".join(one.status.value for one in failure.explanations),
        "links": " ".join(failure.links),
        "questions": "\n".join(one.text for one in questions),
    }


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _csv_row(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


def answer_as_dict(answer: Answer, *, limit: int, explain: bool = False) -> dict[str, object]:
    """The answer as a JSON object: the verdict, and at most `limit` hits, best first.

    With "unknown" the hits are weak matches, which nobody should take for answers; what a language
    model judged "no" is not among them; `searched` is how many entries there were to find, else
    null. `explain` adds what the probabilities were made with.
    """
    hits = [hit for hit in answer.hits if hit.judgement != "no"]
    told: dict[str, object] = {
        "verdict": answer.verdict.value,
        "confidence": round(answer.confidence, 4),
        "by_words_only": answer.by_words_only,
        "is_partial": answer.is_partial,
        "read_by": answer.read_by,
        "unread": answer.unread,
        "searched": answer.searched,
        "hits": [hit_as_dict(hit) for hit in hits[:limit]],
    }
    if explain:
        told["calibration"] = asdict(answer.basis) if answer.basis else None
    return told


def hit_as_dict(hit: Hit) -> dict[str, object]:
    """A hit as a JSON object: how well it matches, then what a reader needs of the failure."""
    failure = failure_as_dict(hit.failure)
    told = [
        "outcome",
        "tried",
        "happened",
        "explanations",
        "lesson",
        "valid_while",
        "tags",
        "links",
    ]
    return {
        "number": hit.failure.number,
        "reference": hit.failure.reference,
        "external_id": hit.failure.external_id,
        "title": hit.failure.name,
        "score": round(hit.score, 6),
        "probability": round(hit.probability, 4),
        "sentence": hit.sentence,
        "judgement": hit.judgement,
        "matches": hit.matches,
        "differs": hit.differs,
        "signals": {name: round(value, 6) for name, value in hit.signals.items()},
    } | {name: failure[name] for name in told}


def digest_as_dict(digest: Digest) -> dict[str, object]:
    """The digest as a JSON object; `pattern` is null where nothing recurs."""
    pattern = digest.pattern
    return {
        "week": digest.week,
        "pattern": {
            "name": pattern.name,
            "meaning": pattern.meaning,
            "references": [one.reference for one in pattern.failures],
        }
        if pattern
        else None,
        "lessons": [failure_as_dict(one) for one in digest.lessons],
        "more": digest.more,
        "questions": [
            {"text": one.text, "asked_at": one.asked_at.isoformat()} for one in digest.questions
        ],
        "thanks": [
            {"author_id": one.author_id, "references": [f"F-{number}" for number in one.numbers]}
            for one in digest.thanks
        ],
    }
