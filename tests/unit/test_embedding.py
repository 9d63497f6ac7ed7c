"""What is written gets its vectors in the background, and whoever listens hears of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

import pytest

from failbot.encoder.base import Kind
from failbot.errors import StoppedError
from failbot.memory import embedding
from failbot.memory.embedding import PART
from failbot.memory.service import Service
from failbot.search.values import Encoding
from failbot.store.base import Store
from failbot.threads import Stop
from tests.fakes import WordEncoder
from tests.make import ANA, draft, public, viewer
from tests.unit.test_matching import Source


class Listener:
    """Keeps what it was told, and what could be found just then."""

    def __init__(self, store: Store) -> None:
        self.told: list[tuple[str, list[int]]] = []
        self.found: list[int] = []
        self.heard = threading.Event()
        self._store = store

    def __call__(self, team_id: str, numbers: Sequence[int]) -> None:
        self.told.append((team_id, list(numbers)))
        self.found.append(self._store.embeddings.progress("first")[0])
        self.heard.set()


@pytest.fixture
def listener(store: Store) -> Listener:
    return Listener(store)


@pytest.fixture
def service(store: Store, listener: Listener) -> Service:
    service = Service(store, Source(WordEncoder("first")))
    service.on_findable(listener)
    return service


def record(service: Service, now: datetime, *said: str, team_id: str = "T1") -> None:
    drafts = [draft(one) for one in said]
    service.record_many(drafts, place=public(team_id=team_id), author_id=ANA, now=now)


def test_what_became_findable_is_told_once_for_each_workspace(
    service: Service, listener: Listener, now: datetime
) -> None:
    """After its vectors are committed, and not again when nothing is new."""
    record(service, now, "alpha", "beta")
    record(service, now, "gamma", team_id="T2")
    service.embed_missing()
    service.embed_missing()
    assert listener.told == [("T1", [1, 2]), ("T2", [1])]
    assert listener.found == [3, 3]


def test_a_revised_entry_is_told_again(service: Service, listener: Listener, now: datetime) -> None:
    """Its new version is found by other words."""
    record(service, now, "alpha", "beta")
    service.embed_missing()
    service.revise(2, draft("delta"), viewer=viewer(ANA), is_admin=False, now=now)
    service.embed_missing()
    assert listener.told[1:] == [("T1", [2])]


def test_what_changed_while_it_was_embedded_is_told_when_it_is_current(
    store: Store, listener: Listener, now: datetime
) -> None:
    """Vectors of an old version are not kept, and so not told."""

    class Late(WordEncoder):
        def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
            if store.failures.get(1, viewer=viewer()).version == 1:
                store.failures.revise(1, draft("beta"), viewer=viewer(), by=ANA, now=now)
            return super().encode(texts, kind=kind)

    service = Service(store, Source(Late("first")))
    service.on_findable(listener)
    record(service, now, "alpha")
    service.embed_missing()
    assert listener.told == [("T1", [1])]
    assert listener.found == [1]


def test_reindexing_tells_nothing_that_was_found_before(
    service: Service, store: Store, listener: Listener, now: datetime
) -> None:
    """Another model's vectors are no news."""
    record(service, now, "alpha", "beta")
    service.embed_missing()
    other = Service(store, Source(WordEncoder("second"), "second"))
    other.on_findable(listener)
    other.reindex()
    assert listener.told == [("T1", [1, 2])]


def test_a_listener_that_breaks_ends_nothing(
    service: Service, listener: Listener, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """The entry is embedded, the others are told, and the log says it."""
    heard: list[str] = []

    def broken(team_id: str, numbers: Sequence[int]) -> None:
        raise ValueError(team_id)

    service.on_findable(broken)
    service.on_findable(lambda team_id, numbers: heard.append(team_id))
    record(service, now, "alpha")
    assert service.embed_missing() == 1
    assert (listener.told, heard) == ([("T1", [1])], ["T1"])
    assert "1 findable entries of T1 are not told" in caplog.text


def test_what_is_written_wakes_the_background(
    service: Service, listener: Listener, now: datetime
) -> None:
    """It does not wait for the next sweep; and it ends when it is told to."""
    stop = Stop()
    worker = service.background(stop).start()
    for count in (1, 2):
        record(service, now, f"entry {count}")
        assert listener.heard.wait(10)
        listener.heard.clear()
    assert worker.close()
    assert listener.told == [("T1", [1]), ("T1", [2])]


def test_what_another_process_writes_is_embedded_at_the_next_sweep(
    store: Store,
    service: Service,
    listener: Listener,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing wakes the background for it."""
    monkeypatch.setattr(embedding, "SWEEP_S", 0.05)
    worker = service.background(Stop()).start()
    record(service, now, "by this process")
    assert listener.heard.wait(10)
    listener.heard.clear()
    record(Service(store, Source(WordEncoder("first"))), now, "by another")
    assert listener.heard.wait(10)
    assert worker.close()
    assert listener.told == [("T1", [1]), ("T1", [2])]


def test_embedding_ends_between_two_parts_of_a_batch(store: Store, now: datetime) -> None:
    """A batch may take longer than the process's end may; what was begun is begun again later."""
    stop, seen = Stop(), []

    class Counting(WordEncoder):
        def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
            seen.extend(texts)
            stop.set()
            return super().encode(texts, kind=kind)

    service = Service(store, Source(Counting("first")), stop=stop)
    record(service, now, *(f"entry {at}" for at in range(3 * PART)))
    with pytest.raises(StoppedError):
        service.embed_missing()
    assert len(seen) == 2 * PART, "texts and titles of one part"
