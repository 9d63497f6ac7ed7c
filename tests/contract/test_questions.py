"""Every store keeps questions and feedback for those who may see them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from failbot.errors import NotFoundError
from failbot.models import Feedback, Place, Verdict
from failbot.store.base import Store
from tests.make import ANA, BEN, direct, draft, private, public, viewer


def keep(
    store: Store,
    now: datetime,
    *,
    place: Place | None = None,
    message_ts: str = "",
    verdict: Verdict = Verdict.KNOWN,
    text: str = "Seen this?",
):
    return store.questions.keep(
        text,
        place=place or public(),
        user_id=BEN,
        message_ts=message_ts,
        verdict=verdict,
        shown=[1],
        now=now,
    )


def test_a_question_comes_back_whole(store: Store, now: datetime) -> None:
    """What was asked, where, by whom, and what was shown."""
    kept = keep(store, now, message_ts="17.1")
    assert store.questions.get(kept.id, team_id="T1") == kept
    assert (kept.text, kept.shown, kept.asked_at) == ("Seen this?", (1,), now)
    with pytest.raises(NotFoundError):
        store.questions.get(kept.id, team_id="T2")


def test_the_same_message_is_one_question(store: Store, now: datetime) -> None:
    """An answer given again after a crash does not count twice."""
    first = keep(store, now, message_ts="17.1")
    assert keep(store, now, message_ts="17.1", text="Other?") == first
    assert keep(store, now, message_ts="17.2").id != first.id
    assert keep(store, now).id != keep(store, now).id


def test_questions_are_seen_where_they_were_asked(store: Store, now: datetime) -> None:
    """A private channel's questions are its members', a direct one its asker's."""
    for place in (public(), private(), direct()):
        keep(store, now, place=place, text=place.channel_id)

    def seen(who: object) -> list[str]:
        later = now + timedelta(seconds=1)
        asked = store.questions.asked(viewer=who, since=now, before=later)
        return [one.text for one in asked]

    assert seen(viewer("")) == ["C0ML"]
    assert seen(viewer("", "G0SECRET")) == ["C0ML", "G0SECRET"]
    assert seen(viewer(BEN)) == ["C0ML", "D0ANA"]
    assert seen(viewer(BEN, team_id="T2")) == []


def test_questions_of_an_interval_and_a_verdict(store: Store, now: datetime) -> None:
    """The interval holds its beginning and not its end."""
    unknown = keep(store, now, verdict=Verdict.UNKNOWN)
    keep(store, now + timedelta(hours=1))

    def asked(before: datetime, verdict: Verdict | None = None) -> int:
        got = store.questions.asked(viewer=viewer(), since=now, before=before, verdict=verdict)
        return len(got)

    assert asked(now) == 0
    assert asked(now + timedelta(hours=1)) == 1
    assert asked(now + timedelta(hours=2)) == 2
    assert asked(now + timedelta(hours=2), unknown.verdict) == 1


def test_the_latest_word_of_a_reader_counts(store: Store, now: datetime) -> None:
    """Someone who changes their mind has one feedback."""
    store.failures.record(draft(), place=public(), author_id=ANA, now=now)
    question = keep(store, now)
    for helped in (True, False):
        feedback = Feedback(question_id=question.id, number=1, user_id=BEN, helped=helped, at=now)
        store.questions.give_feedback(feedback, team_id="T1")
    later = now + timedelta(seconds=1)
    assert store.questions.feedback(viewer=viewer(), since=now, before=later) == [feedback]
    assert store.questions.feedback(viewer=viewer(), since=later, before=later) == []


def test_a_receipt_for_nothing_is_refused(store: Store, now: datetime) -> None:
    """A failure that is gone, or a question of another workspace."""
    question = keep(store, now)
    feedback = Feedback(question_id=question.id, number=1, user_id=BEN, helped=True, at=now)
    with pytest.raises(NotFoundError):
        store.questions.give_feedback(feedback, team_id="T1")
    store.failures.record(draft(), place=public(), author_id=ANA, now=now)
    with pytest.raises(NotFoundError):
        store.questions.give_feedback(feedback, team_id="T2")


def test_receipts_need_sight_of_both_ends(store: Store, now: datetime) -> None:
    """Neither a hidden failure nor a hidden question shows through a feedback."""
    for place in (public(), private()):
        store.failures.record(draft(), place=place, author_id=ANA, now=now)
    for place in (public(), private()):
        question = keep(store, now, place=place)
        for number in (1, 2):
            feedback = Feedback(
                question_id=question.id, number=number, user_id=BEN, helped=True, at=now
            )
            store.questions.give_feedback(feedback, team_id="T1")
    later = now + timedelta(seconds=1)

    def count(*channels: str) -> int:
        who = viewer("", *channels)
        return len(store.questions.feedback(viewer=who, since=now, before=later))

    assert count() == 1
    assert count("G0SECRET") == 4


def test_questions_come_oldest_first(store: Store, now: datetime) -> None:
    """By when they were asked; of one moment, as they were kept."""
    hour = timedelta(hours=1)
    for text, at in (("third", now + hour), ("first", now), ("second", now)):
        keep(store, at, text=text)
    found = store.questions.asked(viewer=viewer(), since=now, before=now + 2 * hour)
    assert [one.text for one in found] == ["first", "second", "third"]


def test_another_channels_message_is_another_question(store: Store, now: datetime) -> None:
    """A ts is a channel's own, and a channel a workspace's."""
    first = keep(store, now, message_ts="17.1")
    for place in (public("C0OTHER"), public(team_id="T2")):
        assert keep(store, now, place=place, message_ts="17.1").id != first.id


def test_a_question_is_kept_as_utf8_can_hold_it(store: Store, now: datetime) -> None:
    """Lone surrogates and NUL are no reason to lose it."""
    assert keep(store, now, text="a\ud800b\0c").text == "a?bc"


def test_feedback_goes_with_its_failure(store: Store, now: datetime) -> None:
    """Words come oldest first, each reader's own; those on a deleted failure are gone."""
    for _ in range(2):
        store.failures.record(draft(), place=public(), author_id=ANA, now=now)
    question, hour = keep(store, now), timedelta(hours=1)
    words = [
        Feedback(question_id=question.id, number=number, user_id=reader, helped=True, at=at)
        for number, reader, at in ((1, BEN, now + hour), (1, ANA, now), (2, BEN, now))
    ]
    for word in words:
        store.questions.give_feedback(word, team_id="T1")
    times = {"since": now, "before": now + 2 * hour}
    found = store.questions.feedback(viewer=viewer(), **times)
    assert [(one.number, one.user_id) for one in found] == [(1, ANA), (2, BEN), (1, BEN)]
    store.failures.delete(1, viewer=viewer())
    assert store.questions.feedback(viewer=viewer(), **times) == [words[2]]
    assert store.questions.feedback(viewer=viewer(), since=now, before=now) == []
