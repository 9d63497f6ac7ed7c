"""Calibrations fitted on all sets but one, and judged on that one: what strangers may expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failbot.evaluation import metrics
from failbot.evaluation.asking import Result
from failbot.evaluation.calibrating import Example, Figures, fit, judge
from failbot.evaluation.figures import NEAR
from failbot.evaluation.reading import Labelled, LabelledSet
from failbot.search.calibration import Calibration

LEAST_SETS = 3  # with two each is judged by one other alone


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """How the calibration of the other sets does on this one; `near_known` is a share, 0..1."""

    name: str
    calibration: Calibration
    figures: Figures
    near_known: float


def leave_one_out(
    sets: Sequence[LabelledSet],
    results: Mapping[str, Sequence[Result]],
    *,
    before: Calibration,
) -> list[LeftOut]:
    """One row a set, in their order; none where there are fewer than `LEAST_SETS`.

    `results` are each set's, by its name. The order of hits is not the calibration's to change;
    its verdict is.
    """
    if len(sets) < LEAST_SETS:
        return []
    examples = {one.name: _examples(one, results[one.name]) for one in sets}
    rows = []
    for left_out in sets:
        others = [one for name, some in examples.items() if name != left_out.name for one in some]
        made = fit(others, before=before).calibration
        rows.append(_judged(left_out, examples[left_out.name], made))
    return rows


def example_of(question: Labelled, result: Result, *, group: str = "") -> Example:
    """What became of one question; `group` keeps apart questions of sets that share ids."""
    right = metrics.same_failure(question.relevant)
    return Example(
        question=f"{group}/{question.id}",
        signals=result.signals,
        is_right=metrics.hit(result.ranking, right, within=1),
        has_answer=bool(question.relevant),
        is_masked=result.masked,
    )


def _examples(one: LabelledSet, results: Sequence[Result]) -> list[Example]:
    questions = {question.id: question for question in one.questions}
    return [example_of(questions[result.id], result, group=one.name) for result in results]


def _judged(one: LabelledSet, examples: Sequence[Example], made: Calibration) -> LeftOut:
    near = {
        f"{one.name}/{question.id}"
        for question in one.questions
        if question.kind == NEAR and not question.relevant
    }
    called = [
        bool(made.probabilities(example.signals) >= made.known)
        for example in examples
        if example.question in near and not example.is_masked
    ]
    return LeftOut(
        name=one.name,
        calibration=made,
        figures=judge(examples, made),
        near_known=metrics.share(called),
    )
