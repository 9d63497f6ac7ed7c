"""Figures against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from failbot.evaluation import metrics

GRADES = {"a": 2, "b": 1}


def test_ndcg_of_the_ideal_order_is_one() -> None:
    """Whatever follows."""
    assert metrics.ndcg(["a", "b", "x"], GRADES) == pytest.approx(1)


def test_ndcg_discounts_by_place() -> None:
    """The right ones second and third."""
    got = 2 / math.log2(3) + 1 / math.log2(4)
    assert metrics.ndcg(["x", "a", "b"], GRADES) == pytest.approx(got / (2 + 1 / math.log2(3)))


def test_ndcg_looks_at_ten_places() -> None:
    """The eleventh is too late."""
    assert metrics.ndcg([*"0123456789", "a"], {"a": 2}) == 0


def test_ndcg_without_anything_relevant_is_zero() -> None:
    """No division by nothing."""
    assert metrics.ndcg(["x"], {}) == 0


def test_the_same_failure_is_the_highest_grade() -> None:
    """Others only help; where all grades are 1, all are right."""
    assert metrics.same_failure(GRADES) == {"a"}
    assert metrics.same_failure({"a": 1, "b": 1}) == {"a", "b"}
    assert metrics.same_failure({}) == frozenset()


def test_reciprocal_rank_counts_the_first_right_one() -> None:
    """0 where it is not ranked."""
    assert metrics.reciprocal_rank(["x", "b", "a"], frozenset("ab")) == 0.5
    assert metrics.reciprocal_rank(["x"], frozenset("a")) == 0


def test_a_hit_is_within_its_places() -> None:
    """The bound is inclusive."""
    assert metrics.hit(["x", "y", "a"], frozenset("a"), within=3)
    assert not metrics.hit(["x", "y", "a"], frozenset("a"), within=2)


def test_average_precision_counts_what_is_missing() -> None:
    """Places 1 and 3 of three relevant: (1 + 2/3 + 0) / 3."""
    grades = {"a": 2, "b": 1, "c": 1}
    assert metrics.average_precision(["a", "x", "b"], grades) == pytest.approx((1 + 2 / 3) / 3)


def test_coverage_takes_the_deepest_precise_cut() -> None:
    """A wrong one early may be outweighed later."""
    right = [True, False, True, True, False]
    confidences = [0.9, 0.8, 0.7, 0.6, 0.5]
    assert metrics.coverage_at(0.75, confidences, right, answerable=4) == 0.75
    assert metrics.coverage_at(0.95, confidences, right, answerable=4) == 0.25


def test_coverage_never_cuts_between_equal_confidences() -> None:
    """A threshold takes both or neither."""
    assert metrics.coverage_at(0.9, [0.8, 0.8], [True, False], answerable=2) == 0


def test_calibration_error_is_the_weighted_gap() -> None:
    """Too modest above and too bold below do not cancel out."""
    error = metrics.calibration_error([0.95, 0.95, 0.15, 0.15], [1, 1, 0, 0])
    assert error == pytest.approx((2 * 0.05 + 2 * 0.15) / 4)
    assert metrics.calibration_error([1.0], [True]) == 0
    assert metrics.calibration_error([], []) == 0


def test_over_confidence_looks_at_sure_answers_alone() -> None:
    """What is promised beyond what is kept; below 0 where more is kept, 0 where nothing is sure."""
    assert metrics.over_confidence([0.9, 0.7, 0.1], [True, False, True]) == pytest.approx(0.3)
    assert metrics.over_confidence([0.6, 0.8], [True, True]) == pytest.approx(-0.3)
    assert metrics.over_confidence([0.5], [False]) == 0.5
    assert metrics.over_confidence([0.49, 0.1], [False, False]) == 0
    assert metrics.over_confidence([], []) == 0


def test_share_of_nothing_is_zero() -> None:
    """The false-answer rate where every question has an answer."""
    assert metrics.share([]) == 0
    assert metrics.share([True, False]) == 0.5


def test_interval_of_a_constant_difference_is_that_difference() -> None:
    """Pairing removes what both have in common."""
    theirs = np.random.default_rng(3).random(50)
    assert metrics.paired_interval(theirs + 0.1, theirs, seed=1) == pytest.approx((0.1, 0.1, 0.1))


def test_interval_holds_the_mean_and_narrows_with_questions() -> None:
    """Four times the questions, about half the width."""
    noise = np.random.default_rng(4).normal(0.2, 1, 1_600)
    zeros = np.zeros(1_600)
    mean, low, high = metrics.paired_interval(noise, zeros, seed=1)
    _, few_low, few_high = metrics.paired_interval(noise[:400], zeros[:400], seed=1)
    assert low < mean < high
    assert 1.6 < (few_high - few_low) / (high - low) < 2.5


def test_interval_is_the_same_for_the_same_seed() -> None:
    """Reports can be compared."""
    values = np.arange(10.0)
    again = [metrics.paired_interval(values, values[::-1], seed=5) for _ in range(2)]
    assert again[0] == again[1]
