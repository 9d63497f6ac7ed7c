"""What someone typed after /failure, understood or refused with the reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from failbot.errors import InputError
from failbot.models import parse_reference
from failbot.slack.markup import decode
from failbot.slack.views.digests import DAYS

ALONE = ("help", "list", "mine")  # stand without an argument
WITH_NUMBER = ("show", "edit", "delete", "publish")
VERBS = (*ALONE, *WITH_NUMBER, "search", "digest", "log")

# Fewer words than this that begin like a command are one, mistyped; more are a failure's text.
SENTENCE_WORDS = 5
CLOSE = 0.75  # difflib's ratio: "shw" and "serach" are close, "training" is not
DIGEST_EXAMPLE = "/failure digest here monday 09:00 Europe/Berlin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One of `VERBS`, or "form" for a text to log; `number` is a failure's."""

    verb: str
    text: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """A weekly moment as typed; `zone` is empty where none was given."""

    weekday: int
    hour: int
    minute: int
    zone: str = ""


def parse(text: str) -> Command:
    """The command in Slack's escaped text.

    Free text opens the form; a lone unknown word, a command mistyped or without its argument
    does not, unless it goes on like a sentence. :raises InputError: with what to type instead.
    """
    plain = decode(text).strip()
    words = plain.split()
    if not words:
        return Command(verb="form")
    verb, rest = words[0].lower(), plain[len(words[0]) :].strip()
    if verb == "log":
        return Command(verb="form", text=rest)
    try:
        return _command(verb, rest)
    except InputError:
        if len(words) < SENTENCE_WORDS:
            raise
    return Command(verb="form", text=plain)


def parse_weekly(text: str) -> Weekly:
    """The moment in `monday 09:00 [Europe/Berlin]`. :raises InputError: naming what is wrong."""
    words = text.split()
    if len(words) not in (2, 3):
        raise InputError(f"a digest needs a day and a time, such as {DIGEST_EXAMPLE}")
    time = re.fullmatch(r"([01]?\d|2[0-3])[:.]([0-5]\d)", words[1])
    if not time:
        raise InputError(f"{words[1]!r} is not a time of day; write it as 09:00 or 17:30")
    zone = _zone(words[2]) if len(words) == 3 else ""
    return Weekly(
        weekday=_weekday(words[0]), hour=int(time.group(1)), minute=int(time.group(2)), zone=zone
    )


def is_zone(name: str) -> bool:
    """Whether this is the name of an IANA time zone that is known here."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _command(verb: str, rest: str) -> Command:
    if verb in ALONE and not rest:
        return Command(verb=verb)
    if verb in WITH_NUMBER:
        return Command(verb=verb, number=_number(verb, rest))
    if verb == "search":
        if not rest:
            raise InputError("search needs words, such as /failure search cuda out of memory")
        return Command(verb=verb, text=rest)
    if verb == "digest":
        return Command(verb=verb, text=_digest(rest))
    if verb in ALONE:
        raise InputError(f"{verb} stands alone: /failure {verb}")
    return _free_text(verb, rest)


def _free_text(first: str, rest: str) -> Command:
    close = get_close_matches(first, VERBS, n=1, cutoff=CLOSE)
    if close:
        raise InputError(f"{first!r} is not a command; did you mean /failure {close[0]}?")
    if not rest:
        raise InputError(f"{first!r} is not a command; to log it, type /failure log {first}")
    return Command(verb="form", text=f"{first} {rest}")


def _number(verb: str, rest: str) -> int:
    number = parse_reference(rest)
    if number is None:
        raise InputError(f"{verb} needs a number, such as /failure {verb} F-12")
    return number


def _digest(rest: str) -> str:
    first, *more = rest.lower().split() or [""]
    if first != "here" and (first not in ("", "off", "preview") or more):
        raise InputError(f"a digest can be here, preview or off, such as {DIGEST_EXAMPLE}")
    return rest


def _weekday(word: str) -> int:
    name = word.lower().rstrip("s,")
    found: Sequence[int] = [
        index for index, day in enumerate(DAYS) if len(name) > 2 and day.lower().startswith(name)
    ]
    if not found:
        raise InputError(f"{word!r} is not a day of the week; write monday, tuesday, …")
    return found[0]


def _zone(word: str) -> str:
    known = {name.lower(): name for name in available_timezones()}
    if zone := known.get(word.lower()):
        return zone
    close = get_close_matches(word.lower(), known, n=1)
    hint = f"did you mean {known[close[0]]}?" if close else "write one such as Europe/Berlin"
    raise InputError(f"{word!r} is not a time zone; {hint}")
