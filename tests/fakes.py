"""Hand-written stand-ins that do what the real thing does, refusals included."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from failbot.encoder.base import Kind, unit, well_formed
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
