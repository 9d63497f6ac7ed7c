"""What is wrong with this installation, and what to do about it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from failbot.config import Config
from failbot.doctor.check import Check, State, fail, ok, warn
from failbot.doctor.erasures import erased
from failbot.doctor.inbox import given_up
from failbot.doctor.language_model import language_model, language_model_use
from failbot.doctor.tokens import tokens
from failbot.errors import FailbotError

if TYPE_CHECKING:
    from failbot.bootstrap import Runtime
    from failbot.search.calibration import Calibration

__all__ = ["Check", "State", "examine"]

LEAST_DISK_BYTES = 100_000_000
LOW_DISK_BYTES = 1_000_000_000
MODEL_WAIT_S = 120.0


def examine(
    environment: Mapping[str, str], *, slack: bool = True, llm: bool = True
) -> Iterator[Check]:
    """Every check, as it is made. Reads, and writes nothing but an empty database's first tables.

    With `slack`, tokens are tried against Slack's API, if any are set; with `llm`, the language
    model is asked about a made-up entry, if one is set.
    """
    try:
        config = Config.from_env(environment)
    except FailbotError as error:
        yield fail("settings", str(error))
        return
    yield ok("settings", f"data folder {config.data_folder}, model {config.model}")
    yield _disk(config.data_folder)
    yield from _memory(config)
    yield from language_model(config, tries=llm)
    yield from tokens(config) if slack else ()


def _memory(config: Config) -> Iterator[Check]:
    from failbot.bootstrap import open_runtime

    if not config.database.exists():
        yield ok("database", f"none yet; the first entry makes {config.database}")
        yield from _weights(config)
        yield from _reranker(config)
        return
    if not os.access(config.database, os.W_OK):
        yield fail("database", f"{config.database} cannot be written; give this user the right")
        return
    try:
        runtime = open_runtime(config)
    except FailbotError as error:
        yield fail("database", str(error))
        return
    try:
        yield _database(runtime)
        yield from erased(runtime.store.erasures, config.database)
        yield from given_up(runtime.store.inbox)
        yield from _weights(config)
        yield from _reranker(config)
        yield from _vectors(runtime)
        yield from language_model_use(runtime.store)
    finally:
        runtime.close()


def _disk(folder: Path) -> Check:
    existing = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    if not os.access(existing, os.W_OK):
        return fail("disk", f"{existing} cannot be written; choose a folder with FAILBOT_DATA")
    free = shutil.disk_usage(existing).free
    words = f"{free / 1e9:,.1f} GB free"
    if free < LEAST_DISK_BYTES:
        return fail("disk", f"{words}; make room: what cannot be written cannot be answered")
    if free < LOW_DISK_BYTES:
        return warn("disk", f"{words}; make room soon")
    return ok("disk", words)


def _database(runtime: Runtime) -> Check:
    path = runtime.config.database
    try:
        runtime.store.check()
        teams = runtime.store.failures.teams()
    except FailbotError as error:
        return fail("database", str(error))
    if path.stat().st_mode & 0o077 and path.parent.stat().st_mode & 0o077:
        return warn(
            "database", f"others on this machine may read {path}; run: chmod 700 {path.parent}"
        )
    return ok(
        "database", f"{path} is whole and up to date; workspaces: {', '.join(teams) or 'none'}"
    )


def _weights(config: Config) -> Iterator[Check]:
    from failbot.encoder.export import wants_export
    from failbot.encoder.onnx import exported_folder, is_sound
    from failbot.encoder.weights import find_weights

    try:
        weights = find_weights(config.model, data_folder=config.data_folder)
    except FailbotError as error:
        yield fail("model", str(error))
        return
    yield ok("model", f"{weights.name}, files checked")
    if is_sound(exported_folder(weights, data_folder=config.data_folder)):
        yield ok("fast model", "prepared")
    elif not wants_export(config.model, config.data_folder):
        yield ok("fast model", "this model has none: it runs in PyTorch, and starts take seconds")
    else:
        yield warn("fast model", "not prepared: starts take seconds; run `failbot setup`")


def _reranker(config: Config) -> Iterator[Check]:
    from failbot.encoder.reranker import background_reranker

    if not config.reranker:
        return
    try:
        source = background_reranker(config.reranker, data_folder=config.data_folder)
        ready = source.wait(MODEL_WAIT_S)
    except FailbotError as error:
        yield fail("reranker", f"{error} Until then questions are answered without it.")
        return
    if ready is None:
        yield warn("reranker", f"not ready within {MODEL_WAIT_S:.0f} s; answers do without")
    else:
        yield ok("reranker", f"{ready.name}, files checked")


def _vectors(runtime: Runtime) -> Iterator[Check]:
    try:
        encoder = runtime.encoder.wait(MODEL_WAIT_S)
    except FailbotError as error:
        yield fail("vectors", str(error))
        return
    if encoder is None:
        yield fail("vectors", f"the model was not ready within {MODEL_WAIT_S:.0f} s")
        return
    active = runtime.store.embeddings.active()
    stored = active.name if active else ""
    done, total = runtime.store.embeddings.progress(encoder.name)
    if stored and stored != encoder.name:
        yield fail("vectors", f"made by {stored}, but {encoder.name} is set; run `failbot reindex`")
    elif done < total:
        yield warn(
            "vectors", f"{done:,} of {total:,} entries; the next `failbot ask` adds the rest"
        )
    else:
        yield ok("vectors", f"{done:,} entries, {encoder.dimension} dimensions")
    if moving := runtime.moving():
        name, done, total = moving
        yield warn(
            "vectors",
            f"{done:,} of {total:,} have moved from {stored} to {name}, the default now; a serving "
            "bot goes on with it in the background, `failbot reindex` does it at once",
        )
    yield from _calibrations(runtime, encoder.name)


def _calibrations(runtime: Runtime, model: str) -> Iterator[Check]:
    """One for each workspace: its own, the shipped one, or none."""
    from failbot.errors import ModelError
    from failbot.memory.matching import calibration_for, pair_name

    try:
        reranker = runtime.model_names()[1]
    except ModelError:
        reranker = ""  # said above; without it the model's own is in use
    pair = pair_name(model, reranker)
    for team_id in runtime.store.failures.teams() or [""]:
        used = calibration_for(runtime.store, team_id, model=model, reranker=reranker)
        words = f"none for {pair}: it answers cautiously; run `failbot calibrate`"
        if not used.is_cautious:
            words = f"{used.origin} for {pair}, from {used.questions} questions"
        if used.origin == "own":
            words = f"{words}, of {team_id}"
        words = f"{words}; {_known_from(runtime, team_id, pair, used)}"
        yield (warn if used.is_cautious else ok)("calibration", words)


def _known_from(runtime: Runtime, team_id: str, pair: str, used: Calibration) -> str:
    """From which probability on something is known in this workspace, and why."""
    from failbot.memory.nulls import null_of
    from failbot.search.null import applied

    null = null_of(runtime.store, team_id, model=pair)
    bar = applied(used, null)
    if null is None or used.origin == "own":
        return f"known from {bar.known:.0%} on"
    what = "questions asked" if null.source == "questions" else "entries"
    return f"known from {bar.known:.0%} on in {team_id}, where {null.count} {what} say so"
