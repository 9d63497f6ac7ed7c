"""Curves that are fitted, shipped, refused and stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from failbot.errors import InputError
from failbot.evaluation import calibrating
from failbot.evaluation.calibrating import Example, TooFewLabelsError, fit
from failbot.search.calibration import Calibration, load, with_caution

DEFAULT = "all-MiniLM-L6-v2"


def example(
    question: str, margin: float, reverse: float, *, is_right: bool, **more: bool
) -> Example:
    facts = {"has_answer": True, **more}
    signals = {"margin": margin, "reverse": reverse}
    return Example(question=question, signals=signals, is_right=is_right, **facts)


def changed(one: Example, **signals: float) -> Example:
    return replace(one, signals={**one.signals, **signals})


def examples(count: int, *, seed: int = 1, noise: float = 1.0) -> list[Example]:
    """Questions whose first hit is right with the chance that one curve gives."""
    chances = np.random.default_rng(seed)
    found: list[Example] = []
    for at in range(count):
        gap, back = chances.uniform(0, 0.4), chances.uniform(0.1, 0.5)
        odds = (-5 + 25 * gap + 5 * back) / noise
        is_right = bool(chances.random() < 1 / (1 + np.exp(-odds)))
        found.append(example(f"q{at}", gap, back, is_right=is_right))
        found.append(example(f"q{at}", gap / 4, back, is_right=False, is_masked=True))
    for at in range(count // 3):
        gap, back = chances.uniform(0, 0.15), chances.uniform(0.1, 0.4)
        found.append(example(f"n{at}", gap, back, is_right=False, has_answer=False))
    return found


def test_the_default_model_has_a_calibration_of_its_own() -> None:
    """Shipped in the package, from enough questions."""
    shipped = load(DEFAULT)
    assert shipped.model == DEFAULT
    assert not shipped.is_cautious
    assert 0 < shipped.related < shipped.known < 1
    assert shipped.questions >= calibrating.LEAST_QUESTIONS


def test_an_owner_before_the_models_name_changes_nothing() -> None:
    """sentence-transformers/all-MiniLM-L6-v2 is the same model."""
    assert load(f"sentence-transformers/{DEFAULT}") == load(DEFAULT)


@pytest.mark.parametrize("model", ["", "another-model", "../../errors", "/models/tuned/"])
def test_another_model_gets_a_cautious_one_that_says_so(model: str) -> None:
    """Known only from 0.9 on."""
    cautious = load(model)
    assert cautious.is_cautious
    assert cautious.model == model
    assert cautious.known >= 0.9


def test_more_margin_and_more_reverse_are_more_probable() -> None:
    """Both signals speak for a match, and the ends are near certainty."""
    shipped = load(DEFAULT)
    rising = np.linspace(0, 0.5, 9, dtype=np.float32)
    flat = np.full(9, 0.3, np.float32)
    assert (np.diff(shipped.probabilities({"margin": rising, "reverse": flat})) > 0).all()
    assert (np.diff(shipped.probabilities({"margin": flat / 3, "reverse": rising})) > 0).all()
    ends = shipped.probabilities({"margin": [0, 0.5], "reverse": [0.1, 0.5]})
    assert ends[0] < 0.1
    assert ends[1] > 0.95


def test_a_fit_finds_the_curve_that_made_the_examples() -> None:
    """Within the noise of 600 questions, masked ones left out."""
    plain = [one for one in examples(600) if not one.is_masked and one.has_answer]
    made = fit(plain, before=load(DEFAULT)).calibration
    assert made.coefficients["margin"] == pytest.approx(25, rel=0.25)
    assert made.coefficients["reverse"] == pytest.approx(5, rel=0.5)


def test_a_fit_keeps_false_answers_under_five_percent_held_out() -> None:
    """And is calibrated, where the shipped one is not."""
    fitted = fit(examples(300, noise=1.5), before=load(DEFAULT))
    assert fitted.after.false_known <= 0.05
    assert fitted.after.masked_known <= 0.05
    assert fitted.after.precision >= 0.9
    assert fitted.after.error < fitted.before.error


def test_masked_questions_that_look_right_raise_the_threshold() -> None:
    """Precision among the others would allow a lower one."""
    data = examples(200)
    lookalikes = [
        changed(one, margin=4 * one.signals["margin"] * (0.7 if at % 10 else 1.0))
        if one.is_masked
        else one
        for at, one in enumerate(data)
    ]
    fitted = fit(lookalikes, before=load(DEFAULT))
    assert fitted.after.masked_known <= 0.05
    assert fitted.calibration.known > fit(data, before=load(DEFAULT)).calibration.known


def test_a_fit_is_the_same_every_time() -> None:
    """Folds are drawn from a fixed seed."""
    data = examples(80)
    assert fit(data, before=load(DEFAULT)) == fit(data, before=load(DEFAULT))


def test_a_fit_belongs_to_the_model_before_it_and_is_no_longer_cautious() -> None:
    """A team's own questions replace the guess."""
    made = fit(examples(60), before=load("another-model")).calibration
    assert made.model == "another-model"
    assert not made.is_cautious
    assert made.questions == 60


def test_useless_signals_call_nothing_known() -> None:
    """Where right and wrong look alike silence is the answer."""
    chances = np.random.default_rng(2)
    data = [
        example(f"q{at}", *chances.uniform(0, 0.4, 2), is_right=at % 2 == 0) for at in range(100)
    ]
    assert fit(data, before=load(DEFAULT)).after.coverage < 0.05


def test_too_few_questions_are_refused_with_the_number_needed() -> None:
    """Masked questions and those without an answer do not count."""
    with pytest.raises(TooFewLabelsError, match="at least 50") as refused:
        fit(examples(49), before=load(DEFAULT))
    assert (refused.value.found, refused.value.needed) == (49, 50)


def test_a_second_opinion_counts_as_far_as_it_tells() -> None:
    """One that knows lifts coverage; one that is always the same gets no weight."""
    chances = np.random.default_rng(3)
    data = examples(200, noise=3.0)
    knowing = [
        changed(one, reranker=float(chances.normal(0.8 if one.is_right else 0.2, 0.1)))
        for one in data
    ]
    alone, helped = (fit(some, before=load(DEFAULT)) for some in (data, knowing))
    assert "reranker" not in alone.calibration.coefficients
    assert helped.calibration.coefficients["reranker"] > 3
    assert helped.after.coverage > alone.after.coverage + 0.1
    constant = fit([changed(one, reranker=0.5) for one in data], before=load(DEFAULT))
    assert constant.calibration.coefficients.pop("reranker") == 0
    assert constant == alone


def test_the_thresholds_hold_for_the_questions_they_were_made_from() -> None:
    """Not on held-out folds alone: the curve in use has seen them all."""
    data = examples(80, seed=5)
    made = fit(data, before=load(DEFAULT)).calibration
    known = [
        one.is_right
        for one in data
        if not one.is_masked and made.probabilities(one.signals) >= made.known
    ]
    assert np.mean(known) >= 0.95


def test_caution_says_known_late_and_gives_a_reranker_no_weight() -> None:
    """Until a calibration was made with it."""
    shipped = load(DEFAULT)
    own = replace(shipped, origin="own", coefficients={**shipped.coefficients, "reranker": 4.0})
    cautious = with_caution(own, model="ours", reranker="theirs")
    assert (cautious.known, cautious.coefficients) == (0.9, shipped.coefficients)
    assert cautious.origin == "cautious"
    assert (cautious.basis.model, cautious.basis.reranker) == ("ours", "theirs")


def test_a_calibration_survives_json() -> None:
    """As a team's own is kept."""
    made = replace(load(DEFAULT), model="ours", origin="cautious")
    assert Calibration.from_json(made.to_json()) == made


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": "x"}', "null"])
def test_what_is_no_calibration_is_refused(text: str) -> None:
    """With words that say what to do."""
    with pytest.raises(InputError, match="failbot calibrate"):
        Calibration.from_json(text)
