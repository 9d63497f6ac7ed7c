"""The scorer, with small vectors whose likeness is plain to see."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from failbot.search.bm25 import Words
from failbot.search.calibration import Calibration
from failbot.search.quoting import best_sentence
from failbot.search.scoring import rank
from failbot.search.signals import QUANTISATION, compare, quantise, token_weights
from failbot.search.values import Candidate, Corpus, Embedding, Encoding, Query, Ranking
from failbot.search.words import words

WIDTH = 48
CALIBRATION = Calibration(
    model="toy",
    intercept=-4,
    coefficients={"margin": 20, "reverse": 4},
    floor=0.2,
    known=0.7,
    related=0.3,
    questions=100,
)


def seed(word: str) -> int:
    """The word's own, whatever other words there are and in whatever order tests run."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())


def direction(word: str) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed(word)).normal(size=WIDTH).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def encoded(text: str) -> Encoding:
    """A text whose words are its tokens; each word has a direction of its own."""
    pieces = text.lower().replace(".", "").split()
    tokens = np.array([direction(piece) for piece in pieces], np.float32).reshape(-1, WIDTH)
    total = tokens.sum(axis=0)
    ids = np.array([seed(piece) % 500 for piece in pieces], np.int32)
    starts = np.zeros(len(ids), np.int32)
    return Encoding(total / np.float32(np.linalg.norm(total) + 1e-9), tokens, ids, starts)


def candidate(number: int, text: str, *, title: str = "") -> Candidate:
    made = encoded(text)
    return Candidate(
        number=number,
        words=tuple(words(text)),
        embedding=Embedding(
            vectors=np.stack([made.sentence, encoded(title or text).sentence]),
            tokens=quantise(made.tokens),
            token_ids=made.token_ids,
            starts=made.starts,
        ),
    )


def unembedded(one: Candidate) -> Candidate:
    return Candidate(number=one.number, words=one.words)


def query(text: str, *, is_encoded: bool = True) -> Query:
    return Query(
        text=text, words=tuple(words(text)), encoding=encoded(text) if is_encoded else None
    )


def corpus_of(candidates: list[Candidate]) -> Corpus:
    index = Words()
    frequency = np.zeros(500, np.int32)
    for one in candidates:
        index.add(one.number, one.words)
        if one.embedding is not None:
            frequency[np.unique(one.embedding.token_ids)] += 1
    found = index.statistics()
    return Corpus(
        size=found.size,
        token_frequency=frequency,
        word_frequency=found.frequency,
        average_length=found.average_length,
    )


TEXTS = [
    "loss spikes late in pretraining despite clipping",
    "validation images leaked into training split",
    "annotators disagreed about sarcasm labels",
    "throughput fell when nodes were added",
    "tokenizer version differed between training and serving",
    "reward model preferred long replies",
    "retrieval returned stale documents",
    "quantised weights lost arithmetic skill",
]
MEMORY = [candidate(number, text) for number, text in enumerate(TEXTS, 1)]


def ranked(text: str, memory: list[Candidate] | None = None, **more: object) -> Ranking:
    memory = MEMORY if memory is None else memory
    is_encoded = bool(more.pop("is_encoded", True))
    return rank(
        query(text, is_encoded=is_encoded),
        memory,
        corpus=corpus_of(memory),
        calibration=replace(CALIBRATION, **more),  # type: ignore[arg-type]  # fields by name
    )


def numbers(ranking: Ranking) -> list[int]:
    return [one.number for one in ranking.hits]


def test_the_failure_that_was_asked_about_is_first_and_known() -> None:
    """Its words in another order."""
    ranking = ranked("pretraining loss spikes despite clipping")
    assert numbers(ranking)[0] == 1
    assert ranking.verdict == "known"
    assert ranking.confidence == ranking.hits[0].probability >= CALIBRATION.known


def test_a_question_about_something_else_is_unknown() -> None:
    """Every candidate is about as far away."""
    ranking = ranked("lunch menu for friday afternoon")
    assert ranking.verdict == "unknown"
    assert ranking.confidence < CALIBRATION.related


def test_one_content_word_is_never_known() -> None:
    """By late interaction the word alone matches anything that holds it."""
    memory = [*MEMORY, candidate(9, "clipping")]
    assert ranked("clipping", memory).confidence > CALIBRATION.known
    assert ranked("clipping", memory).verdict == "related"


def test_an_empty_memory_is_silent() -> None:
    """No hits, no confidence."""
    ranking = ranked("loss spikes", [])
    assert (ranking.hits, ranking.verdict, ranking.confidence) == ((), "unknown", 0.0)


def test_a_memory_of_one_answers_its_own_question_and_no_other() -> None:
    """Without rivals the floor stands for them."""
    only = MEMORY[:1]
    assert ranked("pretraining loss spikes despite clipping", only).verdict == "known"
    assert ranked("lunch menu for friday afternoon", only).verdict == "unknown"


def test_the_order_of_the_candidates_does_not_matter() -> None:
    """The same ranking whatever the store returns them in."""
    shuffled = random.Random(5).sample(MEMORY, len(MEMORY))
    text = "labels of training images"
    assert ranked(text, shuffled) == ranked(text)


def test_ties_go_to_the_lower_number() -> None:
    """Twins of one text, in the first three places and after."""
    twins = [candidate(number, TEXTS[0]) for number in (5, 3, 9, 7, 4, 8)]
    assert numbers(ranked("loss spikes", twins)) == [3, 4, 5, 7, 8, 9]


def test_scores_and_probabilities_never_rise_down_the_list() -> None:
    """A reader may stop anywhere."""
    hits = ranked("training loss of the reward model labels").hits
    assert [one.score for one in hits] == sorted((one.score for one in hits), reverse=True)
    chances = [one.probability for one in hits]
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= chance <= 1 for chance in chances)


def test_signals_are_those_of_a_loop_over_tokens() -> None:
    """Late interaction both ways, BM25's share and cosines, without blocks or reductions."""
    corpus = corpus_of(MEMORY)
    asked = query("training labels leaked twice")
    signals = compare(asked, MEMORY, corpus=corpus)
    made = asked.encoding
    assert made is not None
    for at, one in enumerate(MEMORY):
        stored = one.embedding
        assert stored is not None
        alike = made.tokens @ (stored.tokens / QUANTISATION).T
        own, theirs = (token_weights(ids, corpus) for ids in (made.token_ids, stored.token_ids))
        expected = {
            "late_interaction": np.average(alike.max(1), weights=own),
            "reverse": np.average(alike.max(0), weights=theirs),
            "dense": made.sentence @ stored.vectors[0],
            "title": made.sentence @ stored.vectors[1],
        }
        assert {name: signals[name][at] for name in expected} == pytest.approx(expected, abs=1e-5)


def test_the_share_of_words_is_bm25_over_its_most() -> None:
    """As the index in memory scores it, divided by what every word at its fullest would give."""
    index = Words()
    for one in MEMORY:
        index.add(one.number, one.words)
    asked = query("training loss loss leaked unheard")
    shares = compare(asked, MEMORY, corpus=corpus_of(MEMORY))["bm25"]
    scores = dict(index.top(asked.words, 100))
    ratios = {one.number: share for one, share in zip(MEMORY, shares, strict=True) if share > 0}
    assert ratios.keys() == scores.keys()
    factors = [scores[number] / ratios[number] for number in scores]
    assert factors == pytest.approx([factors[0]] * len(factors), rel=1e-4)
    assert max(ratios.values()) < 1


def test_many_candidates_score_as_each_does_alone() -> None:
    """Blocks of token rows change nothing."""
    texts = [" ".join(random.Random(n).choices(TEXTS[n % 8].split(), k=60)) for n in range(90)]
    memory = [candidate(number, text) for number, text in enumerate(texts, 1)]
    corpus, asked = corpus_of(memory), query("training loss leaked")
    together = compare(asked, memory, corpus=corpus)
    for at in (0, 33, 34, 89):
        alone = compare(asked, [memory[at]], corpus=corpus)
        assert {name: values[at] for name, values in together.items()} == pytest.approx(
            {name: values[0] for name, values in alone.items()}, abs=1e-6
        )


def test_rare_tokens_weigh_more() -> None:
    """A word of every entry tells nothing; ids beyond the table occur in none."""
    corpus = Corpus(
        size=100,
        token_frequency=np.array([100, 1], np.int32),
        word_frequency={},
        average_length=5.0,
    )
    common, rare, unheard = token_weights(np.array([0, 1, 7], np.int32), corpus)
    assert 0 < common < rare < unheard


def test_quantised_vectors_keep_their_likeness() -> None:
    """To a hundredth, with components clipped at a half."""
    tokens = np.array([direction(word) for word in ("loss", "spike", "label")], np.float32)
    stored = quantise(tokens)
    assert stored.dtype == np.int8
    assert tokens @ (stored / QUANTISATION).T == pytest.approx(tokens @ tokens.T, abs=0.05)


def test_an_entry_not_embedded_yet_is_found_by_its_words_but_not_known() -> None:
    """Logged a second ago, asked about now."""
    memory = [unembedded(MEMORY[0]), *MEMORY[1:]]
    ranking = ranked("pretraining loss spikes despite clipping", memory)
    assert numbers(ranking)[0] == 1
    assert ranking.verdict != "known"


def test_without_a_model_words_alone_decide_and_nothing_is_known() -> None:
    """The bot answers before its model is ready."""
    ranking = ranked("pretraining loss spikes despite clipping", is_encoded=False)
    assert numbers(ranking)[0] == 1
    assert ranking.verdict == "related"
    assert ranking.hits[0].signals["dense"] == 0


def test_an_entry_without_tokens_matches_nothing() -> None:
    """Its text held nothing that the model knows."""
    assert MEMORY[1].embedding is not None
    nothing = np.zeros(0, np.int32)
    bare = replace(
        MEMORY[1].embedding, tokens=np.zeros((0, WIDTH), np.int8), token_ids=nothing, starts=nothing
    )
    empty = replace(MEMORY[1], embedding=bare)
    hits = ranked("validation images leaked", [MEMORY[0], empty, MEMORY[2]]).hits
    late = {one.number: one.signals["late_interaction"] for one in hits}
    assert late[2] == 0


def test_from_the_fourth_place_neighbours_of_the_first_come_forward() -> None:
    """What is like the first helps more than what shares one word with the question."""
    near = [candidate(number, "loss spikes clipping") for number in range(1, 4)]
    neighbour = candidate(8, "loss spikes clipping weights lemons pears")
    stranger = candidate(7, "loss kettle window garden")  # shorter: it matches better
    memory = [*near, stranger, neighbour]
    assert numbers(ranked("loss", memory))[3:] == [8, 7]


def test_the_quoted_sentence_is_the_one_that_says_it() -> None:
    """By late interaction over the stored tokens and their offsets."""
    text = "Title here. The loss spiked at night. Annotators disagreed about labels."
    pieces = text.replace(".", "").split()
    starts = np.array([text.index(piece) for piece in pieces], np.int32)
    tokens = quantise(encoded(text).tokens)
    assert best_sentence(encoded("labels disagreed"), tokens, starts, text) == (
        "Annotators disagreed about labels."
    )
    assert best_sentence(encoded("night loss"), tokens, starts, text) == (
        "The loss spiked at night."
    )


def test_without_tokens_the_first_sentence_is_quoted() -> None:
    """And nothing of nothing."""
    no_tokens, no_starts = np.zeros((0, WIDTH), np.int8), np.zeros(0, np.int32)
    assert best_sentence(encoded("loss"), no_tokens, no_starts, "One. Two.") == "One."
    assert best_sentence(encoded("loss"), no_tokens, no_starts, " ") == ""


def test_a_margin_is_what_stands_out_of_the_best_five_others() -> None:
    """The own score less their mean; one that is below the floor, or missing, counts as it."""
    for memory in (MEMORY, MEMORY[:3]):
        hits = ranked("pretraining loss spikes despite clipping", memory).hits
        own = {
            one.number: sum(by * one.signals[name] for name, by in CALIBRATION.weights.items())
            for one in hits
        }
        for one in hits:
            others = sorted((own[at] for at in own if at != one.number), reverse=True)
            best = [max(other, CALIBRATION.floor) for other in others]
            rivals = [*best, *[CALIBRATION.floor] * 5][:5]
            margin = own[one.number] - sum(rivals) / 5
            assert one.signals["margin"] == pytest.approx(margin, abs=1e-5)


def test_the_first_three_places_are_the_own_matches() -> None:
    """Being like the first does not help there."""
    first = candidate(1, "loss spikes clipping")
    neighbour = candidate(8, "loss spikes clipping weights lemons pears")
    stranger = candidate(7, "loss kettle window garden")
    hits = ranked("loss", [first, stranger, neighbour]).hits
    assert [one.number for one in hits] == [1, 7, 8]
    assert [one.score for one in hits] == sorted((one.score for one in hits), reverse=True)


def test_likeness_to_the_first_is_of_the_texts_not_of_the_titles() -> None:
    """A title like the first's makes no neighbour of what is about something else."""
    near = [candidate(number, "loss spikes clipping", title="gpu") for number in range(1, 4)]
    neighbour = candidate(8, "loss spikes clipping weights lemons pears", title="kettle")
    stranger = candidate(7, "loss kettle window garden", title="gpu")
    assert numbers(ranked("loss", [*near, stranger, neighbour]))[3:] == [8, 7]


def test_a_second_opinion_moves_the_score_by_three_tenths() -> None:
    """Its sure yes outweighs the margin of a sure match, about 0.2; one not asked about gets 0."""
    text = "validation images leaked"
    plain = {one.number: one.score for one in ranked(text).hits[:3]}
    told = rank(
        query(text),
        MEMORY,
        corpus=corpus_of(MEMORY),
        calibration=CALIBRATION,
        reranked={2: 1.0, 3: 0.5},
    )
    by_number = {one.number: one for one in told.hits}
    assert by_number[2].score - plain[2] == pytest.approx(0.3, abs=1e-5)
    assert [by_number[at].signals["reranker"] for at in (1, 2, 3)] == [0.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("known", "related", "verdict"),
    [(0.5, 0.1, "known"), (0.51, 0.5, "related"), (0.9, 0.51, "unknown")],
)
def test_a_threshold_belongs_to_what_lies_above_it(
    known: float, related: float, verdict: str
) -> None:
    """A probability of just that much suffices."""
    even = {"intercept": 0.0, "coefficients": {"bm25": 0.0}, "known": known, "related": related}
    assert ranked("loss spikes", **even).verdict == verdict


def test_two_words_are_enough_to_be_known() -> None:
    """With one anything matches."""
    sure = {"intercept": 9.0, "coefficients": {"bm25": 0.0}}
    assert ranked("loss spikes", **sure).verdict == "known"
    assert ranked("loss", **sure).verdict == "related"


def test_the_runner_up_is_the_first_of_the_rest() -> None:
    """As if the first were hidden; one alone has none."""
    text = "pretraining loss spikes despite clipping"
    hidden = ranked(text, MEMORY[1:], known=0.99)
    told = ranked(text).runner_up
    assert told is not None
    assert 1 / (1 + np.exp(-told)) == pytest.approx(hidden.confidence, abs=0.02)
    assert ranked(text, MEMORY[:2]).runner_up is not None
    assert ranked(text, MEMORY[:1]).runner_up is None


def test_a_quantised_component_is_clipped_at_a_half() -> None:
    """To whole steps between -127 and 127: a byte that turned over would be the opposite."""
    steps = quantise(np.array([[0.9, -0.9, 0.25, -0.5, 0.0]], np.float32))
    assert steps.tolist() == [[127, -127, 64, -127, 0]]


def test_token_weights_are_by_hand() -> None:
    """ln(1 + size / (frequency + 1)); where nothing is known all weigh as one never seen."""
    seen = Corpus(
        size=9, token_frequency=np.array([8, 2], np.int32), word_frequency={}, average_length=1.0
    )
    ids = np.array([0, 1, 2, 99], np.int32)
    expected = [np.log1p(9 / 9), np.log1p(9 / 3), np.log1p(9), np.log1p(9)]
    assert token_weights(ids, seen).tolist() == pytest.approx(expected)
    nothing = replace(seen, token_frequency=np.zeros(0, np.int32))
    assert token_weights(ids, nothing).tolist() == pytest.approx([np.log1p(10)] * 4)


def test_closeness_is_of_the_text_and_of_the_title() -> None:
    """Each under its own name."""
    memory = [candidate(1, "loss spikes", title="rows"), candidate(2, "rows", title="loss spikes")]
    found = compare(query("loss spikes"), memory, corpus=corpus_of(memory))
    assert found["dense"][0] == pytest.approx(1.0, abs=1e-5)
    assert found["title"][1] == pytest.approx(1.0, abs=1e-5)
    assert found["dense"][0] > found["dense"][1]
    assert found["title"][1] > found["title"][0]


def test_a_token_belongs_to_the_sentence_that_it_begins() -> None:
    """And a sentence beyond the model's window, which has none, is never the one."""
    text = "Rows fell. Loss rose. Nodes hung."
    tokens = quantise(encoded("rows loss").tokens)
    starts = np.array([0, text.index("Loss")], np.int32)
    assert best_sentence(encoded("loss"), tokens, starts, text) == "Loss rose."
    assert best_sentence(encoded("rows"), tokens, starts, text) == "Rows fell."
    last = np.array([0, len(text) - 1], np.int32)
    assert best_sentence(encoded("loss"), tokens, last, text) == "Nodes hung."


def test_a_question_without_tokens_quotes_the_first_sentence() -> None:
    """There is nothing to compare."""
    tokens = quantise(encoded("rows loss").tokens)
    starts = np.array([0, 11], np.int32)
    assert best_sentence(encoded(""), tokens, starts, "Rows fell. Loss rose.") == "Rows fell."
    assert best_sentence(encoded(""), tokens, starts, "") == ""


def own_of(ranking: Ranking) -> dict[int, float]:
    """Each hit's weighted sum of its signals, without its likeness to the first."""
    weights = CALIBRATION.weights.items()
    return {one.number: sum(by * one.signals[name] for name, by in weights) for one in ranking.hits}


def test_ties_go_to_the_lower_number_among_many() -> None:
    """More than fit in what is shown."""
    memory = [candidate(number, "loss spikes") for number in range(1, 60)]
    assert numbers(ranked("loss spikes", memory)) == list(range(1, 60))
    bare = [unembedded(one) for one in memory]
    assert numbers(ranked("loss spikes", bare)) == list(range(1, 60))


def test_who_is_unlike_the_first_loses_up_to_three_tenths() -> None:
    """From the fourth place on: 0.3 times what is missing to the same direction, by the texts."""
    memory = [candidate(at, text, title=f"run {at}") for at, text in enumerate(TEXTS, 1)]
    memory.append(unembedded(candidate(9, "kettle")))
    found = ranked("pretraining loss spikes despite clipping", memory)
    own, by_number = own_of(found), {one.number: one for one in memory}
    assert [found.hits[at].score for at in range(3)] == pytest.approx(
        [own[one.number] for one in found.hits[:3]], abs=1e-5
    )
    first = by_number[found.hits[0].number].embedding
    assert first is not None
    assert 9 in [hit.number for hit in found.hits[3:]]
    for hit in found.hits[3:]:
        other = by_number[hit.number].embedding
        alike = float(first.vectors[0] @ other.vectors[0]) if other else 0.0
        unlike = max(1 - alike, 0)
        assert hit.score == pytest.approx(own[hit.number] - 0.3 * unlike, abs=1e-5)


def test_a_margin_is_over_the_five_best_where_many_match() -> None:
    """All of these lie above the floor: each has five rivals, never itself."""
    memory = [candidate(at, f"loss spikes {word}") for at, word in enumerate(TEXTS[1].split(), 1)]
    memory += [candidate(9, "loss spikes"), candidate(8, "loss")]
    found = ranked("loss spikes", memory)
    own = own_of(found)
    assert sum(one > CALIBRATION.floor for one in own.values()) == 8
    for hit in found.hits:
        others = sorted((one for number, one in own.items() if number != hit.number), reverse=True)
        margin = own[hit.number] - sum(others[:5]) / 5
        assert hit.signals["margin"] == pytest.approx(margin, abs=1e-5)
