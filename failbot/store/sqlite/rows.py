"""Rows to values and back: the only place that knows both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from sqlite_utils import Database

from failbot.fields import as_dict, from_dict, lists
from failbot.models import (
    Draft,
    Failure,
    Place,
    Question,
    Schedule,
    Verdict,
    Viewer,
    Visibility,
    said,
)
from failbot.store.tombstones import Tombstone

Row = Mapping[str, Any]


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds, so that stamps sort as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def draft_row(draft: Draft) -> dict[str, Any]:
    """The columns of a draft, named as its fields, lists as JSON."""
    return {name: _cell(value) for name, value in as_dict(draft).items()}


def storable(text: str) -> str:
    """The text without lone surrogates, which UTF-8 cannot hold, and without NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def draft_of(row: Row) -> Draft:
    """The draft in a row, or in a version that was stored before a field was there."""
    names = [name for name in lists(Draft) if name in row]
    return from_dict(Draft, {**row, **{name: json.loads(row[name]) for name in names}})


def failure_of(row: Row) -> Failure:
    return Failure(
        **said(draft_of(row)),
        team_id=row["team_id"],
        number=row["number"],
        author_id=row["author_id"],
        channel_id=row["channel_id"],
        visibility=Visibility(row["visibility"]),
        created_at=instant(row["created_at"]),
        updated_at=instant(row["updated_at"]),
        version=row["version"],
        card_ts=row["card_ts"],
        is_unsure=bool(row["is_unsure"]),
        is_published=bool(row["is_published"]),
    )


def draft_json(draft: Draft) -> str:
    return json.dumps(draft_row(draft))


def question_of(row: Row) -> Question:
    return Question(
        id=row["id"],
        place=Place(
            team_id=row["team_id"],
            channel_id=row["channel_id"],
            visibility=Visibility(row["visibility"]),
        ),
        user_id=row["user_id"],
        text=row["text"],
        verdict=Verdict(row["verdict"]),
        shown=tuple(json.loads(row["shown"])),
        asked_at=instant(row["asked_at"]),
        message_ts=row["message_ts"],
    )


def schedule_row(schedule: Schedule) -> dict[str, Any]:
    row = {part.name: getattr(schedule, part.name) for part in fields(Schedule)}
    return row | {"created_at": stamp(schedule.created_at)}


def schedule_of(row: Row) -> Schedule:
    return Schedule(**{**row, "created_at": instant(row["created_at"])})


def put_tombstone(db: Database, stone: Tombstone) -> None:
    """Keeps it, unless it is there."""
    row = asdict(stone) | {"at": stamp(stone.at), "keeps_entries": int(stone.keeps_entries)}
    db.table("tombstones").insert(row, ignore=True)


def tombstone_of(row: Row) -> Tombstone:
    found = {part.name: row[part.name] for part in fields(Tombstone)}
    found |= {"at": instant(row["at"]), "keeps_entries": bool(row["keeps_entries"])}
    return Tombstone(**found)


def visible(viewer: Viewer, *, author: str = "author_id") -> tuple[str, dict[str, Any]]:
    """The condition under which this viewer sees a row, and its parameters.

    The row has the columns team_id, visibility, channel_id and the one named by `author`.
    """
    condition = (
        "team_id = :team_id AND (:is_operator"
        " OR (visibility = 'workspace' AND :sees_workspace)"
        " OR (visibility <> 'author' AND channel_id IN (SELECT value FROM json_each(:channels)))"
        f" OR (visibility = 'author' AND {author} = :user_id AND :user_id <> ''))"
    )
    return condition, {
        "team_id": viewer.team_id,
        "is_operator": viewer.is_operator,
        "sees_workspace": viewer.sees_workspace,
        "channels": json.dumps(sorted(viewer.channel_ids)),
        "user_id": viewer.user_id,
    }


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    return json.dumps(value) if isinstance(value, list) else value
