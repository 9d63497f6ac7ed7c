"""The threads that take work from the inbox and do it: tried again until it is done, or useless.

A job is finished after its messages are sent. A crash between the two leaves the job; whoever takes
it next sends what is left of it (`sending`). Jobs that keep others waiting have threads of their
own: a lane.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Lock

from slack_sdk.errors import SlackApiError

from failbot.errors import StoppedError, StoreError, TakenOverError
from failbot.observer import Observer, Unobserved
from failbot.slack.bot import Bot
from failbot.slack.calls import SLACK_FAILURES
from failbot.slack.duties import DELETE, GIVE_FEEDBACK, KEEP, OPEN_FORM, REPLY, SHOW_HOME
from failbot.slack.events import QUESTION
from failbot.slack.jobs.delivery import error_code, is_final, retry_after_s
from failbot.slack.jobs.sending import LEASE_S
from failbot.store.base import Job
from failbot.threads import Bell, Stop, Worker, close_all

logger = logging.getLogger(__name__)

DONE, AGAIN, GIVEN_UP = "done", "again", "given up"  # what may come of an attempt
TAKEN_OVER = "taken over"

BEAT_S = 4.0
POLL_S = 1.0  # another process may have stored work, or a retry is due
LONGEST_PAUSE_S = 300.0
KEPT = timedelta(days=1)  # an answer is of no use after that


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """So many threads for these kinds of jobs; for all that have no lane, where none is named."""

    name: str
    threads: int
    kinds: frozenset[str] = frozenset()


# Slack takes a form for three seconds only, and looking people up may take as long: forms wait for
# nothing, and questions not for commands. Threads mostly wait: for Slack, or a language model.
LANES = (
    Lane(name="form", threads=8, kinds=frozenset({OPEN_FORM})),
    Lane(name="question", threads=8, kinds=frozenset({QUESTION})),
    Lane(
        name="command",
        threads=4,
        kinds=frozenset({REPLY, GIVE_FEEDBACK, DELETE, KEEP, SHOW_HOME}),
    ),
    Lane(name="rest", threads=2),
)

Handler = Callable[[Bot, Job], None]
Apology = Callable[[Bot, Job, str], None]


class Bells:
    """A bell for each lane, and those of other threads by the name that they are knocked for."""

    def __init__(self, lanes: Sequence[Lane] = LANES, *, others: Sequence[str] = ()) -> None:
        self._bells = {name: Bell() for name in (*(lane.name for lane in lanes), *others)}
        self._named = {kind: lane.name for lane in lanes for kind in lane.kinds}
        self._named |= {name: name for name in others}
        self._rest = next(lane.name for lane in lanes if not lane.kinds)

    def __getitem__(self, name: str) -> Bell:
        return self._bells[name]

    def knock(self, kind: str) -> None:
        """Wakes whoever does this kind of job."""
        self._bells[self._named.get(kind, self._rest)].ring()


class Workers:
    """The threads of all lanes; `close` lets them finish what they hold."""

    def __init__(
        self,
        bot: Bot,
        handlers: Mapping[str, Handler],
        *,
        apologize: Apology,
        bells: Bells,
        stop: Stop,
        lanes: Sequence[Lane] = LANES,
        observer: Observer | None = None,
    ) -> None:
        """:param apologize: tells whoever waits for the job that it broke, with a reference.

        :param bells: rung by whoever puts something into the inbox.
        """
        self._bot = bot
        self._handlers = handlers
        self._apologize = apologize
        self._observer = observer or Unobserved()
        self._named = frozenset[str]().union(*(lane.kinds for lane in lanes))
        self._held: dict[int, Job] = {}
        self._holding = Lock()
        self._workers = [
            self._worker(lane, number, bells[lane.name], stop)
            for lane in lanes
            for number in range(lane.threads)
        ]
        self._leases = Worker("leases", self._beat, stop=stop)

    def start(self) -> None:
        for worker in (*self._workers, self._leases):
            worker.start()

    def close(self) -> None:
        close_all(self._workers)
        self._leases.close()  # last: what is finished above is held until then

    def run_one(self, lane: Lane | None = None) -> bool:
        """Whether there was a job of this lane, or of any, that was due; it is finished or
        released."""
        job = self._claim(lane)
        if job is None:
            return False
        since = time.perf_counter()
        self._tell(job, self._work(job), seconds=time.perf_counter() - since)
        return True

    def _worker(self, lane: Lane, number: int, bell: Bell, stop: Stop) -> Worker:
        return Worker(
            f"worker-{lane.name}-{number}",
            lambda ending: self._run(ending, lane, bell),
            stop=stop,
            wake=bell.ring,
        )

    def _claim(self, lane: Lane | None) -> Job | None:
        only = lane.kinds if lane else ()
        never = self._named if lane and not lane.kinds else ()
        with self._holding:
            job = self._bot.inbox.claim(
                now=self._bot.now(), lease_s=LEASE_S, only=only, never=never, held=self._held
            )
            if job is not None:
                self._held[job.id] = job
        return job

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

    def _run(self, ending: Event, lane: Lane, bell: Bell) -> None:
        while not ending.is_set():
            rings = bell.rings
            try:
                if self.run_one(lane):
                    continue
            except StoreError:
                logger.exception("the inbox does not answer")
            if not ending.is_set():
                bell.wait(rings, POLL_S)

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
        """What came of it, of `DONE`, `AGAIN`, `GIVEN_UP` and `TAKEN_OVER`."""
        try:
            self._handle(job)
        except SLACK_FAILURES as error:
            return self._after_slack(job, error)
        except StoreError as error:
            return self._again(job, str(error), after_s=0.0)
        except TakenOverError:
            return TAKEN_OVER
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
        except Exception:
            logger.exception("reference %s could not be told", reference)
        return self._give_up(job, f"a defect, reference {reference}")

    def _give_up(self, job: Job, reason: str) -> str:
        """Kept for `failbot doctor`, `failbot retry` and `failbot drop`."""
        self._bot.inbox.give_up(job, reason=reason, now=self._bot.now())
        return GIVEN_UP
