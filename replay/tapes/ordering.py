"""Putting a recording into the exchange's order.

Lines lie in the order of their arrival; several streams, each with a delay of its own, arrive out of order by seconds.
A market is played back in the order in which it happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from events.record import AnyEvent
from replay.tapes.tape import Moment

#: How far behind its peers an event may arrive and still find its place. The recordings at hand need under 3 s.
HORIZON_NS = 10 * 1_000_000_000


def in_exchange_order(moments: Iterable[Moment], *, horizon_ns: int = HORIZON_NS) -> Iterator[Moment]:
    """Events by exchange time, and within one time as they arrived. Holds the events of one horizon in memory.

    What comes later than the horizon is given the time that the tape has reached, so that time never goes back.
    """
    waiting: list[tuple[int, int, AnyEvent]] = []
    newest = reached = 0
    for arrival, (time, event) in enumerate(moments):
        heappush(waiting, (time, arrival, event))
        if time > newest:
            newest = time
            while waiting[0][0] < newest - horizon_ns:
                earliest, _, ready = heappop(waiting)
                reached = max(reached, earliest)
                yield reached, ready
    while waiting:
        earliest, _, ready = heappop(waiting)
        reached = max(reached, earliest)
        yield reached, ready
