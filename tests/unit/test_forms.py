"""The form: what it shows of a draft, and what comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from slack_sdk.models.views import View

from failbot.errors import DraftError, InputError, StoreError
from failbot.models import Draft, ExpectedQuestion, Explanation, ExplanationStatus, QuestionOrigin
from failbot.sandbox import limits
from failbot.slack.views import forms
from failbot.slack.views.forms import Origin
from failbot.taxonomy import Outcome
from failbot.text import clean
from tests.conftest import NOW
from tests.make import draft
from tests.unit.hostile import DRAFTS

NEW = Origin(channel_id="C1")
EDIT = Origin(channel_id="C1", number=12)


def submitted(view: dict[str, Any], **typed: Any) -> dict[str, Any]:
    """The view as Slack returns it: initial values, but for what was typed."""
    values = {
        block["block_id"]: {block["block_id"]: _value(block["element"])}
        for block in view["blocks"]
        if block["type"] == "input"
    }
    for name, value in typed.items():
        values[name] = {name: value if isinstance(value, dict) else {"value": value}}
    return view | {"state": {"values": values}, "id": "V1"}


def _value(element: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": element["type"],
        "value": element.get("initial_value"),
        "selected_option": element.get("initial_option"),
        "selected_options": element.get("initial_options", []),
    }


@settings(max_examples=80, deadline=None)
@given(DRAFTS)
def test_every_draft_makes_a_form_that_slack_takes(one: Draft) -> None:
    """New and for an edit, by our own limits and by the SDK's."""
    for origin in (NEW, EDIT):
        view = forms.failure_form(one, origin)
        assert limits.view_problems(view) == []
        View(**view).to_dict()


@settings(max_examples=80, deadline=None)
@given(DRAFTS)
def test_saving_an_edit_untouched_changes_nothing(one: Draft) -> None:
    """What the form shows comes back, what it cannot show stays; only white space may differ."""
    view = forms.failure_form(one, EDIT)
    saved = forms.read(submitted(view)).draft(one)
    for name in ("tried", "happened", "lesson"):
        assert saved_text(saved, name) == saved_text(one, name)
    assert (saved.modes, saved.outcome, saved.valid_while) == (
        one.modes,
        one.outcome,
        one.valid_while,
    )
    assert saved.explanations[1:] == one.explanations[1:] or not saved_first(one)


def saved_text(one: Draft, name: str) -> str:
    return clean(getattr(one, name)).strip()


def saved_first(one: Draft) -> str:
    return clean(one.explanations[0].text).strip() if one.explanations else ""


def test_the_two_mandatory_fields_come_first() -> None:
    """All else is optional and below."""
    view: Any = forms.failure_form(draft(), NEW)
    required = [one["block_id"] for one in view["blocks"] if not one["optional"]]
    assert required == [one["block_id"] for one in view["blocks"][:2]] == ["tried", "happened"]


def test_what_is_typed_becomes_a_draft() -> None:
    """Links one a line, tags by comma, the explanation open unless said otherwise."""
    view = submitted(
        forms.failure_form(forms.NEW, NEW),
        tried=" A longer warm-up ",
        happened="NaN",
        why="Overflow",
        links="https://a.b/1\n\n <https://a.b/2> ",
        tags="fp16, #nan,, fp16",
        outcome={"selected_option": {"value": "no effect"}},
        modes={"selected_options": [{"value": "infra"}]},
    )
    made = forms.read(view).draft()
    assert (made.tried, made.happened) == ("A longer warm-up", "NaN")
    assert made.explanations == (Explanation(text="Overflow"),)
    assert made.links == ("https://a.b/1", "https://a.b/2")
    assert made.tags == ("fp16", "nan")
    assert (made.outcome, made.modes) == (Outcome.NO_EFFECT, ("infra",))


def test_an_edit_keeps_what_the_form_does_not_show() -> None:
    """Further explanations, the evidence of the first, the external id, what is too long."""
    rival = Explanation(text="Data", status=ExplanationStatus.RULED_OUT)
    first = Explanation(text="Overflow", evidence="grad norms")
    before = draft("x" * 5_000, explanations=(first, rival), external_id="E1", valid_while="fp16")
    view = submitted(
        forms.failure_form(before, EDIT),
        why_status={"selected_option": {"value": "supported"}},
        lesson="Clip",
    )
    after = forms.read(view).draft(before)
    supported = replace(first, status=ExplanationStatus.SUPPORTED)
    assert after == replace(before, explanations=(supported, rival), lesson="Clip")


def test_an_emptied_explanation_goes() -> None:
    """The others stay."""
    rival = Explanation(text="Data")
    before = draft(explanations=(Explanation(text="Overflow"), rival))
    view = submitted(forms.failure_form(before, EDIT), why=None)
    assert forms.read(view).draft(before).explanations == (rival,)


def test_problems_stand_beside_their_fields() -> None:
    """What has no field of its own stands beside the first."""
    view = forms.failure_form(draft(), NEW)
    error = DraftError({"links": "bad", "explanations": "long", "valid_while": "odd"})
    assert forms.errors(error, view) == {"links": "bad", "why": "long", "tried": "valid_while: odd"}
    fault = StoreError("/data/failbot.db: locked")
    assert forms.errors(fault, view) == {"tried": fault.for_people}
    assert "/data" not in fault.for_people


def test_the_card_is_offered_for_new_entries_only() -> None:
    """Ticked by default; an unticked box is a no."""
    view = forms.failure_form(draft(), NEW)
    assert forms.read(submitted(view)).posts_card
    assert not forms.read(submitted(view, post={"selected_options": []})).posts_card
    assert not forms.read(submitted(forms.failure_form(draft(), EDIT))).posts_card


def test_the_origin_travels_with_the_form() -> None:
    """Without the response address if Slack would refuse the whole."""
    origin = Origin(channel_id="C1", hint="privategroup", number=3, response_url="https://a.b")
    assert Origin.from_json(origin.to_json()) == origin
    long = replace(origin, response_url="https://" + "x" * 3_000)
    assert Origin.from_json(long.to_json()) == replace(origin, response_url="")


@pytest.mark.parametrize("metadata", ["", "[]", "{}", '{"other": 1}', "null", "{"])
def test_a_form_of_another_version_is_refused_in_words(metadata: str) -> None:
    """The way out is a new form."""
    with pytest.raises(InputError, match="/failure"):
        Origin.from_json(metadata)


def test_a_choice_that_was_not_offered_is_refused() -> None:
    """Beside its field."""
    view = submitted(
        forms.failure_form(draft(), NEW), outcome={"selected_option": {"value": "great"}}
    )
    with pytest.raises(DraftError) as caught:
        forms.read(view).draft()
    assert "outcome" in caught.value.problems


LIKE = (
    ExpectedQuestion(text="why nan?", origin=QuestionOrigin.AUTHOR, by="U1", at=NOW),
    ExpectedQuestion(text="loss explodes", origin=QuestionOrigin.MODEL, by="gpt", at=NOW),
)


def test_expected_questions_are_a_line_each() -> None:
    """Shown as they are, whoever worded them; blank lines and doubles go."""
    view = forms.failure_form(draft(), EDIT, questions=LIKE)
    assert forms.read(submitted(view)).questions == ("why nan?", "loss explodes")
    typed = submitted(view, questions=" why nan?\n\nand then?\nwhy nan?")
    assert forms.read(typed).questions == ("why nan?", "and then?")


def test_questions_that_the_form_does_not_show_stay_as_they_are() -> None:
    """More than an input holds: nothing was said about them, which is not the same as none."""
    long = [replace(LIKE[0], text=f"{at} {'x' * 290}") for at in range(12)]
    view = submitted(forms.failure_form(draft(), EDIT, questions=long))
    assert limits.view_problems(forms.failure_form(draft(), EDIT, questions=long)) == []
    assert forms.read(view).questions is None
    emptied = submitted(forms.failure_form(draft(), EDIT, questions=LIKE), questions=None)
    assert forms.read(emptied).questions == ()
