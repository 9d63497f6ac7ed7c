"""The ranking and the silence do not fall behind what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Terminal

FAILURES = ROOT / "failbot" / "samples" / "failures.jsonl"
QUERIES = Path(__file__).parent / "teams" / "samples" / "queries.jsonl"

# Two to three points on the worse side of what was measured: on 144 questions with an answer one
# more wrong one moves a share by 0.7 points, on 38 without by 2.6.
AT_LEAST = {"ndcg@10": 0.75, "mrr": 0.87, "hit@3": 0.93, "known_precision": 0.94}
# The shipped probabilities are those of an encoder on teams that it did not see, and it saw these
# questions: it is right far more often than it says (error 24, over-confidence -27). Who believes a
# modest answer loses nothing, and a bound on the error would hold that modesty alone. What people
# must be able to rely on is that nothing is promised that is not kept.
AT_MOST = {"false_answers": 0.06, "false_answers_masked": 0.06, "over_confidence": 0.02}


@pytest.fixture(scope="module")
def figures(models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """What `failbot eval` says of the sample memory, without the baseline beside it."""
    data = tmp_path_factory.mktemp("eval")
    (data / "models").symlink_to(models)
    told = Terminal(data).json("eval", str(FAILURES), str(QUERIES), "--no-baseline")
    return dict(told["failbot"])


@pytest.mark.parametrize("name", AT_LEAST)
def test_the_right_failure_comes_first(figures: dict[str, float], name: str) -> None:
    """What is found is right, and among the first."""
    assert figures[name] >= AT_LEAST[name]


@pytest.mark.parametrize("name", AT_MOST)
def test_silence_holds(figures: dict[str, float], name: str) -> None:
    """What nobody has recorded is seldom called known, and no probability says too much."""
    assert figures[name] <= AT_MOST[name]
