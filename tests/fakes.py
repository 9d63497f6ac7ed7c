"""Hand-written stand-ins that do what the real thing does, refusals included."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from failbot.encoder.base import Kind, unit, well_formed
from failbot.errors import PrivateTextError, ReaderError
from failbot.models import Draft
from failbot.reader.base import DEADLINE_S, READ, Judgement, NoReader, Passage, Reading
from failbot.search.values import Encoding


class WordEncoder:
    """An Encoder that needs no model: texts are near one another as far as they share words.

    Like the real ones it gives a unit vector even for a text without words, and no token for it.
    """

    dimension = 64

    def __init__(self, name: str = "words") -> None:
        self.name = name

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        """See Encoder.encode."""
        return [self._encoding(well_formed(one).lower()) for one in texts]

    def _encoding(self, text: str) -> Encoding:
        found = list(re.finditer(r"\w+", text))
        words = [one.group() for one in found]
        tokens = np.stack([_vector(word) for word in ["", *words]])
        return Encoding(
            sentence=unit(tokens[1:].sum(axis=0) + 0.1 * tokens[0]),
            tokens=tokens[1:],
            token_ids=np.array([_seed(word) % 30_000 for word in words], np.int32),
            starts=np.array([one.start() for one in found], np.int32),
        )


class WordReader(NoReader):
    """A Reader that needs no model: the same is what holds `same`, what holds `helps` helps.

    Like the real one it is given no private text unless it is local, and may fail.
    """

    name = "words"

    def __init__(self, *, same: str = "", helps: str = "", is_local: bool = True) -> None:
        self.same, self.helps, self.is_local = same, helps, is_local
        self.failure = ""
        self.asked: list[tuple[str, list[int]]] = []
        self.handed: list[int] = []  # how many passages each call brought
        self.writes: tuple[str, ...] = ()  # as expected questions of every entry
        self.drafts: Draft | None = None  # of every text
        self.error: type[ReaderError] = ReaderError  # what `failure` is raised as
        self.says = ""  # instead of its own sentences
        self.told: list[str] = []  # the texts that were to be written of

    def read(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        is_private: bool = True,
        deadline_s: float = DEADLINE_S,
    ) -> dict[int, Reading]:
        """See Reader.read."""
        self.handed.append(len(passages))
        if self.failure:
            raise self.error(self.failure)
        if is_private and not self.is_local:
            return {}
        seen = [one for one in passages[:READ] if self.is_local or not one.is_private]
        self.asked.append((question, [one.number for one in seen]))
        return {one.number: self._reading(one.text) for one in seen}

    def draft_from(self, text: str, *, is_private: bool = True) -> Draft:
        """See Reader.draft_from."""
        self._hear(text, is_private=is_private)
        return self.drafts or super().draft_from(text, is_private=is_private)

    def expected_questions(self, text: str, *, is_private: bool = True) -> tuple[str, ...]:
        """See Reader.expected_questions."""
        self._hear(text, is_private=is_private)
        return self.writes

    def _hear(self, text: str, *, is_private: bool) -> None:
        if is_private and not self.is_local:
            raise PrivateTextError("the text is private and the model is elsewhere")
        self.told.append(text)
        if self.failure:
            raise self.error(self.failure)

    def _reading(self, text: str) -> Reading:
        for word, judgement in ((self.same, Judgement.SAME), (self.helps, Judgement.HELPS)):
            if word and word in text:
                matches = self.says or f"Both say {word}."
                return Reading(judgement=judgement, matches=matches, differs=self.says or "Size.")
        return Reading(judgement=Judgement.NO)


def _seed(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())


def _vector(word: str) -> NDArray[np.float32]:
    drawn = np.random.default_rng(_seed(word)).standard_normal(WordEncoder.dimension)
    return unit(drawn.astype(np.float32))


class NoEncoder:
    """The source of a model that never comes: entries wait for it, and words are compared."""

    setting = "none"

    def wait(self, timeout_s: float | None) -> None:
        return None

    def switch(self, setting: str) -> None:
        raise AssertionError("there is no model to switch to")
