"""The worst that a product can come to: what is held, with all that rests, is in flight or unknown (trading rules A11).

    max(|position + all buys|, |position − all sells|) x contract_size x max(mark, limit)

Long 2 with a resting buy of 3 and a sell of 4 can become long 5 or short 2: 5 counts. A cancel that was asked for
frees nothing; only the exchange's word does.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from events.event import Part
from events.money import ZERO
from events.terms import Side
from projections.notional import notional


class Pending(Part, frozen=True):
    """What an order may still do: an open order's rest, or an approval that has not come back yet."""

    side: Side
    qty: Decimal
    price: Decimal | None  # its limit; None for one that takes any price


class Exposure(Part, frozen=True):
    """One product's position and its open orders, by side. Quantities in the exchange's unit, `held` signed."""

    product: str
    contract_size: Decimal
    price: Decimal  # the mark, or the last price known
    held: Decimal
    buying: Decimal = ZERO
    selling: Decimal = ZERO
    highest_buy: Decimal = ZERO
    highest_sell: Decimal = ZERO

    def load(self, side: Side) -> Decimal:
        """The quantity that the position can come to on this side, never below zero."""
        qty = self.held + self.buying if side is Side.BUY else self.selling - self.held
        return max(qty, ZERO)

    def price_of(self, side: Side) -> Decimal:
        """What a unit counts at on this side: the mark, or the highest limit where that is above it."""
        return max(self.price, self.highest_buy if side is Side.BUY else self.highest_sell)

    def worth(self, side: Side) -> Decimal:
        """The notional of `load`."""
        return notional(self.load(side), contract_size=self.contract_size, price=self.price_of(side))

    @property
    def notional(self) -> Decimal:
        """The worse of the two sides."""
        return max(self.worth(Side.BUY), self.worth(Side.SELL))

    def reducible(self, side: Side) -> Decimal:
        """How much an order of this side can still reduce: the position against it, less what is resting already."""
        free = -self.held - self.buying if side is Side.BUY else self.held - self.selling
        return max(free, ZERO)

    def plus(self, order: Pending) -> Exposure:
        """The same with one order more."""
        buying, selling, highest_buy, highest_sell = self.buying, self.selling, self.highest_buy, self.highest_sell
        limit = order.price or ZERO
        if order.side is Side.BUY:
            buying, highest_buy = buying + order.qty, max(highest_buy, limit)
        else:
            selling, highest_sell = selling + order.qty, max(highest_sell, limit)
        return Exposure(
            product=self.product,
            contract_size=self.contract_size,
            price=self.price,
            held=self.held,
            buying=buying,
            selling=selling,
            highest_buy=highest_buy,
            highest_sell=highest_sell,
        )

    def with_all(self, orders: Iterable[Pending]) -> Exposure:
        """The same with all of these."""
        exposure = self
        for order in orders:
            exposure = exposure.plus(order)
        return exposure
