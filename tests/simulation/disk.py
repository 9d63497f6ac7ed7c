"""The disk: SQLite's own files, and what goes wrong around each transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pysqlite3

from tests.simulation.machine import Killed

if TYPE_CHECKING:
    from tests.simulation.chance import Chance
    from tests.simulation.machine import Machine

LOCKED_S = 2.5  # as long as failbot waits for another writer


class Disk:
    """Where connections are made; each transaction begins and ends at the mercy of chance."""

    def __init__(self, machine: Machine, chance: Chance) -> None:
        self.machine = machine
        self.chance = chance
        self.is_full = False

        class Connected(Connection):
            disk = self

        self.connection = Connected


class Connection(pysqlite3.Connection):
    """A connection whose transactions are the points at which threads take turns."""

    disk: Disk
    _is_writing = False
    _is_claiming = False
    _before = 0  # changes that were made before this transaction

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql.startswith("BEGIN"):
            return self._begin(sql)
        if sql == "COMMIT":
            return self._commit()
        # The one mark of a claim that inbox and digests share: how often the job was taken.
        self._is_claiming |= "attempts" in sql and sql[:6].upper() in ("UPDATE", "INSERT")
        return super().execute(sql, *parameters)

    def _begin(self, sql: str) -> Any:
        disk, self._is_writing = self.disk, sql == "BEGIN IMMEDIATE"
        disk.machine.preempt()
        if self._is_writing and disk.chance.strikes("database locked"):
            disk.machine.sleep(LOCKED_S)
            raise pysqlite3.OperationalError("database is locked")
        self._look()
        self._is_claiming, self._before = False, self.total_changes
        return super().execute(sql)

    def _commit(self) -> Any:
        """What changes nothing is as good as no commit: processes look for work all the time."""
        disk = self.disk
        if not self._is_writing or self.total_changes == self._before:
            return super().execute("COMMIT")
        if disk.chance.strikes("killed before a commit"):
            raise self._killed()
        if disk.is_full:
            raise pysqlite3.OperationalError("database or disk is full")
        done = super().execute("COMMIT")
        self._look()
        if disk.chance.strikes("killed after a commit"):
            raise self._killed()
        disk.machine.preempt()
        return done

    def _look(self) -> None:
        """The thread knows now what the database holds."""
        task = self.disk.machine.current
        if task is not None:
            task.looked_at_s = self.disk.machine.now_s
            task.has_just_looked = True
            if self._is_claiming:
                task.claimed_at_s = self.disk.machine.now_s

    def _killed(self) -> Killed:
        task = self.disk.machine.current
        assert task is not None
        task.owner.is_alive = False
        self.disk.machine.call_at(0.0, lambda: self.disk.chance.on_killed(task.owner))
        return Killed()
