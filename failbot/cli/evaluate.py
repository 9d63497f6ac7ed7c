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
from failbot.cli.teams import Measured, report_teams
from failbot.config import LOCAL_TEAM_ID, MINILM, Config

if TYPE_CHECKING:
    from failbot.bootstrap import Runtime
    from failbot.evaluation.asking import Result
    from failbot.evaluation.figures import Summary
    from failbot.evaluation.leaving_out import LeftOut
    from failbot.evaluation.reading import LabelledSet
    from failbot.reader.base import Reader

LOWER_IS_BETTER = frozenset(
    {
        "near_known",
        "false_answers",
        "false_answers_masked",
        "calibration_error",
        "calibration_error_with_masked",
        "over_confidence",
    }
)


@click.command("eval")
@click.argument(
    "sets",
    nargs=-1,
    required=True,
    metavar="FAILURES QUESTIONS | FOLDER...",
    type=click.Path(exists=True, path_type=Path),
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="One line a question, as JSON."
)
@click.option(
    "--expected",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Lines of {"id", "questions": [...]}: how someone would ask about each entry of one set.',
)
@click.option(
    "--with-expected",
    is_flag=True,
    help="Take each FOLDER's expected.jsonl, which is written as for --expected.",
)
@click.option(
    "--baseline/--no-baseline",
    "--plain/--no-plain",
    "baseline",
    default=True,
    show_default=True,
    help="Beside it: SentenceTransformer.encode and a flat faiss index.",
)
@click.option(
    "--reader",
    type=click.Choice(["none", "llm"]),
    default="none",
    show_default=True,
    help="Who reads the candidates: nobody, or the language model that is set.",
)
@click.option(
    "--record",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Keep the reader's requests and replies there; without FAILBOT_LLM_URL, requests alone.",
)
@click.option(
    "--replay",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="Take the reader's replies from that folder, or verdicts from that file or folder of "
    "files, and call nobody.",
)
@click.option("--model", help="Another model than the one that is set.")
@click.option(
    "--calibration",
    metavar="MODEL",
    help="Score and judge as the model of this name is shipped: for one that was tuned like it.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@pass_session
def evaluate(
    session: Session,
    sets: tuple[Path, ...],
    out: Path | None,
    expected: Path | None,
    with_expected: bool,
    baseline: bool,
    reader: str,
    record: Path | None,
    replay: Path | None,
    model: str | None,
    calibration: str | None,
    as_json: bool,
) -> None:
    """Ask QUESTIONS of a temporary memory made from FAILURES, and say how good the answers are.

    QUESTIONS holds lines of {"id", "text", "relevant": {external id: grade}}; grade 2 is the same
    failure, 1 helps, and nothing relevant means that nobody knows. Every question with an answer
    is asked again with its relevant entries hidden ("masked").

    Each FOLDER holds a team's failures.jsonl and queries.jsonl. With three or more the answers'
    probabilities are also judged as strangers find them: fitted on all teams but one, used on it.

    With a reader, questions and entries of these files are sent to FAILBOT_LLM_URL.
    """
    from failbot.evaluation.reading import read_sets

    config = session.config()
    config = replace(config, model=model or config.model, team_id="")
    labelled = read_sets(sets, expected=expected, with_expected=with_expected)
    for one in labelled:
        _warn_of_missing(one)
    prepare_model(config)
    read_with = _reader(config, reader=reader, record=record, replay=replay)
    measured = [
        _measured(config, one, reader=read_with, calibration=calibration, with_baseline=baseline)
        for one in labelled
    ]
    _warn_of_unread([result for one in measured for result in one.results], record)
    if out:
        lines = [result.as_line() for one in measured for result in one.results]
        out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if len(measured) == 1:
        _report(measured[0].ours, measured[0].theirs, as_json=as_json)
    else:
        report_teams(measured, left_out=_left_out(config, measured, calibration), as_json=as_json)


def _measured(
    config: Config,
    one: LabelledSet,
    *,
    reader: Reader,
    calibration: str | None,
    with_baseline: bool,
) -> Measured:
    from failbot.evaluation.figures import summarise

    results = _asked(config, one, reader=reader, calibration=calibration)
    theirs = None
    if with_baseline:
        theirs = summarise(one.questions, _baseline(config, one), has_verdicts=False)
    return Measured(
        labelled=one,
        results=results,
        ours=summarise(one.questions, results),
        theirs=theirs,
    )


def _left_out(
    config: Config, measured: Sequence[Measured], calibration: str | None
) -> list[LeftOut]:
    from failbot.encoder.weights import find_weights
    from failbot.evaluation.leaving_out import leave_one_out
    from failbot.search.calibration import load

    model = find_weights(config.model, data_folder=config.data_folder).name
    return leave_one_out(
        [one.labelled for one in measured],
        {one.labelled.name: one.results for one in measured},
        before=load(calibration or model),
    )


def _warn_of_missing(labelled: LabelledSet) -> None:
    known = {one.id for one in labelled.documents}
    missing = {id for one in labelled.questions for id in one.relevant} - known
    if missing:
        output.warn(
            f"{labelled.name}: {len(missing):,} relevant ids are no entry's, "
            f"such as {min(missing)!r}."
        )


def _reader(config: Config, *, reader: str, record: Path | None, replay: Path | None) -> Reader:
    """Who reads. :raises InputError: nobody is there to read."""
    from failbot.bootstrap import measured_model
    from failbot.reader.base import NoReader

    if record and replay:
        raise click.UsageError("--record and --replay exclude each other")
    if reader == "none" and not (record or replay):
        return NoReader()
    return measured_model(config, record=record, replay=replay)


def _warn_of_unread(results: Sequence[Result], record: Path | None) -> None:
    reasons = [one.unread for one in results if one.unread]
    if reasons:
        output.warn(
            f"{len(reasons):,} of {len(results):,} questions were answered without the language "
            f"model, the first because of this: {reasons[0]}."
            + (f" Requests are in {record}." if record else "")
        )


def _asked(
    config: Config, labelled: LabelledSet, *, reader: Reader, calibration: str | None
) -> list[Result]:
    from failbot.evaluation.asking import Memory, ask_all

    with _temporary(config, reader) as runtime:
        names = runtime.wait_for_models()  # a late reranker would be left out of some answers
        if calibration:
            _put_in_force(runtime, calibration, names)
        with output.progress("Embedding") as progress:
            memory = Memory(
                runtime.service,
                labelled.documents,
                team_id=LOCAL_TEAM_ID,
                now=now(),
                progress=progress,
            )
        with output.progress("Asking") as progress:
            return ask_all(memory, labelled.questions, progress=progress)


def _put_in_force(runtime: Runtime, calibration: str, names: tuple[str, str]) -> None:
    """The calibration shipped for that model, for the model and the reranker that answer."""
    from failbot.search.calibration import load

    model, reranker = names
    made = replace(load(calibration), model=model, reranker=reranker)
    runtime.store.calibrations.keep(made, team_id=LOCAL_TEAM_ID, now=now())


@contextmanager
def _temporary(config: Config, reader: Reader) -> Iterator[Runtime]:
    """A memory that is gone afterwards; the model's prepared form is the lasting folder's."""
    from failbot.bootstrap import open_runtime

    with TemporaryDirectory(prefix="failbot-eval-") as folder:
        models = config.data_folder / "models"
        if models.is_dir():
            (Path(folder) / "models").symlink_to(models.resolve())
        with open_runtime(replace(config, data_folder=Path(folder)), reader=reader) as runtime:
            yield runtime


def _baseline(config: Config, labelled: LabelledSet) -> list[Result]:
    from failbot.encoder.colbert import is_multi_vector
    from failbot.encoder.weights import find_weights
    from failbot.evaluation.asking import ask_baseline

    weights = find_weights(config.model, data_folder=config.data_folder)
    # What anyone would take: what failbot's own was tuned from, and a model of sentences.
    if weights.is_ready or is_multi_vector(weights.folder):
        weights = find_weights(MINILM, data_folder=config.data_folder)
    with output.progress("The baseline") as progress:
        return ask_baseline(
            labelled.documents, labelled.questions, folder=weights.folder, progress=progress
        )


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
