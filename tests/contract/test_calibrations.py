"""Every store keeps a workspace's calibrations for each model and reranker, and goes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from failbot.search.calibration import load, with_caution
from failbot.store.base import Store
from tests.make import ANA, draft, public

MINE = replace(load("all-MiniLM-L6-v2"), model="m", known=0.6, origin="own")


def test_the_latest_is_in_force_and_undone_one_by_one(store: Store, now: datetime) -> None:
    """Down to none, where undoing says that there was nothing."""
    later = replace(MINE, known=0.7)
    assert store.calibrations.current("T1", model="m") is None
    for one in (MINE, later):
        store.calibrations.keep(one, team_id="T1", now=now)
    assert store.calibrations.current("T1", model="m") == later
    assert store.calibrations.undo("T1", model="m")
    assert store.calibrations.current("T1", model="m") == MINE
    assert store.calibrations.undo("T1", model="m")
    assert store.calibrations.current("T1", model="m") is None
    assert not store.calibrations.undo("T1", model="m")


def test_it_belongs_to_its_workspace_model_and_reranker(store: Store, now: datetime) -> None:
    """Another's is neither used nor undone."""
    store.calibrations.keep(MINE, team_id="T1", now=now)
    for team_id, model, reranker in (("T2", "m", ""), ("T1", "n", ""), ("T1", "m", "r")):
        assert store.calibrations.current(team_id, model=model, reranker=reranker) is None
        assert not store.calibrations.undo(team_id, model=model, reranker=reranker)
    cautious = with_caution(MINE, model="m", reranker="r")
    slopes = {**cautious.coefficients, "reranker": 2.5}
    with_reranker = replace(cautious, coefficients=slopes, origin="own")
    store.calibrations.keep(with_reranker, team_id="T1", now=now)
    assert store.calibrations.current("T1", model="m", reranker="r") == with_reranker
    assert store.calibrations.current("T1", model="m") == MINE


def test_it_moves_with_its_entries(store: Store, now: datetime) -> None:
    """What was tuned on the command line goes on in the workspace that takes the entries over."""
    store.failures.record(draft(), place=public(team_id="local"), author_id=ANA, now=now)
    store.calibrations.keep(MINE, team_id="local", now=now)
    store.failures.adopt("T1", source_team_id="local")
    assert store.calibrations.current("T1", model="m") == MINE
    assert store.calibrations.current("local", model="m") is None
