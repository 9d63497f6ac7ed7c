"""What `eval` says of several teams' sets: a line a team, and a line of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from failbot.cli import output

if TYPE_CHECKING:
    from failbot.evaluation.asking import Result
    from failbot.evaluation.figures import Summary
    from failbot.evaluation.leaving_out import LeftOut
    from failbot.evaluation.reading import LabelledSet

# Heading -> the name of the figure; in percent.
RANKING = {"MRR": "mrr", "hit@3": "hit@3", "in 20": "hit@20"}
SILENCE = {
    "known right": "known_precision",
    "covers": "known_coverage",
    "near known": "near_known",
    "no answer known": "false_answers",
    "masked known": "false_answers_masked",
    "error": "calibration_error",
}
LEFT_OUT = {
    "known right": "precision",
    "covers": "coverage",
    "no answer known": "false_known",
    "masked known": "masked_known",
    "error": "error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One set, what came back, and what it comes to, beside the baseline where that was asked."""

    labelled: LabelledSet
    results: Sequence[Result]
    ours: Summary
    theirs: Summary | None


def report_teams(
    measured: Sequence[Measured], *, left_out: Sequence[LeftOut], as_json: bool
) -> None:
    """Every team's figures, their means, and those of calibrations that did not see the team."""
    if as_json:
        output.emit_json(_as_dict(measured, left_out))
        return
    rows = [(one.labelled.name, *_cells(one)) for one in measured]
    headers = ("Percent", *RANKING, *_beside(measured), *SILENCE)
    output.table(headers, [*rows, _mean("mean", rows)], headers_in_pipe=True)
    if left_out:
        click.echo("\nThe same, with a calibration fitted on the other teams:")
        rows = [(one.name, *_left_out_cells(one)) for one in left_out]
        headers = ("Percent", "near known", *LEFT_OUT)
        output.table(headers, [*rows, _mean("mean", rows)], headers_in_pipe=True)


def _beside(measured: Sequence[Measured]) -> list[str]:
    return [f"baseline {name}" for name in RANKING] if measured[0].theirs else []


def _cells(one: Measured) -> list[str]:
    theirs = one.theirs.figures if one.theirs else {}
    figures = [one.ours.figures[name] for name in RANKING.values()]
    figures += [theirs[name] for name in RANKING.values() if theirs]
    figures += [one.ours.figures[name] for name in SILENCE.values()]
    return [_percent(figure) for figure in figures]


def _left_out_cells(one: LeftOut) -> list[str]:
    figures = asdict(one.figures)
    return [_percent(one.near_known), *(_percent(figures[name]) for name in LEFT_OUT.values())]


def _mean(name: str, rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    columns = list(zip(*rows, strict=True))[1:]
    return name, *(f"{sum(map(float, column)) / len(column):.1f}" for column in columns)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _as_dict(measured: Sequence[Measured], left_out: Sequence[LeftOut]) -> dict[str, object]:
    return {
        "sets": {
            one.labelled.name: {
                "failbot": one.ours.figures,
                "baseline": one.theirs.figures if one.theirs else None,
            }
            for one in measured
        },
        "left_out": {
            one.name: {**asdict(one.figures), "near_known": one.near_known} for one in left_out
        },
    }
