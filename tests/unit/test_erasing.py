"""The service erases for whoever may, and a thread of its own sees to the files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from failbot.errors import NotAllowedError, NotFoundError, StoreError
from failbot.memory import erasing
from failbot.memory.erasing import Eraser
from failbot.memory.service import Service
from failbot.models import Feedback, Verdict
from failbot.store.erasing import Pruned
from failbot.store.tombstones import Tombstone, of_person
from failbot.threads import Stop
from tests.fakes import NoEncoder
from tests.make import ANA, BEN, TEAM, draft, private, public, viewer
from tests.memory_store import MemoryStore
from tests.memory_store.erasing import MemoryErasures

OPERATOR = viewer(is_operator=True)
SECRET = "ghp_" + "a1B2" * 9


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def service(store: MemoryStore) -> Service:
    return Service(store, NoEncoder())


def log(service: Service, now: datetime, happened: str = "It broke.", **more: object) -> int:
    facts = {"place": public(), "author_id": ANA, "now": now} | more
    return service.record(draft(happened), **facts).failure.number  # type: ignore[arg-type]


def left(service: Service) -> list[int]:
    return sorted(one.number for one in service.newest(viewer=OPERATOR, limit=99))


def test_only_they_or_an_admin_may_forget_a_person(service: Service, now: datetime) -> None:
    """Nobody else may even look; what others may not see goes as well."""
    log(service, now)
    log(service, now, place=private())
    stranger = {"viewer": viewer(BEN), "is_admin": False}
    with pytest.raises(NotAllowedError, match="Only this person or a workspace admin"):
        service.what_to_forget(ANA, **stranger)
    with pytest.raises(NotAllowedError):
        service.forget(ANA, **stranger, now=now)
    assert left(service) == [1, 2]
    for who, is_admin in ((viewer(ANA), False), (viewer(BEN), True), (OPERATOR, False)):
        assert service.what_to_forget(ANA, viewer=who, is_admin=is_admin).entries == (1, 2)
    done = service.forget(ANA, viewer=viewer(ANA), is_admin=False, now=now)
    assert [one.number for one in done.deleted] == [1, 2]
    assert left(service) == []


def test_a_nameless_entry_is_nobody_s(service: Service, now: datetime) -> None:
    """Neither whoever has no id may change it, nor is nobody thanked for it."""
    log(service, now)
    service.forget(ANA, viewer=viewer(ANA), is_admin=False, now=now, keeps_entries=True)
    with pytest.raises(NotAllowedError):
        service.editable(1, viewer=viewer(""), is_admin=False)
    assert service.editable(1, viewer=viewer(BEN), is_admin=True).author_id == ""
    answer = service.ask("It broke.", viewer=viewer(BEN), patience_s=0)
    asked = {"place": public(), "user_id": BEN, "message_ts": "", "now": now}
    question = service.keep_question("It broke?", answer, **asked)
    word = Feedback(question_id=question.id, number=1, user_id=BEN, helped=True, at=now)
    service.give_feedback(word, viewer=viewer(BEN))
    digest = service.digest(audience=viewer(BEN), now=now + timedelta(hours=1))
    assert digest.thanks == ()


def test_an_import_is_undone_once(service: Service, now: datetime) -> None:
    """What it brought, and no more; its file's name is kept without secrets."""
    log(service, now)
    facts = {"place": public(), "author_id": ANA, "now": now}
    imported = service.record_many([draft("a"), draft("b")], **facts, name=f"{SECRET}.csv")
    assert [one.failure.number for one in imported.recorded] == [2, 3]
    [known] = service.erasing.imports(TEAM)
    assert (known.id, known.name) == (imported.id, "[redacted: github token].csv")
    assert [one.number for one in service.erasing.undo_import(known.id, viewer=OPERATOR)] == [2, 3]
    assert left(service) == [1]
    with pytest.raises(NotFoundError, match="Nothing is left of an import"):
        service.erasing.undo_import(known.id, viewer=OPERATOR)


def test_nothing_is_too_old_where_all_is_kept(
    service: Service, store: MemoryStore, now: datetime
) -> None:
    """0 days keep questions for ever; a day is a day."""
    asked = {"place": public(), "user_id": BEN, "message_ts": "", "now": now}
    store.questions.keep("Why?", verdict=Verdict.UNKNOWN, shown=[], **asked)
    later = now + timedelta(days=1, seconds=1)
    assert service.erasing.prune(days=0, now=later) == Pruned(questions=0, waiting=0)
    assert service.erasing.prune(days=2, now=later) == Pruned(questions=0, waiting=0)
    assert service.erasing.prune(days=1, now=later) == Pruned(questions=1, waiting=0)


def test_tombstones_are_heeded_by_name_and_by_number(
    service: Service, store: MemoryStore, now: datetime
) -> None:
    """Also where entries were logged before their workspace was known; not in another one."""
    log(service, now)
    log(service, now, author_id=BEN, place=public(team_id="local"))
    moment = now + timedelta(microseconds=1)
    service.record(draft(), place=public(team_id="T9"), author_id=BEN, now=moment)
    stones = [
        Tombstone(team_id=TEAM, number=1, at=now),
        of_person(BEN, team_id=TEAM, at=now, keeps_entries=False),
    ]
    assert service.erasing.heed(stones) == 2
    for team_id, count in ((TEAM, 0), ("local", 0), ("T9", 1)):
        assert service.count(viewer=viewer(team_id=team_id, is_operator=True)) == count
    assert {one.person for one in store.erasures.tombstones()} >= {stones[1].person}


def test_one_salt_serves_all(service: Service, store: MemoryStore, now: datetime) -> None:
    """So that a restore hashes each person once; another database has another."""
    for who in (ANA, BEN):
        service.forget(who, viewer=OPERATOR, is_admin=False, now=now)
    salts = {one.salt for one in store.erasures.tombstones()}
    assert len(salts) == 1
    other = Service(MemoryStore(), NoEncoder())
    other.forget(ANA, viewer=OPERATOR, is_admin=False, now=now)
    assert salts != {one.salt for one in other._store.erasures.tombstones()}


class Files(MemoryErasures):
    """What there is to scrub, and what becomes of each try."""

    def __init__(self, store: MemoryStore, outcome: Callable[[int], bool]) -> None:
        super().__init__(store._heap, store.failures)
        self.tries = 0
        self._outcome = outcome
        self.enough = threading.Event()

    def scrub(self) -> bool:
        self.tries += 1
        if self.tries > 3:
            self.enough.set()
        return self._outcome(self.tries)


def run(store: MemoryStore, files: Files) -> None:
    """The thread, until it has tried four times."""
    store.erasures = files
    eraser = Eraser(store)
    worker = eraser.background(Stop()).start()
    assert files.enough.wait(10)
    assert worker.close()


def test_a_reader_is_waited_for_and_named_in_the_log(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It tries again and again, and says so when that goes on for too long."""
    monkeypatch.setattr(erasing, "RETRY_S", 0.001)
    monkeypatch.setattr(erasing, "TOLD_AFTER_S", 0.0)
    with caplog.at_level(logging.WARNING, "failbot"):
        run(store, Files(store, lambda _: False))
    assert "another program has been reading" in caplog.text


def test_what_fails_is_said_and_tried_again(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk, say, ends neither the thread nor the bot."""
    monkeypatch.setattr(erasing, "SWEEP_S", 0.001)

    def fails(tries: int) -> bool:
        raise StoreError(f"no room {tries}")

    with caplog.at_level(logging.WARNING, "failbot"):
        run(store, Files(store, fails))
    assert "no room 1" in caplog.text


def test_patience_has_an_end(store: MemoryStore) -> None:
    """A command waits as long as it is told, and says whether that was enough."""
    store.erasures = Files(store, lambda tries: tries > 2)
    assert Eraser(store).scrub(patience_s=5)
    store.erasures = Files(store, lambda _: False)
    assert not Eraser(store).scrub(patience_s=0.2)
