"""The log by which every process's indexes in memory learn what another wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlite_utils import Database


def touch(db: Database, failure_ids: Sequence[int], team_id: str) -> None:
    """Gives each failure the next sequence number, inside the transaction that changes it."""
    db.execute(
        "INSERT INTO changes (failure_id, team_id, seq)"
        " SELECT value, ?, (SELECT coalesce(max(seq), 0) FROM changes) + 1 + key FROM json_each(?)"
        " WHERE true ON CONFLICT (failure_id) DO UPDATE SET seq = excluded.seq",
        [team_id, json.dumps(list(failure_ids))],
    )
