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


class Charges(Part, frozen=True):
    """What an order costs beside what it moves: a fee, and for one without a limit what it may lose to the market."""

    rate: Decimal = ZERO  # of notional
    per_contract: Decimal = ZERO
    allowance_bps: Decimal = ZERO  # of notional


class Pending(Part, frozen=True):
    """What an order may still do: an open order's rest, or an approval that has not come back yet."""

    side: Side
    qty: Decimal
    price: Decimal | None  # its limit, or what its approval rested on
    takes_any_price: bool = False


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
    charges: Charges = Charges()
    reserved: Decimal = ZERO  # what the open orders would cost in fees and slippage, both sides

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
            charges=self.charges,
            reserved=self.reserved + self.cost_of(order),
        )

    def cost_of(self, order: Pending) -> Decimal:
        """What an order would cost at once: its fee, and what its limit gives away against the mark.

        Buy 3 contracts of 0.01 at 50,250 with a mark of 50,000, at 8 bps: 1.206 of fees and 7.50 of slippage.
        """
        charges, price = self.charges, order.price or self.price
        worth = notional(order.qty, contract_size=self.contract_size, price=price)
        fee = charges.rate * worth + charges.per_contract * order.qty
        if order.takes_any_price:
            return fee + charges.allowance_bps.scaleb(-4) * worth
        beyond = order.side.sign * (price - self.price) if self.price else ZERO
        given = notional(order.qty, contract_size=self.contract_size, price=beyond) if beyond > ZERO else ZERO
        return fee + given

    def with_all(self, orders: Iterable[Pending]) -> Exposure:
        """The same with all of these."""
        exposure = self
        for order in orders:
            exposure = exposure.plus(order)
        return exposure
