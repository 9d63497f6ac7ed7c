"""The bot as one running process: the memory, the Slack side and the weekly digests."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial

from failbot.bootstrap import Runtime, open_runtime
from failbot.config import LOCAL_TEAM_ID, Config
from failbot.observer import Observer, Unobserved
from failbot.ops.wiring import health_of, metrics_of, ops_served
from failbot.scheduler import TICK_S, Scheduler
from failbot.slack.app import SlackSide, build
from failbot.slack.jobs import digesting, expecting
from failbot.slack.transport.serve import need_settings, serve_http, serve_socket
from failbot.slack.transport.socket_mode import Line
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
        metrics = metrics_of(config)
        line = None if http else Line()
        side = serving.enter_context(
            working(runtime, stop=stop, observer=metrics, now=now, tick_s=tick_s)
        )
        serving.enter_context(ops_served(runtime, side, metrics, line=line, now=now, stop=stop))
        if http:
            routes = health_of(runtime, side, line)
            serve_http(config, side, stop=stop, routes=routes, on_ready=lambda _: on_ready())
        else:
            serve_socket(config, side, stop=stop, on_ready=on_ready, line=line)


def _start_writing(
    serving: ExitStack,
    runtime: Runtime,
    side: SlackSide,
    *,
    now: Callable[[], datetime],
    stop: Stop,
) -> None:
    """Has the language model, if there is one, write expected questions, and its use counted."""
    if not runtime.reader.name:
        return
    writer = runtime.service.question_writer(
        now=now, pause_s=runtime.writing_pause_s(), told=partial(expecting.tell_later, side.bot)
    ).worker(stop)
    serving.callback(writer.close)
    writer.start()


@contextmanager
def working(
    runtime: Runtime,
    *,
    stop: Stop,
    observer: Observer | None = None,
    now: Callable[[], datetime] = utc_now,
    clock: Callable[[], float] = time.monotonic,
    tick_s: float = TICK_S,
) -> Iterator[SlackSide]:
    """The Slack side while all that serves runs, but for the way on which Slack's requests come.

    Sets `stop` at the end. :param clock: monotonic seconds.
    """
    with ExitStack() as serving:
        watching = observer or Unobserved()
        runtime.service.when_answered = lambda answer: watching.answered(answer.verdict.value)
        side = build(
            runtime.config,
            runtime.service,
            runtime.store,
            now=now,
            clock=clock,
            stop=stop,
            observer=watching,
        )
        runtime.start_background()
        serving.enter_context(side.running(on_team=partial(_adopt, runtime)))
        scheduler = _scheduler(runtime, side).worker(now, tick_s=tick_s, stop=stop)
        serving.callback(scheduler.close)
        scheduler.start()
        _start_writing(serving, runtime, side, now=now, stop=stop)
        serving.callback(stop.set)  # first of all: whatever ends this, nobody waits any longer
        yield side


def _scheduler(runtime: Runtime, side: SlackSide) -> Scheduler:
    return Scheduler(
        runtime.service,
        runtime.store.digests,
        audience=partial(digesting.audience_of, side.bot),
        publish=partial(digesting.publish, side.bot),
        daily=partial(_prune, runtime),
    )


def _prune(runtime: Runtime, now: datetime) -> None:
    """What FAILBOT_RETENTION_DAYS lets go."""
    done = runtime.service.erasing.prune(days=runtime.config.retention_days, now=now)
    if done.questions or done.waiting:
        log.info("%d old questions and %d old jobs removed", done.questions, done.waiting)


def _adopt(runtime: Runtime, team_id: str) -> None:
    """What was logged or imported before a workspace was known becomes this workspace's."""
    count = runtime.store.failures.adopt(team_id, source_team_id=LOCAL_TEAM_ID)
    if count:
        log.info("%d local entries now belong to the workspace %s", count, team_id)
