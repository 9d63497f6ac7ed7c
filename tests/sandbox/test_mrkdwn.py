"""Slack's text markup: what is live and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.sandbox import mrkdwn

markup = st.text(alphabet="<>&!@#|UC1 ahmpltg;channel:/", max_size=40)


def nobody(sigil: str, name: str) -> str | None:
    return None


@given(markup)
def test_escaping_is_undone_once(text: str) -> None:
    """unescape is the inverse of escape."""
    assert mrkdwn.unescape(mrkdwn.escape(text)) == text


@given(markup)
def test_what_a_person_types_mentions_nobody_by_itself(text: str) -> None:
    """Typed markup is text: only names that resolve, and URLs, go live."""
    live = {token.kind for token in mrkdwn.parse(mrkdwn.typed(text, resolve=nobody))}
    assert live <= {"text", "link"}


@given(markup)
def test_storing_twice_changes_nothing(text: str) -> None:
    """canonical is idempotent."""
    once = mrkdwn.canonical(text)
    assert mrkdwn.canonical(once) == once


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("<!channel>", ["channel"]),
        ("<!here|here>", ["here"]),
        ("<!everyone> and <!channel>", ["everyone", "channel"]),
        ("<!subteam^S1|@team>", ["subteam"]),
        ("&lt;!channel&gt;", []),
        ("<@U1> <#C1|x> <https://x.test|<!channel>", ["channel"]),
        ("<!date^1^{date}|then>", []),
        ("@channel", []),
    ],
)
def test_mass_mentions_are_found(text: str, kinds: list[str]) -> None:
    """Only live broadcast and user-group markup counts."""
    assert list(mrkdwn.mass_mentions(text)) == kinds


def test_a_text_is_taken_apart_for_showing() -> None:
    """Mentions, channels and links with their labels, the rest unescaped."""
    tokens = mrkdwn.parse("a &lt; <@U1> <#C1|lab> <https://x.test|here>")
    assert [(t.kind, t.text, t.target) for t in tokens] == [
        ("text", "a < ", ""),
        ("user", "", "U1"),
        ("text", " ", ""),
        ("channel", "lab", "C1"),
        ("text", " ", ""),
        ("link", "here", "https://x.test"),
    ]
