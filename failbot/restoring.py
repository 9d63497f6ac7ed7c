"""A backup becomes the memory: checked, migrated, and without what was deleted since."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from failbot.bootstrap import Runtime, open_runtime
from failbot.config import Config
from failbot.errors import StoreError
from failbot.memory.digest import last_due, week_of
from failbot.models import Viewer
from failbot.store import tombstones
from failbot.store.sqlite import SqliteStore, backups, restoring
from failbot.store.tombstones import Tombstone

SCRUB_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What the memory holds now, and what was done to the backup for that."""

    rows: Mapping[str, int]  # of each table
    migrations: tuple[str, ...]  # those that were applied
    deleted: int  # entries that were deleted since the backup
    secrets: Mapping[str, int]  # taken out, by kind
    aside: tuple[Path, ...]  # the files of the replaced database
    is_clean: bool  # whether nothing that was erased is in the files


def restore(
    config: Config,
    source: Path,
    *,
    force: bool = False,
    tombstones: Path | None = None,
    now: datetime,
) -> Restored:
    """Puts the backup in the place of the database, all of it or nothing.

    :param force: also while another process has the database open; it goes on with the new one.
    :param tombstones: a copy of the file beside the lost database.
    :raises StoreError: the backup is damaged, newer, or none; the database is in use.
    """
    database = config.database
    if database.exists() and source.exists() and source.samefile(database):
        raise StoreError(f"{source} is the database itself; name a backup.")
    is_used = restoring.is_open_elsewhere(database)
    if is_used and not force:
        raise StoreError(
            f"{database} is in use: stop the bot, or say --force to change it under its hands."
        )
    is_readable = restoring.is_readable(database)
    if is_used and not is_readable:  # whoever has it open would go on with what is put aside
        raise StoreError(f"{database} is damaged and in use: stop the bot first.")
    stones = _stones(database, source, tombstones, is_readable=is_readable)
    with _workshop(database.parent) as folder:
        new = folder / database.name
        restoring.checked_copy(source, new)
        with open_runtime(replace(config, data_folder=folder)) as runtime:
            made = _made_ready(runtime, stones, config=config, now=now)
        aside = _free(database.with_name(f"{database.stem}-replaced-{now:%Y%m%dT%H%M%S}.db"))
        moved = restoring.replace(database, new, aside=aside, is_readable=is_readable)
    is_clean = _is_settled(database)
    return replace(made, aside=tuple(moved), is_clean=is_clean, rows=backups.verified(database))


def _stones(
    database: Path, source: Path, more: Path | None, *, is_readable: bool
) -> list[Tombstone]:
    """All that are known: in the database, beside it, beside the backup, in the file named."""
    if more is not None and not more.exists():
        raise StoreError(f"{more}: there is no such file.")
    beside = [path.with_suffix(".tombstones") for path in (database, source)]
    found = restoring.tombstones_in(database) if is_readable else []
    for path in [*beside, *([more] if more else [])]:
        found += tombstones.read(path)
    return list({one.key: one for one in found}.values())


def _free(path: Path) -> Path:
    """The path, or one beside it that nothing has yet."""
    names = [path, *(path.with_stem(f"{path.stem}-{count}") for count in range(2, 100))]
    return next((one for one in names if not one.exists()), path)


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder on the same disk, gone at the end."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Path(tempfile.mkdtemp(dir=folder, prefix="restoring-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _made_ready(
    runtime: Runtime, stones: list[Tombstone], *, config: Config, now: datetime
) -> Restored:
    """What opening the backup did, and forgetting again; its files are scrubbed."""
    service, store = runtime.service, runtime.store
    deleted = service.erasing.heed(stones)
    service.erasing.prune(days=config.retention_days, now=now)
    secrets: Counter[str] = Counter()
    for team_id in store.failures.teams():
        everything = Viewer(team_id=team_id, is_operator=True)
        secrets.update(service.rescan(viewer=everything).kinds)
    _doubt_digests(runtime, now)
    service.erasing.scrub(patience_s=SCRUB_S)
    return Restored(
        rows={},
        migrations=tuple(name for name, is_new in store.migrations() if is_new),
        deleted=deleted,
        secrets=secrets,
        aside=(),
        is_clean=False,
    )


def _doubt_digests(runtime: Runtime, now: datetime) -> None:
    """This week's may be in its channel, though the backup does not know: look before posting."""
    digests = runtime.store.digests
    for schedule in digests.schedules():
        if (due := last_due(schedule, now)) is not None:
            digests.claim(
                team_id=schedule.team_id,
                channel_id=schedule.channel_id,
                week=week_of(due, schedule.zone),
                now=now,
                lease_s=0.0,
            )


def _is_settled(database: Path) -> bool:
    """Whether the new database's files are clean, and its tombstones beside it."""
    store = SqliteStore(database)
    try:
        return store.erasures.scrub()
    finally:
        store.close()
