"""`expect`: a language model's expected questions for entries that have none."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from failbot.cli import output
from failbot.cli.session import Memory, Session, now, pass_session
from failbot.errors import InputError, ReaderError

if TYPE_CHECKING:
    from failbot.memory.writing import Written

ALL = 1_000_000_000


@dataclass(slots=True)
class Tally:
    """What became of the entries so far; `error` is why the model stopped answering."""

    written: int = 0
    questions: int = 0
    left_out: dict[int, str] = field(default_factory=dict)  # by number: why, for good
    error: str = ""

    def count(self, one: Written) -> None:
        self.written += bool(one.questions)
        self.questions += len(one.questions)
        if one.is_given_up:
            self.left_out[one.number] = one.error
        elif one.error:
            self.error = one.error


@click.command()
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@pass_session
def expect(session: Session, limit: int | None, as_json: bool) -> None:
    """Have the language model write how people would ask, for entries where it has not.

    Six messages an entry, in one call each, oldest first. May be interrupted: what is written
    stays, and the rest is done by the next run, or by a serving bot that has the language model.
    """
    with session.memory(everything=True) as memory:
        if not memory.runtime.reader.name:
            raise InputError("there is no language model: set FAILBOT_LLM_URL")
        team_id = memory.viewer.team_id
        wanted = memory.runtime.store.wanted
        numbers = wanted.lacking(team_id, limit=limit or ALL)
        total = wanted.want(numbers, team_id=team_id, now=now())
        tally = _fill(memory, total)
        left = wanted.waiting(team_id)
        _report(tally, left, as_json=as_json)
        if tally.written:
            memory.embed_new()
    if tally.error:
        raise ReaderError(f"the language model: {tally.error}. Run it again for the rest.")


def _fill(memory: Memory, total: int) -> Tally:
    """Writes of `total` entries, or until the model does not answer."""
    tally, team_id = Tally(), memory.viewer.team_id
    writer = memory.service.question_writer(now=now)
    # This process has its limit a minute for itself.
    pause_s = memory.runtime.writing_pause_s() / 2
    is_paced = total > memory.runtime.config.llm_per_minute
    with output.progress("Writing") as progress:
        for done in range(total):
            if done and is_paced:
                time.sleep(pause_s)
            one = writer.write_next(team_id=team_id)
            if one is None:
                break
            tally.count(one)
            if tally.error:
                break
            progress(done + 1, total)
    return tally


def _report(tally: Tally, left: int, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(
            {
                "written": tally.written,
                "questions": tally.questions,
                "left_out": {f"F-{number}": why for number, why in tally.left_out.items()},
                "left": left,
            }
        )
        return
    click.echo(f"{tally.questions:,} questions beside {tally.written:,} entries; {left:,} left.")
    for why in dict.fromkeys(tally.left_out.values()):
        of = [f"F-{number}" for number, one in tally.left_out.items() if one == why]
        output.warn(f"nothing for {', '.join(of[:20])}{', …' if of[20:] else ''}: {why}.")


COMMANDS = (expect,)
