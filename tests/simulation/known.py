"""What is broken and known: by the name of each kind of broken promise, with the reason.

A kind is taken out as soon as it is mended; whatever is not here fails the tests. What is here and
is not found any more over many seeds, `never_found` names.
"""

from __future__ import annotations

from collections.abc import Collection

KNOWN = {
}


def never_found(kinds: Collection[str]) -> list[str]:
    """The known kinds that are not among these: perhaps they are mended."""
    return sorted(KNOWN.keys() - set(kinds))
