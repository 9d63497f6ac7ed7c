"""Secrets as people paste them, and what only looks like one; the cases are in tests/secrets/."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.memory.redact import redact
from failbot.memory.redact.formats import FORMATS
from failbot.memory.redact.found import MARK
from tests.secrets import HERE, SETS, Case, cases, is_caught, lookalikes, real_texts, touched

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
ALL = [case for name in SETS for case in cases(name)]


@pytest.mark.parametrize("name", SETS)
def test_recall(name: str) -> None:
    """At least 95 of 100 are taken out, also of those that the rules were not written for."""
    missed = [case for case in cases(name) if not is_caught(case)]
    assert len(missed) <= 0.05 * len(list(cases(name))), [case.text for case in missed]


def test_there_are_enough_cases() -> None:
    """Four hundred and more, a hundred and more of them put aside, after four projects' rules."""
    assert len(ALL) >= 400
    assert len(list(cases("held_out"))) >= 100
    assert {case.source for case in ALL} == {
        "gitleaks",
        "kingfisher",
        "betterleaks",
        "detect-secrets",
    }


def test_no_secret_stands_in_the_repository() -> None:
    """What is stored of the cases are recipes: none of them is a secret by its form."""
    for name in SETS:
        for line in (HERE / f"{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            assert "‹" in row["secret"]
            assert not re.search(r"BEGIN [A-Z ]*PRIVATE KEY", row["text"])


def test_lookalikes_stay() -> None:
    """Hashes, ids, paths, settings that name a secret without holding one: not one is touched."""
    assert touched(lookalikes()) == []


def test_real_texts_stay() -> None:
    """Every text of the sample memory and of ten teams', failures and questions."""
    assert touched(real_texts()) == []


def test_readme_states_what_is_measured() -> None:
    """The numbers in README are those that `python -m tests.secrets` prints."""
    for name in SETS:
        caught = [is_caught(case) for case in cases(name)]
        stated = f"| {len(caught):,} | {sum(caught):,} | {100 * sum(caught) / len(caught):.1f} |"
        assert f"| secrets, {name.replace('_', ' ')} {stated}" in README


@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=3), st.text(max_size=20))
def test_redacting_again_changes_nothing(chosen: list[Case], between: str) -> None:
    """A text that was redacted once is stored the same when it is edited later."""
    once, kinds = redact(between.join(case.text for case in chosen))
    assert redact(once) == (once, ())
    assert all(f"[redacted: {kind}]" in once for kind in kinds)


@given(st.sampled_from(ALL), st.text(max_size=12), st.text(max_size=12))
def test_what_stands_around_stays(case: Case, before: str, after: str) -> None:
    """Other lines keep every character, whatever alphabet they are written in."""
    around = f"{before}\n\n{case.text}\n\n{after}"
    left, _ = redact(around)
    if redact(before) == (before, ()) and not case.text.rstrip().endswith(":"):
        assert left.startswith(before)
    left.encode("utf-8", "surrogatepass")


def test_kinds_can_be_told_apart_from_text() -> None:
    """Each kind makes a mark that is known for one, and each format names its source."""
    for one in FORMATS:
        assert MARK.fullmatch(f"[redacted: {one.kind}]"), one.kind
        assert one.source in {"gitleaks", "kingfisher", "betterleaks", "detect-secrets"}
    assert not MARK.search("[redacted: " + "hf_" + "A1b2" * 8 + "]")


def test_a_mark_hides_nothing() -> None:
    """A secret within something that looks like a mark is taken out all the same."""
    token = "gh" + "p_" + "A1b2C3" * 6
    assert token not in redact(f"[redacted: {token}]")[0]


HOSTILE = """password:|password=|password |key=|token: *|://a:|-----BEGIN X PRIVATE KEY-----\n|aA1/
-----END PRIVATE KEY-----\n|a.a|hf_|a\n|password,a\n|a:5432:b:c:|authorization: |bearer |echo
docker login -p |client(|eyJ|%20|\\n|login x password |password for a b c d |secret is set |key\n
"username":"a",|-key-data: |?sig=|&key=|xoxb-|😀|İpass|a@b:|x-|api key |wandb login |password\n\n
[redacted: key]|secrets:\n  |a_b-c/|ab12|curl -u a:|hook/|"key": "|password = (|%3D|key%3D|pw_"""
SIZE = 100_000


@pytest.mark.parametrize("piece", [one for one in re.split(r"\|", HOSTILE) if one])
def test_hostile_repetition_takes_linear_time(piece: str) -> None:
    """Five times as much of anything takes five times as long, not twenty-five."""
    assert_linear(piece)


def test_hostile_lines_take_linear_time() -> None:
    """So do lines of a table's headings, and of a key without its beginning."""
    for piece in ("| password |\n", "| a | password |\n", "A" * 64 + "\n"):
        assert_linear(piece)


def assert_linear(piece: str) -> None:
    """By the time of this process's own, which no neighbour lengthens."""
    least_s = max(_seconds(piece, SIZE // 5), 0.005)
    assert _seconds(piece, SIZE) <= 12 * least_s, piece


def _seconds(piece: str, size: int) -> float:
    text = (piece * (size // len(piece) + 1))[:size]
    began = time.process_time()
    redact(text)
    return time.process_time() - began


@pytest.mark.parametrize("case", random.Random(7).sample(ALL, 40), ids=lambda case: case.kind)
def test_kinds_are_told(case: Case) -> None:
    """Whoever wrote it is told what was taken out, if anything was."""
    left, kinds = redact(case.text)
    assert bool(kinds) == (left != case.text)
