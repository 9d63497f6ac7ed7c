"""Slack's text markup: what a person types made into it, and its live parts found in it.

Sources: docs.slack.dev, "Formatting message text" (escaping, mentions, links).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from failbot.sandbox.refusal import JsonObject

Kind = Literal["text", "user", "channel", "link", "broadcast", "usergroup", "date"]

_TOKEN = re.compile(
    r"<(?:(?P<user>@[UW][A-Z0-9]+)|(?P<channel>#[CGD][A-Z0-9]+)|(?P<special>![^<>|]+)"
    r"|(?P<link>(?:https?://|mailto:|tel:)[^<>|\s]+))(?:\|(?P<label>[^<>]*))?>"
)
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
_URL = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]'\"]")
_NAME = re.compile(r"(?<![\w@#])([@#])([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
_TYPED_MENTION = re.compile(r"<@([UW][A-Z0-9]+)>")
_MASS = {"channel", "here", "everyone", "group"}


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of text or one live part; `text` is unescaped, `target` an id, range or URL."""

    kind: Kind
    text: str
    target: str = ""


def escape(text: str) -> str:
    """The text with `&`, `<` and `>` as entities, as Slack sends what people typed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The reverse of `escape`, once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def parse(text: str) -> list[Token]:
    """Plain and live parts of a stored text, in order."""
    tokens: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            tokens.append(Token("text", unescape(text[end : match.start()])))
        tokens.append(_token(match))
        end = match.end()
    if end < len(text):
        tokens.append(Token("text", unescape(text[end:])))
    return tokens


def _token(match: re.Match[str]) -> Token:
    label = unescape(match["label"] or "")
    if match["user"]:
        return Token("user", label, match["user"][1:])
    if match["channel"]:
        return Token("channel", label, match["channel"][1:])
    if match["link"]:
        url = unescape(match["link"])
        return Token("link", label or url, url)
    special = match["special"][1:]
    if special.startswith("subteam^"):
        return Token("usergroup", label, special.split("^", 1)[1])
    if special.startswith("date^"):
        return Token("date", label, special)
    return Token("broadcast", label or special, special)


def mass_mentions(text: str) -> Iterator[str]:
    """The kind (channel, here, everyone, group, subteam) of each live mass mention."""
    for token in parse(text):
        if token.kind == "usergroup":
            yield "subteam"
        elif token.kind == "broadcast" and token.target in _MASS:
            yield token.target


def canonical(text: str) -> str:
    """A text from the app as Slack stores it: stray `&`, `<`, `>` escaped, markup kept."""
    parts: list[str] = []
    end = 0
    for match in _TOKEN.finditer(text):
        parts += [_escape_stray(text[end : match.start()]), match.group()]
        end = match.end()
    parts.append(_escape_stray(text[end:]))
    return "".join(parts)


def _escape_stray(text: str) -> str:
    return _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def typed(text: str, *, resolve: Callable[[str, str], str | None]) -> str:
    """What the composer sends for a typed text: mentions and links live, the rest escaped.

    `resolve(sigil, name)` gives the markup for `@name`, `#name` or `@U…` (the sigil and a
    member's id, as the composer's completion would insert), or None to leave it as text.
    """
    parts: list[str] = []
    end = 0
    for start, stop, markup in _live_stretches(text, resolve):
        if start >= end:
            parts += [escape(text[end:start]), markup]
            end = stop
    return "".join([*parts, escape(text[end:])])


def _live_stretches(
    text: str, resolve: Callable[[str, str], str | None]
) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for match in _URL.finditer(text):
        found.append((match.start(), match.end(), f"<{escape(match.group())}>"))
    for match in _TYPED_MENTION.finditer(text):
        if markup := resolve("@", match[1]):
            found.append((match.start(), match.end(), markup))
    for match in _NAME.finditer(text):
        if markup := resolve(match[1], match[2]):
            found.append((match.start(), match.end(), markup))
    return sorted(found)


def link_names(text: str, *, resolve: Callable[[str, str], str | None]) -> str:
    """The stored text with `@name` and `#name` made live (`link_names`, `parse=full`)."""

    def replace(match: re.Match[str]) -> str:
        return resolve(match[1], match[2]) or match.group()

    return _NAME.sub(replace, text)


def rich_text(text: str) -> JsonObject:
    """The rich_text block that Slack adds to a person's message."""
    elements = [_rich_element(token) for token in parse(text)]
    return {
        "type": "rich_text",
        "block_id": "rt",
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def _rich_element(token: Token) -> JsonObject:
    match token.kind:
        case "user":
            return {"type": "user", "user_id": token.target}
        case "channel":
            return {"type": "channel", "channel_id": token.target}
        case "link":
            return {"type": "link", "url": token.target, "text": token.text}
        case "broadcast":
            return {"type": "broadcast", "range": token.target}
        case "usergroup":
            return {"type": "usergroup", "usergroup_id": token.target}
        case _:
            return {"type": "text", "text": token.text}
