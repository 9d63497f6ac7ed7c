"""A language model's expected questions: when they are written, kept, rewritten and left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread

import pytest

from failbot.errors import StoreError, UnusableError
from failbot.memory.service import Service
from failbot.memory.writing import ATTEMPTS, LONGEST_REST_S, Written
from failbot.models import ExpectedQuestion, Failure, QuestionOrigin
from failbot.reader.base import NoReader
from failbot.store.base import Store
from tests.fakes import WordEncoder, WordReader
from tests.make import ANA, draft, private, public, viewer
from tests.unit.test_matching import Source

NAN = "The loss became NaN at step 900 with fp16 gradients."
LINES = ("why is my loss NaN", "loss NaN fp16")
AUTHOR, MODEL, ASKER = QuestionOrigin
HOUR = timedelta(hours=1)


class Desk:
    """A service, a model that writes, and a clock that a test moves."""

    def __init__(self, store: Store, now: datetime) -> None:
        self.store, self.now = store, now
        self.reader = WordReader()
        self.reader.writes = LINES
        self.service = Service(store, Source(WordEncoder("first")), reader=self.reader)
        self.told: list[tuple[int, list[str]]] = []
        self.writer = self.service.question_writer(now=lambda: self.now, told=self.hear)

    def hear(self, failure: Failure, questions: tuple[ExpectedQuestion, ...]) -> None:
        self.told.append((failure.version, [one.text for one in questions]))

    def record(self, happened: str = NAN, *own: str, **more: object) -> None:
        place = more.pop("place", public())
        self.service.record(
            draft(happened, **more),
            place=place,
            author_id=ANA,
            now=self.now,
            questions=dict.fromkeys(own, AUTHOR),
        )

    def revise(self, happened: str, questions: list[str] | None = None) -> None:
        self.service.revise(
            1,
            draft(happened),
            viewer=viewer(ANA),
            is_admin=False,
            now=self.now,
            questions=questions,
        )

    def kept(self, number: int = 1) -> list[tuple[str, str]]:
        everything = viewer(ANA, is_operator=True)
        found = self.service.expected([number], viewer=everything).get(number, ())
        return [(one.text, one.origin.value) for one in found]

    def waiting(self) -> int:
        return self.store.wanted.waiting()


WRITTEN = [(line, "model") for line in LINES]


@pytest.fixture
def desk(store: Store, now: datetime) -> Desk:
    return Desk(store, now)


def test_what_is_recorded_is_written_of(desk: Desk) -> None:
    """From the entry's own words, kept as the model's, and told of; then there is no more to do."""
    desk.record()
    written = desk.writer.write_next()
    assert written is not None
    assert [one.by for one in written.questions] == ["words", "words"]
    assert desk.kept() == WRITTEN
    assert NAN in desk.reader.told[0]
    assert desk.told == [(1, list(LINES))]
    assert (desk.waiting(), desk.writer.write_next()) == (0, None)


def test_an_import_is_written_of_too(desk: Desk) -> None:
    """Each of its entries; the same file again is nothing new."""
    for _ in range(2):
        drafts = [draft("One.", external_id="1"), draft("Two.", external_id="2")]
        desk.service.record_many(drafts, place=public(), author_id=ANA, now=desk.now)
        while desk.writer.write_next():
            pass
    assert (desk.kept(1), desk.kept(2)) == (WRITTEN, WRITTEN)
    assert len(desk.reader.told) == 2


def test_without_a_model_nothing_is_wanted(store: Store, now: datetime) -> None:
    """Setting one later sends nothing by itself of what was logged before."""
    desk = Desk(store, now)
    service = Service(store, Source(WordEncoder("first")), reader=NoReader())
    service.record(draft(NAN), place=public(), author_id=ANA, now=now)
    assert (desk.waiting(), desk.writer.write_next()) == (0, None)


def test_a_changed_text_is_written_of_anew(desk: Desk) -> None:
    """What was written of the old text goes at once; people's own stay."""
    desk.record(NAN, "mine")
    desk.writer.write_next()
    desk.reader.writes = ("of the new text",)
    desk.revise("Another story.")
    assert desk.kept() == [("mine", "author")]
    desk.writer.write_next()
    assert desk.kept() == [("mine", "author"), ("of the new text", "model")]
    desk.revise("Another story.")
    assert (desk.kept()[1:], desk.waiting()) == ([("of the new text", "model")], 0)


@pytest.mark.parametrize("left", [[LINES[0]], [LINES[0], "loss NaN fp16, edited"], []])
def test_whoever_chose_is_not_overruled(desk: Desk, left: list[str]) -> None:
    """One line changed, one or all removed: a new text brings no new ones, nor does `expect`."""
    desk.record()
    desk.writer.write_next()
    desk.revise(NAN, left)
    chosen = desk.kept()
    assert [text for text, _ in chosen] == left or len(left) == 2
    desk.revise("Another story.")
    assert (desk.kept(), desk.waiting()) == (chosen, 0)
    desk.revise("A third story.", [text for text, _ in chosen])
    assert (desk.kept(), desk.waiting()) == (chosen, 0)
    assert desk.store.wanted.lacking("T1", limit=9) == []


def test_adding_a_line_is_no_choice(desk: Desk) -> None:
    """The model's are left as they are, and follow the text."""
    desk.record()
    desk.writer.write_next()
    desk.revise(NAN, [*LINES, "mine"])
    assert desk.kept() == [("mine", "author"), *WRITTEN]
    desk.revise("Another story.")
    assert (desk.kept(), desk.waiting()) == ([("mine", "author")], 1)


def test_a_model_that_is_away_is_waited_for(desk: Desk) -> None:
    """Ever longer, an hour at most, and without end."""
    desk.record()
    desk.reader.failure = "it cannot be reached"
    pauses = []
    for _ in range(12):
        before = desk.now
        written = desk.writer.write_next()
        assert written == Written(number=1, error="it cannot be reached")
        assert desk.writer.write_next() is None, "not before its time"
        while desk.store.wanted.claim(now=desk.now, lease_s=0) is None:
            desk.now += timedelta(seconds=30)
        pauses.append((desk.now - before).total_seconds())
    assert pauses[0] == 60
    assert pauses[-1] == LONGEST_REST_S
    desk.reader.failure = ""
    desk.writer.write_next()
    assert desk.kept() == WRITTEN


def test_what_cannot_be_used_is_given_up(desk: Desk) -> None:
    """After some attempts: it keeps nobody else waiting."""
    desk.record()
    desk.reader.failure, desk.reader.error = "its answer cannot be used", UnusableError
    for attempt in range(ATTEMPTS):
        written = desk.writer.write_next()
        assert written is not None
        assert written.is_given_up is (attempt == ATTEMPTS - 1)
        desk.now += HOUR
    assert desk.waiting() == 0


def test_private_entries_stay_at_home(desk: Desk) -> None:
    """A model elsewhere gets none of them, and nothing waits for that to change."""
    desk.reader.is_local = False
    desk.record("A secret.", place=private())
    desk.record()
    outcomes = [desk.writer.write_next(), desk.writer.write_next()]
    assert [one.is_given_up for one in outcomes if one] == [False, True]
    assert "secret" not in str(desk.reader.told)
    assert (desk.kept(1), desk.kept(2), desk.waiting()) == ([], WRITTEN, 0)


def test_a_secret_that_a_model_writes_is_taken_out(desk: Desk) -> None:
    """Of a model's words as of anybody's."""
    desk.reader.writes = ("the token AKIA" + "Z7QX" * 4 + " is refused",)
    desk.record()
    desk.writer.write_next()
    assert desk.kept() == [("the token [redacted: aws key] is refused", "model")]


def meanwhile(desk: Desk, deed: Callable[[], None]) -> None:
    """Writes of the entry while `deed` is done."""
    answer = desk.reader.expected_questions

    def slow(text: str, *, is_private: bool = True) -> tuple[str, ...]:
        lines = answer(text, is_private=is_private)
        deed()
        return lines

    desk.reader.expected_questions = slow  # type: ignore[method-assign]
    desk.writer.write_next()
    desk.reader.expected_questions = answer  # type: ignore[method-assign]


def test_what_changed_meanwhile_is_written_of_again(desk: Desk) -> None:
    """Nothing of the old text is kept."""
    desk.record()
    meanwhile(desk, lambda: desk.revise("Another story."))
    assert (desk.kept(), desk.told, desk.waiting()) == ([], [], 1)
    desk.writer.write_next()
    assert desk.told == [(2, list(LINES))]


def test_what_is_deleted_meanwhile_is_gone(desk: Desk) -> None:
    """Without a trace, and without an error."""
    desk.record()
    meanwhile(desk, lambda: desk.service.delete(1, viewer=viewer(ANA), is_admin=False) and None)
    assert (desk.waiting(), desk.told) == (0, [])


def test_a_killed_writer_is_followed(desk: Desk) -> None:
    """What was taken and never finished is taken again: here where telling of it failed."""
    desk.record()

    def die(failure: Failure, questions: object) -> None:
        raise StoreError("the disk is full")

    broken = desk.service.question_writer(now=lambda: desk.now, told=die)
    with pytest.raises(StoreError):
        broken.write_next()
    assert (desk.waiting(), desk.writer.write_next()) == (1, None)
    desk.now += timedelta(seconds=120)
    desk.writer.write_next()
    assert (desk.kept(), desk.told, desk.waiting()) == (WRITTEN, [(1, list(LINES))], 0)


def test_a_thread_writes_what_is_recorded(store: Store, now: datetime) -> None:
    """Woken by it, and done when it is told to end."""
    desk, written, ending = Desk(store, now), Event(), Event()
    writer = desk.service.question_writer(now=lambda: now, told=lambda *_: written.set())
    thread = Thread(target=writer.keep_writing, args=(ending,))
    thread.start()
    desk.record()
    assert written.wait(5)
    ending.set()
    writer.wake()
    thread.join(5)
    assert not thread.is_alive()
    assert desk.kept() == WRITTEN
