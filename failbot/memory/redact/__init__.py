"""Takes secrets out of text before anything stores, embeds or indexes it.

Formats that their issuers made to be recognised are in `formats`, telling names in `names`, what
surrounds a secret in `shapes` and `blocks`, a team's own rules in `team`. The existing scanners
read files line by line, from a command, and guess by entropy; a post-mortem is full of commit
ids, hashes and run names, which must stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from failbot.fields import About, map_texts
from failbot.memory.redact import blocks, formats, names, shapes
from failbot.memory.redact.found import MARK, Found, mark, united
from failbot.memory.redact.team import Rules
from failbot.models import Draft

# Taking a secret out can uncover the beginning of another; a text where this goes on is not one.
_PASSES = 8
_team = Rules()


def use(rules: Rules) -> None:
    """From now on these rules of the team's hold too, in the whole process; `Rules()` for none."""
    global _team
    _team = rules


def redact(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without secrets, and the kinds of what was taken out, in order, each once.

    Idempotent. Each secret leaves `[redacted: kind]`, and what it opens stays: an address keeps
    its host, a setting its name.
    """
    kinds: dict[str, None] = {}
    for _ in range(_PASSES):
        cleaner = "".join(_pieces(text, kinds))
        if cleaner == text:
            break
        text = cleaner
    return text, tuple(kinds)


def redact_draft(draft: Draft) -> tuple[Draft, tuple[str, ...]]:
    """The draft without secrets and tidied, as it is stored, and the kinds, in order, once each.

    All its texts, at any depth, but for the fields that say that they hold nothing typed.
    """
    kinds: dict[str, None] = {}
    without = redact_texts(draft, lambda found: kinds.update(dict.fromkeys(found)))
    return without, tuple(kinds)


def redact_texts(draft: Draft, tell: Callable[[tuple[str, ...]], object]) -> Draft:
    """As `redact_draft`; `tell` hears the kinds of each text."""

    def left(text: str, about: About) -> str:
        if not about.is_redacted:
            return text
        without, found = redact(text)
        tell(found)
        return about.tidy(without)

    return map_texts(draft, left)


def _pieces(text: str, kinds: dict[str, None]) -> Iterator[str]:
    """The text between marks, each stretch without its secrets, and the marks as they are."""
    position = 0
    for there in MARK.finditer(text):
        yield from _cleaned(text[position : there.start()], kinds)
        yield there[0]
        position = there.end()
    yield from _cleaned(text[position:], kinds)


def _cleaned(text: str, kinds: dict[str, None]) -> Iterator[str]:
    position = 0
    for one in united(_found(text)):
        kinds[one.kind] = None
        yield text[position : one.start]
        yield mark(one.kind)
        position = one.end
    yield text[position:]


def _found(text: str) -> Iterator[Found]:
    """What no rule of the team's lets stay."""
    for one in _seen(text):
        if not _team.allow or not _team.allows(text[one.start : one.end]):
            yield one


def _seen(text: str) -> Iterator[Found]:
    """Where two rules see the same secret, the first one here names it."""
    yield from _team.found(text)
    if len(text) < 4:
        return
    for finder in (blocks.key_blocks, formats.formats, blocks.broken, shapes.shapes, names.named):
        for one in finder(text):
            yield blocks.continued(text, one)
    yield from blocks.tables(text)
    yield from blocks.own_lines(text)
