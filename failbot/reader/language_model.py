"""A language model as a reader, and as a writer of drafts and of expected questions."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace

from failbot.errors import PrivateTextError
from failbot.models import Draft
from failbot.reader.base import DEADLINE_S, READ, Passage, Reading, Stats
from failbot.reader.chat import Completing
from failbot.reader.guards import Cache
from failbot.reader.prompts import (
    PROMPT_VERSION,
    draft_request,
    expected_request,
    reading_request,
)

CACHED = 10_000  # readings, of some 500 bytes
DRAFTING_S = 15.0  # somebody looks at an empty form, which takes longer to fill than a reading
WRITING_S = 30.0  # nobody waits at the form for what is written in the background
_ALPHABET = "bcdfghjkmnpqrstvwxz23456789"  # no vowels: no label is a word


def random_label() -> str:
    """Five characters that nobody can foresee: one in 27^5, 14 million.

    Longer ones would cost a token a character in every answer, and protect no better: a label
    that any text of its call holds is drawn again.
    """
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))


class LanguageModel:
    """See Reader. One call for all passages that were not read before against the question."""

    def __init__(
        self,
        source: Completing,
        *,
        name: str,
        may_see_private: bool = False,
        cached: int = CACHED,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """:param may_see_private: private text may go to whatever address it has."""
        self.name = name
        self._source = source
        self._may_see_private = may_see_private
        self._deadline_s = deadline_s
        self._cache: Cache[Reading] = Cache(cached)
        self._cached = 0

    def read(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        is_private: bool = True,
        deadline_s: float | None = None,
    ) -> dict[int, Reading]:
        """See Reader.read; the deadline is this model's own unless another is given."""
        allowed = self._allowed(passages[:READ], is_private=is_private)
        keys = {one.number: self._key(question, one) for one in allowed}
        found = {number: self._cache.get(key) for number, key in keys.items()}
        readings = {number: one for number, one in found.items() if one is not None}
        self._cached += len(readings)
        unread = [one for one in allowed if one.number not in readings]
        if unread:
            new = self._source.complete(
                reading_request(question, unread, draw=random_label),
                deadline_s=deadline_s or self._deadline_s,
                only_local=self._must_be_local(is_private, unread),
            )
            for number, reading in new.items():
                self._cache.put(keys[number], reading)
            readings |= new
        return readings

    def draft_from(self, text: str, *, is_private: bool = True) -> Draft:
        """See Reader.draft_from."""
        self._refuse_private(is_private)
        return self._source.complete(
            draft_request(text, draw=random_label),
            deadline_s=max(DRAFTING_S, self._deadline_s),
            only_local=self._must_be_local(is_private),
        )

    def expected_questions(self, text: str, *, is_private: bool = True) -> tuple[str, ...]:
        """See Reader.expected_questions."""
        self._refuse_private(is_private)
        return self._source.complete(
            expected_request(text, draw=random_label),
            deadline_s=max(WRITING_S, self._deadline_s),
            only_local=self._must_be_local(is_private),
        )

    def stats(self) -> Stats:
        """See Reader.stats."""
        return replace(self._source.stats(), cached=self._cached)

    def _allowed(self, passages: Sequence[Passage], *, is_private: bool) -> list[Passage]:
        """What of these it may see, given whose question it is."""
        asks_private = is_private or any(one.is_private for one in passages)
        if not asks_private or self._may_see_private or self._source.is_local():
            return list(passages)
        return [] if is_private else [one for one in passages if not one.is_private]

    def _refuse_private(self, is_private: bool) -> None:
        if is_private and not (self._may_see_private or self._source.is_local()):
            raise PrivateTextError(
                "the text is private and its address is elsewhere; FAILBOT_LLM_PRIVATE=yes "
                "would allow it"
            )

    def _must_be_local(self, is_private: bool, passages: Sequence[Passage] = ()) -> bool:
        has_private = is_private or any(one.is_private for one in passages)
        return has_private and not self._may_see_private

    def _key(self, question: str, passage: Passage) -> bytes:
        """Of all that a reading depends on; the text too, for numbers are a workspace's own."""
        parts = (self.name, PROMPT_VERSION, question, str(passage.number), str(passage.version))
        told = "\0".join([*parts, passage.text])
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()
