"""What is deleted, and is in some file still."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from failbot.doctor.check import Check, fail, warn
from failbot.errors import FailbotError

if TYPE_CHECKING:
    from failbot.bootstrap import Runtime


def erased(runtime: Runtime) -> Iterator[Check]:
    """One warning for each; none where nothing is."""
    try:
        if not runtime.store.erasures.is_scrubbed():
            yield warn(
                "deleted",
                "what was deleted is still in the database's files; run `failbot prune`, and end "
                "whatever else reads the database",
            )
        if unheeded := runtime.store.erasures.unheeded():
            yield warn(
                "deleted",
                f"the database is older than {len(unheeded):,} deletions beside it; a bot that "
                "starts heeds them",
            )
    except FailbotError as error:
        yield fail("deleted", str(error))
    path = runtime.config.database
    for aside in sorted(path.parent.glob(f"{path.stem}-replaced-*.db")):
        yield warn(
            "deleted",
            f"{aside.name} holds what a restore replaced; remove it once it is not needed",
        )
