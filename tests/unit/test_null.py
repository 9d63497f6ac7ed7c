"""What "known" needs in a memory, from its questions or its entries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failbot.search.calibration import load
from failbot.search.null import Null, applied, chance, from_questions, log_odds

SHIPPED = replace(load("all-MiniLM-L6-v2"), known=0.75, null=2.0)


def test_fifty_questions_make_a_null() -> None:
    """One in twenty lies above it; fewer say nothing."""
    assert from_questions([float(at) for at in range(49)]) is None
    null = from_questions([float(at) for at in range(100)])
    assert null is not None
    assert (null.source, null.count) == ("questions", 100)
    assert sum(at > null.level for at in range(100)) == 5


def test_only_the_newest_questions_count() -> None:
    """What a stranger looks like changes as the memory grows."""
    null = from_questions([0.0] * 500 + [9.0] * 500)
    assert null is not None
    assert (null.level, null.count) == (0.0, 500)


def test_known_needs_more_than_what_strangers_reach() -> None:
    """The level of questions is a bar; below the shipped one it changes nothing."""
    high = Null(level=log_odds(0.9), source="questions", count=50)
    assert applied(SHIPPED, high).known == pytest.approx(0.9)
    low = replace(high, level=log_odds(0.2))
    assert applied(SHIPPED, low) == SHIPPED
    assert applied(SHIPPED, None) == SHIPPED


def test_the_level_of_entries_shifts_the_shipped_bar() -> None:
    """By as much as it lies above the memories that the calibration was made on."""
    null = Null(level=3.0, source="entries", count=100)
    assert log_odds(applied(SHIPPED, null).known) == pytest.approx(log_odds(0.75) + 1.0)
    assert applied(replace(SHIPPED, null=None), null).known == SHIPPED.known


def test_no_null_makes_known_impossible_or_touches_labels() -> None:
    """At most 0.9999; a workspace's own calibration knows better."""
    null = Null(level=50.0, source="questions", count=50)
    assert applied(SHIPPED, null).known == 0.9999
    own = replace(SHIPPED, origin="own")
    assert applied(own, null) == own


def test_strangers_beyond_99_in_100_are_not_known() -> None:
    """Where near-duplicates lift strangers so far, what answers must lie further still."""
    strangers = [log_odds(0.995)] * 60
    null = from_questions(strangers)
    assert applied(SHIPPED, null).known == pytest.approx(0.995)


def test_odds_and_chances_are_inverse() -> None:
    """Far out they stay numbers."""
    assert chance(log_odds(0.3)) == pytest.approx(0.3)
    assert 0 < chance(-1e9) < chance(1e9) <= 1


def test_no_odds_are_beyond_thirty() -> None:
    """Whatever a calibration makes of them, their exponential is a number."""
    assert chance(1e9) == chance(31.0) == chance(30.0) < 1
    assert chance(-1e9) == chance(-31.0) == chance(-30.0) > 0
