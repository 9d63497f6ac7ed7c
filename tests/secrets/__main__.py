"""Prints recall and false positives; with folders as arguments, what is found in their files too.

`python -m tests.secrets` states what README says.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tests.secrets import SETS, cases, is_caught, lookalikes, real_texts, texts_of, touched


def main(folders: list[str]) -> None:
    print("| texts | count | taken out | percent |\n|---|---|---|---|")
    for name in SETS:
        caught = [is_caught(case) for case in cases(name)]
        _row(f"secrets, {name.replace('_', ' ')}", len(caught), sum(caught))
    for name, texts in (("look-alikes", lookalikes()), ("real texts", real_texts())):
        _row(name, len(texts), len(touched(texts)))
    for folder in folders:
        _folder(Path(folder))


def _row(name: str, count: int, hits: int) -> None:
    print(f"| {name} | {count:,} | {hits:,} | {100 * hits / count:.1f} |")


def _folder(folder: Path) -> None:
    """Kinds and files only: what is found may be somebody's secret."""
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        found = touched(texts_of(file))
        kinds = Counter(kind for _, kinds in found for kind in kinds)
        if kinds:
            print(f"{file.relative_to(folder)}: {dict(kinds)}")


main(sys.argv[1:])
