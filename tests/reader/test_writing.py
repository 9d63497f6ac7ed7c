"""Drafts and expected questions: written by the model, read with care."""

from __future__ import annotations

import json

import pytest

from failbot.errors import ReaderError
from failbot.reader.language_model import LanguageModel
from failbot.reader.prompts import EXPECTED
from failbot.taxonomy import Outcome
from tests.reader import server
from tests.reader.server import ChatServer

LOG = "We raised the learning rate. step 900 loss nan. So we went back."


def test_a_log_becomes_a_draft(chat: ChatServer, model: LanguageModel) -> None:
    """Every field that the model filled, in one line of JSON or with prose around it."""
    told = {"title": "NaN", "tried": "A higher rate.", "happened": "NaN at 900."}
    told |= {"outcome": "crashed or blocked", "explanation": "fp16", "lesson": "Warm up."}
    chat.script = [server.says(f"Here: {json.dumps(told | {'tags': ['lr', 'lr', 3, ' ']})}")]
    draft = model.draft_from(LOG)
    assert (draft.title, draft.tried, draft.happened) == ("NaN", "A higher rate.", "NaN at 900.")
    assert (draft.outcome, draft.lesson, draft.tags) == (Outcome.CRASHED, "Warm up.", ("lr",))
    assert [one.text for one in draft.explanations] == ["fp16"]
    assert draft.problems() == {}
    assert LOG in chat.seen[0]["messages"][-1]["content"]


ODD = [
    {"tried": "A", "happened": 3, "outcome": "won", "tags": "x", "title": "t" * 999},
    {"tried": "", "happened": "B\x00", "tags": ["y" * 99] * 30, "links": ["http://evil.example"]},
]


@pytest.mark.parametrize("told", ODD)
def test_a_draft_is_never_more_than_fits(
    chat: ChatServer, model: LanguageModel, told: dict[str, object]
) -> None:
    """Wrong types and words are left out, and nothing invents a link."""
    chat.script = [server.says(json.dumps(told))]
    draft = model.draft_from(LOG)
    assert set(draft.problems()) <= {"tried", "happened"}
    assert (draft.links, draft.outcome, "\x00" in draft.happened) == ((), None, False)


def test_no_draft_is_said(chat: ChatServer, model: LanguageModel) -> None:
    """After one retry."""
    chat.script = [server.says('{"title": "x"}')] * 2
    with pytest.raises(ReaderError, match="neither what was tried"):
        model.draft_from(LOG)


def test_expected_questions_are_lines_unlike_one_another(
    chat: ChatServer, model: LanguageModel
) -> None:
    """At most six, none twice, whatever its case and its full stop."""
    said = ["It broke", "it broke.", "why\nNaN?", "", 4, *(f"q{number}" for number in range(9))]
    chat.script = [server.says(json.dumps({"messages": said}))]
    questions = model.expected_questions("The loss became NaN.")
    assert questions == ("It broke", "why NaN?", "q0", "q1", "q2", "q3")
    assert len(questions) == EXPECTED


@pytest.mark.parametrize("reply", ['{"messages": []}', '{"messages": "x"}', "[]", "no"])
def test_no_questions_are_said(chat: ChatServer, model: LanguageModel, reply: str) -> None:
    """Rather than an empty list that would be stored."""
    chat.script = [server.says(reply)] * 2
    with pytest.raises(ReaderError, match="cannot be used"):
        model.expected_questions("The loss became NaN.")
