"""Values for tests, each with sensible defaults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from failbot.models import Draft, Failure, Place, Viewer, Visibility
from failbot.search.values import Embedding

TEAM = "T1"
ANA, BEN = "U0ANA", "U0BEN"


def draft(happened: str = "The loss diverged at step 900.", **more: Any) -> Draft:
    return Draft(
        **{"tried": "A longer warm-up; expected a stable start.", **more}, happened=happened
    )


def failure(number: int = 1, happened: str = "The loss diverged.", **more: Any) -> Failure:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    facts = {"author_id": ANA, "channel_id": "C0ML", "visibility": Visibility.WORKSPACE}
    facts |= {"created_at": at, "updated_at": at, "tried": "A longer warm-up."}
    return Failure(**{**facts, **more}, team_id=TEAM, number=number, happened=happened)


def public(channel_id: str = "C0ML", team_id: str = TEAM) -> Place:
    return Place(team_id=team_id, channel_id=channel_id, visibility=Visibility.WORKSPACE)


def private(channel_id: str = "G0SECRET", team_id: str = TEAM) -> Place:
    return Place(team_id=team_id, channel_id=channel_id, visibility=Visibility.CHANNEL)


def direct(channel_id: str = "D0ANA", team_id: str = TEAM) -> Place:
    return Place(team_id=team_id, channel_id=channel_id, visibility=Visibility.AUTHOR)


def viewer(user_id: str = BEN, *channel_ids: str, **more: Any) -> Viewer:
    return Viewer(**{"team_id": TEAM, **more}, user_id=user_id, channel_ids=frozenset(channel_ids))


def embedding(*direction: float) -> Embedding:
    """A made-up embedding whose whole text points in this direction."""
    vector = np.array(direction, np.float32)
    vector /= np.linalg.norm(vector)
    return Embedding(
        vectors=np.stack([vector, vector]),
        tokens=np.round(vector[None] * 127).astype(np.int8),
        token_ids=np.array([7], np.int32),
        starts=np.array([0], np.int32),
    )
