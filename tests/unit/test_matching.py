"""From a question to its answer, with a model that is late, missing, another, or switched."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

import pytest

from failbot.encoder.base import Encoder, Kind
from failbot.errors import DraftError, InputError, ModelError, ModelMismatchError, NotAllowedError
from failbot.memory.service import Service
from failbot.models import Verdict
from failbot.search.values import Encoding
from failbot.store.base import Store
from tests.fakes import WordEncoder
from tests.make import ANA, BEN, direct, draft, private, public, viewer


class Source:
    """An encoder that is there at once, or never."""

    def __init__(self, encoder: Encoder | None, setting: str = "first") -> None:
        self.encoder = encoder
        self.setting = setting
        self.others: dict[str, Encoder] = {}

    def wait(self, timeout_s: float | None) -> Encoder | None:
        return self.encoder

    def switch(self, setting: str) -> None:
        self.setting, self.encoder = setting, self.others[setting]


@pytest.fixture
def source() -> Source:
    return Source(WordEncoder("first"))


@pytest.fixture
def service(store: Store, source: Source) -> Service:
    return Service(store, source)


def record(service: Service, now: datetime, happened: str, **more: object) -> None:
    place = more.pop("place", public())
    service.record(draft(happened, **more), place=place, author_id=ANA, now=now)


NAN = "The loss became NaN at step 900 with fp16 gradients."
OTHER = "Annotators disagreed about sarcasm labels in tweets."


def filled(service: Service, now: datetime) -> Service:
    for happened in (NAN, OTHER):
        record(service, now, happened)
    service.embed_missing()
    return service


def test_the_like_failure_is_first(service: Service, now: datetime) -> None:
    """A question in nearly the same words is answered with its failure, and a quote of it."""
    answer = filled(service, now).ask("loss became NaN step fp16 gradients", viewer=viewer())
    assert answer.hits[0].failure.number == 1
    assert answer.hits[0].sentence == NAN
    assert answer.verdict is not Verdict.UNKNOWN
    assert not answer.by_words_only
    assert 0 <= answer.confidence <= 1


def test_what_was_recorded_a_moment_ago_is_known(service: Service, now: datetime) -> None:
    """A question does not depend on whether the background has embedded the entry yet."""
    record(service, now, OTHER)
    record(service, now, NAN)
    answer = service.ask("loss became NaN step fp16 gradients", viewer=viewer())
    assert answer.hits[0].failure.number == 2
    assert answer.hits[0].signals["dense"] > 0, "compared by its vectors, not by words alone"


def test_without_a_model_words_answer(store: Store, now: datetime) -> None:
    """A question that comes before the model is ready is answered by words, and says so."""
    service = Service(store, Source(None))
    record(service, now, NAN)
    answer = service.ask("loss became NaN step fp16 gradients", viewer=viewer())
    assert answer.by_words_only
    assert answer.hits[0].failure.number == 1


def test_an_empty_memory_knows_nothing(service: Service) -> None:
    """Nobody has recorded this, and there is no weak match either."""
    answer = service.ask("loss became NaN", viewer=viewer())
    assert (answer.verdict, answer.hits, answer.weak()) == (Verdict.UNKNOWN, (), None)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 40_001])
def test_what_cannot_be_asked_is_refused(service: Service, text: str) -> None:
    """No text, or more than fits."""
    with pytest.raises(InputError):
        service.ask(text, viewer=viewer())


def test_a_private_failure_answers_its_members_only(service: Service, now: datetime) -> None:
    """The filter is in the query: an outsider gets the next best, not a gap."""
    record(service, now, NAN, place=private())
    record(service, now, OTHER)
    service.embed_missing()

    def numbers(who: object) -> list[int]:
        answer = service.ask("loss became NaN fp16 gradients", viewer=who)
        return [hit.failure.number for hit in answer.hits]

    assert numbers(viewer(BEN, "G0SECRET"))[0] == 1
    assert 1 not in numbers(viewer(BEN))


def test_similar_leaves_the_failure_itself_out(service: Service, now: datetime) -> None:
    """The hint after logging speaks of others."""
    record(service, now, NAN)
    record(service, now, NAN)
    service.embed_missing()
    second = service.show(2, viewer=viewer())
    assert [hit.failure.number for hit in service.similar(second, viewer=viewer()).shown()] == [1]


def test_a_secret_in_a_question_is_never_stored(service: Service, now: datetime) -> None:
    """What is kept for the digest holds its kind; of an entry's fields, see tests/contract."""
    secret = "AKIA" + "Z7QX" * 4
    text = f"The key {secret} was refused."
    kept = service.keep_question(
        text,
        service.ask(text, viewer=viewer(), patience_s=0),
        place=public(),
        user_id=BEN,
        message_ts="1.1",
        now=now,
    )
    assert kept.text == "The key [redacted: aws key] was refused."


def test_a_bad_draft_names_its_fields(service: Service, now: datetime) -> None:
    """What is wrong is said by field, and nothing is kept."""
    with pytest.raises(DraftError) as raised:
        record(service, now, " ", links=("ftp://x",))
    assert set(raised.value.problems) == {"happened", "links"}
    assert service.count(viewer=viewer()) == 0


def test_only_author_and_admin_may_change(service: Service, now: datetime) -> None:
    """Anyone else is told so; an admin may."""
    record(service, now, NAN)
    with pytest.raises(NotAllowedError):
        service.revise(1, draft(OTHER), viewer=viewer(BEN), is_admin=False, now=now)
    with pytest.raises(NotAllowedError):
        service.delete(1, viewer=viewer(BEN), is_admin=False)
    service.revise(1, draft(OTHER), viewer=viewer(ANA), is_admin=False, now=now)
    service.delete(1, viewer=viewer(BEN), is_admin=True)
    assert service.count(viewer=viewer()) == 0


def test_another_models_vectors_are_not_compared(
    store: Store, service: Service, now: datetime
) -> None:
    """Words answer, the answer says so, and the fault names the command that mends it."""
    filled(service, now)
    later = Service(store, Source(WordEncoder("second"), "second"))
    answer = later.ask("loss became NaN step fp16 gradients", viewer=viewer())
    assert answer.hits[0].failure.number == 1
    assert (answer.by_words_only, answer.lacks_model) == (True, True)
    assert "failbot reindex" in later.model_fault
    with pytest.raises(ModelMismatchError, match="failbot reindex"):
        later.embed_missing()


@pytest.mark.parametrize("text", ["loss became NaN step fp16 gradients", "pineapples"])
def test_a_model_that_cannot_be_used_is_said_without_its_path(
    store: Store, now: datetime, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks is answered by words and told so; the log has the path, once."""
    source = Source(None)
    service = Service(store, source)
    record(service, now, NAN)

    def refuse(timeout_s: float | None) -> Encoder | None:
        raise ModelError("There is no folder /srv/models/x")

    source.wait = refuse  # type: ignore[method-assign]
    answers = [service.ask(text, viewer=viewer()) for _ in range(3)]
    assert all(one.lacks_model and "words" in one.caveat for one in answers)
    assert "/srv" not in str(answers)
    assert len([one for one in caplog.records if "/srv/models/x" in one.getMessage()]) == 1
    assert "/srv/models/x" in service.model_fault


def test_reindex_switches_over_and_a_serving_process_follows(
    store: Store, service: Service, source: Source, now: datetime
) -> None:
    """One that served with the old model goes on with the new one, without a restart."""
    filled(service, now)
    question = "loss became NaN step fp16 gradients"
    service.ask(question, viewer=viewer())
    second = WordEncoder("second")
    source.others["second"] = second
    seen: list[tuple[int, int]] = []
    other = Service(store, Source(second, "second"))
    assert other.reindex(lambda done, total: seen.append((done, total))) == 2
    assert seen[-1] == (2, 2)
    answer = service.ask(question, viewer=viewer())
    assert source.setting == "second"
    assert answer.hits[0].failure.number == 1
    assert other.reindex() == 0, "a second reindex has nothing left to do"


def test_a_thread_that_waited_meanwhile_follows_too(
    store: Store, service: Service, source: Source, now: datetime
) -> None:
    """Another thread switched while this one held the old model: no mismatch is claimed."""
    filled(service, now)
    second = WordEncoder("second")
    Service(store, Source(second, "second")).reindex()
    source.others["second"] = second
    old, asked = source.encoder, []

    def wait(timeout_s: float | None) -> Encoder | None:
        asked.append(source.setting)
        if len(asked) == 1:
            source.switch("second")  # as another thread would, while this one gets the old model
            return old
        return source.encoder

    source.wait = wait  # type: ignore[method-assign]
    assert service.ask("loss became NaN step fp16 gradients", viewer=viewer()).hits
    assert asked == ["first", "second"]


def test_a_switch_to_a_model_that_changed_is_refused(
    store: Store, service: Service, source: Source, now: datetime
) -> None:
    """What the setting finds now is not what the vectors were made by: it is said, not looped."""
    filled(service, now)
    Service(store, Source(WordEncoder("second"), "second")).reindex()
    source.others["second"] = WordEncoder("third")
    assert service.ask("NaN", viewer=viewer()).lacks_model
    assert "not of third" in service.model_fault


def test_embedding_in_two_threads_does_each_once(service: Service, now: datetime) -> None:
    """The background thread and a command do not embed the same entry twice."""
    for index in range(30):
        record(service, now, f"{NAN} {index}")
    done: list[int] = []
    threads = [
        threading.Thread(target=lambda: done.append(service.embed_missing())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 30


class Counting(WordEncoder):
    """An encoder that counts the entries it was given."""

    def __init__(self) -> None:
        super().__init__("first")
        self.entries = 0

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        self.entries += len(texts) if kind == "document" else 0
        return super().encode(texts, kind=kind)


def test_a_question_embeds_a_few_entries_and_leaves_the_rest(store: Store, now: datetime) -> None:
    """Someone imports: whoever asks does not wait for that, and is told that it goes on."""
    encoder = Counting()
    service = Service(store, Source(encoder))
    imported = [
        draft(f"the run number {at} diverged early", external_id=str(at)) for at in range(64)
    ]
    service.record_many(imported, place=public(), author_id=ANA, now=now)
    record(service, now, NAN)
    answer = service.ask("loss became NaN step fp16 gradients", viewer=viewer())
    assert answer.hits[0].failure.happened == NAN
    assert encoder.entries == 2, "one entry: its text and its title"
    assert answer.is_partial
    assert "ask again" in answer.caveat
    service.embed_missing()
    assert not service.ask("loss became NaN step fp16 gradients", viewer=viewer()).is_partial


def test_a_question_without_patience_embeds_nothing(store: Store, now: datetime) -> None:
    """What time is left is the question's own."""
    encoder = Counting()
    service = Service(store, Source(encoder))
    record(service, now, NAN)
    answer = service.ask("loss became NaN step fp16 gradients", viewer=viewer(), patience_s=0.0)
    assert encoder.entries == 0
    assert answer.is_partial


def test_similar_entries_are_found_by_what_comes_last(service: Service, now: datetime) -> None:
    """A long account of what was tried does not push out what happened."""
    filled(service, now)
    tried = " ".join(f"setting{at}" for at in range(70))
    failure = service.record(
        draft(NAN, tried=tried), place=public(), author_id=ANA, now=now
    ).failure
    similar = service.similar(failure, viewer=viewer())
    assert [hit.failure.number for hit in similar.shown()][:1] == [1]


def test_nobody_means_nobody_whom_the_viewer_sees(service: Service, now: datetime) -> None:
    """It says how many entries were searched: those of the viewer, and no others; a match none."""
    for place in (public(), public(), private(), direct()):
        record(service, now, NAN, place=place)
    service.embed_missing()
    seen = (viewer(BEN), viewer(BEN, "G0SECRET"), viewer(ANA), viewer(team_id="T2"))
    unknown = [service.ask("sarcastic tweets at midnight", viewer=who) for who in seen]
    assert [one.searched for one in unknown] == [2, 3, 3, 0]
    assert [one.scope.split(" that")[0] for one in unknown[1:]] == [
        "All 3 entries",
        "All 3 entries",
        "There is no entry yet",
    ]
    assert service.ask(NAN, viewer=viewer()).scope == ""
