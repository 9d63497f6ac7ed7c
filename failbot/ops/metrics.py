"""What a serving process counts, as Prometheus reads it: numbers, kinds and names, never a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from failbot.errors import FailbotError
from failbot.models import Verdict
from failbot.store.base import Backlog

# Slack waits 3 s for an ack; 0.25 s is what failbot promises for 99 of 100.
ACK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
JOB_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderCounts:
    """What a language model was used since the process began."""

    calls: int
    failed: int
    refused: int
    prompt_tokens: int
    completion_tokens: int
    cached: int = 0  # candidates that needed no call
    is_resting: bool = False  # it failed several times in a row, and is not asked for a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is looked up when somebody asks for the metrics. Each may raise FailbotError."""

    now: Callable[[], datetime]
    backlog: Callable[[], Backlog]
    last_digest_at: Callable[[], datetime | None]
    model: Callable[[], tuple[str, bool]]  # its name, and whether it is loaded
    line_age_s: Callable[[], float | None]  # None without a connection, and in HTTP mode
    reader: Callable[[], ReaderCounts | None]  # None where none is set


class Metrics:
    """An `Observer` that counts, and `text` for Prometheus. Any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._acks = Histogram(
            "failbot_ack_seconds",
            "From a request of Slack's to its answer.",
            ["kind", "status"],
            buckets=ACK_BUCKETS,
            registry=self._registry,
        )
        self._jobs = Histogram(
            "failbot_job_seconds",
            "One attempt at a job of the inbox.",
            ["kind", "outcome"],
            buckets=JOB_BUCKETS,
            registry=self._registry,
        )
        self._verdicts = Counter(
            "failbot_answers", "Questions answered.", ["verdict"], registry=self._registry
        )
        for verdict in Verdict:
            self._verdicts.labels(verdict.value)

    def look_at(self, facts: Facts) -> None:
        """From now on these are told, too."""
        self._registry.register(_Looked(facts))

    def acked(self, kind: str, *, seconds: float, status: int) -> None:
        self._acks.labels(kind, str(status)).observe(seconds)

    def worked(self, kind: str, outcome: str, *, seconds: float) -> None:
        self._jobs.labels(kind, outcome).observe(seconds)

    def answered(self, verdict: str) -> None:
        self._verdicts.labels(verdict).inc()

    def text(self) -> bytes:
        """In the text format, `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class _Looked:
    """Asks for the facts at each scrape; what cannot be had is left out, and counted."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        failed = 0
        for part in (self._inbox, self._digest, self._model, self._line, self._reader):
            try:
                yield from part()
            except FailbotError:
                failed += 1
        yield _gauge("failbot_scrape_failures", "Parts that could not be looked up now.", failed)

    def _inbox(self) -> Iterator[Metric]:
        backlog, now = self._facts.backlog(), self._facts.now()
        yield _gauge("failbot_inbox_jobs", "Jobs that are not finished.", backlog.waiting)
        yield _gauge(
            "failbot_given_up_jobs", "Jobs given up, to be retried or dropped.", backlog.given_up
        )
        yield _gauge(
            "failbot_inbox_oldest_seconds",
            "Age of the oldest unfinished job.",
            _since(backlog.oldest_at, now),
        )
        yield _gauge(
            "failbot_inbox_lag_seconds",
            "How long the most overdue job has been due.",
            _since(backlog.due_at, now),
        )

    def _digest(self) -> Iterator[Metric]:
        posted_at = self._facts.last_digest_at()
        if posted_at is not None:
            words = "When the last weekly digest was posted."
            yield _gauge("failbot_last_digest_timestamp_seconds", words, posted_at.timestamp())

    def _model(self) -> Iterator[Metric]:
        name, is_loaded = self._facts.model()
        loaded = GaugeMetricFamily(
            "failbot_model_loaded", "Whether the model can be used.", labels=["model"]
        )
        loaded.add_metric([name], float(is_loaded))
        yield loaded

    def _line(self) -> Iterator[Metric]:
        age_s = self._facts.line_age_s()
        if age_s is not None:
            yield _gauge("failbot_socket_age_seconds", "Age of the connection to Slack.", age_s)

    def _reader(self) -> Iterator[Metric]:
        counts = self._facts.reader()
        if counts is None:
            return
        calls = CounterMetricFamily(
            "failbot_reader_calls", "Calls of the language model.", labels=["outcome"]
        )
        done = counts.calls - counts.failed
        for outcome, count in (
            ("done", done),
            ("failed", counts.failed),
            ("refused", counts.refused),
        ):
            calls.add_metric([outcome], count)
        yield calls
        cached = CounterMetricFamily("failbot_reader_cached", "Candidates that needed no call.")
        cached.add_metric([], counts.cached)
        yield cached
        resting = float(counts.is_resting)
        yield _gauge("failbot_reader_resting", "1 while the language model rests.", resting)
        tokens = CounterMetricFamily(
            "failbot_reader_tokens", "Tokens, as its server counts them.", labels=["part"]
        )
        tokens.add_metric(["prompt"], counts.prompt_tokens)
        tokens.add_metric(["completion"], counts.completion_tokens)
        yield tokens


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _since(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0
