"""Prints the table: failbot and baseline side by side, all of one run."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import ask, corpus, embedding, process, vectors, writes
from tests.benchmarks.table import Row, markdown

SIZES = (1_000, 10_000, 100_000)


def rows(data: Path, *, sizes: tuple[int, ...], with_million: bool) -> Iterator[Row]:
    """Each line of the table as soon as it is measured."""
    encoder = process.prepared_encoder(data)
    for size in sizes:
        corpus.fill(data / str(size) / "failbot.db", size, encoder)
        yield from ask.rows(data, size, encoder)
        yield from process.rows(data, size)
    yield from embedding.rows(encoder)
    yield from writes.rows(data)
    if with_million:
        yield from vectors.rows(encoder)


def main(say: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="entries")
    parser.add_argument("--no-million", action="store_true", help="leave out 1,000,000 vectors")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = []
        for row in rows(
            Path(folder), sizes=tuple(chosen.sizes), with_million=not chosen.no_million
        ):
            made.append(row)
            sys.stderr.write(f"{row}\n")
    say(markdown(made))


if __name__ == "__main__":
    main()
