"""What the service hands on to the store and back, on the store in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from failbot.errors import InputError, NotAllowedError, NotFoundError
from failbot.memory.service import Service
from failbot.models import Failure, Feedback, Question, Verdict, Viewer
from tests.fakes import WordEncoder, WordReader
from tests.make import ANA, BEN, draft, private, public, viewer
from tests.memory_store import MemoryStore

NAN = "The loss became NaN at step 900 with fp16 gradients."
ASKED = "loss became NaN step 900 fp16 gradients"
DAY = timedelta(days=1)
MEMBER = viewer(BEN, "G0SECRET")


class Source:
    """A model that is there at once; it knows how long it was waited for."""

    setting = "words"

    def __init__(self) -> None:
        self.waited: list[float | None] = []

    def wait(self, timeout_s: float | None) -> WordEncoder:
        self.waited.append(timeout_s)
        return WordEncoder()

    def switch(self, setting: str) -> None:
        """There is but one."""


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def service(source: Source) -> Service:
    return Service(MemoryStore(), source)


def log(service: Service, now: datetime, happened: str = NAN, **more: object) -> Failure:
    place, author = more.pop("place", public()), more.pop("author_id", ANA)
    said = draft(happened, **more)
    return service.record(said, place=place, author_id=author, now=now).failure


def asked(service: Service, now: datetime, text: str = ASKED, **more: object) -> Question:
    answer = service.ask(text, viewer=MEMBER)
    facts = {"place": public(), "user_id": BEN, "message_ts": "17.1", "now": now} | more
    return service.keep_question(text, answer, **facts)


def test_entries_are_read_under_their_viewer(service: Service, now: datetime) -> None:
    """Each with its limit, its author, its words; ten where nothing else is asked for."""
    for number in range(11):
        log(service, now + number * DAY, f"{NAN} {number}")
    log(service, now, "The loader dropped rows.", place=private(), author_id=BEN)
    assert len(service.newest(viewer=viewer())) == 10
    assert [one.number for one in service.newest(viewer=viewer(), limit=2)] == [11, 10]
    assert [one.number for one in service.newest(viewer=MEMBER, author_id=BEN)] == [12]
    assert service.newest(viewer=viewer(ANA), author_id=BEN) == []
    assert (service.count(viewer=viewer()), service.count(viewer=MEMBER)) == (11, 12)
    assert service.count(viewer=MEMBER, author_id=BEN) == 1
    assert [one.number for one in service.search("loader", viewer=MEMBER)] == [12]
    assert service.search("loader", viewer=viewer()) == []
    assert len(service.search("fp16", viewer=viewer())) == 10
    assert len(service.search("fp16", viewer=viewer(), limit=3)) == 3


def test_versions_are_read_under_their_viewer(service: Service, now: datetime) -> None:
    """Oldest first; what one does not see has none."""
    log(service, now, place=private())
    service.revise(1, draft("Other."), viewer=viewer(ANA, "G0SECRET"), is_admin=False, now=now)
    versions = service.versions(1, viewer=MEMBER)
    assert [(one.draft.happened, one.changed_by) for one in versions] == [
        (NAN, ANA),
        ("Other.", ANA),
    ]
    with pytest.raises(NotFoundError):
        service.versions(1, viewer=viewer())


def test_who_may_change_it_is_said_to_who_may_not(service: Service, now: datetime) -> None:
    """An admin may, and the operator, whoever wrote it."""
    log(service, now)
    with pytest.raises(NotAllowedError, match="Only the author of F-1 or a workspace admin"):
        service.editable(1, viewer=viewer(BEN), is_admin=False)
    assert service.editable(1, viewer=viewer(BEN), is_admin=True).number == 1
    operator = Viewer(team_id="T1", is_operator=True)
    assert service.editable(1, viewer=operator, is_admin=False).number == 1
    changed = draft("By an admin.")
    revised = service.revise(1, changed, viewer=viewer(BEN), is_admin=True, now=now)
    assert revised.failure.happened == "By an admin."


def test_a_question_is_kept_with_what_it_was_answered(service: Service, now: datetime) -> None:
    """Without its secrets, with its verdict and what was shown; the same message once."""
    log(service, now)
    secret = "AKIA" + "Z7QX" * 4
    kept = asked(service, now, f"{ASKED} {secret}")
    assert secret not in kept.text
    assert (kept.user_id, kept.message_ts, kept.shown) == (BEN, "17.1", (1,))
    assert kept.verdict is service.ask(ASKED, viewer=MEMBER).verdict
    assert asked(service, now).id == kept.id
    assert asked(service, now, message_ts="17.2").id != kept.id


def test_a_word_counts_for_what_its_reader_sees(service: Service, now: datetime) -> None:
    """On a hidden or unknown failure it is refused; else it is kept."""
    log(service, now, place=private())
    question = asked(service, now, place=private())
    word = Feedback(question_id=question.id, number=1, user_id=BEN, helped=False, at=now)
    with pytest.raises(NotFoundError):
        service.give_feedback(word, viewer=viewer())
    service.give_feedback(word, viewer=MEMBER)
    said = service._store.questions.feedback(viewer=MEMBER, since=now, before=now + DAY)
    assert said == [word]


def test_a_digest_is_of_seven_days_and_of_its_audience(service: Service, now: datetime) -> None:
    """Lessons, questions and thanks of the week; a pattern goes back ninety days."""
    for age in (100, 89, 60):
        log(service, now - age * DAY, f"Old {age}.", modes=("infra",))
    log(service, now - DAY, NAN, modes=("infra",))
    log(service, now - DAY, "In private.", place=private())
    log(service, now, "At the very end.")
    asked(service, now - 2 * DAY, message_ts="17.1")
    asked(service, now - 2 * DAY, "sarcasm labels of tweets disagree", message_ts="17.2")
    asked(service, now - 8 * DAY, "something long ago entirely elsewhere", message_ts="17.3")
    digest = service.digest(audience=viewer(""), now=now)
    assert digest.until == now
    assert digest.week == "2026-W10"
    assert [one.number for one in digest.lessons] == [4]
    assert [one.text for one in digest.questions] == ["sarcasm labels of tweets disagree"]
    assert [(one.author_id, one.numbers) for one in digest.thanks] == [(ANA, (4,))]
    assert digest.pattern is not None
    assert sorted(one.number for one in digest.pattern.failures) == [2, 3, 4]
    assert [one.number for one in service.digest(audience=MEMBER, now=now).lessons] == [4, 5]
    assert service.digest(audience=viewer(""), now=now, week="2026-W09").week == "2026-W09"


def test_a_readers_word_alone_is_thanked_for(service: Service, now: datetime) -> None:
    """Also where the entry was not shown first, and the question was asked weeks ago."""
    log(service, now - 30 * DAY)
    question = asked(service, now - 20 * DAY, "sarcasm labels of tweets disagree")
    word = Feedback(question_id=question.id, number=1, user_id=BEN, helped=True, at=now - DAY)
    service.give_feedback(word, viewer=viewer())
    digest = service.digest(audience=viewer(""), now=now)
    assert [(one.author_id, one.numbers) for one in digest.thanks] == [(ANA, (1,))]


def test_similar_ones_are_looked_for_in_two_seconds(
    service: Service, source: Source, now: datetime
) -> None:
    """At most three, and only what an answer would show."""
    for _ in range(5):
        log(service, now)
    log(service, now, "Annotators disagreed about sarcasm.")
    service.embed_missing()
    source.waited.clear()
    similar = service.similar(service.show(1, viewer=viewer()), viewer=viewer())
    assert [hit.failure.number for hit in similar.shown()] == [2, 3, 4]
    assert source.waited == [2.0]


class Opinion:
    """A reranker that is sure of what holds its word; it remembers what it was given."""

    name = "opinion"

    def __init__(self, word: str) -> None:
        self.word = word
        self.waited: list[float | None] = []
        self.given: list[tuple[str, tuple[str, ...]]] = []

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.given.append((question, tuple(texts)))
        return [1.0 if self.word in text else 0.0 for text in texts]

    def wait(self, timeout_s: float | None) -> Opinion:
        """It is its own source, and there at once."""
        self.waited.append(timeout_s)
        return self


def test_a_second_opinion_is_of_what_the_viewer_sees(source: Source, now: datetime) -> None:
    """Each entry's own score; what is hidden is not even shown to the model."""
    opinion = Opinion("second")
    service = Service(MemoryStore(), source, opinion)
    for happened in (f"{NAN} first", f"{NAN} second", f"{NAN} third"):
        log(service, now, happened)
    log(service, now, f"{NAN} second hidden", place=private())
    hits = service.ask(ASKED, viewer=viewer()).hits
    assert [(hit.failure.number, hit.signals["reranker"]) for hit in hits] == [
        (2, 1.0),
        (1, 0.0),
        (3, 0.0),
    ]
    question, texts = opinion.given[-1]
    assert question == ASKED
    assert not [text for text in texts if "hidden" in text]


def test_what_older_rules_let_in_is_taken_out(service: Service, now: datetime) -> None:
    """Counted first; then gone from text, versions and questions, of what the viewer sees."""
    secret, store = "AKIA" + "Z7QX" * 4, service._store
    everything = Viewer(team_id="T1", is_operator=True)
    for place in (public(), private()):
        leaky = draft(f"The key {secret} was refused.", lesson=f"Not {secret}.")
        store.failures.record(leaky, place=place, author_id=ANA, now=now)
        store.questions.keep(
            f"Who has {secret}?",
            place=place,
            user_id=BEN,
            message_ts="",
            verdict=Verdict.UNKNOWN,
            shown=[],
            now=now,
        )
    log(service, now, "Nothing secret.")
    told = service.rescan(viewer=viewer(), dry_run=True)
    assert (told.failures, len(told.questions)) == ({1: ["aws key"]}, 1)
    assert told.kinds == {"aws key": 3}
    assert secret in service.show(1, viewer=everything).happened
    assert service.rescan(viewer=viewer()) == told
    assert secret not in str(service.versions(1, viewer=everything))
    assert secret in service.show(2, viewer=everything).happened
    assert list(service.rescan(viewer=everything).failures) == [2]
    assert not service.rescan(viewer=everything).kinds
    asked = store.questions.asked(viewer=everything, since=now, before=now + DAY)
    assert [secret in one.text for one in asked] == [False, False]


def test_a_reader_elsewhere_is_asked_of_similar_ones_in_public_only(
    source: Source, now: datetime
) -> None:
    """What was logged in private does not leave with the hint at what is like it."""
    reader = WordReader(same="NaN", is_local=False)
    service = Service(MemoryStore(), source, reader=reader)
    for place in (public(), private(), public()):
        log(service, now, place=place)
    service.similar(service.show(2, viewer=MEMBER), viewer=MEMBER)
    assert reader.asked == []
    service.similar(service.show(3, viewer=MEMBER), viewer=MEMBER)
    assert [numbers for _, numbers in reader.asked] == [[1]]


def test_what_is_changed_is_told_apart_from_what_is_new(service: Service, now: datetime) -> None:
    """An edit by whoever may is no new entry, and says what it took out."""
    log(service, now)
    secret = "AKIA" + "Z7QX" * 4
    changed = draft(f"Refused: {secret}")
    revised = service.revise(1, changed, viewer=viewer(ANA), is_admin=False, now=now)
    assert (revised.is_new, revised.redacted) == (False, ("aws key",))


@pytest.mark.parametrize(("text", "words"), [(" ", "one sentence"), ("x" * 40_001, "40,001")])
def test_what_cannot_be_asked_is_said_in_words(service: Service, text: str, words: str) -> None:
    """With what to do about it."""
    with pytest.raises(InputError, match=words):
        service.ask(text, viewer=viewer())


def test_an_answer_has_ten_hits_and_waits_ten_seconds(
    service: Service, source: Source, now: datetime
) -> None:
    """Unless another number is asked for."""
    for number in range(12):
        log(service, now, f"{NAN} {number}")
    service.embed_missing()
    source.waited.clear()
    assert len(service.ask(ASKED, viewer=viewer()).hits) == 10
    assert source.waited == [10.0]
    assert len(service.ask(ASKED, viewer=viewer(), limit=3).hits) == 3


def test_strangers_are_measured_in_every_workspace(
    service: Service, source: Source, now: datetime
) -> None:
    """With the current model, without waiting, and each by its own entries."""
    for number in range(25):
        log(service, now, f"Run {number} of model{number} stopped.")
        log(service, now, f"Run {number} stopped.", place=public(team_id="T2"))
    service.embed_missing()
    service.measure_nulls()
    kept = [service._store.calibrations.null(team, model="words") for team in ("T1", "T2")]
    assert [one and one.entries for one in kept] == [25, 25]
    assert kept[0] != kept[1]


def test_a_service_moves_to_another_model(service: Service, now: datetime) -> None:
    """All of its entries, and it says how many."""
    for _ in range(3):
        log(service, now)
    service.embed_missing()

    class Other(Source):
        setting = "other"

        def wait(self, timeout_s: float | None) -> WordEncoder:
            return WordEncoder("other")

    assert service.move_to(Other()) == 3
    active = service._store.embeddings.active()
    assert active is not None
    assert (active.name, active.setting) == ("other", "other")


def test_what_is_shown_is_quoted_and_no_more(service: Service, now: datetime) -> None:
    """Looking a sentence up costs as much as comparing an entry: three of them."""
    for number in range(5):
        log(service, now, f"{NAN} {number}")
    service.embed_missing()
    hits = service.ask(ASKED, viewer=viewer()).hits
    assert [bool(hit.sentence) for hit in hits] == [True] * 3 + [False] * 2


def test_a_second_opinion_is_of_twenty(source: Source, now: datetime) -> None:
    """A pass over each takes up to 50 ms; the others keep their score."""
    opinion = Opinion("NaN")
    service = Service(MemoryStore(), source, opinion)
    for number in range(25):
        log(service, now, f"{NAN} {number}")
    service.embed_missing()
    service.ask(ASKED, viewer=viewer())
    assert len(opinion.given[-1][1]) == 20


def test_a_question_embeds_the_latest_four(service: Service, now: datetime) -> None:
    """Ten milliseconds each; the others are the background's, and the answer says so."""
    for number in range(6):
        log(service, now, f"{NAN} {number}")
    answer = service.ask(ASKED, viewer=viewer())
    assert answer.is_partial
    assert service._store.embeddings.progress("words") == (4, 6)
    missing = service._store.embeddings.missing("words", limit=9)
    assert [one.draft.happened[-1] for one in missing] == ["0", "1"]
