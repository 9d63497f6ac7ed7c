"""Slack's text in and out."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.slack.markup import clip, clip_line, decode, escape, link, person, question, quote
from failbot.text import clean

# Any code point, lone surrogates included, mixed with what Slack gives a meaning to.
HOSTILE = st.text(
    st.characters() | st.sampled_from("<>&|@!#*_`~\n\r\t\0\u202e\ud800"), max_size=300
)
LIVE = re.compile(r"<[^>]*>")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt;", "&lt;"),
        ("<@U123|ann> saw it", "@ann saw it"),
        ("<@U123> saw it", "@U123 saw it"),
        ("in <#C1|general>", "in #general"),
        ("<https://a.b/c>", "https://a.b/c"),
        ("<https://a.b/c|a.b/c>", "https://a.b/c"),
        ("<https://a.b/c?x=1&amp;y=2|the run>", "the run (https://a.b/c?x=1&y=2)"),
        ("<mailto:a@b.c|a@b.c>", "a@b.c"),
        ("<!here> <!subteam^S1|@infra>", "@here @infra"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("one\r\ntwo\0", "one\ntwo"),
    ],
)
def test_decode_gives_what_the_writer_saw(sent: str, meant: str) -> None:
    """Markup resolved, entities unescaped once."""
    assert decode(sent) == meant


def test_a_question_lacks_those_it_is_addressed_to() -> None:
    """Only people's mentions go; what is left may be nothing."""
    assert question("<@U0BOT> why NaN in <#C1|runs>?") == "why NaN in #runs?"
    assert question(" <@U0BOT|failbot> ") == ""


@given(HOSTILE)
def test_what_is_decoded_can_be_stored(text: str) -> None:
    """UTF-8 takes it, no control character is left, and cleaning again changes nothing."""
    plain = decode(text)
    plain.encode()
    assert "\0" not in plain
    assert clean(plain) == plain


@given(HOSTILE)
def test_escaping_and_decoding_are_inverse(text: str) -> None:
    """What failbot sends comes back as it was."""
    assert decode(escape(text)) == clean(text)


@given(HOSTILE, st.integers(2, 80))
def test_clipped_text_is_short_whole_and_dead(text: str, limit: int) -> None:
    """Within the limit as sent, no entity cut, nothing live."""
    clipped = clip(text, limit)
    assert len(clipped) <= limit
    assert not LIVE.search(clipped)
    rest = re.sub(r"&(?:amp|lt|gt);", "", clipped)
    assert "&" not in rest
    assert "<" not in rest


def test_a_text_that_fits_is_not_cut() -> None:
    """The limit counts escaped characters."""
    assert clip("a<b", 6) == "a&lt;b"
    assert clip("a<b", 5) == "a…"
    assert html.unescape(clip("x" * 50, 10)) == "x" * 9 + "…"


def test_a_cut_falls_between_words_where_it_can() -> None:
    """The last word goes if it is short."""
    assert clip_line("one two three  four", 17) == "one two three…"


def test_every_line_of_a_quotation_is_marked() -> None:
    """Also what looks like the end of it."""
    assert quote("one\n\ntwo", 100) == ">one\n>two"


@given(HOSTILE, HOSTILE)
def test_a_link_stays_one_link(address: str, label: str) -> None:
    """Neither the address nor the label can end it or begin another."""
    made = link(f"https://{address}", label)
    assert re.fullmatch(r"<[^<>|]*\|[^<>|]*>", made)


def test_only_slack_ids_become_mentions() -> None:
    """An author from the command line is a name."""
    assert person("U0ANA") == "<@U0ANA>"
    assert person("max <!here>") == "max &lt;!here&gt;"
    assert person("") == "someone"
