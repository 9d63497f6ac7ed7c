"""What a reader's judgements make of an order and a verdict."""

from __future__ import annotations

from datetime import datetime

import pytest

from failbot.memory.reading import (
    LEAST_SAME,
    MOST_HELPS,
    MOST_NO,
    PART_LIMIT,
    judged,
    passage_of,
)
from failbot.memory.service import Service
from failbot.models import SHOWN_PROBABILITY, WEAK_PROBABILITY, Answer, Explanation, Verdict
from failbot.reader.base import READ, Judgement, Reading
from failbot.search.values import RankedHit, Ranking
from failbot.store.base import Store
from tests.fakes import WordEncoder, WordReader
from tests.make import ANA, BEN, draft, failure, private, public, viewer
from tests.unit.test_matching import Source

SAME, HELPS, NO = Judgement.SAME, Judgement.HELPS, Judgement.NO


def ranking(*probabilities: float, verdict: Verdict = Verdict.KNOWN) -> Ranking:
    """Hits numbered from 1 with these probabilities."""
    hits = tuple(
        RankedHit(number=number, score=1.0 / number, probability=one, signals={})
        for number, one in enumerate(probabilities, start=1)
    )
    return Ranking(hits=hits, verdict=verdict, confidence=hits[0].probability)


def read(of: Ranking, **judgements: Judgement) -> tuple[list[int], Verdict]:
    """The order and the verdict after readings of n1, n2, …"""
    readings = {int(name[1:]): Reading(judgement=one) for name, one in judgements.items()}
    made = judged(of, readings)
    return [one.number for one in made.hits], made.verdict


def test_the_same_comes_first_and_no_last() -> None:
    """Then what helps, then what was not read, each by score."""
    order, verdict = read(ranking(0.9, 0.5, 0.4, 0.3, 0.2), n1=NO, n2=HELPS, n4=SAME, n5=SAME)
    assert (order, verdict) == ([4, 5, 2, 3, 1], Verdict.KNOWN)


VERDICTS = [
    ({"n1": NO, "n2": NO}, Verdict.UNKNOWN),
    ({"n1": NO, "n2": HELPS}, Verdict.RELATED),
    ({"n1": HELPS, "n2": SAME}, Verdict.KNOWN),
    ({"n2": NO}, Verdict.RELATED),
]


@pytest.mark.parametrize(("judgements", "verdict"), VERDICTS)
def test_known_needs_a_same(judgements: dict[str, Judgement], verdict: Verdict) -> None:
    """However sure the score is; and what was not read is related at most."""
    assert read(ranking(0.99, 0.9), **judgements)[1] is verdict


def test_what_was_not_read_and_is_weak_is_unknown() -> None:
    """A score that would not be shown is no reason for an answer."""
    assert read(ranking(0.9, 0.1), n1=NO)[1] is Verdict.UNKNOWN
    assert read(ranking(0.9, 0.3, verdict=Verdict.UNKNOWN), n1=NO)[1] is Verdict.UNKNOWN


def test_what_stands_behind_all_that_was_read_is_not_shown() -> None:
    """Two dozen that score higher were found wanting: it is no match, and no weak one either."""
    readings = {f"n{at}": NO for at in range(1, READ + 1)}
    order, verdict = read(ranking(*[0.9] * (READ + 2)), **readings)
    assert (order[:2], verdict) == ([READ + 1, READ + 2], Verdict.UNKNOWN)
    order, verdict = read(ranking(*[0.9] * (READ + 2)), **readings | {"n3": SAME})
    made = judged(ranking(*[0.9] * READ), {3: Reading(judgement=SAME)})
    assert (order[0], verdict) == (3, Verdict.KNOWN)
    assert [one.probability for one in made.hits[1:]] == [0.9] * (READ - 1), "but what was handed"
    kept = judged(ranking(*[0.9] * (READ + 1)), {1: Reading(judgement=NO)}).hits
    assert min(one.probability for one in kept) < WEAK_PROBABILITY


def test_probabilities_agree_with_judgements() -> None:
    """Within bounds the score's word counts."""
    readings = {at: Reading(judgement=one) for at, one in enumerate((SAME, HELPS, NO), start=1)}
    made = judged(ranking(0.5, 0.5, 0.5), readings)
    assert [one.probability for one in made.hits] == [LEAST_SAME, MOST_HELPS, MOST_NO]
    assert made.confidence == LEAST_SAME


def test_nothing_to_rank_stays_nothing() -> None:
    """No hits, no verdict."""
    empty = Ranking(hits=(), verdict=Verdict.UNKNOWN, confidence=0.0)
    assert judged(empty, {}) == empty


def test_a_passage_is_an_entrys_own_words() -> None:
    """Each field under its name; a pasted log does not push the lesson out; no id of anybody."""
    made = passage_of(failure(7, "x" * 9_000, lesson="Warm up.", channel_id="C0SECRET"))
    assert made.text.endswith("Lesson: Warm up.")
    assert len(made.text) < 1_000
    assert "C0SECRET" not in made.text
    assert (made.number, made.version, made.is_private) == (7, 1, False)


NAN = "The loss became NaN at step 900 with fp16 gradients."
LIKE = "The loss became flat at step 900 with fp16 gradients."
QUESTION = "loss became NaN step fp16 gradients"


@pytest.fixture
def reader() -> WordReader:
    return WordReader(same="NaN", helps="flat")


@pytest.fixture
def service(store: Store, now: datetime, reader: WordReader) -> Service:
    """Two entries that everybody sees, one that is private."""
    made = Service(store, Source(WordEncoder("first")), reader=reader)
    for happened, place in ((LIKE, public()), (NAN, public()), (f"{NAN} Again.", private())):
        made.record(draft(happened), place=place, author_id=ANA, now=now)
    made.embed_missing()
    return made


def ask(service: Service, question: str = QUESTION, **more: bool) -> Answer:
    return service.ask(question, viewer=viewer(BEN), **more)


def test_an_answer_says_what_matches_and_who_read(service: Service) -> None:
    """The sentences stand with their own hit, and nothing that is private was read."""
    answer = ask(service)
    assert (answer.verdict, answer.read_by, answer.unread) == (Verdict.KNOWN, "words", "")
    told = [(hit.failure.number, hit.judgement, hit.matches) for hit in answer.shown()]
    assert told == [(2, "same", "Both say NaN."), (1, "helps", "Both say flat.")]


def test_what_is_judged_no_is_not_shown(service: Service, reader: WordReader) -> None:
    """Not as a weak match either, though the score is sure."""
    reader.same = reader.helps = ""
    answer = ask(service)
    assert (answer.verdict, answer.shown(), answer.weak()) == (Verdict.UNKNOWN, (), None)
    assert answer.read_by == "words"


def test_a_reader_that_fails_leaves_the_score(service: Service, reader: WordReader) -> None:
    """The answer is as without one, and says so."""
    without = ask(service, reads=False)
    reader.failure = "it did not answer in time"
    answer = ask(service)
    assert (answer.verdict, answer.hits) == (without.verdict, without.hits)
    assert "it did not answer in time" in answer.caveat
    assert (answer.read_by, answer.is_provisional) == ("", False)


def test_a_failing_reader_is_logged_once(
    service: Service, reader: WordReader, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the reason changes, or it has read meanwhile; and no text with it."""
    for reason in ("late", "late", "broken", "", "broken"):
        reader.failure = reason
        ask(service)
    told = [one.getMessage() for one in caplog.records if "language model" in one.getMessage()]
    assert [line.rpartition(": ")[2] for line in told] == ["late", "broken", "broken"]
    assert "NaN" not in caplog.text


def test_a_reader_sees_what_the_viewer_sees(service: Service, reader: WordReader) -> None:
    """A member's candidates hold the private entry, nobody else's do."""
    ask(service)
    service.ask(QUESTION, viewer=viewer(BEN, "G0SECRET"))
    assert [numbers for _, numbers in reader.asked] == [[1, 2], [1, 2, 3]]


def test_a_reader_elsewhere_gets_nothing_private(service: Service, reader: WordReader) -> None:
    """A private entry goes by its score, for related at most; a private question by score alone."""
    reader.is_local, reader.same, reader.helps = False, "", ""
    answer = service.ask(QUESTION, viewer=viewer(BEN, "G0SECRET"), is_private=False)
    assert [numbers for _, numbers in reader.asked] == [[1, 2]]
    assert answer.verdict is not Verdict.KNOWN
    assert {hit.failure.number for hit in answer.shown()} <= {3}
    assert ask(service).read_by == "", "a question is private unless its caller says otherwise"
    assert len(reader.asked) == 1


def test_secrets_do_not_reach_a_reader(service: Service, reader: WordReader) -> None:
    """A question's are taken out, as an entry's were when it was recorded."""
    secret = "AKIA" + "Z7QX" * 4
    ask(service, f"{QUESTION} with the key {secret}")
    assert secret not in reader.asked[0][0]
    assert "redacted" in reader.asked[0][0]
    assert secret not in service.draft_from(f"we used {secret}").happened


def test_similar_entries_are_read_too(service: Service, reader: WordReader, now: datetime) -> None:
    """What shares words and is another failure is no hint."""
    reader.helps = ""
    new = service.record(draft(NAN), place=public(), author_id=BEN, now=now).failure
    assert [one.failure.number for one in service.similar(new, viewer=viewer()).shown()] == [2]


def test_no_more_than_the_first_are_handed_over(
    store: Store, now: datetime, reader: WordReader
) -> None:
    """One call, however many candidates there are."""
    service = Service(store, Source(WordEncoder("first")), reader=reader)
    drafts = [draft(f"{LIKE} Run {at}.", external_id=str(at)) for at in range(40)]
    service.record_many(drafts, place=public(), author_id=ANA, now=now)
    service.embed_missing()
    answer = service.ask(QUESTION, viewer=viewer(), limit=100)
    assert reader.handed == [READ]
    assert len(answer.hits) == 40


def test_a_probability_agrees_with_its_judgement() -> None:
    """The same is at least at 95 in a hundred, what helps at 20 at most, a "no" at 5."""
    readings = {1: SAME, 2: SAME, 3: HELPS, 4: HELPS, 5: NO, 6: NO}
    made = judged(
        ranking(0.3, 0.97, 0.9, 0.1, 0.9, 0.01),
        {number: Reading(judgement=one) for number, one in readings.items()},
    )
    assert {one.number: one.probability for one in made.hits} == {
        1: 0.95,
        2: 0.97,
        3: 0.2,
        4: 0.1,
        5: 0.05,
        6: 0.01,
    }


def test_a_long_field_does_not_push_out_the_others() -> None:
    """Each is cut at 400 characters, on one line, under its name."""
    told = passage_of(
        failure(
            happened="It hung.\n" * 200,
            title="Hang",
            lesson="Wait.",
            tags=("a", "b"),
            explanations=(Explanation(text="Deadlock"), Explanation(text="Heat")),
        )
    ).text
    lines = told.split("\n")
    assert lines[0] == "Title: Hang"
    assert lines[1] == "Tried: A longer warm-up."
    assert lines[2] == "Happened: " + ("It hung. " * 200)[:400].rstrip() + "…"
    assert lines[3:] == ["Why: Deadlock (open); Heat (open)", "Lesson: Wait.", "Tags: a, b"]
    exact = passage_of(failure(happened="x" * 400)).text
    assert exact.endswith("x" * 400)


def test_what_was_not_read_counts_from_where_it_is_shown() -> None:
    """At just that probability, too."""
    assert read(ranking(0.9, SHOWN_PROBABILITY), n1=NO)[1] is Verdict.RELATED


def test_a_part_is_cut_without_a_blank_before_its_mark() -> None:
    """Of a long field a reader is given the beginning."""
    cut = passage_of(failure(happened="x" * (PART_LIMIT - 1) + " and more")).text
    assert f"Happened: {'x' * (PART_LIMIT - 1)}…" in cut.splitlines()
