"""What people and programs read: tables and progress on a terminal, plain lines in a pipe, JSON."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from failbot.models import (
    Answer,
    Digest,
    ExpectedQuestion,
    Explanation,
    Failure,
    Hit,
    Verdict,
    shorten,
)
from failbot.text import clean

VERDICTS = {
    Verdict.KNOWN: "Yes, this has happened before.",
    Verdict.RELATED: "Not this, as far as anyone has recorded, but something that may help.",
    Verdict.UNKNOWN: "Nobody has recorded this.",
}
WIDTH = 96


def emit_json(value: dict[str, object]) -> None:
    """One object, in ASCII where the stream takes nothing else."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    click.echo(json.dumps(value, ensure_ascii=encoding != "utf8", indent=2))


def note(text: str) -> None:
    """A line beside the result, on standard error."""
    click.echo(clean(text), err=True)


def warn(text: str) -> None:
    click.secho(f"Note: {clean(text)}", err=True, fg="yellow")


def paragraph(text: str, *, indent: str = "") -> str:
    """The text in lines of a readable width, each indented; safe to print on a terminal."""
    lines = clean(text).strip().splitlines() or [""]
    return "\n".join(
        textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent)
        for line in lines
    )


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, headers_in_pipe: bool = False
) -> None:
    """A table on a terminal; in a pipe, one line a row with tabs between."""
    if not sys.stdout.isatty():
        for row in [headers, *rows] if headers_in_pipe else rows:
            click.echo("\t".join(" ".join(clean(cell).split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        shown.add_column(header, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(clean(cell)) for cell in row))
    Console(highlight=False).print(shown)


@contextmanager
def progress(words: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while the block runs, fed with (done, total); silent in a pipe."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(words, total=None)

    def advance(done: int, total: int) -> None:
        bar.start()  # not before there is something to show; a second start does nothing
        bar.update(task, completed=done, total=total)

    try:
        yield advance
    finally:
        bar.stop()


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """A sign of life on standard error while the block runs; a line in a pipe."""
    if not sys.stderr.isatty():
        note(f"{words} …")
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(words):
        yield


def show_answer(answer: Answer, *, limit: int) -> None:
    """The verdict in a sentence, then the matches, or the one that is too weak to count."""
    click.secho(_verdict(answer), bold=True)
    if answer.scope:
        click.echo(answer.scope)
    for hit in answer.shown(limit):
        click.echo()
        show_hit(hit)
    _show_whose(answer, answer.shown(limit))
    weak = answer.weak()
    if weak:
        click.echo(
            f"The closest is a weak match ({weak.probability:.0%}): "
            f"{weak.failure.reference} {clean(weak.failure.name)}"
        )


def _verdict(answer: Answer) -> str:
    if answer.verdict is Verdict.UNKNOWN and answer.is_provisional:
        return "Nothing found yet."
    return VERDICTS[answer.verdict]


def show_hit(hit: Hit) -> None:
    """One match: what it is, the sentence that matched, what was learnt."""
    failure = hit.failure
    click.secho(f"{failure.reference}  {clean(failure.name)}", bold=True, nl=False)
    click.secho(f"  {hit.probability:.0%}", dim=True)
    if failure.outcome:
        click.echo(f"    {failure.outcome.value}")
    if hit.sentence:
        click.echo(paragraph(f"“{hit.sentence.strip()}”", indent="    "))
    _show_reading(hit)
    if failure.lesson:
        click.echo(paragraph(f"Lesson: {failure.lesson}", indent="    "))
    for one in failure.explanations[:2]:
        click.echo(paragraph(f"Why: {_explanation(one)}", indent="    "))


def show_similar(answer: Answer) -> None:
    """What was logged before and is like it, with what a language model says of each."""
    shown = answer.shown()
    for hit in shown:
        click.echo(f"Like {hit.failure.reference}: {clean(hit.failure.name)}")
        _show_reading(hit)
    _show_whose(answer, shown)
    if shown and answer.caveat:
        warn(answer.caveat)


def _show_reading(hit: Hit) -> None:
    for name, said in (("Matches", hit.matches), ("Differs", hit.differs)):
        if said:
            click.echo(paragraph(f"{name}: {said}", indent="    "))


def _show_whose(answer: Answer, shown: Sequence[Hit]) -> None:
    if any(hit.matches or hit.differs for hit in shown):
        click.secho(f"Matches and Differs are the words of {clean(answer.read_by)}.", dim=True)


def show_failure(failure: Failure) -> None:
    """The whole entry."""
    click.secho(f"{failure.reference}  {clean(failure.name)}", bold=True)
    click.secho(_byline(failure), dim=True)
    parts = (
        ("Outcome", failure.outcome.value if failure.outcome else ""),
        ("Tried", failure.tried),
        ("Happened", failure.happened),
        *(("Why", _explanation(one)) for one in failure.explanations),
        ("Lesson", failure.lesson),
        ("Worth retrying when", failure.valid_while),
        ("Failure modes", ", ".join(failure.modes)),
        ("Cost", failure.cost),
        ("Tags", ", ".join(failure.tags)),
        ("Links", "\n".join(failure.links)),
        ("External id", failure.external_id),
    )
    for label, text in parts:
        if text:
            click.secho(f"{label}:", bold=True)
            click.echo(paragraph(text, indent="  "))


def named(user_id: str) -> str:
    """Who it was, safe to print; someone who was forgotten has no name."""
    return clean(user_id) or "without a name"


def show_expected(questions: Sequence[ExpectedQuestion]) -> None:
    """How people would ask about an entry, and whose words that is; nothing where there is none."""
    if questions:
        click.secho("Asked like:", bold=True)
    for one in questions:
        click.echo(paragraph(f"- {one.text} ({one.origin.value})", indent="  "))


def show_list(failures: Sequence[Failure]) -> None:
    rows = [
        (
            one.reference,
            f"{one.created_at:%Y-%m-%d}",
            one.outcome.value if one.outcome else "",
            shorten(one.name, 100),
            named(one.author_id),
        )
        for one in failures
    ]
    table(("Entry", "Logged", "Outcome", "Title", "By"), rows)


def show_digest(digest: Digest) -> None:
    """The week, as its channel would read it."""
    click.secho(f"Week {digest.week}", bold=True)
    if digest.is_empty:
        click.echo("Nothing was logged, asked or answered: no digest would be posted.")
        return
    if digest.pattern:
        entries = ", ".join(one.reference for one in digest.pattern.failures[:6])
        meaning = f" ({digest.pattern.meaning})" if digest.pattern.meaning else ""
        _section("It keeps happening", [f"{digest.pattern.name}{meaning}: {entries}"])
    _section("New lessons", [_lesson(one) for one in digest.lessons])
    if digest.more:
        click.echo(f"  … and {digest.more:,} more")
    _section("Asked, and nobody knew", [shorten(one.text, 200) for one in digest.questions])
    thanked = [
        f"{one.author_id}: {', '.join(f'F-{number}' for number in one.numbers)} helped someone"
        for one in digest.thanks
    ]
    _section("Thanks", thanked)


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        click.echo()
        click.secho(title, bold=True)
        for line in lines:
            click.echo(paragraph(f"- {line}", indent="  "))


def _lesson(failure: Failure) -> str:
    return f"{failure.reference} {failure.name}: {shorten(failure.lesson or failure.happened, 200)}"


def _explanation(one: Explanation) -> str:
    evidence = f"; evidence: {one.evidence}" if one.evidence else ""
    return f"{one.text} ({one.status.value}{evidence})"


def _byline(failure: Failure) -> str:
    changed = f", changed {failure.updated_at:%Y-%m-%d}" if failure.version > 1 else ""
    seen = "" if failure.visibility == "workspace" else f", seen by {failure.visibility} only"
    return f"{named(failure.author_id)}, {failure.created_at:%Y-%m-%d %H:%M} UTC{changed}{seen}"
