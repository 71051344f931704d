"""The door to the journal: where facts wait for their turn, and where a flood of market facts is made to wait.

Three lanes: operators first, then the exchange's word on our orders, then the market. Only the market lane is bounded:
a feed's fact is outstanding until its turn is over, and a feed that is too far ahead waits in `tell`, and its socket
with it. Facts are never dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple, Protocol

from events.record import AnyEvent


class Lane(IntEnum):
    OPERATOR = 0
    ORDERS = 1
    MARKET = 2


class DoorClosed(Exception):
    """The journal takes no more facts; whoever tells it some should end quietly."""


class Fact(NamedTuple):
    """One event that waits. `time` is the exchange's time (ns) where the session follows a tape's clock."""

    by: str
    event: AnyEvent
    lane: Lane
    time: int | None
    durable: Callable[[int], None] | None  # told the seq once the fact is durable


class FactDoor(Protocol):
    """What shells see of the door."""

    def tell(self, by: str, events: Sequence[AnyEvent], lane: Lane, time: int | None = None) -> None:
        """Hand in facts in order. Blocks in the market lane while too many are outstanding. Raises `DoorClosed`."""


class Door:
    """Thread-safe. `knock` is called, outside any lock, when facts arrive and nobody was known to be serving."""

    def __init__(self, *, market_bound: int = 1024) -> None:
        self.knock: Callable[[], None] = lambda: None  # set by who serves
        self._market_bound = market_bound
        self._lanes: tuple[deque[Fact], ...] = (deque(), deque(), deque())
        self._changed = threading.Condition()
        self._market_outstanding = 0
        self._served = False
        self._closed = False

    def tell(
        self,
        by: str,
        events: Sequence[AnyEvent],
        lane: Lane,
        time: int | None = None,
        durable: Callable[[int], None] | None = None,
    ) -> None:
        """Hand in facts in order; see `FactDoor.tell`. `durable` is called with the seq of each once it is on disk."""
        with self._changed:
            if lane is Lane.MARKET:
                while self._market_outstanding >= self._market_bound and not self._closed:
                    self._changed.wait()
                self._market_outstanding += len(events)
            if self._closed:
                raise DoorClosed
            waiting = self._lanes[lane]
            for event in events:
                waiting.append(Fact(by, event, lane, time, durable))
            wake, self._served = not self._served, True
            if not wake:
                self._changed.notify_all()
        if wake:
            self.knock()

    def take(self, limit: int) -> list[Fact]:
        """Up to `limit` waiting facts, first lane first, each lane in order."""
        with self._changed:
            taken: list[Fact] = []
            for lane in self._lanes:
                while lane and len(taken) < limit:
                    taken.append(lane.popleft())
            return taken

    def turn_is_over(self, facts: Sequence[Fact]) -> None:
        """The facts' turn is done: as many new ones may come in."""
        market = sum(1 for fact in facts if fact.lane is Lane.MARKET)
        if market:
            with self._changed:
                self._market_outstanding -= market
                self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait for facts; whether there are any. Called by the one who serves the door."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or any(self._lanes), timeout_s) and any(self._lanes)

    def leave(self) -> bool:
        """Stop serving unless facts wait; the next fact will knock. Whether the server may go."""
        with self._changed:
            if any(self._lanes):
                return False
            self._served = False
            return True

    def close(self) -> None:
        """No fact comes in any more; whoever waits in `tell` gets `DoorClosed`. Waiting facts can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
