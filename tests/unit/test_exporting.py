"""What is exported comes back unchanged, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from failbot.files.exporting import COLUMNS, FORMULA_STARTS, csv_lines, json_lines
from failbot.files.importing import Plan, read
from failbot.files.tabular import rows
from failbot.models import (
    ExpectedQuestion,
    Explanation,
    ExplanationStatus,
    Failure,
    QuestionOrigin,
    Visibility,
)
from failbot.taxonomy import MODES, Outcome
from failbot.text import clean

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
words = st.text(max_size=60).map(clean)
some = words.filter(str.strip)
items = st.lists(some.filter(lambda text: len(text) < 50), max_size=3).map(tuple)
links = st.lists(st.sampled_from(["https://a.b/c?d=e", "http://x.y"]), max_size=3).map(tuple)
explanations = st.lists(
    st.builds(Explanation, text=some, status=st.sampled_from(ExplanationStatus), evidence=words),
    max_size=3,
).map(tuple)


@st.composite
def failures(draw: st.DrawFn) -> Failure:
    return Failure(
        tried=draw(some),
        happened=draw(some),
        title=draw(words),
        outcome=draw(st.sampled_from([None, *Outcome])),
        explanations=draw(explanations),
        modes=tuple(draw(st.lists(st.sampled_from(sorted(MODES)), max_size=2))),
        lesson=draw(words),
        valid_while=draw(words),
        links=draw(links),
        tags=draw(items),
        cost=draw(words),
        external_id=f"x{draw(st.integers())}",
        team_id="T1",
        number=draw(st.integers(1, 999)),
        author_id="U1",
        channel_id="C1",
        visibility=Visibility.WORKSPACE,
        created_at=NOW,
        updated_at=NOW,
    )


asked_like = st.dictionaries(some.map(str.strip), st.sampled_from(QuestionOrigin), max_size=4)


@given(failures())
def test_json_line_comes_back_unchanged(failure: Failure) -> None:
    """Every field of the draft, as it was."""
    lines = "".join(json_lines([failure], {})).encode()
    found = read(rows(io.BytesIO(lines), format="jsonl"), Plan())
    assert found.drafts == (failure.draft(),)


@given(st.lists(failures(), max_size=3))
def test_no_cell_is_a_formula(several: list[Failure]) -> None:
    """Whatever was written, no cell begins with what a spreadsheet runs."""
    table = list(csv.reader(io.StringIO("".join(csv_lines(several, {})), newline="")))
    assert table[0] == COLUMNS
    assert len(table) == len(several) + 1
    cells = [cell for row in table for cell in row]
    assert not [cell for cell in cells if cell.startswith(FORMULA_STARTS)]


@given(failures())
def test_csv_can_be_imported(failure: Failure) -> None:
    """The table's columns are the fields' names."""
    text = "".join(csv_lines([failure], {})).encode()
    found = read(rows(io.BytesIO(text), format="csv"), Plan())
    assert not found.bad or found.bad[0].field == "external_id", found.bad


@given(
    failures(), st.dictionaries(some.map(str.strip), st.sampled_from(QuestionOrigin), max_size=4)
)
def test_expected_questions_come_back_with_their_origin(
    failure: Failure, questions: dict[str, QuestionOrigin]
) -> None:
    """Whose words they are survives; who asked is not told."""
    kept = [
        ExpectedQuestion(text=text, origin=origin, by="U0BEN", at=NOW)
        for text, origin in questions.items()
    ]
    line = "".join(json_lines([failure], {failure.number: kept}))
    assert "U0BEN" not in line
    found = read(rows(io.BytesIO(line.encode()), format="jsonl"), Plan())
    assert found.questions == (questions,)
