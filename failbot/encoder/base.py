"""What every encoder gives: for each text one sentence vector and one vector a token."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from failbot.search.values import Encoding

Kind = Literal["document", "query"]

# Held while a library of models is imported and loads: they fill their modules in lazily, and two
# threads at once may find one of them half there.
IMPORTING = threading.Lock()

# Below this length a vector is nothing but rounding error: it stays as it is, near zero.
# The same bound as torch.nn.functional.normalize.
SMALLEST_LENGTH = 1e-12


class Encoder(Protocol):
    """Turns texts into vectors; any thread may call it."""

    @property
    def name(self) -> str:
        """The model's name, stored with its vectors: equal names mean comparable vectors."""

    @property
    def dimension(self) -> int:
        """Length of a sentence vector."""

    def encode(self, texts: Sequence[str], *, kind: Kind = "document") -> list[Encoding]:
        """One Encoding a text, in the texts' order; deterministic, and [] for no texts.

        `kind` picks the prompt of models that were trained with one. Token vectors are large
        (about 100 KB an entry of 70 tokens): hand over a few hundred texts at a time.
        """


def well_formed(text: str) -> str:
    """The text with surrogate pairs joined and lone surrogates replaced by U+FFFD.

    Tokenizers take UTF-8, which cannot hold a surrogate.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """A new float32 array with every vector of the last axis at length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, SMALLEST_LENGTH), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Which of the model's tokens are not the text's: special ones, and a prompt's."""

    special_ids: frozenset[int]
    prompt_tokens: dict[Kind, int]  # how many tokens the prompt of this kind has

    def encoding(
        self,
        sentence: NDArray[np.float32],
        *,
        states: NDArray[np.float32],
        token_ids: NDArray[np.integer],
        starts: NDArray[np.integer],
        kind: Kind,
    ) -> Encoding:
        """The Encoding of one text from a model's raw output, padding already cut off.

        sentence (d,), states (n, h), token_ids and starts (n,); what it gives shares no memory
        with them.
        """
        own = [at for at, one in enumerate(token_ids.tolist()) if one not in self.special_ids]
        own = own[self.prompt_tokens[kind] :]
        return Encoding(
            sentence=unit(sentence),
            tokens=unit(states[own]),
            token_ids=np.asarray(token_ids[own], dtype=np.int32),
            starts=np.asarray(starts[own], dtype=np.int32),
        )
