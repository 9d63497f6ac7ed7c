"""The threads that take work from the inbox and answer: tried again until it is said, or useless.

A job is finished after its message is sent. A crash between the two leaves the job; whoever
takes it next looks for the message before sending it again. A process that is paused for longer
than its lease between looking and sending can still send twice.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Event, Lock

from slack_sdk.errors import SlackApiError

from failbot.errors import FailbotError, StoppedError, StoreError
from failbot.observer import Observer, Unobserved
from failbot.slack.bot import Bot
from failbot.slack.jobs.delivery import error_code, is_final, retry_after_s
from failbot.slack.places import SLACK_FAILURES
from failbot.store.base import Job
from failbot.threads import Stop, Worker, close_all

logger = logging.getLogger(__name__)

DONE, AGAIN, GIVEN_UP = "done", "again", "given up"  # what may come of an attempt

THREADS = 2
# Renewed while its holder is at work: what a killed process held is taken up this much later.
LEASE_S = 15.0
BEAT_S = 4.0
POLL_S = 1.0  # another process may have stored work, or a retry is due
LONGEST_PAUSE_S = 300.0
KEPT = timedelta(days=1)  # an answer is of no use after that

Handler = Callable[[Bot, Job], None]
Apology = Callable[[Bot, Job, str], None]


class Workers:
    """The threads; `close` lets them finish what they hold."""

    def __init__(
        self,
        bot: Bot,
        handlers: Mapping[str, Handler],
        *,
        apologize: Apology,
        woken: Event,
        stop: Stop,
        observer: Observer | None = None,
    ) -> None:
        """:param apologize: tells whoever waits for the job that it broke, with a reference.

        :param woken: set by whoever puts something into the inbox.
        """
        self._bot = bot
        self._handlers = handlers
        self._apologize = apologize
        self._observer = observer or Unobserved()
        self._woken = woken
        self._held: dict[int, Job] = {}
        self._holding = Lock()
        self._workers = [
            Worker(f"worker-{number}", self._run, stop=stop, wake=woken.set)
            for number in range(THREADS)
        ]
        self._leases = Worker("leases", self._beat, stop=stop)

    def start(self) -> None:
        for worker in (*self._workers, self._leases):
            worker.start()

    def close(self) -> None:
        close_all(self._workers)
        self._leases.close()  # last: what is finished above is held until then

    def run_one(self) -> bool:
        """Whether there was a job that was due; it is finished or released."""
        job = self._bot.inbox.claim(now=self._bot.now(), lease_s=LEASE_S)
        if job is None:
            return False
        with self._holding:
            self._held[job.id] = job
        since = time.perf_counter()
        self._tell(job, self._work(job), seconds=time.perf_counter() - since)
        return True

    def _tell(self, job: Job, outcome: str, *, seconds: float) -> None:
        self._observer.worked(job.kind, outcome, seconds=seconds)
        facts = {"job_id": job.id, "kind": job.kind, "outcome": outcome, "attempt": job.attempts}
        logger.info(
            "%s %s, attempt %d: %s in %.0f ms",
            job.kind,
            job.id,
            job.attempts,
            outcome,
            seconds * 1000,
            extra=facts | {"duration_ms": round(seconds * 1000, 1)},
        )

    def _run(self, ending: Event) -> None:
        while not ending.is_set():
            try:
                if self.run_one():
                    continue
            except StoreError:
                logger.exception("the inbox does not answer")
            self._woken.wait(POLL_S)
            if not ending.is_set():
                self._woken.clear()

    def _beat(self, ending: Event) -> None:
        """Renews the leases of what is being worked on."""
        while not ending.wait(BEAT_S):
            until = self._bot.now() + timedelta(seconds=LEASE_S)
            try:
                with self._holding:
                    for job in self._held.values():
                        self._bot.inbox.hold(job, until=until)
            except StoreError:
                logger.exception("leases are not renewed")

    def _handle(self, job: Job) -> None:
        try:
            self._handlers[job.kind](self._bot, job)
        finally:  # from here on nothing may renew it: it is finished, or waits for its retry
            with self._holding:
                self._held.pop(job.id, None)

    def _work(self, job: Job) -> str:
        """What came of it, of `DONE`, `AGAIN` and `GIVEN_UP`."""
        try:
            self._handle(job)
        except SLACK_FAILURES as error:
            return self._after_slack(job, error)
        except StoreError as error:
            return self._again(job, str(error), after_s=0.0)
        except StoppedError:  # for whoever comes next, at once
            self._bot.inbox.release(job, retry_at=self._bot.now())
            return AGAIN
        except Exception:
            return self._broken(job)
        self._bot.inbox.finish(job)
        return DONE

    def _after_slack(self, job: Job, error: Exception) -> str:
        if isinstance(error, SlackApiError) and is_final(error):
            logger.warning("%s %s is given up: Slack says %s", job.kind, job.id, error_code(error))
            return self._give_up(job, f"Slack says {error_code(error)}")
        return self._again(job, type(error).__name__, after_s=retry_after_s(error))

    def _again(self, job: Job, reason: str, *, after_s: float) -> str:
        now = self._bot.now()
        if now - job.received_at > KEPT:
            logger.error("%s %s is given up after a day: %s", job.kind, job.id, reason)
            return self._give_up(job, reason)
        pause_s = max(after_s, min(LONGEST_PAUSE_S, 2.0 ** min(job.attempts, 10)))
        logger.info("%s %s waits %.0f s: %s", job.kind, job.id, pause_s, reason)
        self._bot.inbox.release(job, retry_at=now + timedelta(seconds=pause_s))
        return AGAIN

    def _broken(self, job: Job) -> str:
        """A defect: said with a reference, and not tried again."""
        reference = secrets.token_hex(4)
        logger.exception("reference %s: %s %s broke", reference, job.kind, job.id)
        try:
            self._apologize(self._bot, job, reference)
        except (*SLACK_FAILURES, FailbotError):
            logger.exception("reference %s could not be told", reference)
        return self._give_up(job, f"a defect, reference {reference}")

    def _give_up(self, job: Job, reason: str) -> str:
        """Kept for `failbot doctor`, `failbot retry` and `failbot drop`."""
        self._bot.inbox.give_up(job, reason=reason, now=self._bot.now())
        return GIVEN_UP
