"""What health and metrics ask of the running parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from starlette.routing import BaseRoute

from failbot.bootstrap import Runtime
from failbot.config import Config
from failbot.ops.health import database_part, model_part, slack_part
from failbot.ops.metrics import Facts, Metrics, ReaderCounts
from failbot.ops.web import health_routes, ops_app
from failbot.reader.language_model import LanguageModel
from failbot.slack.app import SlackSide
from failbot.slack.transport.socket_mode import Line
from failbot.threads import Stop
from failbot.web import listen, serving


def health_of(runtime: Runtime, side: SlackSide, line: Line | None) -> list[BaseRoute]:
    """`/healthz` and `/readyz` of this bot.

    :param line: the connection of Socket Mode; None over HTTP, where Slack comes to us.
    """
    database = database_part(runtime.store.failures.teams)
    model = model_part(has_failed=lambda: _has_failed(runtime))
    slack = slack_part(
        refusal=lambda: side.identity.refusal,
        is_connected=lambda: line is None or line.age_s is not None,
    )
    parts = {"database": database, "model": model, "slack": slack}
    return health_routes(alive={"database": database}, ready=parts)


def metrics_of(config: Config) -> Metrics | None:
    """What counts, where somebody may ask for it; None where no ops port is set."""
    return Metrics() if config.ops else None


@contextmanager
def ops_served(
    runtime: Runtime,
    side: SlackSide,
    metrics: Metrics | None,
    *,
    line: Line | None,
    now: Callable[[], datetime],
    stop: Stop,
) -> Iterator[None]:
    """Serves health and metrics on a port of their own while the block runs.

    :param metrics: None where no such port is set: then nothing is served.

    :raises ConfigError: the port is taken.
    """
    if metrics is None or runtime.config.ops is None:
        yield
        return
    host, port = runtime.config.ops
    metrics.look_at(_facts(runtime, line, now=now))
    app = ops_app(health_of(runtime, side, line), metrics=metrics.text)
    with (
        listen(host, port, setting="FAILBOT_OPS_ADDRESS") as listening,
        serving(app, listening=listening, name="ops", stop=stop),
    ):
        yield


def _facts(runtime: Runtime, line: Line | None, *, now: Callable[[], datetime]) -> Facts:
    return Facts(
        now=now,
        backlog=runtime.store.inbox.backlog,
        last_digest_at=runtime.store.digests.last_posted_at,
        model=lambda: (
            runtime.encoder.label,
            runtime.encoder.is_ready and not _has_failed(runtime),
        ),
        line_age_s=lambda: line.age_s if line else None,
        reader=lambda: _reader_counts(runtime),
    )


def _has_failed(runtime: Runtime) -> bool:
    """Whether the model cannot be used: not loaded, or not the one of the stored vectors."""
    return runtime.encoder.has_failed or bool(runtime.service.model_fault)


def _reader_counts(runtime: Runtime) -> ReaderCounts | None:
    if not isinstance(runtime.reader, LanguageModel):
        return None
    stats = runtime.reader.stats()
    return ReaderCounts(
        calls=stats.calls,
        failed=stats.failed,
        refused=stats.refused,
        prompt_tokens=stats.prompt_tokens,
        completion_tokens=stats.completion_tokens,
        cached=stats.cached,
        is_resting=stats.is_open,
    )
