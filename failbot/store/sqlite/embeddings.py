"""Vectors as blobs in SQLite."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np

from failbot.search.values import Embedding, Expected
from failbot.store.embedding import ActiveModel, Unembedded
from failbot.store.sqlite.changes import touch
from failbot.store.sqlite.connection import Connection
from failbot.store.sqlite.rows import draft_of

# Rows of the table `settings`: the name of the model whose vectors are searched, and what was set
# to find it.
MODEL = "model"
MODEL_SETTING = "model_setting"
ACTIVATION = "activation"
# What a failure needs to be embedded: vectors of its version, and of its expected questions'.
OWN = (
    "LEFT JOIN embeddings ON embeddings.failure_id = failures.id AND embeddings.model = :model"
    " AND embeddings.version = failures.version"
    " LEFT JOIN expected_embeddings AS asked ON asked.failure_id = failures.id"
    " AND asked.model = :model AND asked.version = failures.expected_version"
)
IS_EMBEDDED = (
    "(embeddings.failure_id IS NOT NULL AND"
    " (failures.expected_version = 0 OR asked.failure_id IS NOT NULL))"
)
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
            for table in ("embeddings", "expected_embeddings"):
                db.table(table).delete_where("model <> ?", [model.name])

    def missing(
        self, model: str, *, limit: int, among: Collection[tuple[str, int]] | None = None
    ) -> list[Unembedded]:
        condition = "" if among is None else f"AND {AMONG}"
        with self._connection.read():
            rows = self._missing(model, f"{condition} ORDER BY id", limit=limit, among=among)
            if not rows and among is None:
                self._remember_complete(model)
            questions = self._questions([row["id"] for row in rows])
        return [
            Unembedded(
                id=row["id"],
                team_id=row["team_id"],
                number=row["number"],
                version=row["version"],
                draft=draft_of(row),
                questions=tuple(questions.get(row["id"], ())),
                expected_version=row["expected_version"],
            )
            for row in rows
        ]

    def _questions(self, ids: Sequence[int]) -> dict[int, list[str]]:
        """The texts of the expected questions, by failure id."""
        found: dict[int, list[str]] = {}
        rows = self._connection.rows(
            "SELECT failure_id, text FROM expected_questions"
            " WHERE failure_id IN (SELECT value FROM json_each(?)) ORDER BY failure_id, position",
            [json.dumps(list(ids))],
        )
        for row in rows:
            found.setdefault(row["failure_id"], []).append(row["text"])
        return found

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
            f" {OWN} WHERE seq > :seq AND NOT {IS_EMBEDDED} {more} LIMIT :limit",
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
                    "SELECT team_id FROM failures"
                    " WHERE id = ? AND version = ? AND expected_version = ?",
                    [failure.id, failure.version, failure.expected_version],
                )
                for row in current:
                    own = {"failure_id": failure.id, "model": model, "team_id": row["team_id"]}
                    _upsert(db, "embeddings", own | _row(failure, embedding))
                    if failure.expected_version:
                        _upsert(db, "expected_embeddings", own | _expected_row(failure, embedding))
                    touch(db, [failure.id], row["team_id"])
                    kept.append(failure)
        return kept

    def progress(self, model: str) -> tuple[int, int]:
        row = self._connection.rows(
            f"SELECT coalesce(sum({IS_EMBEDDED}), 0) AS done, count(*) AS total"
            f" FROM failures {OWN}",
            {"model": model},
        )[0]
        return row["done"], row["total"]


def embedding_of(row: Mapping[str, Any]) -> Embedding:
    """The embedding in a row of the table, which may have the columns of its expected questions';
    its arrays are views of the row's bytes."""
    token_ids = np.frombuffer(row["token_ids"], np.int32)
    tokens = np.frombuffer(row["tokens"], np.int8)
    return Embedding(
        vectors=np.frombuffer(row["vectors"], np.float32).reshape(-1, row["dimension"]),
        tokens=tokens.reshape(len(token_ids), len(tokens) // max(1, len(token_ids))),
        token_ids=token_ids,
        starts=np.frombuffer(row["starts"], np.int32),
        expected=_expected_of(row) if row.get("expected_lengths") else None,
    )


def _expected_of(row: Mapping[str, Any]) -> Expected:
    lengths = np.frombuffer(row["expected_lengths"], np.int32)
    token_ids = np.frombuffer(row["expected_token_ids"], np.int32)
    return Expected(
        vectors=np.frombuffer(row["expected_vectors"], np.float16).reshape(len(lengths), -1),
        tokens=np.frombuffer(row["expected_tokens"], np.int8).reshape(len(token_ids), -1),
        token_ids=token_ids,
        lengths=lengths,
    )


def _expected_row(failure: Unembedded, embedding: Embedding) -> dict[str, Any]:
    """Empty where no question is left, or none has a word: embedded all the same."""
    made = embedding.expected
    return {
        "version": failure.expected_version,
        "lengths": b"" if made is None else made.lengths.astype(np.int32).tobytes(),
        "vectors": b"" if made is None else made.vectors.astype(np.float16).tobytes(),
        "token_ids": b"" if made is None else made.token_ids.astype(np.int32).tobytes(),
        "tokens": b"" if made is None else made.tokens.astype(np.int8).tobytes(),
    }


def _row(failure: Unembedded, embedding: Embedding) -> dict[str, Any]:
    return {
        "version": failure.version,
        "dimension": embedding.vectors.shape[1],
        "vectors": embedding.vectors.astype(np.float32).tobytes(),
        "tokens": embedding.tokens.astype(np.int8).tobytes(),
        "token_ids": embedding.token_ids.astype(np.int32).tobytes(),
        "starts": embedding.starts.astype(np.int32).tobytes(),
    }


def _upsert(db: Any, table: str, row: dict[str, Any]) -> None:
    columns = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", row)
