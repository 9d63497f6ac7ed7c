"""Text as Slack writes it, and back: decode what comes in, shorten and escape what goes out.

Sources: docs.slack.dev, "Formatting message text" (escaping, mentions, links).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

from failbot.text import clean

ELLIPSIS = "…"

_MARKUP = re.compile(r"<([^<>\s|][^<>|]*)(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^<>]*)?>")
_USER_ID = re.compile(r"[UW][A-Z0-9]{2,30}")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,30}")


def decode(text: str) -> str:
    """What the writer saw, from what Slack sends: markup resolved, entities unescaped once.

    `<@U1|ann>` gives @ann, `<#C1|general>` #general, `<https://a.b|label>` label (https://a.b).
    """
    parts: list[str] = []
    end = 0
    for match in _MARKUP.finditer(text):
        parts += [_unescape(text[end : match.start()]), _unescape(_shown(*match.group(1, 2)))]
        end = match.end()
    parts.append(_unescape(text[end:]))
    return clean("".join(parts))


def question(text: str) -> str:
    """What a message asks, decoded, without the people it addresses; "" where nothing is left."""
    return decode(_MENTION.sub(" ", text)).strip()


def escape(text: str) -> str:
    """The text with `&`, `<`, `>` as Slack wants them: nothing in it can mention or link.

    Called last, after shortening, and once.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip(text: str, limit: int) -> str:
    """The text cleaned, cut and escaped: at most `limit` characters as Slack counts them.

    Lines are kept. The cut falls before the escaping, so that no entity is split.
    """
    plain = clean(text).strip()
    escaped = escape(plain)
    return escaped if len(escaped) <= limit else escape(_head(plain, limit - 1)) + ELLIPSIS


def clip_line(text: str, limit: int) -> str:
    """As clip, on one line."""
    return clip(" ".join(clean(text).split()), limit)


def quote(text: str, limit: int) -> str:
    """The text as a Slack quotation; at most `limit` characters before the marks of its lines."""
    lines = (line for line in clip(text, limit).split("\n") if line.strip())
    return "\n".join(f">{line}" for line in lines)


def person(user_id: str) -> str:
    """The Slack person behind an id, shown by Slack itself; any other author as plain text."""
    if _USER_ID.fullmatch(user_id):
        return f"<@{user_id}>"
    return clip_line(user_id, 60) or "someone"


def channel(channel_id: str) -> str:
    """The Slack channel behind an id, named by Slack itself; anything else as plain text."""
    return f"<#{channel_id}>" if _CHANNEL_ID.fullmatch(channel_id) else clip_line(channel_id, 60)


def link(url: str, label: str) -> str:
    """A link whose label and address are escaped; the label may be at most 200 characters."""
    address = re.sub(r"[<>|\s]", lambda match: f"%{ord(match.group()):02X}", clean(url))
    return f"<{escape(address)}|{clip_line(label, 200).replace('|', '¦')}>"


def _unescape(text: str) -> str:
    # & last: otherwise "&amp;lt;", which someone typed as "&lt;", would be unescaped twice.
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(target: str, label: str | None) -> str:
    """What Slack shows for `<target|label>`."""
    kind = target[0]
    if kind in "@#":
        return kind + (label or target[1:]).lstrip(kind)
    if kind == "!":
        return _shown_special(target[1:], label)
    if target.startswith(("mailto:", "tel:")):
        return label or target.partition(":")[2]
    return f"{label} ({target})" if label and label not in target else target


def _shown_special(target: str, label: str | None) -> str:
    """`!here`, `!subteam^S1|@team`, `!date^…|tomorrow`."""
    if target.startswith("date^"):
        return label or ""
    return label or "@" + target.partition("^")[0]


def _head(text: str, limit: int) -> str:
    """The longest start that escapes to at most `limit` characters, cut at a word if near."""
    sizes = list(accumulate(len(escape(char)) for char in text[:limit]))
    cut = text[: bisect_right(sizes, limit)]
    word = max(cut.rfind(" "), cut.rfind("\n"))
    return (cut[:word] if word > len(cut) * 0.8 else cut).rstrip(" \n\t,;:")
