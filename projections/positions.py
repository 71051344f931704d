"""Positions by what they cost. The average entry price is shown and never computed with.

`qty` and `cost` are signed alike: a long of 2 contracts of 0.01 BTC bought at 50,000 is qty 2, cost 1,000; the same
short is qty -2, cost -1,000. At any price the open gain is `notional(qty, price) - cost`.

Every change keeps `cost - realized` equal to the sum of the signed values traded, to the last digit. That is why the
ledger adds up: where a quotient must be rounded, what was rounded off stays in the other part.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.catalog import ProductListed
from events.event import Event
from events.money import ZERO, plain, quotient
from events.orders import FillCorrected, OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.terms import Side
from projections.notional import base_qty

#: Decimals of a share of cost or of value. 10^-18 of a dollar, rounded half-even; the rest stays where it was.
SHARE_PLACES = 18
#: Decimals of an entry price that is shown.
PRICE_PLACES = 8


class Position(msgspec.Struct, kw_only=True):
    """One product's position and what it has earned. Amounts in quote currency; `realized` is gross of fees."""

    product: str = ""
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    contract_size: Decimal | None = None
    opened_at: int | None = None  # nanoseconds UTC, the exchange's time of the fill that opened it; None when flat
    changed_at: int | None = None  # of the latest change, likewise
    change_realized: Decimal = ZERO  # what the latest change realized
    change_fee: Decimal = ZERO

    @property
    def entry_price(self) -> Decimal | None:
        """What one unit of the underlying cost on average, rounded for show. None when flat or not listed."""
        if not self.qty or not self.contract_size:
            return None
        base = base_qty(self.qty, contract_size=self.contract_size)
        return plain(quotient(self.cost, base, places=PRICE_PLACES))

    @property
    def side(self) -> str:
        """ "long", "short" or "flat"."""
        return "long" if self.qty > 0 else "short" if self.qty < 0 else "flat"

    def trade(self, delta: Decimal, value: Decimal, *, fee: Decimal, at: int) -> None:
        """Let `delta` (signed) change hands for `value` (signed alike): increase, reduce, close or flip.

        Long 2 at cost 200: selling 1 for 110 realizes 10 and leaves 1 at cost 100; selling 3 for 330 realizes 20 and
        leaves short 1 at cost -110.
        """
        held, left = self.qty, self.qty + delta
        realized = ZERO
        if not delta:  # what an earlier trade was worth is corrected: no quantity carries it, so it is realized
            realized = -value
        elif not held or (held > 0) is (delta > 0):  # opens or increases
            self.cost += value
            if not held:
                self.opened_at = at
        elif not left:  # closes
            realized = -value - self.cost
            self.cost = ZERO
            self.opened_at = None
        elif (left > 0) is (held > 0):  # reduces
            share = share_of(self.cost, part=-delta, whole=held)
            realized = -value - share
            self.cost -= share
        else:  # flips: closes what is held, opens the rest at the same price
            opening = share_of(value, part=left, whole=delta)
            realized = opening - value - self.cost
            self.cost = opening
            self.opened_at = at
        self.qty = left
        self.changed_at = at
        self.change_realized = realized
        self.change_fee = fee
        if realized:
            self.realized += realized
        if fee:
            self.fees += fee

    def take_back(self, effect: Effect, *, at: int) -> None:
        """Undo an adjustment as if it had never been: its share of the cost comes back, what it realized goes.

        Where the position has moved on so far that the cost would end on the wrong side of zero, what does not fit
        is realized instead; `cost - realized` is the same either way.
        """
        held = self.qty
        self.qty -= effect.qty
        cost, realized = self.cost - effect.cost, -effect.realized
        if not self.qty or (cost > 0) is not (self.qty > 0):
            realized -= cost
            cost = ZERO
        self.cost = cost
        self.realized += realized
        self.changed_at = at
        self.change_realized, self.change_fee = realized, ZERO
        if not self.qty:
            self.opened_at = None
        elif not held or (held > 0) is not (self.qty > 0):
            self.opened_at = at


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What an adjustment did to its position, kept for the day it is taken back."""

    qty: Decimal
    cost: Decimal
    realized: Decimal


_HEARD = frozenset[type[Event]]({OrderFilled, FillCorrected, AdjustmentApplied, AdjustmentReversed, ProductListed})


class Positions(msgspec.Struct, kw_only=True):
    """All positions, by product."""

    hears: ClassVar[frozenset[type[Event]]] = _HEARD

    by_product: dict[str, Position] = msgspec.field(default_factory=dict)
    adjustments: dict[str, Effect] = msgspec.field(default_factory=dict)  # not taken back, by their id

    def fold(self, record: Record) -> None:
        event = record.event
        if type(event) not in _HEARD:
            return
        if isinstance(event, OrderFilled):
            self.fill(event)
        elif isinstance(event, AdjustmentApplied):
            self._adjust(event, record.at)
        elif isinstance(event, AdjustmentReversed):
            self._reverse(event, record.at)
        elif isinstance(event, ProductListed):
            self._own(event.product).contract_size = event.contract_size

    def of(self, product: str) -> Position:
        """The position in a product; a flat one where there never was any."""
        return self.by_product.get(product) or Position(product=product)

    def open(self) -> list[Position]:
        """The positions that are not flat, by product."""
        return [position for _, position in sorted(self.by_product.items()) if position.qty]

    @property
    def realized(self) -> Decimal:
        """Gross gains of all products."""
        return sum((position.realized for position in self.by_product.values()), ZERO)

    @property
    def fees(self) -> Decimal:
        """Fees of all products."""
        return sum((position.fees for position in self.by_product.values()), ZERO)

    def fill(self, event: OrderFilled) -> None:
        """Let a part of an order change a position."""
        position = self.by_product.get(event.product)
        if position is None:
            position = self._own(event.product)
        if event.side is Side.BUY:
            position.trade(event.qty, event.value, fee=event.fee, at=event.exchange_at)
        else:
            position.trade(-event.qty, -event.value, fee=event.fee, at=event.exchange_at)

    def _adjust(self, event: AdjustmentApplied, at: int) -> None:
        position = self._own(event.product)
        cost, realized = position.cost, position.realized
        position.trade(event.qty, event.value, fee=ZERO, at=at)
        self.adjustments[event.adjustment] = Effect(
            qty=event.qty, cost=position.cost - cost, realized=position.realized - realized
        )

    def _reverse(self, event: AdjustmentReversed, at: int) -> None:
        effect = self.adjustments.pop(event.adjustment, None)
        if effect is not None:
            self._own(event.product).take_back(effect, at=at)

    def _own(self, product: str) -> Position:
        position = self.by_product.get(product)
        if position is None:
            position = self.by_product[product] = Position(product=product)
        return position


def share_of(amount: Decimal, *, part: Decimal, whole: Decimal) -> Decimal:
    """The share `part / whole` of an amount, rounded half-even to `SHARE_PLACES` decimals: the named rounding."""
    return plain(quotient(amount * part, whole, places=SHARE_PLACES))
