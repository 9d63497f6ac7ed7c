"""What is wrong with this installation, and what to do about it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from failbot.config import Config
from failbot.errors import FailbotError

if TYPE_CHECKING:
    from failbot.bootstrap import Runtime
    from failbot.reader.base import Stats
    from failbot.reader.language_model import LanguageModel
    from failbot.search.calibration import Calibration

LEAST_DISK_BYTES = 100_000_000
LOW_DISK_BYTES = 1_000_000_000
MODEL_WAIT_S = 120.0
SLACK_TIMEOUT_S = 10
USE_DAYS = 30


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: how it is, and where it is not well, what to do."""

    name: str
    state: State
    words: str


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
        yield _fail("settings", str(error))
        return
    yield _ok("settings", f"data folder {config.data_folder}, model {config.model}")
    yield _disk(config.data_folder)
    yield from _memory(config)
    yield from _llm(config, tries=llm)
    yield from _slack(config) if slack else ()


def _memory(config: Config) -> Iterator[Check]:
    from failbot.bootstrap import open_runtime

    if not config.database.exists():
        yield _ok("database", f"none yet; the first entry makes {config.database}")
        yield from _weights(config)
        yield from _reranker(config)
        return
    if not os.access(config.database, os.W_OK):
        yield _fail("database", f"{config.database} cannot be written; give this user the right")
        return
    try:
        runtime = open_runtime(config)
    except FailbotError as error:
        yield _fail("database", str(error))
        return
    try:
        yield _database(runtime)
        yield from _weights(config)
        yield from _reranker(config)
        yield from _vectors(runtime)
        yield from _use(runtime)
    finally:
        runtime.close()


def _disk(folder: Path) -> Check:
    existing = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    if not os.access(existing, os.W_OK):
        return _fail("disk", f"{existing} cannot be written; choose a folder with FAILBOT_DATA")
    free = shutil.disk_usage(existing).free
    words = f"{free / 1e9:,.1f} GB free"
    if free < LEAST_DISK_BYTES:
        return _fail("disk", f"{words}; make room: what cannot be written cannot be answered")
    if free < LOW_DISK_BYTES:
        return _warn("disk", f"{words}; make room soon")
    return _ok("disk", words)


def _database(runtime: Runtime) -> Check:
    path = runtime.config.database
    try:
        runtime.store.check()
        teams = runtime.store.failures.teams()
    except FailbotError as error:
        return _fail("database", str(error))
    if path.stat().st_mode & 0o077 and path.parent.stat().st_mode & 0o077:
        return _warn(
            "database", f"others on this machine may read {path}; run: chmod 700 {path.parent}"
        )
    return _ok(
        "database", f"{path} is whole and up to date; workspaces: {', '.join(teams) or 'none'}"
    )


def _weights(config: Config) -> Iterator[Check]:
    from failbot.encoder.export import wants_export
    from failbot.encoder.onnx import exported_folder, is_sound
    from failbot.encoder.weights import find_weights

    try:
        weights = find_weights(config.model, data_folder=config.data_folder)
    except FailbotError as error:
        yield _fail("model", str(error))
        return
    yield _ok("model", f"{weights.name}, files checked")
    if is_sound(exported_folder(weights, data_folder=config.data_folder)):
        yield _ok("fast model", "prepared")
    elif not wants_export(config.model, config.data_folder):
        yield _ok("fast model", "this model has none: it runs in PyTorch, and starts take seconds")
    else:
        yield _warn("fast model", "not prepared: starts take seconds; run `failbot setup`")


def _reranker(config: Config) -> Iterator[Check]:
    from failbot.encoder.reranker import background_reranker

    if not config.reranker:
        return
    try:
        source = background_reranker(config.reranker, data_folder=config.data_folder)
        ready = source.wait(MODEL_WAIT_S)
    except FailbotError as error:
        yield _fail("reranker", f"{error} Until then questions are answered without it.")
        return
    if ready is None:
        yield _warn("reranker", f"not ready within {MODEL_WAIT_S:.0f} s; answers do without")
    else:
        yield _ok("reranker", f"{ready.name}, files checked")


def _vectors(runtime: Runtime) -> Iterator[Check]:
    try:
        encoder = runtime.encoder.wait(MODEL_WAIT_S)
    except FailbotError as error:
        yield _fail("vectors", str(error))
        return
    if encoder is None:
        yield _fail("vectors", f"the model was not ready within {MODEL_WAIT_S:.0f} s")
        return
    active = runtime.store.embeddings.active()
    stored = active.name if active else ""
    done, total = runtime.store.embeddings.progress(encoder.name)
    if stored and stored != encoder.name:
        yield _fail(
            "vectors", f"made by {stored}, but {encoder.name} is set; run `failbot reindex`"
        )
    elif done < total:
        yield _warn(
            "vectors", f"{done:,} of {total:,} entries; the next `failbot ask` adds the rest"
        )
    else:
        yield _ok("vectors", f"{done:,} entries, {encoder.dimension} dimensions")
    if moving := runtime.moving():
        name, done, total = moving
        yield _warn(
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
        yield (_warn if used.is_cautious else _ok)("calibration", words)


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


def _llm(config: Config, *, tries: bool) -> Iterator[Check]:
    from failbot.bootstrap import language_model
    from failbot.reader.addresses import is_local_host
    from failbot.reader.chat import Endpoint

    model = language_model(config)
    if model is None:
        return
    host = Endpoint(url=config.llm_url, model=config.llm_model).host
    is_local = is_local_host(host) if tries else True
    if not is_local and config.llm_url.lower().startswith("http://"):
        yield _warn("language model", f"{host} is elsewhere and http is not encrypted; use https")
    sees = "private entries too" if is_local or config.llm_private else "no private entries"
    if not tries:
        yield _ok("language model", f"{config.llm_model} at {host}, not tried")
        return
    yield _tried(model, f"{config.llm_model} at {host}, which sees {sees}")


def _tried(model: LanguageModel, what: str) -> Check:
    """One made-up question about one made-up entry: nothing of anybody's is sent."""
    from failbot.errors import ReaderError
    from failbot.reader.base import Passage

    entry = Passage(
        number=1,
        version=1,
        text="Tried: Halved the warm-up. Happened: The loss became NaN.",
        is_private=False,
    )
    try:
        readings = model.read("loss is NaN after a short warm-up", [entry], is_private=False)
    except ReaderError as error:
        said = f" ({error.details})" if error.details else ""
        return _fail("language model", f"{what}: {error}{said}. Until then the score decides.")
    stats = model.stats()
    judged = next((one.judgement.value for one in readings.values()), "nothing")
    return _ok(
        "language model",
        f"{what}: {judged!r} in {stats.seconds:.1f} s, {stats.prompt_tokens:,} + "
        f"{stats.completion_tokens:,} tokens, form {stats.form}",
    )


def _use(runtime: Runtime) -> Iterator[Check]:
    """What the language models were asked, by all processes: today and in 30 days (UTC)."""
    now = datetime.now(UTC)
    month = runtime.store.use.since(now.date() - timedelta(days=USE_DAYS - 1))
    waiting = runtime.store.wanted.waiting()
    if not (month or waiting):
        return
    today = [one.stats for one in month if one.day == now.date()]
    words = (
        f"today {_asked(today)}; in {USE_DAYS} days {_asked([one.stats for one in month])}; "
        f"{waiting:,} entries wait for their expected questions"
    )
    last = max(month, key=lambda one: one.reported_at, default=None)
    if last is None or not last.stats.is_open:
        yield _ok("language model use", words)
    else:
        yield _warn(
            "language model use",
            f"{words}; {last.model} failed several times in a row, as of "
            f"{last.reported_at:%Y-%m-%d %H:%M} UTC: answers go by the score until it is back",
        )


def _asked(stats: Sequence[Stats]) -> str:
    def total(name: str) -> str:
        return f"{sum(getattr(one, name) for one in stats):,}"

    return (
        f"{total('calls')} calls ({total('failed')} failed, {total('refused')} not sent), "
        f"{total('cached')} readings from the cache, "
        f"{total('prompt_tokens')} + {total('completion_tokens')} tokens"
    )


def _slack(config: Config) -> Iterator[Check]:
    if not (config.slack_bot_token or config.slack_app_token or config.slack_signing_secret):
        yield _ok("slack", "no tokens set; only `failbot serve` needs them")
        return
    if config.slack_bot_token:
        yield _called("bot token", lambda: _bot_token(config))
    else:
        yield _fail("bot token", "SLACK_BOT_TOKEN is not set: OAuth & Permissions, Bot User token")
    if config.slack_app_token:
        yield _called("app token", lambda: _app_token(config))
    elif config.slack_signing_secret:
        yield _ok("app token", "not set; `failbot serve --http` does without")
    else:
        yield _fail(
            "app token",
            "SLACK_APP_TOKEN is not set: Basic Information, App-Level Tokens, connections:write",
        )


def _called(name: str, look: Callable[[], Check]) -> Check:
    from slack_sdk.errors import SlackApiError, SlackClientError

    try:
        return look()
    except SlackApiError as error:
        said = error.response.get("error", "unknown_error")
        return _fail(name, f"Slack says {said}; {ADVICE.get(said, 'see docs.slack.dev')}")
    except (OSError, SlackClientError) as error:
        return _fail(name, f"Slack cannot be reached ({type(error).__name__}); check the network")


ADVICE = {
    "invalid_auth": "copy the token again, and install the app to the workspace",
    "account_inactive": "the app was removed; install it again",
    "token_revoked": "the token was revoked; install the app again",
    "not_allowed_token_type": "this is another kind of token; mind xoxb- and xapp-",
    "missing_scope": "give the app-level token the scope connections:write",
    "ratelimited": "try again in a minute",
}


def _bot_token(config: Config) -> Check:
    from slack_sdk import WebClient

    from failbot.slack.manifest import SCOPES

    client = WebClient(
        token=config.slack_bot_token, base_url=config.slack_api_url, timeout=SLACK_TIMEOUT_S
    )
    answer = client.auth_test()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    granted = {one.strip() for one in headers.get("x-oauth-scopes", "").split(",")}
    missing = [scope for scope in SCOPES if scope not in granted]
    if missing:
        return _fail(
            "bot token",
            f"the scopes {', '.join(missing)} are missing; paste `failbot manifest` into the app "
            "and install it again",
        )
    return _ok("bot token", f"{answer['user']} in {answer['team']}, all {len(SCOPES)} scopes")


def _app_token(config: Config) -> Check:
    from slack_sdk import WebClient

    client = WebClient(base_url=config.slack_api_url, timeout=SLACK_TIMEOUT_S)
    client.apps_connections_open(app_token=config.slack_app_token)
    return _ok("app token", "Socket Mode opens")


def _ok(name: str, words: str) -> Check:
    return Check(name=name, state=State.OK, words=words)


def _warn(name: str, words: str) -> Check:
    return Check(name=name, state=State.WARN, words=words)


def _fail(name: str, words: str) -> Check:
    return Check(name=name, state=State.FAIL, words=words)
