"""Orders that were submitted and whose end nobody has told yet: what a stop waits for."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from events.event import Event
from events.orders import OrderClosed, OrderSubmitted
from events.record import Record


class Unsettled:
    """A shell that hears intents and ends. Thread-safe."""

    hears: frozenset[type[Event]] = frozenset({OrderSubmitted, OrderClosed})

    def __init__(self, orders: Iterable[str] = ()) -> None:
        self._orders = dict.fromkeys(orders)
        self._changed = threading.Condition()

    def committed(self, records: Sequence[Record]) -> None:
        with self._changed:
            for record in records:
                event = record.event
                if isinstance(event, OrderSubmitted):
                    self._orders[event.order] = None
                elif isinstance(event, OrderClosed):
                    self._orders.pop(event.order, None)
            self._changed.notify_all()

    def orders(self) -> tuple[str, ...]:
        with self._changed:
            return tuple(self._orders)

    def wait(self, timeout_s: float) -> bool:
        """Until none is left, or time is up; whether none is left."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._orders, timeout_s)
