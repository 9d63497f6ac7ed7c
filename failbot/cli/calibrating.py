"""`calibrate`: a calibration from a team's own labelled questions."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failbot.cli import output
from failbot.cli.explaining import origin
from failbot.cli.session import Memory, Session, now, pass_session
from failbot.errors import InputError
from failbot.models import parse_reference

if TYPE_CHECKING:
    from failbot.evaluation.calibrating import Example, Fitted
    from failbot.evaluation.reading import Labelled
    from failbot.search.calibration import Calibration

ALL = 1_000_000_000
FIRST = datetime.min.replace(tzinfo=UTC)
FIGURES = {
    "precision": "called known, and right",
    "coverage": "answerable, and called known rightly",
    "false_known": "without an answer, called known (lower is better)",
    "masked_known": "answer hidden, called known (lower is better)",
    "error": "calibration error (lower is better)",
}


@click.command()
@click.argument(
    "questions", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--feedback",
    is_flag=True,
    help="Instead of QUESTIONS: what people asked, labelled by their word on the answers.",
)
@click.option("--undo", is_flag=True, help="Go back to the calibration before, or the shipped one.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and keep nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@pass_session
def calibrate(
    session: Session,
    questions: Path | None,
    feedback: bool,
    undo: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Fit the answers' probability to your own labelled QUESTIONS, or to --feedback.

    QUESTIONS holds lines of {"id", "text", "relevant": {external id or F-12: grade}}, as for
    eval; grade 2 is the same failure, 1 helps, and nothing relevant means that nobody knows. They
    are asked of your memory, those with an answer again with it hidden. A running bot takes the
    new calibration up at its next answer. A question that its entry has as an expected one is
    left out: it would be found by itself.

    With --feedback a question has the answers that its asker, or two others, confirmed with
    "That's it"; one of which all that was shown is "Not this" has none. What failbot did not find
    nobody could confirm, so expect a little less of such a calibration than it says.
    """
    if (questions is not None) + feedback + undo != 1:
        raise click.UsageError("give QUESTIONS, --feedback or --undo")
    if undo:
        with session.memory(everything=True) as memory:
            _undo(memory, as_json=as_json)
    else:
        _calibrate(session, questions, dry_run=dry_run, as_json=as_json)


def _calibrate(session: Session, path: Path | None, *, dry_run: bool, as_json: bool) -> None:
    """:param path: of the labelled questions; None for people's own."""
    from failbot.evaluation.calibrating import fit, refuse_too_few
    from failbot.evaluation.reading import read_questions
    from failbot.memory.matching import calibration_for

    read = read_questions(path) if path else []
    if path:
        refuse_too_few(_answerable(read))
    with session.memory(everything=True) as memory:
        labelled = _from_file(memory, read, path) if path else _from_feedback(memory)
        labelled = _without_told(memory, labelled)
        refuse_too_few(_answerable(labelled))
        memory.embed_new()
        runtime, team_id = memory.runtime, memory.viewer.team_id
        model, reranker = runtime.wait_for_models()
        before = calibration_for(runtime.store, team_id, model=model, reranker=reranker)
        fitted = fit(_asked(memory, labelled, reranker), before=before)
        if not dry_run:
            runtime.store.calibrations.keep(fitted.calibration, team_id=team_id, now=now())
    _report(fitted, before, is_kept=not dry_run, as_json=as_json)


def _answerable(questions: Sequence[Labelled]) -> int:
    return sum(bool(one.relevant) for one in questions)


def _from_file(memory: Memory, questions: list[Labelled], path: Path) -> list[Labelled]:
    from failbot.evaluation.examples import resolved

    failures = memory.service.newest(viewer=memory.viewer, limit=ALL)
    return resolved(questions, failures, path=path)


def _from_feedback(memory: Memory) -> list[Labelled]:
    from failbot.evaluation.judged import from_feedback

    kept, until = memory.runtime.store.questions, now()
    return from_feedback(
        kept.asked(viewer=memory.viewer, since=FIRST, before=until),
        kept.feedback(viewer=memory.viewer, since=FIRST, before=until),
    )


def _without_told(memory: Memory, questions: list[Labelled]) -> list[Labelled]:
    from failbot.evaluation.judged import not_told_already

    names = {name for one in questions for name in one.relevant}
    numbers = sorted(filter(None, map(parse_reference, names)))
    left = not_told_already(questions, memory.service.expected(numbers, viewer=memory.viewer))
    if told := len(questions) - len(left):
        output.warn(f"{told:,} left out, which stand beside their entries as expected questions.")
    return left


def _asked(memory: Memory, questions: list[Labelled], reranker: str) -> list[Example]:
    from failbot.evaluation.examples import examples

    with output.progress("Asking") as progress:
        return examples(
            memory.service, questions, viewer=memory.viewer, reranker=reranker, progress=progress
        )


def _report(fitted: Fitted, before: Calibration, *, is_kept: bool, as_json: bool) -> None:
    made = fitted.calibration
    if as_json:
        output.emit_json(
            {
                "kept": is_kept,
                "before": {"calibration": asdict(before), "held_out": asdict(fitted.before)},
                "after": {"calibration": asdict(made), "held_out": asdict(fitted.after)},
            }
        )
        return
    old, new = asdict(fitted.before), asdict(fitted.after)
    rows = [(words, _percent(old[name]), _percent(new[name])) for name, words in FIGURES.items()]
    rows.append(("known from a probability of", _percent(before.known), _percent(made.known)))
    rows.append(("related from", _percent(before.related), _percent(made.related)))
    headers = ("Percent, on held-out folds", f"before ({before.origin})", "after")
    output.table(headers, rows, headers_in_pipe=True)
    if not fitted.after.coverage:
        output.warn("nothing would be called known: right and wrong first hits look alike.")
    if is_kept:
        click.echo(f"\nKept: {origin(made.basis)} `failbot calibrate --undo` goes back.")
    else:
        click.echo("\nNothing was kept.")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _undo(memory: Memory, *, as_json: bool) -> None:
    from failbot.memory.matching import calibration_for

    runtime, team_id = memory.runtime, memory.viewer.team_id
    model, reranker = runtime.model_names()
    if not runtime.store.calibrations.undo(team_id, model=model, reranker=reranker):
        pair = f"{model} with {reranker}" if reranker else model
        raise InputError(f"no calibration of your own is kept for {pair}: nothing to undo.")
    now_used = calibration_for(runtime.store, team_id, model=model, reranker=reranker)
    if as_json:
        output.emit_json({"calibration": asdict(now_used)})
    else:
        click.echo(f"In force again: {origin(now_used.basis)}")


# What the command was called at first.
tune = copy(calibrate)
tune.name, tune.hidden = "tune", True

COMMANDS = (calibrate, tune)
