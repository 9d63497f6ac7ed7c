"""A breaker, a limit and a cache, on a clock that the test moves."""

from __future__ import annotations

from failbot.reader.guards import FAILURES, REST_S, Breaker, Cache, MinuteLimit


def opened() -> Breaker:
    """A breaker that opened at second 0."""
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.admit(0.0)
        breaker.report(0.0, is_good=False)
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    """A success in between begins the count anew."""
    breaker = Breaker()
    for is_good in (False, False, True, False, False):
        breaker.report(0.0, is_good=is_good)
    assert breaker.admit(0.0)
    assert opened().is_open


def test_one_call_tries_while_the_others_wait() -> None:
    """What it finds decides for all; one that never reports holds it for one rest only."""
    breaker = opened()
    assert not breaker.admit(REST_S - 1)
    assert breaker.admit(REST_S)
    assert not breaker.admit(REST_S + 1)
    assert breaker.admit(2 * REST_S)
    breaker.report(2 * REST_S, is_good=True)
    assert breaker.admit(2 * REST_S)


def test_a_failed_try_opens_it_anew() -> None:
    """For a whole rest, from when it failed."""
    breaker = opened()
    assert breaker.admit(REST_S)
    breaker.report(REST_S + 6, is_good=False)
    assert not breaker.admit(2 * REST_S + 5)
    assert breaker.admit(2 * REST_S + 6)


def test_a_minutes_limit_slides() -> None:
    """Each call makes room a minute after it, and a refused one takes none."""
    limit = MinuteLimit(2)
    assert [limit.admit(at) for at in (0.0, 30.0, 59.0, 60.0, 61.0, 90.0)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
    assert all(MinuteLimit(0).admit(0.0) for _ in range(1_000))


def test_a_cache_forgets_what_was_used_least() -> None:
    """It holds no more than its size, none at size 0."""
    cache: Cache[int] = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == (1, None, 3, 2)
    nothing: Cache[int] = Cache(0)
    nothing.put("a", 1)
    assert nothing.get("a") is None
