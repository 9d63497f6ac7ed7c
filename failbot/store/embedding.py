"""The part of a store that keeps what a model made of entries; a contract as `store.base`'s."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from failbot.models import Draft
from failbot.search.values import Embedding


@dataclass(frozen=True, slots=True, kw_only=True)
class Unembedded:
    """A failure that has no embedding of its current text and its current expected questions.

    `expected_version` stands for the questions: another number, other questions.
    """

    id: int
    team_id: str
    number: int
    version: int
    draft: Draft
    questions: tuple[str, ...] = ()
    expected_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveModel:
    """The model whose vectors are searched: its name, and the setting that finds it again."""

    name: str
    setting: str


class Embeddings(Protocol):
    """Vectors, kept with the model that made them."""

    def active(self) -> ActiveModel | None:
        """The model whose vectors are searched; None before the first activation."""

    def activate(self, model: ActiveModel) -> None:
        """From now on this model's vectors alone are searched; those of others are removed."""

    def missing(
        self, model: str, *, limit: int, among: Collection[tuple[str, int]] | None = None
    ) -> list[Unembedded]:
        """Failures of all workspaces still to be embedded by `model`, oldest first.

        :param among: only of these, each by its workspace and number.
        """

    def is_complete(self, model: str) -> bool:
        """Whether none is missing; costs little however many there are."""

    def put(
        self, model: str, embeddings: Sequence[tuple[Unembedded, Embedding]]
    ) -> list[Unembedded]:
        """Keeps each, unless its failure or its questions were changed or deleted meanwhile;
        commits.

        Those that were kept, in their order.
        """

    def progress(self, model: str) -> tuple[int, int]:
        """How many failures have their vectors, and how many there are."""
