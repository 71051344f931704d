"""The sliding window: who waits, who goes first, and that the wait can be ended."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from actors.connection.client.limits import RequestLimiter, Urgency
from actors.connection.errors import ConnectionClosed, RateLimitError
from tests.actors.connection.peers import PATIENCE_S


def taken(limiter: RequestLimiter, count: int, urgency: Urgency | None = None) -> float:
    """Seconds that `count` requests took."""
    began = time.monotonic()
    for _ in range(count):
        limiter.take(urgency)
    return time.monotonic() - began


def test_the_request_after_the_limit_waits_until_the_oldest_has_left_the_window() -> None:
    limiter = RequestLimiter(100, window_s=0.5)
    assert taken(limiter, 100) < 0.4
    assert taken(limiter, 1) > 0.05
    assert limiter.in_window <= 100


def test_in_no_window_are_there_more_requests_than_the_limit() -> None:
    limiter = RequestLimiter(5, window_s=0.2)
    times: list[float] = []
    for _ in range(20):
        limiter.take()
        times.append(time.monotonic())
    assert all(later - earlier >= 0.19 for earlier, later in zip(times, times[5:], strict=False))


def test_a_window_that_fills_up_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    limiter = RequestLimiter(100, window_s=60)
    with caplog.at_level(logging.WARNING):
        taken(limiter, 79)
        assert not caplog.records
        taken(limiter, 21)
    assert [record.getMessage() for record in caplog.records] == ["80 of 100 requests in 60 s are used"]


def test_without_throttling_the_limit_raises_and_says_when_there_is_room() -> None:
    limiter = RequestLimiter(2, throttle=False, window_s=60)
    taken(limiter, 2)
    with pytest.raises(RateLimitError) as raised:
        limiter.take()
    assert raised.value.retry_after == pytest.approx(60, abs=1)
    assert raised.value.status is None, "nothing was sent"


@pytest.mark.parametrize("urgency", [Urgency.ENTRIES, Urgency.LOOKUPS, Urgency.POLLING])
def test_a_fifth_of_the_window_is_kept_for_exits(urgency: Urgency) -> None:
    limiter = RequestLimiter(10, throttle=False, window_s=60)
    taken(limiter, 8, urgency)
    with pytest.raises(RateLimitError):
        limiter.take(urgency)
    taken(limiter, 2, Urgency.EXITS)
    with pytest.raises(RateLimitError):
        limiter.take(Urgency.EXITS)


def test_whoever_uses_a_client_alone_has_the_whole_window() -> None:
    limiter = RequestLimiter(10, throttle=False, window_s=60)
    taken(limiter, 10)
    assert limiter.in_window == 10


def test_of_those_who_wait_the_more_urgent_goes_first() -> None:
    limiter = RequestLimiter(5, window_s=0.4)
    taken(limiter, 4, Urgency.LOOKUPS)
    order: list[Urgency] = []

    def wait(urgency: Urgency) -> None:
        limiter.take(urgency)
        order.append(urgency)

    waiting: list[threading.Thread] = []
    for urgency in (Urgency.POLLING, Urgency.LOOKUPS, Urgency.ENTRIES):
        thread = threading.Thread(target=wait, args=(urgency,))
        waiting.append(thread)
        thread.start()
        while limiter._waiting[urgency] == 0:
            time.sleep(0.001)
    for thread in waiting:
        thread.join(PATIENCE_S)
    assert order == [Urgency.ENTRIES, Urgency.LOOKUPS, Urgency.POLLING]


def test_patience_ends_the_wait_before_it_begins() -> None:
    limiter = RequestLimiter(1, window_s=60)
    limiter.take()
    began = time.monotonic()
    with pytest.raises(RateLimitError):
        limiter.take(patience_s=1.0)
    assert time.monotonic() - began < 0.5


def test_closing_ends_every_wait() -> None:
    limiter = RequestLimiter(1, window_s=60)
    limiter.take()
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(ConnectionClosed):
            limiter.take()
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    limiter.close()
    assert ended.wait(PATIENCE_S)
    thread.join(PATIENCE_S)


def test_a_limit_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(ValueError, match="lets nothing through"):
        RequestLimiter(0)
