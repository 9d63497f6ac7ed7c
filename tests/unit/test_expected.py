"""Which expected questions an entry keeps, and what they do to its score and place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from failbot.errors import DraftError, NotAllowedError, NotFoundError
from failbot.memory.service import Service
from failbot.models import (
    EXPECTED_LIMIT,
    EXPECTED_SIZE,
    Answer,
    ExpectedQuestion,
    Failure,
    Feedback,
    Hit,
    Place,
    Question,
    QuestionOrigin,
    Verdict,
    Visibility,
)
from failbot.search import expected
from failbot.search.scoring import rank
from failbot.search.signals import quantise
from failbot.search.values import Candidate, Expected, Ranking
from failbot.store.base import Store
from tests.conftest import NOW
from tests.fakes import WordEncoder, WordReader
from tests.make import ANA, BEN, direct, draft, failure, private, public, viewer
from tests.unit.test_matching import Source
from tests.unit.test_scoring import CALIBRATION, MEMORY, corpus_of, encoded, query, unembedded

AUTHOR, MODEL, ASKER = QuestionOrigin
CLEO = "U0CLEO"


def question(text: str, origin: QuestionOrigin = AUTHOR, by: str = ANA) -> ExpectedQuestion:
    return ExpectedQuestion(text=text, origin=origin, by=by, at=NOW)


def texts(questions: Sequence[ExpectedQuestion]) -> list[str]:
    return [one.text for one in questions]


# What is kept


def test_people_come_before_a_model_and_equal_texts_once() -> None:
    """Where not all fit a model's go; the first wording of a text stays, whoever repeats it."""
    many = [question(f"m{at}", MODEL) for at in range(EXPECTED_LIMIT)]
    before = expected.merged((), [*many, question("asked", ASKER)])
    after = expected.merged(before, [question("Said"), question("said ", MODEL)])
    assert texts(after[:2]) == ["Said", "asked"]
    assert len(after) == EXPECTED_LIMIT
    assert after[-1].text == f"m{EXPECTED_LIMIT - 3}"


def test_a_model_rewrites_its_own_only() -> None:
    """What people wrote or asked stays."""
    before = (question("a"), question("b", ASKER), question("c", MODEL))
    assert texts(expected.rewritten(before, [question("d", MODEL)])) == ["a", "b", "d"]


def test_an_edited_list_keeps_the_origin_of_what_was_there() -> None:
    """A line left as it was is still a model's; a changed one is the editor's."""
    before = (question("a"), question("b", MODEL, "gpt"), question("c", MODEL, "gpt"))
    later = NOW + timedelta(days=1)
    after = expected.edited(before, ["b", "c, changed"], by=BEN, at=later)
    assert {(one.text, one.origin, one.by) for one in after} == {
        ("b", MODEL, "gpt"),
        ("c, changed", AUTHOR, BEN),
    }


# What is grown


def asked(place: Place, by: str = BEN, text: str = "why does the loss explode") -> Question:
    return Question(
        id=1,
        place=place,
        user_id=by,
        text=text,
        verdict=Verdict.RELATED,
        shown=(1,),
        asked_at=NOW,
    )


def word(user_id: str, *, helped: bool = True, number: int = 1, question_id: int = 1) -> Feedback:
    return Feedback(question_id=question_id, number=number, user_id=user_id, helped=helped, at=NOW)


@pytest.mark.parametrize(
    ("words", "is_confirmed"),
    [
        ([], False),
        ([word(BEN)], True),
        ([word(CLEO)], False),
        ([word(CLEO), word(ANA)], True),
        ([word(CLEO), word(ANA), word(BEN, helped=False)], False),
        ([word(CLEO), word(ANA, helped=False)], False),
        ([word(BEN, number=2)], False),
        ([word(BEN, question_id=2)], False),
    ],
)
def test_the_asker_or_two_people_confirm(words: list[Feedback], is_confirmed: bool) -> None:
    """Of this question and this failure; the asker's "not this" outweighs all others."""
    assert expected.is_confirmed(asked(public()), 1, words) is is_confirmed


OWN = {"visibility": Visibility.AUTHOR, "channel_id": "D0ANA"}
SECRET = {"visibility": Visibility.CHANNEL, "channel_id": "G0SECRET"}


@pytest.mark.parametrize(
    ("place", "by", "where", "may"),
    [
        (public(), BEN, {}, True),
        (public(), BEN, SECRET, True),
        (public(), BEN, OWN, True),
        (public(team_id="T2"), BEN, {}, False),
        (private(), BEN, {}, False),
        (private(), BEN, SECRET, True),
        (private("G0OTHER"), BEN, SECRET, False),
        (private(), BEN, OWN, False),
        (private(), ANA, OWN, True),
        (direct(), ANA, {}, False),
        (direct(), ANA, SECRET, False),
        (direct(), ANA, OWN, True),
        (direct("D0BEN"), BEN, OWN, False),
    ],
)
def test_what_was_asked_in_private_is_shown_to_nobody_else(
    place: Place, by: str, where: dict[str, object], may: bool
) -> None:
    """Who sees the entry must be among those who could read the question where it was asked."""
    assert expected.may_join(place, failure(**where), asker_id=by) is may


def hit(number: int, score: float) -> Hit:
    return Hit(failure=failure(number), score=score, probability=0.5)


@pytest.mark.parametrize(
    ("hits", "helps"),
    [
        ([], True),
        ([hit(2, 0.9), hit(1, 0.8)], True),
        ([hit(1, 0.85), hit(2, 0.8)], True),
        ([hit(1, 0.95), hit(2, 0.8)], False),
        ([hit(1, 0.9)], False),
    ],
)
def test_it_helps_where_the_place_is_not_sure(hits: list[Hit], helps: bool) -> None:
    """Not first, or first by a hair; an entry that leads clearly needs no more to match."""
    assert expected.helps(hits, 1) is helps


# What it does to the score


def with_expected(one: Candidate, *likes: str) -> Candidate:
    """The candidate, asked like these."""
    made = [encoded(like) for like in likes]
    assert one.embedding is not None
    beside = Expected(
        vectors=np.stack([each.sentence for each in made]).astype(np.float16),
        tokens=quantise(np.concatenate([each.tokens for each in made])),
        token_ids=np.concatenate([each.token_ids for each in made]),
        lengths=np.array([len(each.tokens) for each in made], np.int32),
    )
    return replace(one, embedding=replace(one.embedding, expected=beside))


def ranked(text: str, memory: Sequence[Candidate]) -> Ranking:
    return rank(query(text), memory, corpus=corpus_of(list(memory)), calibration=CALIBRATION)


ASKED = "gradient explodes overnight somehow"


def test_an_entry_is_found_as_it_is_asked_for() -> None:
    """Without a word in common with the entry, by the best of its expected questions."""
    memory = [with_expected(MEMORY[0], "something else entirely", ASKED), *MEMORY[1:]]
    first = ranked(ASKED, memory).hits[0]
    assert first.number == MEMORY[0].number
    assert first.signals["expected"] > 0.95
    assert first.signals["late_interaction"] < 0.5


def test_the_score_is_the_mean_of_both() -> None:
    """Of late interaction with the entry and with its best question; all else is as without."""
    text = "loss spikes late"
    plain = {one.number: one for one in ranked(text, MEMORY).hits}[1]
    memory = [with_expected(MEMORY[0], "loss spikes", ASKED), *MEMORY[1:]]
    told = {one.number: one for one in ranked(text, memory).hits}[1]
    late, best = told.signals["late_interaction"], told.signals["expected"]
    assert late == plain.signals["late_interaction"]
    assert told.score - plain.score == pytest.approx((best - late) / 2, abs=1e-6)


@pytest.mark.parametrize("text", ["loss spikes late", "stale documents", "sarcasm labels differ"])
def test_an_entry_without_any_is_scored_as_before(text: str) -> None:
    """To the last bit, whatever its neighbours have, and 0 is what it is given for `expected`."""
    plain = {one.number: one for one in ranked(text, MEMORY).hits}
    memory = [with_expected(MEMORY[0], "entirely beside"), *MEMORY[1:7], unembedded(MEMORY[7])]
    from failbot.search.calibration import WEIGHTS
    from failbot.search.scoring import _closeness, _interaction, _scores
    from failbot.search.signals import compare

    corpus = corpus_of(MEMORY)

    def scored(candidates: list[Candidate]) -> NDArray[np.float32]:
        signals = compare(query(text), candidates, corpus=corpus)
        signals |= {"interaction": _interaction(signals), "closeness": _closeness(signals)}
        return _scores(signals, WEIGHTS)

    bare, mixed = scored(MEMORY), scored(memory)
    assert bare[1:7].tobytes() == mixed[1:7].tobytes()
    signals = compare(query(text), MEMORY, corpus=corpus)
    assert not signals["expected"].any()
    old = signals["late_interaction"] + np.float32(0.4) * signals["bm25"]
    close = np.maximum(np.maximum(signals["dense"], signals["title"]) - np.float32(0.4), 0)
    assert bare.tobytes() == (old + np.float32(2.0) * close**2).tobytes()
    assert plain[2].signals["expected"] == 0


# What the service makes of them


@pytest.fixture
def service(store: Store) -> Service:
    return Service(store, Source(WordEncoder("first")))


NAN = "The loss became NaN at step 900 with fp16 gradients."
ODD = "everything turns to garbage after midnight"


def record(service: Service, now: datetime, happened: str = NAN, *asked: str, **more) -> Failure:
    recorded = service.record(
        draft(happened),
        place=more.pop("place", public()),
        author_id=ANA,
        now=now,
        questions=dict.fromkeys(asked, AUTHOR),
    )
    return recorded.failure


def kept(service: Service, number: int = 1) -> list[ExpectedQuestion]:
    return [*service.expected([number], viewer=viewer(is_operator=True)).get(number, ())]


def ask(service: Service, text: str) -> Answer:
    return service.ask(text, viewer=viewer())


def test_an_entry_answers_what_it_is_asked_like(service: Service, now: datetime) -> None:
    """The moment after it was recorded, and after the background was at work."""
    record(service, now, "Annotators disagreed about sarcasm labels.")
    record(service, now, NAN, ODD)
    assert ask(service, ODD).hits[0].failure.number == 2
    service.embed_missing()
    answer = ask(service, ODD)
    assert answer.hits[0].failure.number == 2
    assert answer.hits[0].signals["expected"] > 0.95
    assert not answer.is_partial


def test_a_question_without_a_word_is_like_nothing(service: Service, now: datetime) -> None:
    """It is kept as written, and makes no entry match what it does not answer."""
    record(service, now, NAN, "???", "!")
    service.embed_missing()
    answer = ask(service, ODD)
    assert not answer.is_partial
    assert all(one.signals["expected"] == 0 for one in answer.hits)


def test_they_are_redacted_like_everything_else(service: Service, now: datetime) -> None:
    """With the entry, by an edit, by a model, on one line each."""
    secret = "AKIA" + "Z7QX" * 4
    record(service, now, NAN, f"is {secret}\nrefused?")
    asker = viewer(ANA)
    service.revise(
        1,
        draft(NAN),
        viewer=asker,
        is_admin=False,
        now=now,
        questions=[*texts(kept(service)), f"edited {secret}"],
    )
    service.keep_expected(1, [f"made {secret}"], MODEL, by="gpt", viewer=asker, now=now)
    found = texts(kept(service))
    assert [one.split()[0] for one in found] == ["is", "edited", "made"]
    assert not [one for one in found if secret in one or "\n" in one]


def test_what_was_taken_out_of_them_is_said(service: Service, now: datetime) -> None:
    """However they come in; after the draft's own kinds, each once."""
    secret, other = "AKIA" + "Z7QX" * 4, "ghp_" + "a1B2" * 9
    said = draft(f"It refused {other}.")
    whose = {"place": public(), "author_id": ANA, "now": now}
    like = {f"is {secret} refused?": AUTHOR, f"is {other}?": AUTHOR}
    assert service.record(said, **whose, questions=like).redacted == ("github token", "aws key")
    many = service.record_many([draft("a"), draft("b")], **whose, questions=[{}, like])
    assert [one.redacted for one in many.recorded] == [(), ("aws key", "github token")]
    who = viewer(ANA)
    revised = service.revise(1, draft("c"), viewer=who, is_admin=False, now=now, questions=[*like])
    assert revised.redacted == ("aws key", "github token")


@pytest.mark.parametrize(
    "many", [["x" * (EXPECTED_SIZE + 1)], [str(at) for at in range(EXPECTED_LIMIT + 1)]]
)
def test_what_does_not_fit_is_named(service: Service, now: datetime, many: list[str]) -> None:
    """An author is told, and nothing is stored."""
    with pytest.raises(DraftError) as raised:
        record(service, now, NAN, *many)
    assert set(raised.value.problems) == {"questions"}
    assert service.count(viewer=viewer()) == 0


def test_a_models_questions_are_cut_to_what_fits(service: Service, now: datetime) -> None:
    """It is not told: too long ones and those beyond the limit are left out."""
    record(service, now, NAN, "mine")
    many = ["x" * (EXPECTED_SIZE + 1), *(f"like {at}" for at in range(EXPECTED_LIMIT + 3))]
    after = service.keep_expected(1, many, MODEL, by="gpt", viewer=viewer(), now=now)
    assert texts(after) == ["mine", *(f"like {at}" for at in range(EXPECTED_LIMIT - 1))]
    with pytest.raises(NotFoundError):
        service.keep_expected(2, ["x"], MODEL, by="gpt", viewer=viewer(), now=now)


def test_whoever_may_not_edit_changes_none(service: Service, now: datetime) -> None:
    """An edit of the questions is an edit of the entry."""
    record(service, now, NAN, "mine")
    with pytest.raises(NotAllowedError):
        service.revise(
            1, draft(NAN), viewer=viewer(BEN), is_admin=False, now=now, questions=["his"]
        )
    assert texts(kept(service)) == ["mine"]


def confirm(
    service: Service, text: str, now: datetime, *, place: Place, by: str = BEN, number: int = 1
) -> None:
    """Asks it there, and says that the failure was it."""
    who = viewer(by, place.channel_id)
    answer = service.ask(text, viewer=who)
    made = service.keep_question(text, answer, place=place, user_id=by, message_ts="", now=now)
    said = Feedback(question_id=made.id, number=number, user_id=by, helped=True, at=now)
    service.give_feedback(said, viewer=who)


def test_a_confirmed_question_finds_its_entry_next_time(service: Service, now: datetime) -> None:
    """Asked in words that the entry lacks, confirmed by the asker: it joins, as the asker's."""
    record(service, now, NAN)
    record(service, now, "Annotators of tweets disagreed about sarcasm at midnight.")
    service.embed_missing()
    assert ask(service, ODD).hits[0].failure.number == 2
    confirm(service, ODD, now, place=public())
    assert [(one.text, one.origin, one.by) for one in kept(service)] == [(ODD, ASKER, BEN)]
    service.embed_missing()
    assert ask(service, ODD).hits[0].failure.number == 1


def test_whether_it_helps_is_no_language_models_business(store: Store, now: datetime) -> None:
    """Nobody waits for it when a button is pressed, and nothing more is sent anywhere."""
    reader = WordReader(same="NaN")
    service = Service(store, Source(WordEncoder("first")), reader=reader)
    record(service, now, NAN)
    record(service, now, "Annotators of tweets disagreed about sarcasm at midnight.")
    service.embed_missing()
    confirm(service, ODD, now, place=public())
    assert texts(kept(service)) == [ODD]
    assert len(reader.asked) == 1


def test_a_question_that_was_answered_surely_adds_nothing(service: Service, now: datetime) -> None:
    """The entry is first already, and by far."""
    record(service, now, NAN)
    record(service, now, "Annotators disagreed about sarcasm labels.")
    service.embed_missing()
    confirm(service, "loss became NaN step 900 fp16 gradients", now, place=public())
    assert kept(service) == []


@pytest.mark.parametrize("place", [private(), direct("D0BEN")])
def test_a_private_question_stays_where_it_was(
    service: Service, now: datetime, place: Place
) -> None:
    """However well it would help: others would read it beside the entry."""
    record(service, now, NAN)
    record(service, now, "Annotators of tweets disagreed about sarcasm at midnight.")
    service.embed_missing()
    confirm(service, ODD, now, place=place)
    assert kept(service) == []


@pytest.mark.parametrize("text", ["garbage", "x" * 200 + " garbage midnight " + "y" * 200])
def test_neither_a_word_nor_a_paste_is_kept(service: Service, now: datetime, text: str) -> None:
    """One word matches anything, and of a paste nobody knows what it was that matched."""
    record(service, now, NAN)
    record(service, now, "Annotators of tweets disagreed about sarcasm at midnight.")
    service.embed_missing()
    confirm(service, text, now, place=public())
    assert kept(service) == []


def test_without_a_model_nothing_is_grown(store: Store, now: datetime) -> None:
    """Words alone cannot tell whether it would help."""
    service = Service(store, Source(None))
    record(service, now, NAN)
    confirm(service, ODD, now, place=public())
    assert kept(service) == []
