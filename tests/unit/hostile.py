"""Failures as nobody should write them: huge, full of markup, control characters, surrogates."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from failbot.models import Draft, Explanation, ExplanationStatus, Failure, Visibility
from failbot.taxonomy import MODES, Outcome

_MARKS = ["<!channel>", "<@U0ADA>", "&", "<", '"', "\\", "\n", "\0", "\ud800", "\u202e", "😀", "x "]
TEXT = st.one_of(
    st.text(max_size=60),
    st.builds(lambda mark, count: mark * count, st.sampled_from(_MARKS), st.integers(1, 4_000)),
)
SOME = TEXT.filter(str.strip)
LINK = st.integers(1, 1_900).map(lambda size: "https://a.example/" + "&%'" * (size // 3))
EXPLANATION = st.builds(
    Explanation, text=SOME, status=st.sampled_from(ExplanationStatus), evidence=TEXT
)
PARTS = {
    "tried": SOME,
    "happened": SOME,
    "title": TEXT.map(lambda text: text[:300]),
    "outcome": st.none() | st.sampled_from(Outcome),
    "explanations": st.lists(EXPLANATION, max_size=5).map(tuple),
    "modes": st.lists(st.sampled_from(list(MODES)), max_size=5, unique=True).map(tuple),
    "lesson": TEXT,
    "valid_while": TEXT,
    "links": st.lists(LINK, max_size=6).map(tuple),
    "tags": st.lists(TEXT.map(lambda text: text[:50]), max_size=20).map(tuple),
    "cost": TEXT,
}
DRAFTS = st.builds(Draft, **PARTS)
_AT = datetime(2026, 3, 1, tzinfo=UTC)
FAILURES = st.builds(
    Failure,
    **PARTS,
    team_id=st.just("T1"),
    number=st.integers(1, 999_999_999),
    author_id=st.sampled_from(["U0ANA", "ana", "<!here>"]),
    channel_id=st.just("C0ML"),
    visibility=st.sampled_from(Visibility),
    created_at=st.just(_AT),
    updated_at=st.just(_AT),
    version=st.integers(1, 99),
)
