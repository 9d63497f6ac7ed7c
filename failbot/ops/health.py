"""Whether a serving process is alive, and whether all is well with it.

Said to anybody who asks, for in HTTP mode the port may be the world's: no path, no name, no count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from failbot.errors import StoreError

Part = Callable[[], str]  # what is wrong with it, in words; "" where all is well


def database_part(ask: Callable[[], object]) -> Part:
    """Whether the database answers. :param ask: reads a little of it."""

    def look() -> str:
        try:
            ask()
        except StoreError:
            return "does not answer; the log and `failbot doctor` say why"
        return ""

    return look


def model_part(*, has_failed: Callable[[], bool]) -> Part:
    """Whether the model can be used. One that still loads is well: requests are acked meanwhile,
    and questions wait for it."""

    def look() -> str:
        if has_failed():
            return "cannot be used, answers go by words; the log and `failbot doctor` say why"
        return ""

    return look


def slack_part(*, refusal: Callable[[], str], is_connected: Callable[[], bool]) -> Part:
    """Whether Slack accepts the bot and its requests can arrive."""

    def look() -> str:
        if refusal():
            return "refuses the bot token; `failbot doctor` says what to do"
        return "" if is_connected() else "is not connected"

    return look


def told(parts: Mapping[str, Part]) -> tuple[bool, dict[str, object]]:
    """Whether every part is well, and what is said of each."""
    found = {name: look() for name, look in parts.items()}
    is_well = not any(found.values())
    return is_well, {"ok": is_well} | {name: words or "ok" for name, words in found.items()}
