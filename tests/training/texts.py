"""Texts as the product compares them: tokens without punctuation, weights, shares of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from failbot.encoder.base import well_formed
from failbot.evaluation.reading import Document
from failbot.memory.embedding import telling
from failbot.search.signals import compare, token_weights
from failbot.search.values import Candidate, Corpus, Encoding, Query
from failbot.search.words import salient, words
from tests.training.data import Team

Grades = dict[int, int]  # place of the entry in its team -> 2 the same failure, 1 helps


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """ids: the model's, special ones included; told: places of those that are compared;
    weights: float32, inverse frequency of those, before any sum."""

    ids: list[int]
    told: NDArray[np.int64]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question of a team: its text, what answers it, and its share of words with each entry."""

    text: Text
    grades: Grades
    shares: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Prepared:
    """A team ready for training: everything that no step changes is computed once."""

    name: str
    entries: list[Text]
    answered: list[Asked]
    unanswered: list[Asked]
    expected: list[list[Asked]]  # by entry


class Preparation:
    """Cuts a team's texts with the model's own tokenizer."""

    def __init__(self, tokenizer: Tokenizer, *, longest: int) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(longest)
        self._tokenizer = tokenizer

    def prepared(self, team: Team) -> Prepared:
        """The team, its corpus being its own entries as in the product."""
        places = {one.id: at for at, one in enumerate(team.entries)}
        memory = _Memory(self._tokenizer, team.entries)
        questions = [
            memory.asked(one.text, {places[id]: grade for id, grade in one.relevant.items()})
            for one in team.questions
        ]
        expected = [
            [memory.asked(text, {at: 2}) for text in team.expected.get(one.id, ())]
            for at, one in enumerate(team.entries)
        ]
        return Prepared(
            name=team.name,
            entries=memory.entries,
            answered=[one for one in questions if one.grades],
            unanswered=[one for one in questions if not one.grades],
            expected=expected,
        )


class _Memory:
    """A team's entries as one corpus."""

    def __init__(self, tokenizer: Tokenizer, entries: Sequence[Document]) -> None:
        self._tokenizer = tokenizer
        texts = [one.text for one in entries]
        self._candidates = [
            Candidate(number=at, words=tuple(words(text))) for at, text in enumerate(texts)
        ]
        cut = [cut_text(tokenizer, text) for text in texts]
        self._corpus = corpus_of([ids for _, _, ids in cut], [c.words for c in self._candidates])
        self.entries = [self._weighted(*one) for one in cut]

    def asked(self, text: str, grades: Grades) -> Asked:
        told = salient(text)
        query = Query(text=told, words=tuple(words(told)), encoding=None)
        shares = compare(query, self._candidates, corpus=self._corpus)["bm25"]
        return Asked(self._weighted(*cut_text(self._tokenizer, told)), grades, shares)

    def _weighted(
        self, ids: list[int], told: NDArray[np.int64], told_ids: NDArray[np.int32]
    ) -> Text:
        return Text(ids, told, token_weights(told_ids, self._corpus))


def cut_text(
    tokenizer: Tokenizer, text: str
) -> tuple[list[int], NDArray[np.int64], NDArray[np.int32]]:
    """Ids of the text, special ones included; places of its telling tokens, and their ids."""
    found = tokenizer.encode(well_formed(text))
    own = np.flatnonzero(np.array(found.special_tokens_mask) == 0)
    whole = Encoding(
        sentence=np.zeros(1, np.float32),
        tokens=own[:, None].astype(np.float32),
        token_ids=np.array(found.ids, np.int32)[own],
        starts=np.array([start for start, _ in found.offsets], np.int32)[own],
    )
    told = telling(whole, text)
    return found.ids, told.tokens[:, 0].astype(np.int64), told.token_ids


def corpus_of(ids: Sequence[NDArray[np.int32]], stems: Sequence[Sequence[str]]) -> Corpus:
    """The statistics that the store keeps: in how many entries each token and word occurs."""
    holders = Counter(int(one) for entry in ids for one in set(entry.tolist()))
    frequency = np.zeros(max(holders, default=0) + 1, np.int32)
    for token, count in holders.items():
        frequency[token] = count
    return Corpus(
        size=len(ids),
        token_frequency=frequency,
        word_frequency=Counter(word for entry in stems for word in set(entry)),
        average_length=sum(map(len, stems)) / max(1, len(stems)),
    )
