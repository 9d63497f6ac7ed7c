"""The clock and what depends on it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from failbot.sandbox.clock import Clock
from failbot.sandbox.ratelimits import EVENTS_PER_HOUR, RateLimits


def test_what_becomes_due_has_happened_when_advance_returns() -> None:
    """Timers fire in order of their time, in the caller's thread."""
    clock, fired = Clock(), list[str]()
    now = clock.time()
    clock.call_at(now + 300, lambda: fired.append("late"))
    clock.call_at(now + 60, lambda: fired.append("early"))
    clock.call_at(now + 900, lambda: fired.append("never"))
    clock.advance(301)
    assert fired == ["early", "late"]


def test_timers_fire_as_time_passes() -> None:
    """Nobody needs to move the clock."""
    clock, fired = Clock(), threading.Event()
    clock.start()
    clock.call_at(clock.time() + 0.02, fired.set)
    assert fired.wait(2)
    clock.stop()


def test_a_move_waits_for_a_timer_that_fires_elsewhere() -> None:
    """Whoever moves the clock finds done what another thread has begun."""
    clock, begun, may_end, done = Clock(), threading.Event(), threading.Event(), list[str]()

    def slowly() -> None:
        begun.set()
        may_end.wait(5)
        done.append("fired")

    def move(seconds: float) -> None:
        clock.advance(seconds)
        done.append("returned")

    clock.call_at(clock.time() + 60, slowly)
    first = threading.Thread(target=move, args=(61,))
    second = threading.Thread(target=move, args=(0,))
    first.start()
    assert begun.wait(5)
    second.start()
    second.join(0.05)
    may_end.set()
    first.join(5)
    second.join(5)
    assert done == ["fired", "returned", "returned"]


def test_a_moment_needs_its_zone() -> None:
    """A naive datetime is refused."""
    with pytest.raises(ValueError, match="zone"):
        Clock().set(datetime(2026, 3, 2))
    assert Clock(datetime(2026, 3, 2, tzinfo=UTC)).now().date().isoformat() == "2026-03-02"


def test_events_stop_at_the_hourly_cap() -> None:
    """30,000 events in 60 minutes, then none until the window has moved on."""
    clock = Clock()
    limits = RateLimits(clock)
    assert all(limits.event_allowed() for _ in range(EVENTS_PER_HOUR))
    assert not limits.event_allowed()
    clock.advance(3601)
    assert limits.event_allowed()
