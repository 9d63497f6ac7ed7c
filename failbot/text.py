"""Text as a person typed it, made safe to store."""

from __future__ import annotations

import unicodedata

_KEPT_CONTROLS = frozenset("\n\t\u200c\u200d")  # the last two join letters and emoji
# Control, format (direction overrides reorder even what follows the text) and lone surrogates.
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})


def clean(text: str) -> str:
    """The text without control characters, invisible marks and lone surrogates; lines end in \\n.

    Idempotent. What is left can be encoded as UTF-8 and stored by any database.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines.isascii() and lines.replace("\n", "").replace("\t", "").isprintable():
        return lines
    return "".join(char for char in lines if _is_kept(char))


def _is_kept(char: str) -> bool:
    return char in _KEPT_CONTROLS or unicodedata.category(char) not in _DROPPED_CATEGORIES
