"""What each order and each day has earned: gross realized gains and fees by order, with funding by day.

Every record is handed out once, so orders and days each add up to the account's own sums to the last digit. A day is
ours, from 00:00 UTC, and a record belongs to the day it came into the log: what is late does not change a day that is
over. The exchange's own daily figures begin at its settlement (trading rules A24).
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.money import ZERO
from events.orders import OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.terms import NANOSECONDS
from projections.funding import FundingLedger
from projections.positions import Positions

#: Orders and days kept one by one, the latest; older ones live in the sums.
KEPT_ORDERS = 2_000
KEPT_DAYS = 400
_DAY_NS = 86_400 * NANOSECONDS
#: What no order did.
ADJUSTMENTS = "adjustments"
#: Orders that are kept no more.
EARLIER = "earlier"


class OrderEarned(msgspec.Struct, kw_only=True):
    """One order's part: `qty` and `value` are what it traded, without sign; `realized` is gross of fees."""

    order: str
    strategy: str = ""
    product: str = ""
    qty: Decimal = ZERO
    value: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO


class DayEarned(msgspec.Struct, kw_only=True):
    """One product in one day. `net` is what became certain in it; the open gain is not in it."""

    realized: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.realized - self.fees + self.funding


class Earnings(msgspec.Struct, kw_only=True):
    """Orders by their id, oldest first; days by their 00:00 UTC in seconds, each by product."""

    hears: ClassVar[frozenset[type[Event]]] = Positions.hears | FundingLedger.hears

    positions: Positions = msgspec.field(default_factory=Positions)
    ledger: FundingLedger = msgspec.field(default_factory=FundingLedger)
    orders: dict[str, OrderEarned] = msgspec.field(default_factory=dict)
    days: dict[str, dict[str, DayEarned]] = msgspec.field(default_factory=dict)

    def fold(self, record: Record) -> None:
        event = record.event
        if isinstance(event, OrderFilled):
            self._trade(record, event.product, event)
        elif isinstance(event, AdjustmentApplied | AdjustmentReversed):
            self._trade(record, event.product, None)
        elif type(event) in FundingLedger.hears:
            product = str(event.product)  # type: ignore[union-attr]  # what the ledger hears names its product
            before = self.ledger.of(product).total
            self.ledger.fold(record)
            change = self.ledger.of(product).total - before
            if change:
                self._day(record.at, product).funding += change
        else:
            self.positions.fold(record)

    def on(self, at: int) -> dict[str, DayEarned]:
        """What the day of this moment has brought so far, by product."""
        return self.days.get(_name(at), {})

    def _trade(self, record: Record, product: str, fill: OrderFilled | None) -> None:
        before = self.positions.of(product)
        realized, fees = before.realized, before.fees
        self.positions.fold(record)
        after = self.positions.of(product)
        realized, fees = after.realized - realized, after.fees - fees
        order = self._order(ADJUSTMENTS if fill is None else fill.order)
        if fill is not None:
            order.strategy, order.product = fill.strategy, product
            order.qty += fill.qty
            order.value += fill.value
        order.realized += realized
        order.fees += fees
        day = self._day(record.at, product)
        day.realized += realized
        day.fees += fees

    def _order(self, name: str) -> OrderEarned:
        order = self.orders.get(name)
        if order is None:
            order = self.orders[name] = OrderEarned(order=name)
            if len(self.orders) > KEPT_ORDERS:
                self._forget(next(kept for kept in self.orders if kept not in (ADJUSTMENTS, EARLIER)))
        return order

    def _forget(self, name: str) -> None:
        gone = self.orders.pop(name)
        earlier = self.orders.setdefault(EARLIER, OrderEarned(order=EARLIER))
        earlier.qty += gone.qty
        earlier.value += gone.value
        earlier.realized += gone.realized
        earlier.fees += gone.fees

    def _day(self, at: int, product: str) -> DayEarned:
        products = self.days.setdefault(_name(at), {})
        if len(self.days) - (EARLIER in self.days) > KEPT_DAYS:
            oldest = next(kept for kept in self.days if kept != EARLIER)
            earlier = self.days.setdefault(EARLIER, {})
            for name, gone in self.days.pop(oldest).items():
                sums = earlier.setdefault(name, DayEarned())
                sums.realized += gone.realized
                sums.fees += gone.fees
                sums.funding += gone.funding
        return products.setdefault(product, DayEarned())


def _name(at: int) -> str:
    """The day of a moment: its 00:00 UTC, in seconds."""
    return str((at - at % _DAY_NS) // NANOSECONDS)
