"""What was deleted, and is in some file still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from failbot.doctor.check import Check, fail, warn
from failbot.errors import FailbotError
from failbot.store.erasing import Erasures


def erased(erasures: Erasures, database: Path) -> Iterator[Check]:
    """What is not gone yet, with what to do; nothing where all of it is."""
    try:
        if not erasures.is_scrubbed():
            yield warn(
                "deleted",
                "what was deleted is still in the database's files; run `failbot prune`, and end "
                "whatever else reads the database",
            )
        if unheeded := erasures.unheeded():
            yield warn(
                "deleted",
                f"the database is older than {len(unheeded):,} deletions beside it; a bot that "
                "starts heeds them",
            )
    except FailbotError as error:
        yield fail("deleted", str(error))
    for aside in sorted(database.parent.glob(f"{database.stem}-replaced-*.db")):
        yield warn(
            "deleted",
            f"{aside.name} holds what a restore replaced; remove it once it is not needed",
        )
