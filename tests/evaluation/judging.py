"""A team's sheet for a blind reader, and what the reader said, kept.

    python -m tests.evaluation.judging sheet TEAM                 # entries and questions, no labels
    python -m tests.evaluation.judging keep TEAM SAID --by WHO    # → verdicts/TEAM.jsonl

SAID holds a line for each question with something else than "no", as JSON: {"question": 12,
"same": [3], "helps": [40]}, by the sheet's numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import click

from failbot.evaluation.reading import Document, LabelledSet, read_sets
from failbot.memory.reading import passage_of
from failbot.memory.redact import redact
from failbot.memory.service import Service
from failbot.models import Failure, Place, Visibility
from failbot.reader.base import Judgement
from failbot.reader.verdicts import write_verdicts
from failbot.search.words import salient
from tests.conftest import NOW
from tests.memory_store import MemoryStore

HERE = Path(__file__).parent


class NoSource:
    """An encoder that is never there: nothing is compared here."""

    setting = ""

    def wait(self, timeout_s: float | None) -> None:
        return None

    def switch(self, setting: str) -> None: ...


def passages(team: LabelledSet) -> dict[str, str]:
    """What a reader is given of each entry, by its id, in the file's order."""
    service = Service(MemoryStore(), NoSource())
    return {one.id: passage_of(_recorded(service, one)).text for one in team.documents}


def as_read(question: str) -> str:
    """What a reader is given of a question."""
    return redact(salient(question))[0]


def questions(team: LabelledSet) -> list[str]:
    """All of a team's questions as they are read, in an order that tells nothing."""
    texts = {as_read(one.text) for one in team.questions}
    return sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())


def verdicts(team: LabelledSet, said: Sequence[str]) -> dict[str, dict[str, Judgement]]:
    """The judgements of entries' ids by question, from the lines that a reader wrote."""
    names, asked = [one.id for one in team.documents], questions(team)
    found: dict[str, dict[str, Judgement]] = {text: {} for text in asked}
    for line in said:
        told = json.loads(line)
        for judgement in (Judgement.HELPS, Judgement.SAME):
            for at in told.get(judgement.value, ()):
                found[asked[told["question"]]][names[at]] = judgement
    return found


def _team(name: str) -> LabelledSet:
    return read_sets([HERE / "teams" / name])[0]


def _recorded(service: Service, one: Document) -> Failure:
    place = Place(team_id="T", channel_id="C", visibility=Visibility.WORKSPACE)
    return service.record(one.draft, place=place, author_id="evaluation", now=NOW).failure


@click.group()
def main() -> None:
    """Verdicts of a reader who does not see the labels."""


@main.command()
@click.argument("team")
def sheet(team: str) -> None:
    """Print a team's entries and questions."""
    labelled = _team(team)
    for number, text in enumerate(passages(labelled).values()):
        click.echo(f"Entry {number}\n{text}\n")
    for number, text in enumerate(questions(labelled)):
        click.echo(f"Question {number}: {text}\n")


@main.command()
@click.argument("team")
@click.argument("said", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", required=True, help="Who judged.")
def keep(team: str, said: Path, by: str) -> None:
    """Keep what a reader said of the sheet."""
    labelled = _team(team)
    lines = said.read_text(encoding="utf-8").splitlines()
    path = HERE / "verdicts" / f"{team}.jsonl"
    path.parent.mkdir(exist_ok=True)
    entries = passages(labelled)
    write_verdicts(path, by=by, entries=entries, said=verdicts(labelled, lines))
    click.echo(path)


if __name__ == "__main__":
    main()
