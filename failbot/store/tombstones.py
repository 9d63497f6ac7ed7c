"""What is remembered of what was erased, so that a restored backup forgets it again.

A tombstone holds no text and no name: a failure's number and when it was logged, or a person's
salted hash and until when they are forgotten.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from failbot.errors import StoreError

# hashlib.scrypt's cost: 10 ms each. Whoever holds the salt can try every user id there is; this
# makes it slow, and nothing makes it impossible.
COST = {"n": 1 << 12, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A failure that was deleted, by its number, or a person who was forgotten, by their hash.

    `at`: when the failure was logged; until when what the person did is forgotten.
    """

    team_id: str
    at: datetime
    number: int = 0
    person: str = ""
    salt: str = ""
    keeps_entries: bool = False

    @property
    def key(self) -> tuple[str, int, datetime, str]:
        """What tells it from every other."""
        return (self.team_id, self.number, self.at, self.person)

    def is_of(self, user_id: str) -> bool:
        """Whether it is this person's."""
        return bool(self.person) and self.person == hashed(user_id, self.salt)


def of_person(
    user_id: str,
    *,
    team_id: str,
    at: datetime,
    keeps_entries: bool,
    known: Sequence[Tombstone] = (),
) -> Tombstone:
    """Theirs; with the salt of those that are known, so that a person is hashed but once."""
    salt = next((one.salt for one in known if one.salt), "") or secrets.token_hex(16)
    return Tombstone(
        team_id=team_id,
        at=at,
        person=hashed(user_id, salt),
        salt=salt,
        keeps_entries=keeps_entries,
    )


@cache
def hashed(user_id: str, salt: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.scrypt(user_id.encode(), salt=salt.encode(), dklen=32, **COST).hex()


def read(path: Path) -> list[Tombstone]:
    """What `write` wrote; nothing where there is no such file.

    :raises StoreError: naming the line that cannot be read.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    return [_read(line, f"{path}, line {at}") for at, line in enumerate(lines, 1)]


def write(path: Path, tombstones: Iterable[Tombstone]) -> None:
    """Puts them into the file, one a line: all of them, or what was there stays.

    :raises OSError:
    """
    rows = (asdict(one) | {"at": one.at.isoformat()} for one in tombstones)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(beside, "x", encoding="ascii", opener=_private) as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(line: str, where: str) -> Tombstone:
    try:
        found = json.loads(line)
        return Tombstone(**{**found, "at": datetime.fromisoformat(found["at"])})
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{where}: this is no tombstone ({error}). Mend or remove the line: what it names "
            "is not forgotten again when a backup is restored."
        ) from error
