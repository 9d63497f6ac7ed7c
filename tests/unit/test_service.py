"""What the service hands on to the store and back, on the store in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from failbot.errors import NotAllowedError, NotFoundError
from failbot.memory.service import Service
from failbot.models import Failure, Feedback, Question, Viewer
from tests.fakes import WordEncoder
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
    assert [hit.failure.number for hit in similar] == [2, 3, 4]
    assert source.waited == [2.0]
