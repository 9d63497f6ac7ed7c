"""Values that decide for themselves what is shown, and what is wrong with them."""

from __future__ import annotations

import pytest

from failbot.models import Answer, Hit, Verdict, first_sentence, parse_reference, shorten
from tests.make import draft, failure


def answer(verdict: Verdict, *probabilities: float) -> Answer:
    hits = tuple(
        Hit(failure=failure(number), score=one, probability=one)
        for number, one in enumerate(probabilities, start=1)
    )
    return Answer(verdict=verdict, hits=hits, confidence=probabilities[0] if hits else 0.0)


def test_only_likely_hits_are_shown() -> None:
    """At most three, and none that would be noise to a reader."""
    shown = answer(Verdict.KNOWN, 0.9, 0.5, 0.4, 0.3).shown()
    assert [hit.failure.number for hit in shown] == [1, 2, 3]
    assert len(answer(Verdict.KNOWN, 0.9, 0.19).shown()) == 1


def test_an_unknown_shows_nothing_and_offers_the_closest() -> None:
    """Where even the closest has nothing to do with the question, nothing is offered."""
    close = answer(Verdict.UNKNOWN, 0.3, 0.2)
    assert close.shown() == ()
    assert close.weak() is close.hits[0]
    assert answer(Verdict.UNKNOWN, 0.04).weak() is None
    assert answer(Verdict.UNKNOWN).weak() is None
    assert answer(Verdict.RELATED, 0.4).weak() is None


@pytest.mark.parametrize("text", ["F-12", "f12", "#12", " 12 ", "F12"])
def test_a_reference_is_read_as_people_write_it(text: str) -> None:
    """Number sign, letter and dash are optional."""
    assert parse_reference(text) == 12


@pytest.mark.parametrize("text", ["", "F-", "G-12", "F-1.2", "F-12 F-13", "F-1234567890"])
def test_what_is_no_reference_is_none(text: str) -> None:
    """Nothing is guessed."""
    assert parse_reference(text) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tried", " "),
        ("happened", ""),
        ("title", "x" * 301),
        ("lesson", "x" * 40_001),
        ("links", ("javascript:alert(1)",)),
        ("links", ("https://a.example/<!channel>",)),
        ("tags", ("x" * 51,)),
        ("tags", ("x",) * 21),
        ("modes", ("leak.nowhere",)),
    ],
)
def test_a_bad_field_is_named(field: str, value: object) -> None:
    """Only that field, in words."""
    assert set(draft(**{"happened": "It broke.", field: value}).problems()) == {field}


def test_a_good_draft_has_no_problems() -> None:
    """Two sentences are enough."""
    assert draft().problems() == {}


def test_a_title_is_made_of_what_happened() -> None:
    """The first sentence, shortened at a word; a given title is kept."""
    assert draft("It broke. Then it burnt.").name == "It broke"
    assert draft("It broke.", title="Fire").name == "Fire"
    long = draft("word " * 60).name
    assert len(long) <= 120
    assert long.endswith("word…")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Loss 0.5 fell. Then", "Loss 0.5 fell"),
        ("\n\n One\nTwo", "One"),
        ("", ""),
        ("a?b! c", "a?b!"),
    ],
)
def test_a_first_sentence_ends_where_a_reader_would(text: str, first: str) -> None:
    """A decimal point ends nothing; a line does."""
    assert first_sentence(text) == first


def test_shortening_never_exceeds_its_limit() -> None:
    """Also where there is no space to cut at."""
    for text in ("x" * 100, "word " * 30, "a" + " b" * 90):
        assert len(shorten(text, 20)) <= 20
