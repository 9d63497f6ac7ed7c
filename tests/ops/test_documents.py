"""What .docs/operations.md says of the metrics is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from failbot.ops.metrics import Facts, Metrics, ReaderCounts
from failbot.store.base import Backlog
from tests.conftest import NOW

TEXT = (Path(__file__).parents[2] / ".docs" / "operations.md").read_text("utf-8")


def test_every_metric_is_described_and_no_other() -> None:
    """By name, as Prometheus keeps it."""
    metrics = Metrics()
    metrics.look_at(
        Facts(
            now=lambda: NOW,
            backlog=lambda: Backlog(waiting=0, oldest_at=None, due_at=None, given_up=0),
            last_digest_at=lambda: NOW,
            model=lambda: ("m", True),
            line_age_s=lambda: 1.0,
            reader=lambda: ReaderCounts(
                calls=0, failed=0, refused=0, prompt_tokens=0, completion_tokens=0
            ),
        )
    )
    text = metrics.text().decode()
    told = set(re.findall(r"^# TYPE (failbot_\w+) ", text, re.MULTILINE))
    kept = {name for name in told if not name.endswith("_created")}
    assert set(re.findall(r"^\| `(failbot_\w+)` \|", TEXT, re.MULTILINE)) == kept
