"""Every store keeps failures, numbers, versions and who may see them in the same way."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from failbot.errors import NotFoundError, StoreError
from failbot.models import Explanation, ExplanationStatus, Feedback, Verdict
from failbot.store.base import Store
from failbot.store.embedding import ActiveModel
from failbot.taxonomy import Outcome
from tests.make import ANA, BEN, direct, draft, embedding, private, public, viewer


def record(store: Store, now: datetime, happened: str = "It broke.", **more: object):
    place = more.pop("place", public())
    author_id = more.pop("author_id", ANA)
    source = more.pop("source", "")
    return store.failures.record(
        draft(happened, **more), place=place, author_id=author_id, now=now, source=source
    )


def test_a_recorded_failure_comes_back_whole(store: Store, now: datetime) -> None:
    """Every field of a draft survives the store unchanged."""
    full = draft(
        title="Warm-up",
        outcome=Outcome.WORSE,
        explanations=(
            Explanation(text="too hot", status=ExplanationStatus.RULED_OUT, evidence="run 7"),
            Explanation(text="bad seed"),
        ),
        modes=("train.unstable", "eval.noise"),
        lesson="Lower the rate.",
        valid_while="we use fp16",
        links=("https://example.org/run/7",),
        tags=("nan", "fp16"),
        cost="3 GPU days",
        external_id="X-1",
    )
    recorded, is_new = store.failures.record(full, place=private(), author_id=ANA, now=now)
    assert is_new
    assert recorded.draft() == full
    again = store.failures.get(1, viewer=viewer(BEN, "G0SECRET"))
    assert again == recorded
    assert (again.number, again.version, again.created_at) == (1, 1, now)


def test_numbers_run_in_each_workspace(store: Store, now: datetime) -> None:
    """F-1 of one workspace is not F-1 of another."""
    assert [record(store, now)[0].number for _ in range(3)] == [1, 2, 3]
    other = public(team_id="T2")
    assert record(store, now, place=other)[0].number == 1
    with pytest.raises(NotFoundError):
        store.failures.get(2, viewer=viewer(BEN, team_id="T2"))


def test_a_number_is_never_given_twice(store: Store, now: datetime) -> None:
    """After a deletion the next failure gets the next number."""
    record(store, now)
    store.failures.delete(1, viewer=viewer())
    assert record(store, now)[0].number == 2


def test_numbers_are_unique_under_concurrent_writers(store: Store, now: datetime) -> None:
    """Eight threads that record at once get eight numbers."""
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.append(record(store, now)[0].number))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 9))


@pytest.mark.parametrize("same", [{"source": "view:V1"}, {"external_id": "run-7"}])
def test_the_same_source_is_the_same_failure(store: Store, now: datetime, same: dict) -> None:
    """A form submitted twice, or a row imported twice, is one failure, unchanged."""
    first, _ = record(store, now, "First.", **same)
    second, is_new = record(store, now + timedelta(hours=1), "Second.", **same)
    assert not is_new
    assert second == first
    assert record(store, now, place=public(team_id="T2"), **same)[1]


def test_failures_without_a_source_are_all_new(store: Store, now: datetime) -> None:
    """Two equal texts are two failures."""
    assert [record(store, now)[1] for _ in range(2)] == [True, True]


def test_many_are_recorded_or_none(store: Store, now: datetime) -> None:
    """A draft that the store cannot hold leaves none of its fellows behind."""
    bad = draft(links=(object(),))  # type: ignore[arg-type]  # not JSON
    with pytest.raises(TypeError):
        store.failures.record_many([draft(), bad], place=public(), author_id=ANA, now=now)
    assert store.failures.count(viewer=viewer()) == 0
    both = store.failures.record_many(
        [draft(), draft("Other.")], place=public(), author_id=ANA, now=now
    )
    assert [(one.number, is_new) for one, is_new in both] == [(1, True), (2, True)]


def test_every_change_keeps_the_version_before_it(store: Store, now: datetime) -> None:
    """Versions say what, who and when, oldest first."""
    record(store, now, "First.")
    later = now + timedelta(hours=1)
    revised = store.failures.revise(1, draft("Second."), viewer=viewer(), by=BEN, now=later)
    assert (revised.happened, revised.version, revised.updated_at) == ("Second.", 2, later)
    assert revised.created_at == now
    versions = store.failures.versions(1, viewer=viewer())
    assert [(one.number, one.draft.happened, one.changed_by) for one in versions] == [
        (1, "First.", ANA),
        (2, "Second.", BEN),
    ]
    assert [one.changed_at for one in versions] == [now, later]


def test_an_unchanged_draft_makes_no_version(store: Store, now: datetime) -> None:
    """Saving the form without a change changes nothing."""
    first, _ = record(store, now)
    same = store.failures.revise(
        1, first.draft(), viewer=viewer(), by=BEN, now=now + timedelta(hours=1)
    )
    assert same == first
    assert len(store.failures.versions(1, viewer=viewer())) == 1


def test_a_deleted_failure_is_gone_everywhere(store: Store, now: datetime) -> None:
    """Neither its number, its versions nor its words find it, and deleting again says so."""
    record(store, now, "A zebra in the loader.")
    store.failures.delete(1, viewer=viewer())
    for gone in (store.failures.get, store.failures.versions, store.failures.delete):
        with pytest.raises(NotFoundError):
            gone(1, viewer=viewer())
    assert store.failures.search("zebra", viewer=viewer(), limit=5) == []
    assert store.failures.newest(viewer=viewer(), limit=5) == []


PLACES = [public(), private(), direct()]
SEEN = [
    (viewer(BEN), {"C0ML"}),
    (viewer(BEN, "G0SECRET"), {"C0ML", "G0SECRET"}),
    (viewer(BEN, "G0OTHER"), {"C0ML"}),
    (viewer(ANA), {"C0ML", "D0ANA"}),
    (viewer("", "G0SECRET"), {"C0ML", "G0SECRET"}),
    (viewer(""), {"C0ML"}),
    (viewer("", "G0SECRET", sees_workspace=False), {"G0SECRET"}),
    (viewer(BEN, sees_workspace=False), set()),
    (viewer(BEN, is_operator=True), {"C0ML", "G0SECRET", "D0ANA"}),
    (viewer(ANA, "G0SECRET", team_id="T2"), set()),
    (viewer(ANA, "G0SECRET", team_id="T2", is_operator=True), set()),
]


@pytest.mark.parametrize(("who", "channels"), SEEN)
def test_a_viewer_sees_what_the_place_allows(
    store: Store, now: datetime, who: object, channels: set[str]
) -> None:
    """Public: the workspace; private: its members; direct: the author; no other workspace."""
    for place in PLACES:
        record(store, now, "The same words.", place=place)
    failures = store.failures
    assert {one.channel_id for one in failures.newest(viewer=who, limit=9)} == channels
    assert {one.channel_id for one in failures.search("words", viewer=who, limit=9)} == channels
    assert {one.channel_id for one in failures.at([1, 2, 3], viewer=who).values()} == channels
    assert failures.count(viewer=who) == len(channels)
    for number, place in enumerate(PLACES, start=1):
        if place.channel_id in channels:
            assert failures.get(number, viewer=who).channel_id == place.channel_id
            continue
        for call in (failures.get, failures.versions, failures.delete):
            with pytest.raises(NotFoundError):
                call(number, viewer=who)
        with pytest.raises(NotFoundError):
            failures.revise(number, draft("Changed."), viewer=who, by=BEN, now=now)


def test_newest_first_and_narrowed(store: Store, now: datetime) -> None:
    """By creation, within an interval open at its end, of one author."""
    for day, author in enumerate([ANA, BEN, ANA]):
        record(store, now + timedelta(days=day), author_id=author)
    newest = store.failures.newest
    assert [one.number for one in newest(viewer=viewer(), limit=2)] == [3, 2]
    assert [one.number for one in newest(viewer=viewer(), limit=9, author_id=ANA)] == [3, 1]
    since = newest(viewer=viewer(), limit=9, since=now + timedelta(days=1))
    assert [one.number for one in since] == [3, 2]
    before = newest(viewer=viewer(), limit=9, before=now + timedelta(days=1))
    assert [one.number for one in before] == [1]
    assert store.failures.count(viewer=viewer(), author_id=ANA) == 2


def test_search_wants_all_words(store: Store, now: datetime) -> None:
    """A failure is found by all of the words, in any form and order."""
    record(store, now, "The tokenizers dropped emojis.")
    record(store, now, "The loader dropped rows.")
    search = store.failures.search
    assert [one.number for one in search("dropping tokenizer", viewer=viewer(), limit=9)] == [1]
    assert len(search("dropped", viewer=viewer(), limit=9)) == 2
    assert len(search("dropped", viewer=viewer(), limit=1)) == 1


@pytest.mark.parametrize(
    "text", ["scaler", "GradScaler", "gradscaler", "the scaler", "3e-4 scaler"]
)
def test_a_search_is_cut_into_a_questions_words(store: Store, now: datetime, text: str) -> None:
    """Parts of identifiers, numbers in one piece; words that carry nothing are not wanted."""
    record(store, now, "GradScaler skipped every step at lr=3e-4.")
    record(store, now, "The loader dropped rows at lr=3e-3.")
    found = store.failures.search(text, viewer=viewer(), limit=9)
    assert [one.number for one in found] == [1]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(max_size=60) | st.sampled_from(['"', "a AND", "NEAR(", "*", "col:x", "^a", "\0"])
)
def test_no_text_is_a_syntax_error(store: Store, text: str) -> None:
    """Whatever is typed into a search is looked for, never interpreted."""
    assert store.failures.search(text, viewer=viewer(), limit=3) == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(min_size=1, max_size=80))
def test_any_text_can_be_kept(store: Store, now: datetime, text: str) -> None:
    """Hostile Unicode, NUL and lone surrogates are kept, as far as UTF-8 can hold them."""
    recorded, _ = record(store, now, text)
    kept = store.failures.get(recorded.number, viewer=viewer()).happened
    assert kept == text.encode("utf-8", "replace").decode().replace("\0", "")


def test_private_channels_are_those_with_entries(store: Store, now: datetime) -> None:
    """Only channels whose membership matters are named."""
    for place in (public(), private("G2"), private("G1"), direct()):
        record(store, now, place=place)
    assert store.failures.private_channels("T1") == ["G1", "G2"]
    assert store.failures.private_channels("T2") == []


def test_a_card_is_remembered(store: Store, now: datetime) -> None:
    """The message that shows a failure can be found again, and is no new version."""
    record(store, now)
    store.failures.set_card(1, team_id="T1", message_ts="1700000000.000100")
    failure = store.failures.get(1, viewer=viewer())
    assert (failure.card_ts, failure.version) == ("1700000000.000100", 1)


def test_an_empty_workspace_adopts_local_entries(store: Store, now: datetime) -> None:
    """What was logged before Slack was connected belongs to the workspace that connects."""
    for happened in ("First.", "Second."):
        record(store, now, happened, place=public(team_id="local"))
    assert store.failures.adopt("T1", source_team_id="local") == 2
    assert store.failures.get(2, viewer=viewer()).happened == "Second."
    assert [one.number for one in store.failures.versions(1, viewer=viewer())] == [1]
    assert store.failures.count(viewer=viewer(team_id="local")) == 0
    assert record(store, now)[0].number == 3
    assert store.failures.teams() == ["T1"]


def test_a_workspace_with_entries_adopts_nothing(store: Store, now: datetime) -> None:
    """Numbers that people know are never changed."""
    record(store, now, place=public(team_id="local"))
    record(store, now)
    assert store.failures.adopt("T1", source_team_id="local") == 0
    assert store.failures.count(viewer=viewer()) == 1


def test_a_backup_holds_everything(store: Store, now: datetime, tmp_path: Path) -> None:
    """The copy opens as a store of its own; an existing file is never written over."""
    record(store, now, "First.")
    copy = tmp_path / "copies" / "failbot.db"
    store.back_up(copy)
    record(store, now, "Second.")
    restored = type(store)(copy)
    assert [one.happened for one in restored.failures.newest(viewer=viewer(), limit=9)] == [
        "First."
    ]
    assert record(restored, now, "Other.")[0].number == 2
    restored.close()
    with pytest.raises(StoreError, match="there already"):
        store.back_up(copy)


def test_a_backup_that_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """Neither half a copy nor an empty file, which would be taken for one."""
    (tmp_path / "a file").write_text("")
    with pytest.raises(StoreError):
        store.back_up(tmp_path / "a file" / "copy.db")
    store.close()
    with pytest.raises(StoreError):
        store.back_up(tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_what_is_no_store_is_refused(store: Store, tmp_path: Path) -> None:
    """A file of something else is neither opened nor changed."""
    path = tmp_path / "notes.txt"
    path.write_text("this is a text file, neither a database nor a copy of one")
    with pytest.raises(StoreError):
        type(store)(path)
    assert path.read_text().startswith("this is a text file")


def test_migrations_are_those_of_this_opening_once(store: Store, tmp_path: Path) -> None:
    """A new store has applied all of them itself; who opens a copy of it, none."""
    applied = store.migrations()
    assert applied
    assert all(is_new for _, is_new in applied)
    store.back_up(tmp_path / "copy.db")
    again = type(store)(tmp_path / "copy.db")
    assert again.migrations() == [(name, False) for name, _ in applied]
    again.check()
    again.close()


def test_a_closed_store_says_so(store: Store, now: datetime) -> None:
    """Every part refuses in words; closing again is nothing."""
    store.check()
    store.close()
    store.close()
    for call in (
        store.check,
        store.migrations,
        store.failures.teams,
        store.embeddings.active,
        store.digests.schedules,
        store.inbox.waiting,
        lambda: store.shown.stale(limit=1),
        lambda: store.calibrations.current("T1", model="m"),
        lambda: store.search.corpus("T1"),
        lambda: store.questions.get(1, team_id="T1"),
        lambda: record(store, now),
    ):
        with pytest.raises(StoreError):
            call()


def test_a_deleted_failures_source_may_come_again(store: Store, now: datetime) -> None:
    """What is gone holds neither a form nor an external id."""
    record(store, now, source="view:V1", external_id="run-7")
    store.failures.delete(1, viewer=viewer())
    again, is_new = record(store, now, source="view:V1", external_id="run-7")
    assert (again.number, is_new) == (2, True)


def test_a_source_tells_before_an_external_id(store: Store, now: datetime) -> None:
    """The same form is the same failure, whatever was typed into it."""
    record(store, now, external_id="run-7")
    record(store, now, source="view:V1")
    assert record(store, now, source="view:V1", external_id="run-7")[0].number == 2


def test_an_external_id_is_one_failures(store: Store, now: datetime) -> None:
    """It cannot be taken over by a revision, which then has changed nothing."""
    record(store, now, external_id="run-7")
    other, _ = record(store, now, external_id="run-8")
    with pytest.raises(StoreError):
        store.failures.revise(
            2, draft("Other.", external_id="run-7"), viewer=viewer(), by=ANA, now=now
        )
    assert store.failures.get(2, viewer=viewer()) == other
    assert len(store.failures.versions(2, viewer=viewer())) == 1
    revised = draft("Other.", external_id="run-8")
    assert store.failures.revise(2, revised, viewer=viewer(), by=ANA, now=now).version == 2


def test_the_best_of_a_search_come_first(store: Store, now: datetime) -> None:
    """More often, then in fewer words, then by number; hidden ones take no place."""
    long = "The loader dropped rows, and nobody knew why, for weeks and weeks on end."
    record(store, now, f"{long} {long}", place=private())
    record(store, now, long)
    record(store, now, "The loader dropped rows.")
    record(store, now, "The loader dropped rows.")
    record(store, now, "The loader of the loader dropped a loader.")
    found = store.failures.search("loader", viewer=viewer(), limit=3)
    assert [one.number for one in found] == [5, 3, 4]


def test_of_one_moment_the_highest_number_is_newest(store: Store, now: datetime) -> None:
    """An import records many at once."""
    drafts = [draft(), draft(), draft()]
    store.failures.record_many(drafts, place=public(), author_id=ANA, now=now)
    newest = store.failures.newest(viewer=viewer(), limit=2)
    assert [one.number for one in newest] == [3, 2]


def test_a_card_of_another_workspace_is_left_alone(store: Store, now: datetime) -> None:
    """The same number elsewhere is another failure; one that is gone gets none."""
    record(store, now)
    record(store, now, place=public(team_id="T2"))
    store.failures.set_card(1, team_id="T2", message_ts="17.1")
    store.failures.set_card(9, team_id="T2", message_ts="17.2")
    assert store.failures.get(1, viewer=viewer()).card_ts == ""
    assert store.failures.get(1, viewer=viewer(BEN, team_id="T2")).card_ts == "17.1"


def test_what_hangs_on_entries_is_adopted_with_them(store: Store, now: datetime) -> None:
    """Questions, feedback and vectors; numbers run on, whatever was deleted meanwhile."""
    place = public(team_id="local")
    record(store, now, place=place)
    record(store, now, place=place)
    question = store.questions.keep(
        "Seen?", place=place, user_id=BEN, message_ts="", verdict=Verdict.KNOWN, shown=[1], now=now
    )
    word = Feedback(question_id=question.id, number=1, user_id=BEN, helped=True, at=now)
    store.questions.give_feedback(word, team_id="local")
    store.embeddings.activate(ActiveModel(name="toy", setting="toy"))
    missing = store.embeddings.missing("toy", limit=1)
    store.embeddings.put("toy", [(missing[0], embedding(1, 0))])
    record(store, now, place=public(team_id="T2"))
    store.failures.delete(1, viewer=viewer(BEN, team_id="T2"))
    assert store.failures.adopt("T2", source_team_id="local") == 2
    who, later = viewer(BEN, team_id="T2"), now + timedelta(seconds=1)
    assert [one.text for one in store.questions.asked(viewer=who, since=now, before=later)] == [
        "Seen?"
    ]
    assert store.questions.feedback(viewer=who, since=now, before=later) == [word]
    assert store.embeddings.progress("toy") == (1, 2)
    assert store.search.corpus("T2").size == 2
    assert store.search.corpus("local").size == 0
    assert record(store, now, place=public(team_id="T2"))[0].number == 3
    assert store.failures.adopt("T3", source_team_id="local") == 0


def test_questions_of_one_message_are_not_adopted_onto_one_another(
    store: Store, now: datetime
) -> None:
    """Refused, with nothing moved: which of the two was answered cannot be told."""
    for team_id in ("local", "T1"):
        asked = {"user_id": BEN, "verdict": Verdict.KNOWN, "shown": [1], "now": now}
        store.questions.keep("Seen?", place=public(team_id=team_id), message_ts="17.1", **asked)
    record(store, now, place=public(team_id="local"))
    with pytest.raises(StoreError):
        store.failures.adopt("T1", source_team_id="local")
    assert store.failures.count(viewer=viewer()) == 0
    assert store.failures.get(1, viewer=viewer(team_id="local")).number == 1
    assert record(store, now)[0].number == 1
