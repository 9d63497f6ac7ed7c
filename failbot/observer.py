"""Who is told what a serving process does, to count it; nobody, unless somebody asks."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Told by any thread; returns at once, and never raises. No text, no id of a person."""

    def acked(self, kind: str, *, seconds: float, status: int) -> None:
        """A request of Slack's was answered with this HTTP status after so long."""

    def worked(self, kind: str, outcome: str, *, seconds: float) -> None:
        """A job of the inbox came to this outcome: done, again or given up."""

    def answered(self, verdict: str) -> None:
        """A question got this verdict."""


class Unobserved:
    """An `Observer` to whom it is all the same."""

    def acked(self, kind: str, *, seconds: float, status: int) -> None: ...

    def worked(self, kind: str, outcome: str, *, seconds: float) -> None: ...

    def answered(self, verdict: str) -> None: ...
