"""A trading process in its essence: log, behaviours and the real gateway, which may die at any point and live again.

The log is a list, and a process that follows another begins with it, as a restart does: what was not in it is gone.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence

from actors.behaviour import Behaviour, Seat
from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.position import PositionBehaviour
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.gateway import OrderGateway
from actors.door import DoorClosed, Lane
from actors.hosts import TurnHost
from actors.known import Known
from actors.turns import Turns
from events.event import Event
from events.feeds import FeedSubscribed
from events.record import AnyEvent, Record
from projections.orders import Orders
from tests.actors.connection.small_exchange import EXCHANGE_ID, SmallExchange, Wire
from tests.streams.desk import MONDAY, Desk
from tests.streams.facts import BIP, listed, started

PRODUCTS = {EXCHANGE_ID: BIP}
#: Evidence in thousandths of the real times: no reply of this exchange travels.
LATE_S, GAP_S = 0.02, 0.005
#: No interleaving takes longer; one that does is stuck.
STUCK_S = 60.0


class Door:
    """Where facts wait. Closed for good when the process dies."""

    def __init__(self, wire: Wire) -> None:
        self.facts: queue.SimpleQueue[tuple[str, Sequence[AnyEvent]]] = queue.SimpleQueue()
        self._wire = wire

    def tell(self, by: str, events: Sequence[AnyEvent], lane: Lane, time: int | None = None) -> None:
        if self._wire.is_dead.is_set():
            raise DoorClosed
        self.facts.put((by, events))


class Life:
    """One process, from its start to its end. `gateway` off: only the log and what folds it."""

    def __init__(self, exchange: SmallExchange, log: Sequence[Record], number: int, *, gateway: bool = True) -> None:
        self.wire = Wire(exchange)
        self.door = Door(self.wire)
        self.orders_seat = OrdersBehaviour()
        self.position_seat = PositionBehaviour()
        self.desk = caught_up(Desk(self.orders_seat, self.position_seat), log)
        self.known = Known.by(list(self.desk.seats.values()))
        self.client = CoinbaseClient("http://small.exchange", rate_limit_per_minute=1_000_000)
        self.client.set_transport_for_testing(self.wire)
        self.gateway: OrderGateway | None = None
        self.hear(started(session=f"life-{number}"), by="session")
        if gateway:
            self.gateway = OrderGateway(
                self.door,
                self.client,
                PRODUCTS,
                lambda: self.desk.at,
                unresolved=self.known.unsettled,
                late_arrival_s=LATE_S,
                listing_gap_s=GAP_S,
            )
            self.gateway.start()
        self.hear(listed(), by="account")
        self.hear(FeedSubscribed(feed="market", connection=1, channels=()))

    @property
    def orders(self) -> Orders:
        return self.orders_seat.state.orders

    def hear(self, *facts: AnyEvent, by: str = "market", after: int = 0) -> list[Event]:
        """One turn, durable; then the gateway is told, if the process still lives."""
        before = len(self.desk.log)
        decided = self.desk.hear(*facts, by=by, after=after)
        if self.gateway is not None and not self.wire.is_dead.is_set():
            heard = [record for record in self.desk.log[before:] if type(record.event) in self.gateway.hears]
            self.gateway.committed(heard)
        return decided

    def pump(self, is_done: Callable[[], bool]) -> None:
        """The journal's work, until it is done or the process dies. Fails when it is stuck."""
        deadline = time.monotonic() + STUCK_S
        while not self.wire.is_dead.is_set() and not is_done():
            assert time.monotonic() < deadline, f"stuck: {self.orders.open_orders()}"
            try:
                by, events = self.door.facts.get(timeout=0.005)
            except queue.Empty:
                continue
            self.hear(*events, by=by)
            if self.wire.dies_when_told.is_set():
                self.wire.is_dead.set()

    def end(self) -> list[Record]:
        """The process is gone, with all that was not in the log."""
        self.wire.is_dead.set()
        if self.gateway is not None:
            self.gateway.stop()
        return self.desk.log


def caught_up(desk: Desk, log: Sequence[Record]) -> Desk:
    """Restart is replay."""
    for record in log:
        for seat in desk.seats.values():
            if type(record.event) in seat.hears:
                seat.follow(record)
    desk.log = list(log)
    if log:
        desk.at = log[-1].at
        seats: list[Seat] = list(desk.seats.values())
        desk.turns = Turns(TurnHost(seats), last_seq=log[-1].seq, last_at=log[-1].at)
    else:
        assert desk.at == MONDAY
    return desk


def expect_verified(log: Sequence[Record], *more: Behaviour) -> None:
    """Every decision of the log is derived again from what stands before it, and is the same; none is missing."""
    said: dict[tuple[str, int], list[Event]] = {}
    for record in log:
        if record.cause is not None:
            said.setdefault((record.by, record.cause), []).append(record.event)
    behaviours: list[Behaviour] = [OrdersBehaviour(), PositionBehaviour(), *more]
    seats = [Seat(behaviour) for behaviour in behaviours]
    for record in log:
        for seat in seats:
            if type(record.event) in seat.hears:
                seat.follow(record)
                recorded = said.pop((seat.name, record.seq), [])
                assert list(seat.answer(record)) == recorded, f"{seat.name} at record {record.seq}"
                seat.take_as_said(recorded)
    assert not said, f"decisions that nobody would say: {said}"
