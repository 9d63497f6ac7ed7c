"""Figures as lines of one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement: failbot's figure, baseline's where there is one, both in `unit`."""

    what: str
    unit: str
    failbot: float
    baseline: float | None = None

    def cells(self) -> tuple[str, str, str, str]:
        ratio = f"{self.failbot / self.baseline:.2f}" if self.baseline else ""
        baseline = "" if self.baseline is None else _figure(self.baseline)
        return self.what, f"{_figure(self.failbot)} {self.unit}", baseline, ratio


def markdown(rows: Sequence[Row]) -> str:
    """The table as README shows it."""
    lines = ["| what | failbot | baseline | ratio |", "|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row.cells())} |" for row in rows])


def alternately(
    deeds: Sequence[Callable[[str], object]], texts: Sequence[str]
) -> list[list[float]]:
    """Milliseconds of each deed on each text, taking turns: what disturbs one disturbs all."""
    for deed in deeds:
        for text in texts[:5]:
            deed(text)
    return [list(times) for times in zip(*(_each(deeds, text) for text in texts), strict=True)]


def percentile(times_ms: Sequence[float], share: float) -> float:
    return float(np.percentile(times_ms, share))


def _each(deeds: Sequence[Callable[[str], object]], text: str) -> list[float]:
    return [timed(lambda deed=deed: deed(text)) for deed in deeds]  # type: ignore[misc]


def timed(deed: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    start = time.perf_counter()
    deed()
    return (time.perf_counter() - start) * 1_000


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
