"""The bot as one running process: the memory, the Slack side and the weekly digests."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial

from failbot.bootstrap import Runtime, open_runtime
from failbot.config import LOCAL_TEAM_ID, Config
from failbot.scheduler import TICK_S, Scheduler
from failbot.slack.app import SlackSide, build
from failbot.slack.jobs import digesting
from failbot.slack.transport.serve import need_settings, serve_http, serve_socket
from failbot.threads import Stop

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


def serve(
    config: Config,
    *,
    stop: Stop,
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
    need_settings(config, http=http)
    with ExitStack() as serving:  # closed last in, first out: the database goes last
        runtime = serving.enter_context(open_runtime(config, stop=stop))
        side = build(config, runtime.service, runtime.store, now=now, stop=stop)
        runtime.start_background()
        serving.enter_context(side.running(on_team=partial(_adopt, runtime)))
        scheduler = _scheduler(runtime, side).worker(now, tick_s=tick_s, stop=stop)
        serving.callback(scheduler.close)
        scheduler.start()
        serving.callback(stop.set)  # first of all: whatever ends this, nobody waits any longer
        if http:
            health = partial(_health, runtime)
            serve_http(config, side, stop=stop, health=health, on_ready=lambda _: on_ready())
        else:
            serve_socket(config, side, stop=stop, on_ready=on_ready)


def _scheduler(runtime: Runtime, side: SlackSide) -> Scheduler:
    return Scheduler(
        runtime.service,
        runtime.store.digests,
        audience=partial(digesting.audience_of, side.bot),
        publish=partial(digesting.publish, side.bot),
    )


def _adopt(runtime: Runtime, team_id: str) -> None:
    """What was logged or imported before a workspace was known becomes this workspace's."""
    count = runtime.store.failures.adopt(team_id, source_team_id=LOCAL_TEAM_ID)
    if count:
        log.info("%d local entries now belong to the workspace %s", count, team_id)


def _health(runtime: Runtime) -> dict[str, object]:
    runtime.store.failures.teams()  # raises StoreError where the database does not answer
    return {"model_ready": runtime.encoder.is_ready, "waiting": runtime.store.inbox.waiting()}
