"""The account in the terms of the retired international venue (INTX).

A notional is |size| x vwap, where vwap is the price of the last five-minute settlement (what was paid, for what was
bought since); unrealized profit counts from there, aggregated profit from entry; total balance = collateral +
unrealized, buffer = total balance - maintenance. So read from a recorded payload. The liquidation percentage in it fits
no published formula; here it is the total balance in percent of the maintenance margin.
"""

from __future__ import annotations

from decimal import Decimal

from events.money import ZERO, quotient
from events.terms import Side
from replay.exchange.margin import maintenance
from replay.exchange.shapes import Json, number
from replay.exchange.venue import Venue

NO_RATIO = "0"


class International:
    """The account in this family's terms, all in the quote currency."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        holding, self.mark = venue.holding, venue.mark() or ZERO
        worth = holding.worth(self.mark)
        self.notional = abs(holding.carried)
        self.rate = venue.rates.rate(venue.window[0], is_long=holding.qty >= 0)
        self.initial = self.notional * self.rate
        self.maintenance = maintenance(self.initial)
        self.unrealized = worth - holding.carried
        self.aggregated = worth - holding.cost
        self.collateral = venue.books.cash
        self.total = self.collateral + self.unrealized
        self.buffer = self.total - self.maintenance
        open_orders = venue.open_interest()
        self.open_notional = sum((one.leaves * one.price for one in open_orders), ZERO) * holding.contract_size
        self.buying_power = max(ZERO, self.total - self.initial - self.open_notional * self.rate)

    @property
    def vwap(self) -> Decimal:
        """What the position was settled at last, or bought for since."""
        holding = self.venue.holding
        return quotient(holding.carried, holding.qty * holding.contract_size, places=8) if holding.qty else ZERO

    @property
    def leverage(self) -> str:
        return number(quotient(Decimal(1), self.rate, places=4)) if self.rate else NO_RATIO

    @property
    def liquidation_percentage(self) -> str:
        return number(quotient(self.total * 100, self.maintenance, places=4)) if self.maintenance else NO_RATIO

    def open_size(self, side: Side) -> str:
        return number(sum((one.leaves for one in self.venue.open_interest() if one.side is side), ZERO))

    def money(self, amount: Decimal) -> Json:
        return {"value": number(amount), "currency": self.venue.product.quote_currency}
