"""How fast we may ask: a sliding window over the last minute, with lanes, so that an exit never waits behind a poll."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from enum import IntEnum

from actors.connection.errors import ConnectionClosed, RateLimitError

log = logging.getLogger(__name__)

#: The share of the window that is kept for `Urgency.EXITS`.
RESERVED_FOR_EXITS = 0.2
#: At this share of the window one warning is given.
WARNING_SHARE = 0.8
#: A waiter that lost its place looks again after this long at the latest.
_LOOK_AGAIN_S = 0.005


class Urgency(IntEnum):
    """Who goes first when requests must wait."""

    EXITS = 0  # cancels and reducing orders
    ENTRIES = 1
    LOOKUPS = 2
    POLLING = 3


class RequestLimiter:
    """At most `limit` requests in any `window_s` seconds. Thread-safe.

    Without an urgency the whole window may be used: the lanes are for those who share a client.
    """

    def __init__(self, limit: int = 100, *, throttle: bool = True, window_s: float = 60.0) -> None:
        if limit < 1:
            raise ValueError(f"a rate limit of {limit} requests lets nothing through")
        self.limit = limit
        self._throttle = throttle
        self._window_s = window_s
        self._sent: deque[float] = deque()
        self._changed = threading.Condition()
        self._waiting = dict.fromkeys(Urgency, 0)
        self._warned = False
        self._closed = False

    @property
    def in_window(self) -> int:
        """Requests sent within the last window."""
        with self._changed:
            self._forget(time.monotonic())
            return len(self._sent)

    def take(self, urgency: Urgency | None = None, patience_s: float | None = None) -> None:
        """Wait for a place in the window and take it.

        Raises `RateLimitError` where that would take longer than `patience_s`, or when throttling is off and the limit
        is reached; `ConnectionClosed` after `close`.
        """
        allowed = self._allowed(urgency)
        give_up = float("inf") if patience_s is None else time.monotonic() + patience_s
        lane = Urgency.EXITS if urgency is None else urgency
        with self._changed:
            self._waiting[lane] += 1
            try:
                while not self._takes(allowed, lane, give_up):
                    pass
            finally:
                self._waiting[lane] -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Whoever waits gets `ConnectionClosed`, at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _takes(self, allowed: int, lane: Urgency, give_up: float) -> bool:
        """Take a place, or wait until there may be one."""
        if self._closed:
            raise ConnectionClosed("the connection was closed while a request waited for the rate limit")
        now = time.monotonic()
        self._forget(now)
        if len(self._sent) < allowed and not any(self._waiting[other] for other in Urgency if other < lane):
            self._sent.append(now)
            self._warn()
            return True
        free_in_s = self._sent[len(self._sent) - allowed] + self._window_s - now if len(self._sent) >= allowed else 0.0
        if not self._throttle or now + free_in_s > give_up:
            raise RateLimitError(
                f"our own limit of {self.limit} requests in {self._window_s:g} s is reached",
                code="OWN_LIMIT",
                retry_after=free_in_s,
            )
        self._changed.wait(max(free_in_s, _LOOK_AGAIN_S))
        return False

    def _allowed(self, urgency: Urgency | None) -> int:
        if urgency in (None, Urgency.EXITS):
            return self.limit
        return max(1, self.limit - int(self.limit * RESERVED_FOR_EXITS))

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0] <= now - self._window_s:
            self._sent.popleft()

    def _warn(self) -> None:
        """One warning each time the window fills up to the share."""
        busy = len(self._sent) >= self.limit * WARNING_SHARE
        if busy and not self._warned:
            log.warning("%d of %d requests in %g s are used", len(self._sent), self.limit, self._window_s)
        self._warned = busy
