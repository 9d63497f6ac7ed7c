"""What the answers to labelled questions come to, alone and beside another's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failbot.evaluation import metrics
from failbot.evaluation.asking import Result
from failbot.evaluation.reading import Labelled
from failbot.models import Verdict

SEED = 0
# name -> what it says; the order of the table.
FIGURES = {
    "ndcg@10": "nDCG@10, all grades",
    "mrr": "MRR, the same failure",
    "hit@1": "hit@1, the same failure",
    "hit@3": "hit@3, the same failure",
    "hit@20": "in the first 20, the same failure",
    "map": "MAP, all grades",
    "coverage@95": "coverage at 95 % precision",
    "coverage@90": "coverage at 90 % precision",
    "known_precision": "called known, and right",
    "known_coverage": "answerable, and called known rightly",
    "false_answers": "without an answer, called known",
    "near_known": "near-misses called known",
    "false_answers_masked": "answer hidden, called known",
    "calibration_error": "calibration error, ten bins",
    "calibration_error_with_masked": "calibration error, hidden answers included",
    "over_confidence": "confidence less share right, from 50 on",
}
PER_QUESTION = ("ndcg@10", "mrr", "hit@1", "hit@3", "hit@20", "map")
NEAR = "near"  # the kind of a question that shares its topic, and no answer, with an entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of question: how many, and each figure's mean; `known` is called known, 0..1."""

    kind: str
    questions: int
    mrr: float
    hit_at_3: float
    known: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All figures of one run, 0..1, by name. `by_question` holds what a mean is made of."""

    figures: dict[str, float]
    by_question: dict[str, list[float]]
    kinds: tuple[Kind, ...]


def summarise(
    questions: Sequence[Labelled], results: Sequence[Result], *, has_verdicts: bool = True
) -> Summary:
    """The figures of one run over all questions; without verdicts, those of ranking and cover."""
    asked = {one.id: one for one in results if not one.masked}
    masked = [one for one in results if one.masked]
    answerable = [one for one in questions if one.relevant]
    by_question = {
        name: [_of_question(name, asked[one.id], one) for one in answerable]
        for name in PER_QUESTION
    }
    figures = {name: _mean(values) for name, values in by_question.items()}
    figures |= _cover(questions, asked, answerable=len(answerable))
    if has_verdicts:
        figures |= _verdicts(questions, asked, masked)
    return Summary(figures=figures, by_question=by_question, kinds=tuple(_kinds(questions, asked)))


def differences(ours: Summary, theirs: Summary) -> dict[str, tuple[float, float, float]]:
    """Ours less theirs with the ends of its 95 % interval, for each figure that is a mean."""
    return {
        name: metrics.paired_interval(ours.by_question[name], theirs.by_question[name], seed=SEED)
        for name in PER_QUESTION
    }


def _of_question(name: str, result: Result, question: Labelled) -> float:
    right = metrics.same_failure(question.relevant)
    if name == "ndcg@10":
        return metrics.ndcg(result.ranking, question.relevant)
    if name == "mrr":
        return metrics.reciprocal_rank(result.ranking, right)
    if name == "map":
        return metrics.average_precision(result.ranking, question.relevant)
    return float(metrics.hit(result.ranking, right, within=int(name.partition("@")[2])))


def _cover(
    questions: Sequence[Labelled], results: Mapping[str, Result], *, answerable: int
) -> dict[str, float]:
    confidences = [min(max(results[one.id].confidence, 0.0), 1.0) for one in questions]
    right = [_is_right(results[one.id], one) for one in questions]
    return {
        "coverage@95": metrics.coverage_at(0.95, confidences, right, answerable=answerable),
        "coverage@90": metrics.coverage_at(0.90, confidences, right, answerable=answerable),
        # Of the questions as they were asked; a masked one is a question that nobody asked.
        "calibration_error": metrics.calibration_error(confidences, right),
        "over_confidence": metrics.over_confidence(confidences, right),
    }


def _verdicts(
    questions: Sequence[Labelled], results: Mapping[str, Result], masked: Sequence[Result]
) -> dict[str, float]:
    known = [one for one in questions if _is_known(results[one.id])]
    right = [one for one in known if _is_right(results[one.id], one)]
    unanswerable = [one for one in questions if not one.relevant]
    return {
        "known_precision": len(right) / len(known) if known else 1.0,
        "known_coverage": len(right) / max(1, len(questions) - len(unanswerable)),
        "near_known": metrics.share(
            [_is_known(results[one.id]) for one in unanswerable if one.kind == NEAR]
        ),
        "false_answers": metrics.share([_is_known(results[one.id]) for one in unanswerable]),
        "false_answers_masked": metrics.share([_is_known(one) for one in masked]),
        "calibration_error_with_masked": metrics.calibration_error(
            [one.confidence for one in [*(results[one.id] for one in questions), *masked]],
            [_is_right(results[one.id], one) for one in questions] + [False] * len(masked),
        ),
    }


def _kinds(questions: Sequence[Labelled], results: Mapping[str, Result]) -> list[Kind]:
    kinds: dict[str, list[Labelled]] = {}
    for question in questions:
        kinds.setdefault(question.kind, []).append(question)
    return [
        Kind(
            kind=name or "(no kind)",
            questions=len(members),
            mrr=_mean([_of_question("mrr", results[one.id], one) for one in members]),
            hit_at_3=_mean([_of_question("hit@3", results[one.id], one) for one in members]),
            known=metrics.share([_is_known(results[one.id]) for one in members]),
        )
        for name, members in kinds.items()
    ]


def _is_known(result: Result) -> bool:
    return result.verdict is Verdict.KNOWN


def _is_right(result: Result, question: Labelled) -> bool:
    return metrics.hit(result.ranking, metrics.same_failure(question.relevant), within=1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
