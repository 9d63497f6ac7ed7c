"""Every store shows a viewer what was logged in their channels, and the workspace to members."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from failbot.errors import NotFoundError
from failbot.models import (
    Access,
    ExpectedQuestion,
    Place,
    QuestionOrigin,
    Verdict,
    Viewer,
    Visibility,
)
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
            verdict=Verdict.UNKNOWN,
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


def unsure(channel_id: str = CLUB) -> Place:
    return Place(team_id=TEAM, channel_id=channel_id, visibility=Visibility.CHANNEL, is_unsure=True)


def entry(store: Store, now: datetime, place: Place, **more: str) -> int:
    return store.failures.record(draft("It broke", **more), place=place, author_id=ANA, now=now)[
        0
    ].number


def state(store: Store, number: int = 1) -> tuple[Visibility, bool, bool]:
    found = store.failures.get(number, viewer=Viewer(team_id=TEAM, is_operator=True))
    return found.visibility, found.is_unsure, found.is_published


W, C = Visibility.WORKSPACE, Visibility.CHANNEL
# What an entry of this kind is once Slack has said this of its channel.
FOLLOWING = [
    ("unsure", Access.WORKSPACE, (W, False, False)),
    ("unsure", Access.SHARED, (C, False, False)),
    ("unsure", Access.PRIVATE, (C, False, False)),
    ("unsure", Access.HIDDEN, (C, True, False)),
    ("public", Access.WORKSPACE, (W, False, False)),
    ("public", Access.SHARED, (W, False, False)),
    ("public", Access.PRIVATE, (C, False, False)),
    ("public", Access.HIDDEN, (C, True, False)),
    ("private", Access.WORKSPACE, (C, False, False)),
    ("private", Access.SHARED, (C, False, False)),
    ("private", Access.PRIVATE, (C, False, False)),
    ("private", Access.HIDDEN, (C, False, False)),
    ("published", Access.WORKSPACE, (W, False, True)),
    ("published", Access.SHARED, (W, False, True)),
    ("published", Access.PRIVATE, (W, False, True)),
    ("published", Access.HIDDEN, (W, False, True)),
]


@pytest.mark.parametrize(("kind", "access", "after"), FOLLOWING)
def test_an_entry_follows_its_channel(
    store: Store, now: datetime, kind: str, access: Access, after: tuple[Visibility, bool, bool]
) -> None:
    """Every kind of entry and everything that Slack may say; another channel's stays."""
    place = {"unsure": unsure(), "private": private(CLUB)}.get(kind, public(CLUB))
    entry(store, now, place)
    entry(store, now, public(HALL))
    if kind == "published":
        store.visibilities.publish(1, team_id=TEAM, author_id=ANA)
    before = state(store)
    changed = store.visibilities.follow(CLUB, access, team_id=TEAM)
    assert state(store) == after
    assert [one.number for one in changed] == ([1] if after != before else [])
    assert [one.visibility for one in changed] == ([after[0]] if after != before else [])
    assert store.visibilities.follow(CLUB, access, team_id=TEAM) == []
    assert state(store, 2) == (W, False, False)
    everyone = Viewer(team_id=TEAM)
    assert [one.number for one in store.failures.newest(viewer=everyone, limit=9)] == (
        [2, 1] if after[0] is W else [2]
    )


def test_a_direct_message_follows_nothing(store: Store, now: datetime) -> None:
    """Nor does what was logged nowhere, at the command line."""
    entry(store, now, direct(CLUB))
    entry(store, now, public(""))
    for access in Access:
        assert store.visibilities.follow(CLUB, access, team_id=TEAM) == []
        assert store.visibilities.follow("", access, team_id=TEAM) == []
    assert state(store) == (Visibility.AUTHOR, False, False)
    assert state(store, 2) == (W, False, False)


def test_what_is_hidden_is_found_no_more_until_slack_shows_it(store: Store, now: datetime) -> None:
    """One look-up gone wrong is mended by the next; the indexes follow."""
    entry(store, now, public(CLUB))
    entry(store, now, public(HALL))
    limits = {"by_vector": 9, "by_words": 9}

    def found() -> list[int]:
        seen = store.search.candidates(
            ["broke"], viewer=Viewer(team_id=TEAM), vector=None, **limits
        )
        return [one.number for one in seen]

    assert found() == [1, 2]
    store.visibilities.follow(CLUB, Access.HIDDEN, team_id=TEAM)
    assert found() == [2]
    store.visibilities.follow(CLUB, Access.WORKSPACE, team_id=TEAM)
    assert found() == [1, 2]


@pytest.mark.parametrize("access", Access)
def test_questions_follow_their_channel_too(store: Store, now: datetime, access: Access) -> None:
    """They would stand in other channels' digests."""
    for place in (public(CLUB), public(HALL)):
        store.questions.keep(
            place.channel_id,
            place=place,
            user_id=ANA,
            message_ts="",
            verdict=Verdict.UNKNOWN,
            shown=[],
            now=now,
        )
    store.visibilities.follow(CLUB, access, team_id=TEAM)
    seen = store.questions.asked(
        viewer=Viewer(team_id=TEAM), since=now, before=now + timedelta(seconds=1)
    )
    closed = access in (Access.PRIVATE, Access.HIDDEN)
    assert [one.text for one in seen] == ([HALL] if closed else [CLUB, HALL])


@pytest.mark.parametrize("place", [public(CLUB), private(CLUB), unsure(), direct(CLUB)])
def test_an_author_publishes_what_they_wrote_anywhere(
    store: Store, now: datetime, place: Place
) -> None:
    """They alone, and no workspace's but theirs."""
    entry(store, now, place)
    for who in ({"author_id": BEN}, {"team_id": "T2"}):
        with pytest.raises(NotFoundError):
            store.visibilities.publish(1, **{"team_id": TEAM, "author_id": ANA, **who})
    published = store.visibilities.publish(1, team_id=TEAM, author_id=ANA)
    assert (published.visibility, published.is_published) == (W, True)
    assert state(store) == (W, False, True)
    assert store.failures.count(viewer=Viewer(team_id=TEAM)) == 1


def test_what_a_deleted_channel_held_stays_the_workspaces(store: Store, now: datetime) -> None:
    """Slack hides it from then on; what was private stays so."""
    entry(store, now, public(CLUB))
    entry(store, now, private(CLUB))
    store.visibilities.detach(CLUB, team_id=TEAM)
    assert store.visibilities.follow(CLUB, Access.HIDDEN, team_id=TEAM) == []
    assert state(store) == (W, False, True)
    assert state(store, 2) == (C, False, False)


def test_the_channels_that_are_followed_are_known(store: Store, now: datetime) -> None:
    """Those with anything that may change: entries and questions."""
    for place in (public(CLUB), unsure("C0NEW"), private(), direct(), public("")):
        entry(store, now, place)
    entry(store, now, public("C0OPEN"))
    store.visibilities.publish(6, team_id=TEAM, author_id=ANA)
    store.questions.keep(
        "?",
        place=public(HALL),
        user_id=ANA,
        message_ts="",
        verdict=Verdict.UNKNOWN,
        shown=[],
        now=now,
    )
    assert store.visibilities.followed() == [(TEAM, CLUB), (TEAM, HALL), (TEAM, "C0NEW")]
    assert store.visibilities.followed(is_unsure=True) == [(TEAM, "C0NEW")]
