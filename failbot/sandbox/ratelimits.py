"""Slack's rate limits, by the sandbox's clock.

Tiers: docs.slack.dev, apis/web-api/rate-limits: 20, 50 and 100 calls a minute and method;
chat.postMessage about one a second and channel, with short bursts.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from failbot.sandbox.clock import Clock
from failbot.sandbox.refusal import Refusal

POST_BURST = 10
EVENTS_PER_HOUR = 30_000
HOUR_S = 3600.0
MINUTE_S = 60.0


@dataclass(slots=True)
class _Bucket:
    """A burst allowance that refills by one a second."""

    tokens: float
    at: float


@dataclass(slots=True)
class RateLimits:
    """Counts calls and refuses those over the limit; callers hold the core's lock."""

    clock: Clock
    enabled: bool = True
    _calls: dict[str, deque[float]] = field(default_factory=dict)
    _posts: dict[str, _Bucket] = field(default_factory=dict)
    _events: deque[float] = field(default_factory=deque)

    def count(self, method: str, *, per_minute: int) -> None:
        """One call of a method of that tier.

        :raises Refusal: ratelimited, with the seconds to wait.
        """
        if not self.enabled:
            return
        now = self.clock.time()
        calls = self._calls.setdefault(method, deque())
        while calls and not 0 <= now - calls[0] < MINUTE_S:
            calls.popleft()
        if len(calls) >= per_minute:
            wait_s = math.ceil(calls[0] + MINUTE_S - now)
            raise Refusal("ratelimited", retry_after_s=max(1, wait_s))
        calls.append(now)

    def event_allowed(self) -> bool:
        """Count one event; False once the app got 30,000 in 60 minutes (Events API limits)."""
        if not self.enabled:
            return True
        now = self.clock.time()
        while self._events and not 0 <= now - self._events[0] < HOUR_S:
            self._events.popleft()
        if len(self._events) >= EVENTS_PER_HOUR:
            return False
        self._events.append(now)
        return True

    def count_post(self, channel_id: str) -> None:
        """One message into a channel.

        :raises Refusal: ratelimited once the burst is used up.
        """
        if not self.enabled:
            return
        now = self.clock.time()
        bucket = self._posts.setdefault(channel_id, _Bucket(POST_BURST, now))
        bucket.tokens = min(POST_BURST, bucket.tokens + max(0.0, now - bucket.at))
        bucket.at = now
        if bucket.tokens < 1:
            raise Refusal("ratelimited", retry_after_s=1)
        bucket.tokens -= 1
