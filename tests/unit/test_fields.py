"""What a field says of itself holds wherever a dataclass is walked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from failbot.errors import InputError
from failbot.fields import as_dict, from_dict, map_texts, problems, says, searched
from failbot.memory.redact import redact_draft
from failbot.models import Draft, Explanation, ExplanationStatus
from failbot.slack.events import Asked
from failbot.slack.jobs.handlers import Shown
from failbot.taxonomy import Outcome

SECRET = "ghp_" + "a1B2" * 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Wider(Draft):
    """A draft with more fields, of which none says anything."""

    reviewer: str = ""
    notes: tuple[str, ...] = ()
    rivals: tuple[Explanation, ...] = ()
    second: Explanation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd(Draft):
    """A draft with a field of a type that nothing walks."""

    extra: Any = None


def wider(text: str) -> Wider:
    one = Explanation(text=text, evidence=text)
    return Wider(
        tried="a", happened="b", reviewer=text, notes=("c", text), rivals=(one,), second=one
    )


def test_a_field_that_says_nothing_is_redacted() -> None:
    """Whatever its type: nobody has to think of it."""
    left, kinds = redact_draft(wider(f"the key {SECRET}"))
    assert left == wider("the key [redacted: github token]")
    assert kinds == ("github token",)


def test_a_field_that_says_nothing_is_searched_and_limited() -> None:
    """Its words are found, and more of them than fit are refused."""
    assert [*searched(wider("zebra"))][-4:] == ["zebra", "c, zebra", "zebra", "zebra"]
    assert set(problems(wider("x" * 40_001))) == {"reviewer", "notes", "rivals", "second"}
    assert set(problems(Wider(tried="a", happened="b", notes=("x",) * 21))) == {"notes"}


def test_a_field_that_says_nothing_is_written_and_read() -> None:
    """By its type alone."""
    assert from_dict(Wider, as_dict(wider("zebra"))) == wider("zebra")
    assert from_dict(Draft, as_dict(wider("zebra"))) == Draft(tried="a", happened="b")


@pytest.mark.parametrize("value", [["a"], {"a": 1}, {"a"}, b"a", object()])
def test_text_cannot_hide_in_a_type_that_is_not_walked(value: object) -> None:
    """Neither from the redaction nor from an export."""
    odd = Odd(tried="a", happened="b", extra=value)
    with pytest.raises(TypeError, match="not"):
        redact_draft(odd)
    with pytest.raises(TypeError, match="not"):
        as_dict(odd)


def test_every_text_is_mapped_and_nothing_else() -> None:
    """In lists and in what lists hold; enumerations stay what they are."""
    said = Draft(
        tried="a",
        happened="b",
        outcome=Outcome.WORSE,
        explanations=(Explanation(text="c", status=ExplanationStatus.SUPPORTED, evidence="d"),),
        links=("e",),
    )
    shouted = map_texts(said, lambda text, about: text.upper())
    assert (shouted.tried, shouted.happened, shouted.links) == ("A", "B", ("E",))
    assert shouted.outcome is Outcome.WORSE
    assert shouted.explanations == (
        Explanation(text="C", status=ExplanationStatus.SUPPORTED, evidence="D"),
    )


def test_a_link_stays_an_address_when_its_secret_is_taken_out() -> None:
    """A blank would end it."""
    said = Draft(tried="a", happened="b", links=(f"https://a.example/?q={SECRET}",))
    left, _ = redact_draft(said)
    assert left.links == ("https://a.example/?q=[redacted:%20github%20token]",)
    assert left.problems() == {}


def test_what_is_stored_is_tidied_and_an_external_id_is_not() -> None:
    """A second import of one file must find the id as the file has it."""
    left, _ = redact_draft(Draft(tried=" a ", happened="b\n", tags=(" c ",), external_id=" 7 "))
    assert left == Draft(tried="a", happened="b", tags=("c",), external_id=" 7 ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """As a job's."""

    number: int
    kinds: tuple[str, ...] = field(default=(), metadata=says(most=3))
    hint: str = ""


def test_names_of_other_versions_are_read_over() -> None:
    """An absent name gets its default, an unknown one is ignored."""
    assert from_dict(Payload, {"number": 1}) == Payload(number=1)
    assert from_dict(Payload, {"number": 1, "kinds": ["a"], "colour": "red"}) == Payload(
        number=1, kinds=("a",)
    )


@pytest.mark.parametrize("given", [{}, {"hint": "a"}, None, [], "number", 1])
def test_what_lacks_its_core_is_refused(given: object) -> None:
    """A name without a default cannot be made up."""
    with pytest.raises(InputError, match="Payload"):
        from_dict(Payload, given)


# As the first failbot stored them, before it told the author of secrets.
OLD_ASKED = {
    "team_id": "T1",
    "channel_id": "C0ML",
    "user_id": "U0BEN",
    "text": "<@U0BOT> why?",
    "message_ts": "1700000000.000100",
    "thread_ts": "",
    "hint": "channel",
}
OLD_SHOWN = {
    "number": 1,
    "entry_channel_id": "C0ML",
    "user_id": "U0BEN",
    "channel_id": "C0ML",
    "is_new": True,
    "posts_card": True,
    "response_url": "",
}


@pytest.mark.parametrize(
    ("kind", "payload", "needed"),
    [
        (Asked, OLD_ASKED, {"team_id", "channel_id", "user_id", "text", "message_ts"}),
        (Shown, OLD_SHOWN, {"number", "entry_channel_id", "user_id", "channel_id"}),
    ],
)
def test_a_job_of_an_older_version_is_read(kind: type, payload: dict, needed: set[str]) -> None:
    """Without what was added since, with what was dropped since, and without all but its core."""
    whole = from_dict(kind, payload)
    assert from_dict(kind, payload | {"dropped": [1]}) == whole
    assert {**as_dict(whole), **payload} == as_dict(whole)
    assert from_dict(kind, {name: payload[name] for name in needed}).user_id == "U0BEN"


def test_a_moment_is_no_text() -> None:
    """Plain values pass a walk untouched."""
    moment = datetime(2026, 3, 1)
    odd = Odd(tried="a", happened="b", extra=moment)
    assert map_texts(odd, lambda text, about: "x").extra is moment
