"""What positions and orders must be backed by: rates of the product by side and window, of the worst side.

Initial margin is rate x notional, maintenance two thirds of it. Open orders hold what the worst side would need above
the position's own margin: the larger of (position + all buys) and (position - all sells).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from events.catalog import ProductListed
from events.money import ZERO, quotient
from events.terms import MarginWindow, Side


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """An order or a part of one that can still trade, at the price it counts with."""

    side: Side
    leaves: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class MarginRates:
    """A product's rates. `otherwise` stands in where the product publishes none."""

    product: ProductListed
    otherwise: Decimal

    def initial(self, window: MarginWindow, qty: Decimal, price: Decimal) -> Decimal:
        """Initial margin of a signed quantity at a price."""
        size = self.product.contract_size
        assert size is not None, "a product without contract size is not traded"
        return abs(qty) * size * price * self.rate(window, is_long=qty > 0)

    def worst(self, window: MarginWindow, qty: Decimal, mark: Decimal, orders: Sequence[OpenInterest]) -> Decimal:
        """Initial margin of the worse of the two ends that the open orders can lead to; at least the position's own."""
        needed = self.initial(window, qty, mark)
        for side in Side:
            mine = [order for order in orders if order.side is side]
            price = max([mark, *(order.price for order in mine)])
            end = qty + side.sign * sum((order.leaves for order in mine), ZERO)
            if end * side.sign > 0:
                needed = max(needed, self.initial(window, end, price))
        return needed

    def rate(self, window: MarginWindow, *, is_long: bool) -> Decimal:
        """Initial margin of a side as a fraction of notional."""
        product = self.product
        rates = product.intraday_margin if window is MarginWindow.INTRADAY else product.overnight_margin
        rate = rates.long if is_long else rates.short
        return self.otherwise if rate is None else rate


def maintenance(initial: Decimal) -> Decimal:
    """About two thirds of the initial margin; here exactly, with eight decimals."""
    return quotient(initial * 2, Decimal(3), places=8)
