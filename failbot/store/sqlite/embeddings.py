"""Vectors as blobs in SQLite."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np

from failbot.search.values import Embedding
from failbot.store.base import ActiveModel, Unembedded
from failbot.store.sqlite.changes import touch
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import draft_of

# Rows of the table `settings`: the name of the model whose vectors are searched, and what was set
# to find it.
MODEL = "model"
MODEL_SETTING = "model_setting"
ACTIVATION = "activation"
AMONG = (
    "EXISTS (SELECT 1 FROM json_each(:among) WHERE json_extract(value, '$[0]') = failures.team_id"
    " AND json_extract(value, '$[1]') = number)"
)


class SqliteEmbeddings:
    """`Embeddings`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # Up to this change all failures have vectors of the model that was active then: looking
        # again costs nothing where 100,000 are there and one is new.
        self._complete: tuple[str, int] = ("", 0)  # the activation, and the change

    def active(self) -> ActiveModel | None:
        values = self._settings()
        if MODEL not in values:
            return None
        return ActiveModel(name=values[MODEL], setting=values[MODEL_SETTING])

    def activate(self, model: ActiveModel) -> None:
        # Each activation has a name of its own: it removes other models' vectors, so whatever a
        # process knows of them is true no more.
        values = {MODEL: model.name, MODEL_SETTING: model.setting, ACTIVATION: uuid4().hex}
        with self._connection.write() as db:
            for name, value in values.items():
                db.table("settings").upsert({"name": name, "value": value}, pk="name")
            db.table("embeddings").delete_where("model <> ?", [model.name])

    def missing(
        self, model: str, *, limit: int, among: Collection[tuple[str, int]] | None = None
    ) -> list[Unembedded]:
        condition = "" if among is None else f"AND {AMONG}"
        with self._connection.read():
            rows = self._missing(model, f"{condition} ORDER BY id", limit=limit, among=among)
            if not rows and among is None:
                self._remember_complete(model)
        return [
            Unembedded(
                id=row["id"],
                team_id=row["team_id"],
                number=row["number"],
                version=row["version"],
                draft=draft_of(row),
            )
            for row in rows
        ]

    def is_complete(self, model: str) -> bool:
        with self._connection.read():
            if self._missing(model, "", limit=1):
                return False
            self._remember_complete(model)
            return True

    def _remember_complete(self, model: str) -> None:
        """Within the read that found none missing."""
        values = self._settings()
        if values.get(MODEL) == model:
            rows = self._connection.rows("SELECT coalesce(max(seq), 0) AS seq FROM changes")
            self._complete = (values.get(ACTIVATION, ""), rows[0]["seq"])

    def _missing(
        self,
        model: str,
        more: str,
        *,
        limit: int,
        among: Collection[tuple[str, int]] | None = None,
    ) -> list[dict[str, Any]]:
        values = self._settings()
        activation, seq = self._complete
        is_known = values.get(MODEL) == model and values.get(ACTIVATION, "") == activation
        return self._connection.rows(
            "SELECT failures.* FROM changes JOIN failures ON id = changes.failure_id"
            " LEFT JOIN embeddings ON embeddings.failure_id = id AND model = :model"
            " AND embeddings.version = failures.version"
            f" WHERE seq > :seq AND embeddings.failure_id IS NULL {more} LIMIT :limit",
            {
                "model": model,
                "seq": seq if is_known else 0,
                "limit": limit,
                "among": json.dumps(list(among or ())),
            },
        )

    def _settings(self) -> dict[str, str]:
        rows = self._connection.rows("SELECT name, value FROM settings")
        return {row["name"]: str(row["value"]) for row in rows}

    def put(
        self, model: str, embeddings: Sequence[tuple[Unembedded, Embedding]]
    ) -> list[Unembedded]:
        kept = []
        with self._connection.write() as db:
            for failure, embedding in embeddings:
                current = db.query(
                    "SELECT team_id FROM failures WHERE id = ? AND version = ?",
                    [failure.id, failure.version],
                )
                for row in current:
                    _upsert(db, _row(failure, model, embedding) | {"team_id": row["team_id"]})
                    touch(db, [failure.id], row["team_id"])
                    kept.append(failure)
        return kept

    def progress(self, model: str) -> tuple[int, int]:
        row = self._connection.rows(
            "SELECT count(failure_id) AS done, count(*) AS total FROM failures"
            " LEFT JOIN embeddings ON failure_id = id AND model = ?"
            " AND embeddings.version = failures.version",
            [model],
        )[0]
        return row["done"], row["total"]


def embedding_of(row: Mapping[str, Any]) -> Embedding:
    """The embedding in a row of the table; its arrays are views of the row's bytes."""
    token_ids = np.frombuffer(row["token_ids"], np.int32)
    tokens = np.frombuffer(row["tokens"], np.int8)
    return Embedding(
        vectors=np.frombuffer(row["vectors"], np.float32).reshape(-1, row["dimension"]),
        tokens=tokens.reshape(len(token_ids), len(tokens) // max(1, len(token_ids))),
        token_ids=token_ids,
        starts=np.frombuffer(row["starts"], np.int32),
    )


def _row(failure: Unembedded, model: str, embedding: Embedding) -> dict[str, Any]:
    return {
        "failure_id": failure.id,
        "model": model,
        "version": failure.version,
        "dimension": embedding.vectors.shape[1],
        "vectors": embedding.vectors.astype(np.float32).tobytes(),
        "tokens": embedding.tokens.astype(np.int8).tobytes(),
        "token_ids": embedding.token_ids.astype(np.int32).tobytes(),
        "starts": embedding.starts.astype(np.int32).tobytes(),
    }


def _upsert(db: Any, row: dict[str, Any]) -> None:
    columns = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT OR REPLACE INTO embeddings ({columns}) VALUES ({marks})", row)
