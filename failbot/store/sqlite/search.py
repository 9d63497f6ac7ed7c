"""Candidates from the indexes in memory, read back from SQLite under the same filter."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from failbot.models import Viewer, Visibility
from failbot.search.index import Entry, TeamIndex
from failbot.search.values import Candidate, Corpus, Vector
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.embeddings import MODEL, OWN, embedding_of
from failbot.store.sqlite.rows import visible

EXPECTED = ", ".join(
    f"asked.{name} AS expected_{name}" for name in ("lengths", "vectors", "token_ids", "tokens")
)


class SqliteSearch:
    """`Search`: one index for each workspace, kept current by the log of changes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()  # faiss is never searched while it is written to
        self._indexes: dict[str, TeamIndex] = defaultdict(TeamIndex)
        self._model = ""
        self._seq = 0

    def candidates(
        self,
        words: Sequence[str],
        *,
        viewer: Viewer,
        vector: Vector | None,
        by_vector: int,
        by_words: int,
    ) -> list[Candidate]:
        with self._lock:
            self._refresh()
            ids = self._indexes[viewer.team_id].candidates(
                words, viewer=viewer, vector=vector, by_vector=by_vector, by_words=by_words
            )
        return self._read(ids, viewer)

    def size(self, viewer: Viewer) -> int:
        with self._lock:
            self._refresh()
            return self._indexes[viewer.team_id].size(viewer)

    def corpus(self, team_id: str) -> Corpus:
        with self._lock:
            self._refresh()
            return self._indexes[team_id].corpus()

    def _read(self, ids: Sequence[int], viewer: Viewer) -> list[Candidate]:
        """The candidates as they are now: one changed or hidden since the index was is left out."""
        condition, parameters = visible(viewer)
        rows = self._connection.rows(
            # CROSS JOIN: else SQLite walks all of the workspace and looks each up in the ids.
            f"SELECT number, words, embeddings.*, {EXPECTED} FROM"
            " (SELECT id, number, words, version, expected_version"
            " FROM (SELECT value AS wanted FROM json_each(:ids))"
            f" CROSS JOIN failures ON id = wanted WHERE {condition}) AS failures {OWN}"
            " ORDER BY number",
            parameters | {"ids": json.dumps(list(ids)), "model": self._model},
        )
        return [
            Candidate(
                number=row["number"],
                words=tuple(row["words"].split()),
                embedding=embedding_of(row) if row["failure_id"] else None,
            )
            for row in rows
        ]

    def _refresh(self) -> None:
        state = self._connection.rows(
            "SELECT (SELECT coalesce(max(seq), 0) FROM changes) AS seq,"
            " (SELECT value FROM settings WHERE name = ?) AS model",
            [MODEL],
        )[0]
        worn = any(index.is_worn for index in self._indexes.values())
        if worn or (state["model"] or "") != self._model:
            self._indexes.clear()
            self._model, self._seq = state["model"] or "", 0
        if state["seq"] > self._seq:
            self._take_in(self._changed())
            self._seq = state["seq"]

    def _changed(self) -> list[tuple[Any, ...]]:
        """What changed since: team id and failure id, then the columns of `_entry_of`."""
        return self._connection.tuples(
            "SELECT changes.team_id, changes.failure_id, failures.id IS NOT NULL, visibility,"
            " channel_id, author_id, words, embeddings.token_ids,"
            " substr(embeddings.vectors, 1, 4 * dimension), asked.vectors"
            " FROM changes LEFT JOIN failures ON failures.id = changes.failure_id"
            f" AND failures.team_id = changes.team_id {OWN}"
            " WHERE seq > :seq ORDER BY seq",
            {"model": self._model, "seq": self._seq},
        )

    def _take_in(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Puts each changed entry into its workspace's index, and out of every other."""
        teams: dict[str, list[Entry]] = defaultdict(list)
        for team_id, failure_id, is_there, *facts in rows:
            for index in self._indexes.values():
                index.remove(failure_id)
            if is_there:
                teams[team_id].append(_entry_of(failure_id, *facts))
        for team_id, entries in teams.items():
            self._indexes[team_id].put(entries)


def _entry_of(
    failure_id: int,
    visibility: str,
    channel_id: str,
    author_id: str,
    words: str,
    token_ids: bytes | None,
    vector: bytes | None,
    expected: bytes | None,
) -> Entry:
    own = None if vector is None else np.frombuffer(vector, np.float32)
    return Entry(
        failure_id=failure_id,
        visibility=Visibility(visibility),
        channel_id=channel_id,
        author_id=author_id,
        words=tuple(words.split()),
        vector=own,
        token_ids=None if token_ids is None else np.frombuffer(token_ids, np.int32),
        expected=np.frombuffer(expected or b"", np.float16).reshape(-1, len(own))
        if own is not None and expected
        else None,
    )
