"""What the service hands on at its edges: limits, defaults, whose words, and what may be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import pytest

from failbot.errors import DraftError, InputError, ReaderError, StoppedError
from failbot.memory.embedding import together
from failbot.memory.nulls import LEAST_ENTRIES
from failbot.memory.rescanning import rescan
from failbot.memory.service import Service
from failbot.models import (
    Answer,
    Draft,
    Failure,
    Feedback,
    Place,
    QuestionOrigin,
    Verdict,
    Viewer,
)
from failbot.reader.base import NoReader
from failbot.search.values import Encoding
from failbot.store.base import Failures, Store
from failbot.threads import Stop
from tests.fakes import WordEncoder, WordReader
from tests.make import ANA, BEN, draft, private, public, viewer
from tests.memory_store import MemoryStore
from tests.unit.test_expected import NAN, ODD, ask, confirm, kept, record, texts
from tests.unit.test_matching import Source

AUTHOR, MODEL, ASKER = QuestionOrigin.AUTHOR, QuestionOrigin.MODEL, QuestionOrigin.ASKER
SARCASM = "Annotators of tweets disagreed about sarcasm at midnight."


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store, Source(WordEncoder("first")))


def origins(service: Service, number: int = 1) -> dict[str, QuestionOrigin]:
    return {one.text: one.origin for one in kept(service, number)}


def test_each_of_many_keeps_its_own_questions(service: Service, now: datetime) -> None:
    """Beside its draft, with whose words they are."""
    service.record_many(
        [draft("alpha"), draft("beta")],
        place=public(),
        author_id=ANA,
        now=now,
        questions=[{"is it a": AUTHOR}, {"is it b": MODEL}],
    )
    assert origins(service, 1) == {"is it a": AUTHOR}
    assert origins(service, 2) == {"is it b": MODEL}


def test_questions_that_do_not_fit_their_drafts_are_refused(
    service: Service, now: datetime
) -> None:
    """Rather than that a draft is lost for want of a list."""
    with pytest.raises(ValueError, match="shorter"):
        service.record_many(
            [draft("alpha"), draft("beta")],
            place=public(),
            author_id=ANA,
            now=now,
            questions=[{"is it a": AUTHOR}],
        )
    assert service.count(viewer=viewer()) == 0


def test_what_an_edit_adds_is_the_authors(service: Service, now: datetime) -> None:
    """What was there keeps its origin."""
    record(service, now)
    service.keep_expected(1, ["a model's"], MODEL, by="m", viewer=viewer(ANA), now=now)
    lines = ["a model's", "my own"]
    service.revise(1, draft(NAN), viewer=viewer(ANA), is_admin=False, now=now, questions=lines)
    assert origins(service) == {"a model's": MODEL, "my own": AUTHOR}


def test_a_model_takes_the_place_of_its_own_words_only(service: Service, now: datetime) -> None:
    """What an asker adds stands beside what a model wrote."""
    record(service, now, NAN, "the author's")

    def keep(text: str, origin: QuestionOrigin) -> None:
        service.keep_expected(1, [text], origin, by="m", viewer=viewer(ANA), now=now)

    keep("first try", MODEL)
    keep("an asker's", ASKER)
    assert origins(service) == {"the author's": AUTHOR, "an asker's": ASKER, "first try": MODEL}
    keep("second try", MODEL)
    assert origins(service) == {"the author's": AUTHOR, "an asker's": ASKER, "second try": MODEL}


def test_a_question_has_forty_thousand_characters_at_most(service: Service) -> None:
    """One more is refused, with both figures."""
    assert service.ask("x" * 40_000, viewer=viewer()).verdict is Verdict.UNKNOWN
    with pytest.raises(InputError, match=r"40,001 characters; at most 40,000"):
        service.ask("x" * 40_001, viewer=viewer())
    with pytest.raises(InputError, match=r"^Say what you see: one sentence"):
        service.ask(" \n", viewer=viewer())


class Elsewhere(NoReader):
    """A reader elsewhere: it is given nothing private."""

    name = "elsewhere"

    def draft_from(self, text: str, *, is_private: bool = True) -> Draft:
        if is_private:
            raise ReaderError("it is private")
        return Draft(tried=text, happened="")


def test_a_thread_is_private_unless_it_is_said_not_to_be(store: Store) -> None:
    """A caller that forgets it sends nothing away."""
    service = Service(store, Source(WordEncoder("first")), reader=Elsewhere())
    with pytest.raises(ReaderError):
        service.draft_from("we tried")
    with pytest.raises(ReaderError):
        service.draft_from("we tried", is_private=True)
    assert service.draft_from("we tried", is_private=False).tried == "we tried"


def test_an_answer_without_a_model_is_kept_under_no_name(
    service: Service, store: Store, now: datetime
) -> None:
    """And counts for no model's level of strangers."""
    bare = Answer(verdict=Verdict.UNKNOWN, hits=(), confidence=0.0, runner_up=-1.0)
    service.keep_question(ODD, bare, place=public(), user_id=BEN, message_ts="", now=now)
    assert store.questions.runner_ups("T1", model="", limit=9) == [-1.0]
    assert store.questions.runner_ups("T1", model="first", limit=9) == []


def test_a_confirmed_question_joins_in_the_place_that_sees_it(
    service: Service, now: datetime
) -> None:
    """An entry of a private channel grows by what is asked and confirmed there."""
    place: Place = private()
    for happened in (NAN, SARCASM):
        record(service, now, happened, place=place)
    service.embed_missing()
    confirm(service, ODD, now, place=place)
    assert texts(kept(service)) == [ODD]


def test_two_words_are_enough_to_grow_by(service: Service, now: datetime) -> None:
    """With one anything matches."""
    for happened in (NAN, SARCASM):
        record(service, now, happened)
    service.embed_missing()
    confirm(service, "garbage midnight", now, place=public())
    assert texts(kept(service)) == ["garbage midnight"]


class Patient(Source):
    """A model that is there at once, and remembers how long it was waited for."""

    def __init__(self) -> None:
        super().__init__(WordEncoder("first"))
        self.waited: list[float | None] = []

    def wait(self, timeout_s: float | None) -> WordEncoder | None:
        self.waited.append(timeout_s)
        return super().wait(timeout_s)


def test_nobody_waits_when_a_button_is_pressed(store: Store, now: datetime) -> None:
    """Whether a confirmed question helps is found with what is there."""
    source = Patient()
    service = Service(store, source)
    for happened in (NAN, SARCASM):
        record(service, now, happened)
    service.embed_missing()
    answer = ask(service, ODD)
    made = service.keep_question(ODD, answer, place=public(), user_id=BEN, message_ts="", now=now)
    source.waited.clear()
    said = Feedback(question_id=made.id, number=1, user_id=BEN, helped=True, at=now)
    service.give_feedback(said, viewer=viewer(BEN))
    assert source.waited == [0]


def test_strangers_are_measured_without_the_language_model(store: Store, now: datetime) -> None:
    """A hundred questions that nobody asked are nothing to pay for, or to send away."""
    reader, source = WordReader(same="NaN"), Patient()
    service = Service(store, source, reader=reader)
    for at in range(LEAST_ENTRIES):
        record(service, now, f"{NAN} run {at}")
    service.embed_missing()
    source.waited.clear()
    service.measure_nulls()
    assert reader.handed == []
    assert set(source.waited[1:]) == {0.0}
    assert store.calibrations.null("T1", model="first") is not None


def test_a_move_ends_with_its_process(store: Store, now: datetime) -> None:
    """The memory stays with the model that it has."""
    stop = Stop()
    service = Service(store, Source(WordEncoder("first")), stop=stop)
    record(service, now)
    service.embed_missing()
    stop.set()
    with pytest.raises(StoppedError):
        service.move_to(Source(WordEncoder("second"), "second"))
    active = store.embeddings.active()
    assert active is not None
    assert active.name == "first"


def test_merged_ids_are_refused_under_the_fields_name(service: Service, now: datetime) -> None:
    """Whoever shows the refusal knows which field it is of."""
    secret = "AKIA" + "Z7QX" * 4
    drafts = [draft("a", external_id=secret), draft("b", external_id=secret[:-1] + "Q")]
    with pytest.raises(DraftError) as caught:
        service.record_many(drafts, place=public(), author_id=ANA, now=now)
    assert list(caught.value.problems) == ["external_id"]


def test_progress_counts_all_that_is_embedded(service: Service, now: datetime) -> None:
    """After each batch, out of all; a reindex, too, and it says how many it embedded."""
    told: list[tuple[int, int]] = []
    for at in range(70):
        record(service, now, f"entry {at}")

    def progress(done: int, total: int) -> None:
        told.append((done, total))

    assert service.embed_missing(progress) == 70
    assert told == [(64, 70), (70, 70)]
    told.clear()
    assert service.reindex(progress) == 0
    assert told == []


class Busy:
    """A model at whose switch, when its setting is written down, something happens."""

    def __init__(self) -> None:
        self.at_switch: Callable[[], object] = lambda: None

    @property
    def setting(self) -> str:
        self.at_switch()
        return "second"

    def wait(self, timeout_s: float | None) -> WordEncoder:
        return WordEncoder("second")

    def switch(self, setting: str) -> None:
        """There is but one."""


def test_a_reindex_embeds_what_is_written_meanwhile(store: Store, now: datetime) -> None:
    """It counts that, and tells its progress."""
    source, told = Busy(), []
    service = Service(store, source)
    record(service, now, "before")
    source.at_switch = lambda: record(service, now, "meanwhile")
    assert service.reindex(lambda *counts: told.append(counts)) == 2
    assert told == [(1, 1), (2, 2)]


def test_questions_are_stored_in_half_precision() -> None:
    """Half the memory; their tokens are bytes, their lengths whole numbers of 32 bits."""
    made: Sequence[Encoding] = WordEncoder().encode(["is it the scaler", "NaN"], kind="query")
    stored = together(made)
    assert (stored.vectors.dtype, stored.tokens.dtype) == (np.float16, np.int8)
    assert (stored.token_ids.dtype, stored.lengths.dtype) == (np.int32, np.int32)
    assert stored.lengths.tolist() == [4, 1]


def test_a_rescan_says_which_questions(service: Service, store: Store, now: datetime) -> None:
    """By their ids, so that they can be looked up."""
    for text in ("nothing", "AKIA" + "Z7QX" * 4):
        store.questions.keep(
            text,
            place=public(),
            user_id=BEN,
            message_ts="",
            verdict=Verdict.UNKNOWN,
            shown=[],
            now=now,
        )
    everything = Viewer(team_id="T1", is_operator=True)
    assert service.rescan(viewer=everything, dry_run=True).questions == [2]


class Vanishing:
    """Failures of which one is deleted by somebody else as soon as they are listed."""

    def __init__(self, failures: Failures) -> None:
        self._failures = failures

    def __getattr__(self, name: str) -> object:
        return getattr(self._failures, name)

    def newest(self, *, viewer: Viewer, limit: int) -> list[Failure]:
        found = self._failures.newest(viewer=viewer, limit=limit)
        self._failures.delete(1, viewer=viewer)
        return found


def test_a_rescan_passes_over_what_was_deleted_meanwhile(now: datetime) -> None:
    """And goes on with the rest."""
    store = MemoryStore()
    for _ in range(2):
        leaky = draft("The key " + "AKIA" + "Z7QX" * 4 + " was refused.")
        store.failures.record(leaky, place=public(), author_id=ANA, now=now)
    store.failures = Vanishing(store.failures)
    everything = Viewer(team_id="T1", is_operator=True)
    assert list(rescan(store, viewer=everything, dry_run=False).failures) == [2]
