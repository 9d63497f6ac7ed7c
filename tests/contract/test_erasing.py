"""Every store erases a person, a failure, an import and what is old, and remembers that it did."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from failbot.errors import NotFoundError, TakenOverError
from failbot.models import ExpectedQuestion, Feedback, Place, QuestionOrigin, Schedule, Verdict
from failbot.store.base import Store
from failbot.store.erasing import Pruned, Traces
from failbot.store.tombstones import Tombstone, of_person
from tests.make import ANA, BEN, TEAM, direct, draft, embedding, public, viewer

OPERATOR = viewer(is_operator=True)
CEM = "U0CEM"
HOUR = timedelta(hours=1)


def log(store: Store, now: datetime, happened: str, **more: object) -> int:
    facts = {"place": public(), "author_id": ANA, "now": now} | more
    return store.failures.record(draft(happened), **facts)[0].number


def ask(store: Store, now: datetime, text: str, user_id: str, place: Place | None = None) -> int:
    asked = {"place": place or public(), "user_id": user_id, "message_ts": "", "now": now}
    return store.questions.keep(text, verdict=Verdict.KNOWN, shown=[1], **asked).id


def expected(text: str, by: str, origin: QuestionOrigin, now: datetime) -> ExpectedQuestion:
    return ExpectedQuestion(text=text, origin=origin, by=by, at=now)


def fill(store: Store, now: datetime) -> None:
    """F-1 and F-2 are Ana's, the second in a direct message; F-3 is Ben's, and Ana's in part."""
    log(store, now, "Hers.")
    log(store, now, "Hers alone.", place=direct())
    log(store, now, "His.", author_id=BEN)
    store.failures.revise(3, draft("His, edited."), viewer=OPERATOR, by=ANA, now=now)
    like = [
        expected("she asked", ANA, QuestionOrigin.ASKER, now),
        expected("she wrote", ANA, QuestionOrigin.AUTHOR, now),
        expected("he wrote", BEN, QuestionOrigin.AUTHOR, now),
    ]
    store.expected.change(3, lambda _: tuple(like), viewer=OPERATOR)
    for who, at in ((ANA, now), (BEN, now)):
        asked = ask(store, at, f"{who} asks", who)
        for reader in (ANA, BEN):
            word = Feedback(question_id=asked, number=3, user_id=reader, helped=True, at=now)
            store.questions.give_feedback(word, team_id=TEAM)
    for who in (ANA, BEN):
        store.inbox.add("question", {"who": who}, team_id=TEAM, keys=[], now=now)
        broken = store.inbox.claim(now=now, lease_s=9)
        assert broken is not None
        store.inbox.give_up(broken, reason="no", now=now)
    for who in (ANA, BEN):
        payload = {"text": "hello", "deep": [{"who": who}]}
        store.inbox.add("question", payload, team_id=TEAM, keys=[who], now=now)
    weekly = {"weekday": 0, "hour": 9, "minute": 0, "zone": "UTC", "created_at": now}
    for channel, who in (("C1", ANA), ("C2", BEN)):
        made = Schedule(team_id=TEAM, channel_id=channel, created_by=who, **weekly)
        store.digests.set_schedule(made)
    rows = {"name": "a.csv", "place": public(), "author_id": ANA, "now": now}
    store.imports.record([draft("Came in.")], **rows)  # F-4


def stone(now: datetime, *, keeps_entries: bool = False, team_id: str = TEAM) -> Tombstone:
    return of_person(ANA, team_id=team_id, at=now, keeps_entries=keeps_entries)


def left(store: Store) -> list[int]:
    return [one.number for one in reversed(store.failures.newest(viewer=OPERATOR, limit=9))]


def asked_like(store: Store, number: int) -> list[tuple[str, str]]:
    found = store.expected.of([number], viewer=OPERATOR).get(number, ())
    return [(one.text, one.by) for one in found]


def test_a_person_s_traces_are_counted(store: Store, now: datetime) -> None:
    """Of each kind, theirs only, and in this workspace only."""
    fill(store, now)
    assert store.erasures.traces(ANA, team_id=TEAM) == Traces(
        entries=(1, 2, 4),
        own=(2,),
        edits=1,
        questions=1,
        feedback=2,
        expected=2,
        waiting=2,
        schedules=1,
        imports=1,
    )
    assert store.erasures.traces(ANA, team_id="T2") == Traces()


def test_a_person_is_forgotten(store: Store, now: datetime) -> None:
    """What was theirs is gone; what was others' is as it was, without their id."""
    fill(store, now)
    done = store.erasures.forget(ANA, stone(now))
    assert [one.number for one in done.deleted] == [1, 2, 4]
    assert (done.kept, left(store)) == ((), [3])
    assert store.erasures.traces(ANA, team_id=TEAM) == Traces()
    versions = store.failures.versions(3, viewer=OPERATOR)
    assert [(one.draft.happened, one.changed_by) for one in versions] == [
        ("His.", BEN),
        ("His, edited.", ""),
    ]
    assert asked_like(store, 3) == [("she wrote", ""), ("he wrote", BEN)]
    asked = store.questions.asked(viewer=OPERATOR, since=now, before=now + HOUR)
    assert [one.text for one in asked] == [f"{BEN} asks"]
    said = store.questions.feedback(viewer=OPERATOR, since=now, before=now + HOUR)
    assert [one.user_id for one in said] == [BEN]
    assert [store.inbox.waiting(), len(store.inbox.given_up())] == [1, 1]
    assert [one.created_by for one in store.digests.schedules()] == ["", BEN]
    assert store.imports.all(TEAM) == []
    assert {who for _, who in store.erasures.people()} == {BEN}


def test_entries_may_stay_without_the_name(store: Store, now: datetime) -> None:
    """But for those that nobody else ever saw: they would be nobody's."""
    fill(store, now)
    done = store.erasures.forget(ANA, stone(now, keeps_entries=True))
    assert [one.number for one in done.deleted] == [2]
    assert [(one.number, one.author_id) for one in done.kept] == [(1, ""), (4, "")]
    assert left(store) == [1, 3, 4]
    assert store.failures.get(1, viewer=viewer()).author_id == ""
    assert [one.changed_by for one in store.failures.versions(1, viewer=viewer())] == [""]
    assert [(one.by, one.numbers) for one in store.imports.all(TEAM)] == [("", (4,))]
    assert store.erasures.traces(ANA, team_id=TEAM) == Traces()


def test_what_comes_later_is_not_forgotten(store: Store, now: datetime) -> None:
    """Whoever is forgotten may begin anew; another workspace is another matter."""
    fill(store, now)
    log(store, now + HOUR, "Later.")
    ask(store, now + HOUR, "later?", ANA)
    log(store, now, "Elsewhere.", place=public(team_id="T2"))
    store.erasures.forget(ANA, stone(now))
    assert store.erasures.traces(ANA, team_id=TEAM) == Traces(entries=(5,), questions=1)
    assert store.erasures.traces(ANA, team_id="T2").entries == (1,)


def test_a_forgotten_question_takes_its_vectors_along(store: Store, now: datetime) -> None:
    """What it was found by is made anew, without it."""
    fill(store, now)
    missing = store.embeddings.missing("m", limit=9)
    store.embeddings.put("m", [(one, embedding(1, 0)) for one in missing])
    assert store.embeddings.progress("m") == (4, 4)
    store.erasures.forget(ANA, stone(now))
    assert store.embeddings.progress("m") == (0, 1)
    [again] = store.embeddings.missing("m", limit=9)
    assert again.questions == ("she wrote", "he wrote")


def test_tombstones_hold_no_name_and_no_text(store: Store, now: datetime) -> None:
    """A failure's number and time, a person's hash."""
    fill(store, now)
    store.failures.delete(3, viewer=OPERATOR)
    mine = stone(now)
    store.erasures.forget(ANA, mine)
    kept = store.erasures.tombstones()
    assert [one.number for one in kept] == [3, 1, 2, 4, 0]
    assert kept[-1] == mine
    assert all(one.at == now and ANA not in repr(one) for one in kept)
    assert mine.is_of(ANA)
    assert not mine.is_of(BEN)
    assert not kept[0].is_of("")


def test_what_a_tombstone_names_goes_again(store: Store, now: datetime) -> None:
    """By number and moment: another of that number is another; twice is once."""
    log(store, now, "To go.")
    log(store, now, "To stay.")
    stones = [
        Tombstone(team_id="local", number=1, at=now),  # it was adopted since
        Tombstone(team_id=TEAM, number=2, at=now + HOUR),
    ]
    assert [one.number for one in store.erasures.bury(stones)] == [1]
    assert left(store) == [2]
    assert store.erasures.bury(stones) == []
    assert {one.key for one in stones} <= {one.key for one in store.erasures.tombstones()}


def test_tombstones_move_with_their_workspace(store: Store, now: datetime) -> None:
    """And so do imports."""
    rows = {"name": "a", "place": public(team_id="local"), "author_id": ANA, "now": now}
    store.imports.record([draft("One."), draft("Two.")], **rows)
    store.failures.delete(1, viewer=viewer(team_id="local", is_operator=True))
    store.failures.adopt(TEAM, source_team_id="local")
    assert [one.team_id for one in store.erasures.tombstones()] == [TEAM]
    assert store.imports.all("local") == []
    assert [one.numbers for one in store.imports.all(TEAM)] == [(2,)]


def test_several_are_deleted_or_none(store: Store, now: datetime) -> None:
    """One that is not there keeps the others."""
    for happened in ("One.", "Two.", "Three."):
        log(store, now, happened)
    with pytest.raises(NotFoundError):
        store.erasures.delete([1, 9], viewer=OPERATOR)
    assert left(store) == [1, 2, 3]
    assert store.erasures.tombstones() == []
    assert [one.number for one in store.erasures.delete([3, 1], viewer=OPERATOR)] == [3, 1]
    assert left(store) == [2]


@pytest.mark.parametrize("way", ["forgotten", "old"])
def test_a_job_that_goes_takes_its_outbox_along(store: Store, now: datetime, way: str) -> None:
    """Whoever is at work on it may send nothing more."""
    store.inbox.add("question", {"user_id": ANA}, team_id=TEAM, keys=[], now=now)
    job = store.inbox.claim(now=now, lease_s=60)
    assert job is not None
    store.outbox.begin(job, "answer", until=now + HOUR)
    if way == "forgotten":
        store.erasures.forget(ANA, stone(now))
    else:
        store.erasures.prune(before=now + HOUR)
    assert store.inbox.waiting() == 0
    with pytest.raises(TakenOverError):
        store.outbox.begin(job, "answer", until=now + HOUR)


def test_what_is_old_goes(store: Store, now: datetime) -> None:
    """Questions, with what was said to them, and jobs; what is of that moment stays."""
    log(store, now, "Hers.")
    old = ask(store, now - HOUR, "old", BEN)
    word = Feedback(question_id=old, number=1, user_id=BEN, helped=True, at=now)
    store.questions.give_feedback(word, team_id=TEAM)
    ask(store, now, "young", BEN)
    for key, at in (("old", now - HOUR), ("young", now)):
        store.inbox.add("question", {"text": key}, team_id=TEAM, keys=[key], now=at)
    assert store.erasures.prune(before=now) == Pruned(questions=1, waiting=1)
    assert store.erasures.prune(before=now) == Pruned(questions=0, waiting=0)
    asked = store.questions.asked(viewer=OPERATOR, since=now - HOUR, before=now + HOUR)
    assert [one.text for one in asked] == ["young"]
    assert store.questions.feedback(viewer=OPERATOR, since=now, before=now + HOUR) == []
    job = store.inbox.claim(now=now, lease_s=9)
    assert job is not None
    assert job.payload == {"text": "young"}


def test_an_import_knows_its_entries(store: Store, now: datetime) -> None:
    """The new ones that are there still; one of which nothing is left, or was new, is none."""
    log(store, now, "Before.")
    rows = {"place": public(), "author_id": ANA, "now": now}
    one = draft("One.", external_id="1")
    first, recorded = store.imports.record([one, draft("Two.")], name="a.csv", **rows)
    assert [(failure.number, is_new) for failure, is_new in recorded] == [(2, True), (3, True)]
    assert store.imports.record([one], name="b.csv", **rows)[0] == 0
    second, _ = store.imports.record([one, draft("Three.")], name="c.csv", **rows)
    found = store.imports.all(TEAM)
    assert [(one.id, one.name, one.by, one.at, one.numbers) for one in found] == [
        (second, "c.csv", ANA, now, (4,)),
        (first, "a.csv", ANA, now, (2, 3)),
    ]
    store.erasures.delete([2, 4], viewer=OPERATOR)
    assert [(one.id, one.numbers) for one in store.imports.all(TEAM)] == [(first, (3,))]
    store.imports.drop(first, team_id="T2")
    assert len(store.imports.all(TEAM)) == 1
    store.imports.drop(first, team_id=TEAM)
    assert store.imports.all(TEAM) == []
    assert left(store) == [1, 3]


def test_an_import_is_whole_or_nothing(store: Store, now: datetime) -> None:
    """A draft that cannot be stored leaves neither entries nor an import."""
    bad = draft(links=(object(),))  # type: ignore[arg-type]  # not JSON
    rows = {"name": "a", "place": public(), "author_id": ANA, "now": now}
    with pytest.raises(TypeError):
        store.imports.record([draft(), bad], **rows)
    assert (store.imports.all(TEAM), left(store)) == ([], [])


def test_files_are_scrubbed_on_demand(store: Store, now: datetime) -> None:
    """Twice is once; see test_scrubbing for what it does to SQLite's files."""
    log(store, now, "Hers.")
    store.failures.delete(1, viewer=OPERATOR)
    assert store.erasures.scrub()
    assert store.erasures.is_scrubbed()
    assert store.erasures.scrub()
    assert store.erasures.unheeded() == []
