"""What waits to be done, and what was given up."""

from __future__ import annotations

from collections.abc import Iterator

from failbot.doctor.check import Check, ok, warn
from failbot.store.base import GivenUp, Inbox

SHOWN = 10


def given_up(inbox: Inbox) -> Iterator[Check]:
    """How many jobs wait, and those that were given up, with what to do about them."""
    waiting, found = inbox.waiting(), inbox.given_up()
    if not found:
        yield ok("inbox", f"{waiting:,} jobs wait, none was given up")
        return
    shown = "; ".join(_line(one) for one in found[-SHOWN:])
    more = f"; and {len(found) - SHOWN:,} older" if len(found) > SHOWN else ""
    yield warn(
        "inbox",
        f"{waiting:,} jobs wait, {len(found):,} were given up: {shown}{more}. "
        "`failbot retry ID` or `failbot retry --all` tries them again, `failbot drop` forgets them",
    )


def _line(one: GivenUp) -> str:
    return f"{one.job.id} ({one.job.kind}, {one.at:%Y-%m-%d %H:%M} UTC: {one.reason})"
