"""Every store shows a viewer what was logged in their channels, and the workspace to members."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from failbot.errors import NotFoundError
from failbot.models import ExpectedQuestion, QuestionOrigin, Viewer
from failbot.store.base import Store
from tests.make import ANA, BEN, TEAM, direct, draft, private, public, viewer

CLUB, HALL = "C0CLUB", "C0HALL"


def guest_of(*channel_ids: str) -> Viewer:
    return Viewer(
        team_id=TEAM, user_id=BEN, channel_ids=frozenset(channel_ids), sees_workspace=False
    )


@pytest.fixture
def hall(store: Store, now: datetime) -> Store:
    """F-1 of the club, F-2 of the hall, F-3 of a private channel, F-4 of a direct message."""
    for place in (public(CLUB), public(HALL), private(), direct(CLUB)):
        store.failures.record(draft("It broke"), place=place, author_id=ANA, now=now)
    return store


def numbers(store: Store, who: Viewer) -> list[int]:
    """What this viewer sees, by every read that there is."""
    found = sorted(one.number for one in store.failures.newest(viewer=who, limit=9))
    assert store.failures.count(viewer=who) == len(found)
    assert sorted(store.failures.at([1, 2, 3, 4], viewer=who)) == found
    by_words = store.failures.search("broke", viewer=who, limit=9)
    assert sorted(one.number for one in by_words) == found
    limits = {"by_vector": 9, "by_words": 9}
    candidates = store.search.candidates(["broke"], viewer=who, vector=None, **limits)
    assert [one.number for one in candidates] == found
    for number in {1, 2, 3, 4} - set(found):
        with pytest.raises(NotFoundError):
            store.failures.get(number, viewer=who)
    return found


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (guest_of(), []),
        (guest_of(CLUB), [1]),
        (guest_of(CLUB, HALL), [1, 2]),
        (guest_of("G0SECRET"), [3]),
        (viewer(BEN), [1, 2]),
        (viewer(BEN, "G0SECRET", CLUB), [1, 2, 3]),
        (viewer(ANA), [1, 2, 4]),
        (Viewer(team_id=TEAM, is_operator=True, sees_workspace=False), [1, 2, 3, 4]),
    ],
)
def test_who_does_not_see_the_workspace_sees_their_channels(
    hall: Store, who: Viewer, seen: list[int]
) -> None:
    """What was logged in them, also where it is the workspace's; no direct message."""
    assert numbers(hall, who) == seen


def test_questions_of_their_channels_are_theirs(hall: Store, now: datetime) -> None:
    """And no others: a digest holds them."""
    for place in (public(CLUB), public(HALL), private(), direct(CLUB)):
        hall.questions.keep(
            place.channel_id,
            place=place,
            user_id=ANA,
            message_ts="",
            verdict="unknown",  # type: ignore[arg-type]  # as the database has it
            shown=[],
            now=now,
        )
    asked = hall.questions.asked(
        viewer=guest_of(CLUB), since=now, before=now + timedelta(seconds=1)
    )
    assert [one.text for one in asked] == [CLUB]


def test_channels_are_all_but_direct_messages(hall: Store) -> None:
    """Those whose people matter for a guest."""
    assert hall.failures.channels(TEAM) == [CLUB, HALL, "G0SECRET"]
    assert hall.failures.channels("T2") == []


@pytest.fixture
def asked(store: Store, now: datetime) -> Store:
    """F-1 of the club, as its author says, and as someone asked elsewhere."""
    questions = [
        ExpectedQuestion(text=origin.value, origin=origin, by=ANA, at=now)
        for origin in QuestionOrigin
    ]
    store.failures.record(
        draft("It broke"), place=public(CLUB), author_id=BEN, now=now, expected=questions
    )
    return store


def texts(store: Store, who: Viewer) -> list[str]:
    return [one.text for one in store.expected.of([1], viewer=who).get(1, ())]


def test_what_was_asked_elsewhere_is_for_those_who_see_the_workspace(asked: Store) -> None:
    """A guest could not read it where it was asked."""
    assert texts(asked, guest_of(CLUB)) == ["author", "model"]
    assert texts(asked, viewer(BEN)) == ["author", "model", "asker"]


def test_what_an_editor_is_not_shown_stays(asked: Store, now: datetime) -> None:
    """A guest edits their own entry: the question of others is not theirs to drop."""
    mine = ExpectedQuestion(text="mine", origin=QuestionOrigin.AUTHOR, by=BEN, at=now)
    assert asked.expected.change(1, lambda before: (mine,), viewer=guest_of(CLUB)) == (mine,)
    assert texts(asked, viewer(BEN)) == ["mine", "asker"]
