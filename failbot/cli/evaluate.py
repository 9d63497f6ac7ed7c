"""`eval`: how well failbot answers questions whose answers are known, beside the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from failbot.cli import output
from failbot.cli.session import Session, now, pass_session, prepare_model
from failbot.config import LOCAL_TEAM_ID, Config

if TYPE_CHECKING:
    from failbot.bootstrap import Runtime
    from failbot.evaluation.asking import Result
    from failbot.evaluation.figures import Summary
    from failbot.evaluation.reading import Document, Labelled

LOWER_IS_BETTER = frozenset(
    {
        "false_answers",
        "false_answers_masked",
        "calibration_error",
        "calibration_error_with_masked",
    }
)


@click.command("eval")
@click.argument("failures", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("questions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="One line a question, as JSON."
)
@click.option(
    "--expected",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Lines of {"id", "questions": [...]}: how someone would ask about each entry.',
)
@click.option(
    "--baseline/--no-baseline",
    "--plain/--no-plain",
    "baseline",
    default=True,
    show_default=True,
    help="Beside it: SentenceTransformer.encode and a flat faiss index.",
)
@click.option("--model", help="Another model than the one that is set.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@pass_session
def evaluate(
    session: Session,
    failures: Path,
    questions: Path,
    out: Path | None,
    expected: Path | None,
    baseline: bool,
    model: str | None,
    as_json: bool,
) -> None:
    """Ask QUESTIONS of a temporary memory made from FAILURES, and say how good the answers are.

    QUESTIONS holds lines of {"id", "text", "relevant": {external id: grade}}; grade 2 is the same
    failure, 1 helps, and nothing relevant means that nobody knows. Every question with an answer
    is asked again with its relevant entries hidden ("masked").
    """
    from failbot.evaluation.figures import summarise
    from failbot.evaluation.reading import read_documents, read_questions, with_expected

    config = session.config()
    config = replace(config, model=model or config.model, team_id="")
    documents, labelled = read_documents(failures), read_questions(questions)
    if expected:
        documents = with_expected(documents, expected)
    _warn_of_missing(documents, labelled)
    prepare_model(config)
    results = _asked(config, documents, labelled)
    if out:
        out.write_text("".join(f"{one.as_line()}\n" for one in results), encoding="utf-8")
    ours = summarise(labelled, results)
    theirs = None
    if baseline:
        theirs = summarise(labelled, _baseline(config, documents, labelled), has_verdicts=False)
    _report(ours, theirs, as_json=as_json)


def _warn_of_missing(documents: Sequence[Document], questions: Sequence[Labelled]) -> None:
    known = {one.id for one in documents}
    missing = {id for one in questions for id in one.relevant} - known
    if missing:
        output.warn(f"{len(missing):,} relevant ids are no entry's, such as {min(missing)!r}.")


def _asked(
    config: Config, documents: Sequence[Document], questions: Sequence[Labelled]
) -> list[Result]:
    from failbot.evaluation.asking import Memory, ask_all

    with _temporary(config) as runtime:
        runtime.wait_for_models()  # a late reranker would be left out of some answers
        with output.progress("Embedding") as progress:
            memory = Memory(
                runtime.service, documents, team_id=LOCAL_TEAM_ID, now=now(), progress=progress
            )
        with output.progress("Asking") as progress:
            return ask_all(memory, questions, progress=progress)


@contextmanager
def _temporary(config: Config) -> Iterator[Runtime]:
    """A memory that is gone afterwards; the model's prepared form is the lasting folder's."""
    from failbot.bootstrap import open_runtime

    with TemporaryDirectory(prefix="failbot-eval-") as folder:
        models = config.data_folder / "models"
        if models.is_dir():
            (Path(folder) / "models").symlink_to(models.resolve())
        runtime = open_runtime(replace(config, data_folder=Path(folder)))
        try:
            yield runtime
        finally:
            runtime.close()


def _baseline(
    config: Config, documents: Sequence[Document], questions: Sequence[Labelled]
) -> list[Result]:
    from failbot.encoder.weights import find_weights
    from failbot.evaluation.asking import ask_baseline

    weights = find_weights(config.model, data_folder=config.data_folder)
    with output.progress("The baseline") as progress:
        return ask_baseline(documents, questions, folder=weights.folder, progress=progress)


def _report(ours: Summary, theirs: Summary | None, *, as_json: bool) -> None:
    from failbot.evaluation.figures import FIGURES, differences

    told = differences(ours, theirs) if theirs else {}
    if as_json:
        output.emit_json(
            {
                "failbot": ours.figures,
                "baseline": theirs.figures if theirs else None,
                "difference": {name: list(values) for name, values in told.items()},
                "kinds": _kinds_as_dicts(ours, theirs),
            }
        )
        return
    rows = [
        (
            f"{words}{' (lower is better)' if name in LOWER_IS_BETTER else ''}",
            _percent(ours.figures.get(name)),
            _percent(theirs.figures.get(name) if theirs else None),
            _interval(told.get(name)),
        )
        for name, words in FIGURES.items()
    ]
    output.table(
        ("Percent", "failbot", "baseline", "difference, 95 % interval"), rows, headers_in_pipe=True
    )
    click.echo()
    kinds = _kinds_as_dicts(ours, theirs)
    if kinds:
        output.table(
            tuple(name.replace("_", " ") for name in kinds[0]),
            [
                tuple(
                    _percent(one) if isinstance(one, float) else str(one) for one in kind.values()
                )
                for kind in kinds
            ],
            headers_in_pipe=True,
        )


def _kinds_as_dicts(ours: Summary, theirs: Summary | None) -> list[dict[str, object]]:
    beside = {one.kind: one for one in theirs.kinds} if theirs else {}
    rows = []
    for one in ours.kinds:
        row: dict[str, object] = {"kind": one.kind, "questions": one.questions}
        row |= {"mrr": one.mrr, "hit@3": one.hit_at_3, "called_known": one.known}
        if one.kind in beside:
            row |= {
                "baseline_mrr": beside[one.kind].mrr,
                "baseline_hit@3": beside[one.kind].hit_at_3,
            }
        rows.append(row)
    return rows


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _interval(values: tuple[float, float, float] | None) -> str:
    if values is None:
        return ""
    mean, low, high = (100 * value for value in values)
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


COMMANDS = (evaluate,)
