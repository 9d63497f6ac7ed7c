"""Everything that the bot says: within Slack's limits, and unable to mention anyone unasked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from failbot.models import (
    EXPECTED_LIMIT,
    EXPECTED_SIZE,
    Answer,
    Digest,
    ExpectedQuestion,
    Failure,
    Hit,
    Pattern,
    Question,
    QuestionOrigin,
    Thanks,
    Verdict,
)
from failbot.sandbox import limits
from failbot.slack.views.answers import answer_message, private_message, read_word
from failbot.slack.views.blocks import Message, help_message, home, listing, notice
from failbot.slack.views.cards import ask_deletion, card, logged, saved, unposted
from failbot.slack.views.digests import digest_details, digest_message
from tests.make import failure, public
from tests.unit.hostile import FAILURES, TEXT

LINK = "https://sandbox.example/archives/C0ML/p1700000000000100?thread_ts=1&cid=C0ML"
HITS = st.lists(
    st.builds(
        Hit,
        failure=FAILURES,
        score=st.just(1.0),
        probability=st.floats(0, 1),
        sentence=TEXT,
        judgement=st.sampled_from(["", "same", "helps", "no"]),
        matches=TEXT,
        differs=TEXT,
    ),
    max_size=5,
).map(tuple)
QUESTIONS = st.lists(
    st.builds(
        Question,
        id=st.integers(1, 99),
        place=st.just(public()),
        user_id=st.just("U0BEN"),
        text=TEXT,
        verdict=st.just(Verdict.UNKNOWN),
        shown=st.just(()),
        asked_at=st.just(datetime(2026, 3, 1, tzinfo=UTC)),
    ),
    max_size=12,
).map(tuple)
DIGESTS = st.builds(
    Digest,
    week=st.just("2026-W10"),
    until=st.just(datetime(2026, 3, 2, tzinfo=UTC)),
    pattern=st.none()
    | st.builds(
        Pattern,
        name=TEXT,
        meaning=TEXT,
        failures=st.lists(FAILURES, min_size=3, max_size=9).map(tuple),
    ),
    lessons=st.lists(FAILURES, max_size=5).map(tuple),
    questions=QUESTIONS,
    thanks=st.lists(
        st.builds(
            Thanks,
            author_id=TEXT,
            numbers=st.lists(st.integers(1, 9_999), max_size=20).map(tuple),
        ),
        max_size=12,
    ).map(tuple),
    more=st.integers(0, 5_000),
)
# What may be live: links, and the people whom failbot itself names.
ALLOWED = re.compile(r"<(?:https?://[^<>|]*\|[^<>|]*|@[UW][A-Z0-9]{2,30})>")


def links(failures: Sequence[Failure]) -> dict[int, str]:
    """Every second failure has a card."""
    return {one.number: LINK for one in failures[::2]}


def check(*messages: Message | None) -> None:
    """Slack takes each, and nothing in it is live but what failbot put there."""
    for message in messages:
        if message is None:
            continue
        assert message.text.strip()
        assert len(message.text) < 4_000
        assert limits.message_problems(message.blocks) == []
        assert not limits.blocks_too_long(message.blocks)
        assert len(set(_ids(message.blocks))) == len(_ids(message.blocks))
        for text in (message.text, *_texts(message.blocks)):
            assert "<" not in ALLOWED.sub("", text)


def _texts(value: object) -> list[str]:
    """Every text that Slack formats."""
    if isinstance(value, Mapping):
        own = [str(value["text"])] if value.get("type") == "mrkdwn" else []
        return own + [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return []


def _ids(value: object) -> list[object]:
    if isinstance(value, Mapping):
        own = [value["action_id"]] if "action_id" in value else []
        return own + [id for part in value.values() for id in _ids(part)]
    return [id for part in value for id in _ids(part)] if isinstance(value, list) else []


def asked_like(text: str) -> list[ExpectedQuestion]:
    """As many as fit, of this text."""
    one = ExpectedQuestion(
        text=text[:EXPECTED_SIZE], origin=QuestionOrigin.MODEL, by="gpt", at=datetime.now(UTC)
    )
    return [one] * EXPECTED_LIMIT


@settings(max_examples=60, deadline=None)
@given(FAILURES, HITS)
def test_cards_and_confirmations(one: Failure, hits: tuple[Hit, ...]) -> None:
    """Whatever the entry holds."""
    own = links([hit.failure for hit in hits])
    check(
        card(one),
        card(one, asked_like(one.happened)),
        saved(one),
        ask_deletion(one),
        logged(one, similar=hits[:3], links=own),
        notice(one.happened),
        notice(unposted(one, one.title)),
        help_message(one.tried),
    )


@settings(max_examples=60, deadline=None)
@given(HITS, st.sampled_from(Verdict), TEXT, st.booleans())
def test_answers(hits: tuple[Hit, ...], verdict: Verdict, text: str, by_words: bool) -> None:
    """Whatever is found, and nothing."""
    distinct = tuple({hit.failure.number: hit for hit in hits}.values())
    own = links([hit.failure for hit in distinct])
    answer = Answer(
        verdict=verdict, hits=distinct, confidence=0.5, by_words_only=by_words, unread=text
    )
    check(answer_message(answer, question=text, question_id=10**12, links=own))
    if distinct:
        check(private_message(distinct[:3], question_id=10**12, links=own))


@settings(max_examples=60, deadline=None)
@given(DIGESTS)
def test_digests(digest: Digest) -> None:
    """Whatever the week brought, and nothing."""
    own = links(digest.lessons)
    check(digest_message(digest, links=own), digest_details(digest, links=own))


@settings(max_examples=30, deadline=None)
@given(st.lists(FAILURES, max_size=12), TEXT)
def test_lists_and_home(failures: list[Failure], heading: str) -> None:
    """Ten lines at most in a list, five in the Home tab."""
    own = links(failures)
    check(listing(heading or "All", failures, links=own, total=4_000))
    assert limits.view_problems(home(failures[:5], links=own)) == []


def test_an_answer_leads_to_the_entry() -> None:
    """Through its card's link, or where it has none through the command that shows it."""
    hits = tuple(
        Hit(failure=failure(number), score=1.0, probability=0.9, sentence="It diverged.")
        for number in (1, 2)
    )
    answer = Answer(verdict=Verdict.KNOWN, hits=hits, confidence=0.9)
    message = answer_message(answer, question="why?", question_id=7, links={1: "https://a.b/c"})
    text = "\n".join(_texts(message.blocks))
    assert "<https://a.b/c|F-1 · The loss diverged>" in text
    assert "/failure show F-2" in text
    assert "/failure show F-1" not in text


def test_a_button_says_which_question_and_failure_it_is_about() -> None:
    """The id is read back as it was written."""
    hit = Hit(failure=failure(12), score=1.0, probability=0.9)
    answer = Answer(verdict=Verdict.KNOWN, hits=(hit,), confidence=0.9)
    message = answer_message(answer, question="why?", question_id=7, links={})
    assert [read_word(str(id)) for id in _ids(message.blocks)] == [(True, 7, 12), (False, 7, 12)]


def test_an_unknown_names_the_weak_match_as_weak() -> None:
    """It is offered, not claimed."""
    hit = Hit(failure=failure(12), score=1.0, probability=0.15)
    answer = Answer(verdict=Verdict.UNKNOWN, hits=(hit,), confidence=0.15)
    message = answer_message(answer, question="why?", question_id=7, links={})
    assert "Nobody has recorded this" in message.text
    assert any("weak match" in text and "F-12" in text for text in _texts(message.blocks))


def test_a_card_says_whose_words_a_question_is() -> None:
    """Nobody takes a model's for the author's."""
    (shown,) = [
        one for one in _texts(card(failure(), asked_like("why nan?")).blocks) if "nan" in one
    ]
    assert shown.splitlines()[:2] == ["*Asked like*", "• why nan? (model)"]
