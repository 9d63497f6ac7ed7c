"""What is broken and known: by the name of each kind of broken promise, with the reason.

A kind is taken out as soon as it is mended; whatever is not here fails the tests. What is here and
is not found any more over many seeds, `never_found` names.
"""

from __future__ import annotations

from collections.abc import Collection

_PAUSED = "a process that is paused between the check and the sending sends all the same"

KNOWN = {
    "answer posted twice": _PAUSED,
    "digest posted twice": _PAUSED,
    "card out of date": "the card was under way when its entry was edited",
    "deleted, it comes back": "the same form, handed to a bot that was stopped, is logged later",
    "work waits out a clock's jump": "a lease that was given while the clock was an hour ahead",
}


def never_found(kinds: Collection[str]) -> list[str]:
    """The known kinds that are not among these: perhaps they are mended."""
    return sorted(KNOWN.keys() - set(kinds))
