"""The kept verdicts belong to the teams as they are, and are as good as the page tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from failbot.evaluation.metrics import same_failure
from failbot.evaluation.reading import LabelledSet, read_sets
from failbot.reader.base import READ, Judgement, Passage
from failbot.reader.verdicts import Verdicts
from tests.cli.conftest import Terminal
from tests.evaluation import judging

KEPT = judging.HERE / "verdicts"
TEAMS = sorted(one.stem for one in KEPT.glob("*.jsonl"))


@pytest.fixture(params=TEAMS)
def team(request: pytest.FixtureRequest) -> LabelledSet:
    return read_sets([judging.HERE / "teams" / request.param])[0]


def said_same(team: LabelledSet) -> Iterator[tuple[set[str], frozenset[str]]]:
    """For each question the entries that are called the same failure, and those that are."""
    verdicts = Verdicts(KEPT)
    texts = judging.passages(team)
    ids = list(texts)
    found = [
        Passage(number=at, version=1, text=text, is_private=False)
        for at, text in enumerate(texts.values())
    ]
    for question in team.questions:
        asked = judging.as_read(question.text)
        parts = (found[at : at + READ] for at in range(0, len(found), READ))
        readings = {at: one for part in parts for at, one in verdicts.read(asked, part).items()}
        same = {ids[at] for at, one in readings.items() if one.judgement is Judgement.SAME}
        yield same, same_failure(question.relevant)


def test_every_question_has_a_verdict_on_every_entry(team: LabelledSet) -> None:
    """And "same" is said of what was meant, seldom of anything else."""
    pairs = list(said_same(team))
    right = sum(bool(same & meant) for same, meant in pairs)
    assert right >= 0.95 * sum(bool(meant) for _, meant in pairs)
    assert right >= 0.98 * sum(bool(same) for same, _ in pairs)


def test_a_sheet_tells_no_label(team: LabelledSet) -> None:
    """Whoever judges it sees entries and questions, and nothing of ids, kinds or answers."""
    told = CliRunner().invoke(judging.main, ["sheet", team.name]).output
    assert told.count("Entry ") >= len(team.documents)
    assert told.count("Question ") >= len({one.text for one in team.questions})
    for one in (*team.documents, *team.questions):
        assert one.id not in told
    asked = [one.text for one in team.questions]
    assert judging.questions(team) != [judging.as_read(one) for one in asked]


def test_what_a_reader_wrote_is_kept(
    team: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the sheet's numbers, under the team's own ids."""
    monkeypatch.setattr(judging, "HERE", tmp_path)
    (tmp_path / "teams").symlink_to(KEPT.parent / "teams")
    said = tmp_path / "said"
    said.write_text('{"question": 3, "same": [5], "helps": [0, 5]}\n', "utf-8")
    done = CliRunner().invoke(judging.main, ["keep", team.name, str(said), "--by", "me"])
    assert done.exit_code == 0, done.output
    texts = list(judging.passages(team).values())
    found = [Passage(number=at, version=1, text=texts[at]) for at in (0, 1, 5)]
    verdicts = Verdicts(tmp_path / "verdicts" / f"{team.name}.jsonl")
    readings = verdicts.read(judging.questions(team)[3], found)
    assert [one.judgement.value for one in readings.values()] == ["helps", "no", "same"]


def test_eval_replays_them(tmp_path: Path) -> None:
    """Some of a team's questions, through the product, offline."""
    folder, few = judging.HERE / "teams" / "rl", tmp_path / "rl"
    few.mkdir()
    (few / "failures.jsonl").symlink_to(folder / "failures.jsonl")
    lines = (folder / "queries.jsonl").read_text("utf-8").splitlines()[::20]
    (few / "queries.jsonl").write_text("\n".join(lines), "utf-8")
    answered = sum(bool(json.loads(line)["relevant"]) for line in lines)
    assert 0 < answered < len(lines)
    done = Terminal(tmp_path).json("eval", str(few), "--no-baseline", "--replay", str(KEPT))
    told = done["failbot"]
    assert (told["known_precision"], told["false_answers"]) == (1, 0)
    assert told["known_coverage"] > 0.8
