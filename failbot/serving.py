"""The bot as one running process: the memory, the Slack side and the weekly digests."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Event

from failbot.bootstrap import Runtime, open_runtime
from failbot.config import LOCAL_TEAM_ID, Config
from failbot.scheduler import TICK_S, Scheduler
from failbot.slack.app import build
from failbot.slack.transport.serve import serve_http, serve_socket

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


def serve(
    config: Config,
    *,
    stop: Event,
    http: bool = False,
    now: Callable[[], datetime] = utc_now,
    tick_s: float = TICK_S,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves Slack until `stop` is set; acks at once, while the model loads in the background.

    :param tick_s: how often to look whether a digest is due.
    :param on_ready: called when requests are answered.
    :raises ConfigError: a setting is missing, or the port is taken.
    :raises StoreError: the database cannot be opened. :raises SlackError: a token is refused.
    """
    runtime = open_runtime(config)
    side = build(config, runtime.service, runtime.store.inbox, now=now)
    scheduler = Scheduler(
        runtime.service,
        runtime.store.digests,
        audience=side.audience_of,
        poster=side.post_digest,
    )
    runtime.start_background()
    scheduler.start(now, tick_s=tick_s)
    run = partial(serve_socket, on_ready=on_ready)
    if http:
        health = partial(_health, runtime)
        run = partial(serve_http, health=health, on_ready=lambda _: on_ready())
    try:
        run(config, side, stop=stop, on_team=partial(_adopt, runtime))
    finally:
        scheduler.stop()
        runtime.close()


def _adopt(runtime: Runtime, team_id: str) -> None:
    """What was logged or imported before a workspace was known becomes this workspace's."""
    count = runtime.store.failures.adopt(team_id, source_team_id=LOCAL_TEAM_ID)
    if count:
        log.info("%d local entries now belong to the workspace %s", count, team_id)


def _health(runtime: Runtime) -> dict[str, object]:
    runtime.store.failures.teams()  # raises StoreError where the database does not answer
    return {"model_ready": runtime.encoder.is_ready, "waiting": runtime.store.inbox.waiting()}
