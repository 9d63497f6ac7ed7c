"""One thread that does what is due: each channel's digest once a week, and once a day the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from failbot.errors import FailbotError, SlackError, TakenOverError
from failbot.memory.digest import last_due, week_of
from failbot.memory.service import Service
from failbot.models import Digest, Schedule, Viewer
from failbot.store.base import Claim, Digests
from failbot.threads import Stop, Worker

log = logging.getLogger(__name__)

# A holder that dies is followed after this long; posting takes seconds.
LEASE_S = 300.0
TICK_S = 20.0
DAY = timedelta(days=1)

Audience = Callable[[Schedule], Viewer]
Publish = Callable[[Schedule, Digest, Claim], str]


class Scheduler:
    """Posts due digests; several processes on one store post each only once.

    `publish(schedule, digest, claim)` returns the message's ts; it raises `SlackError` where
    trying again cannot help. `claim.attempts > 1` tells it that an earlier holder may have
    posted already. `daily(now)` is called at the first tick, and a day after each time that it
    raised nothing; every process does so.
    """

    def __init__(
        self,
        service: Service,
        digests: Digests,
        *,
        audience: Audience,
        publish: Publish,
        daily: Callable[[datetime], object] = lambda now: None,
    ) -> None:
        self._service = service
        self._digests = digests
        self._audience = audience
        self._publish = publish
        self._daily = daily
        self._next_daily: datetime | None = None

    def worker(
        self, clock: Callable[[], datetime], *, tick_s: float = TICK_S, stop: Stop
    ) -> Worker:
        """The thread, not yet started, that looks every `tick_s`."""
        return Worker("scheduler", lambda ending: self._run(ending, clock, tick_s), stop=stop)

    def tick(self, now: datetime) -> int:
        """Posts what is due at `now`; how many were posted. Then comes what is daily."""
        posted = sum(self._settle(schedule, now) for schedule in self._digests.schedules())
        if self._next_daily is None or now >= self._next_daily:
            self._daily(now)
            self._next_daily = now + DAY
        return posted

    def _run(self, ending: Event, clock: Callable[[], datetime], tick_s: float) -> None:
        while not ending.is_set():
            try:
                self.tick(clock())
            except FailbotError:
                log.exception("the scheduler could not do all that is due")
            ending.wait(tick_s)

    def _settle(self, schedule: Schedule, now: datetime) -> bool:
        claim = self._claim(schedule, now)
        if claim is None:
            return False
        try:
            digest = self._service.digest(
                audience=self._audience(schedule), now=now, week=claim.week
            )
            message_ts = "" if digest.is_empty else self._publish(schedule, digest, claim)
        except TakenOverError:
            log.warning("digest %s of %s is another's by now", claim.week, claim.channel_id)
            return False
        except SlackError as error:
            log.warning("digest %s of %s is given up: %s", claim.week, claim.channel_id, error)
            message_ts = ""
        except Exception:
            # The claim stays leased: after the lease this or another process tries again.
            log.exception("digest %s of %s failed", claim.week, claim.channel_id)
            return False
        self._digests.finish(claim, message_ts=message_ts)
        return bool(message_ts)

    def _claim(self, schedule: Schedule, now: datetime) -> Claim | None:
        due = last_due(schedule, now)
        if due is None:
            return None
        return self._digests.claim(
            team_id=schedule.team_id,
            channel_id=schedule.channel_id,
            week=week_of(due, schedule.zone),
            now=now,
            lease_s=LEASE_S,
        )
