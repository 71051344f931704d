"""The books of a log once more, the plain way: fractions, dictionaries, one record after the other, nothing of ours.

It reads what the market and the exchange said (reports of orders, the list of fills, payments, transfers) and never
what our behaviours concluded from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from events.account import TransferReported
from events.catalog import FundingRatePublished, ProductListed
from events.feeds import FeedGapFound, FeedLost
from events.funding import FundingPaid
from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.orders import FillsReported, OrderReported
from events.position import PositionReported
from events.record import Record
from events.session import SessionStarted
from events.terms import FillKind, Side

HOUR = 3_600 * 1_000_000_000


@dataclass(slots=True)
class PlainMarket:
    """One product: its book, its last trade, what is held of it, and what each hour owes but for its rate."""

    contract_size: Fraction
    bids: dict[Fraction, Fraction] = field(default_factory=dict)
    asks: dict[Fraction, Fraction] = field(default_factory=dict)
    last: Fraction | None = None
    held: Fraction = Fraction(0)
    next_hour: int = 0
    bases: dict[int, Fraction] = field(default_factory=dict)  # boundary -> -(quantity x contract size x mark)
    rates: dict[int, Fraction] = field(default_factory=dict)
    price: Fraction | None = None  # as the exchange reported it last

    def mark(self) -> Fraction | None:
        if not self.bids or not self.asks:
            return self.last
        bid, ask = max(self.bids), min(self.asks)
        return (bid + ask) / 2 if self.last is None else sorted((bid, ask, self.last))[1]


@dataclass(slots=True)
class PlainBooks:
    """One account, as its exchange's words add up. Amounts in quote currency."""

    cash: Fraction  # with everything traded taken at its value: cash plus what is held at a price is equity
    markets: dict[str, PlainMarket] = field(default_factory=dict)
    told: dict[str, tuple[Fraction, Fraction, Fraction]] = field(default_factory=dict)  # by order: qty, value, fees
    sides: dict[str, Side] = field(default_factory=dict)
    lines: set[str] = field(default_factory=set)
    transfers: dict[str, Fraction] = field(default_factory=dict)
    paid: Fraction = Fraction(0)

    def hear(self, record: Record) -> None:
        for market in self.markets.values():
            while market.next_hour <= record.at:  # as it stood before this record
                mark = market.mark()
                if market.held and mark is not None:
                    market.bases[market.next_hour] = -market.held * market.contract_size * mark
                market.next_hour += HOUR
        event = record.event
        if isinstance(event, TradePrinted):
            self.markets[event.product].last = Fraction(event.price)
        elif isinstance(event, BookChanged | BookSnapshotted):
            market = self.markets[event.product]
            if isinstance(event, BookSnapshotted):
                market.bids, market.asks = {}, {}
            elif not market.bids and not market.asks:
                return
            for levels, side in ((event.bids, market.bids), (event.asks, market.asks)):
                for price, size in levels:
                    side[Fraction(price)] = Fraction(size)
                    if not size:
                        del side[Fraction(price)]
        elif isinstance(event, SessionStarted | FeedGapFound | FeedLost):
            for market in self.markets.values():
                market.bids, market.asks = {}, {}
        elif isinstance(event, ProductListed):
            assert event.contract_size is not None
            if event.product not in self.markets:
                contract_size = Fraction(event.contract_size)
                self.markets[event.product] = PlainMarket(contract_size, next_hour=(record.at // HOUR + 1) * HOUR)
        elif isinstance(event, FundingRatePublished):
            self.markets[event.product].rates[event.boundary] = Fraction(event.rate)
        elif isinstance(event, PositionReported):
            if event.current_price is not None:
                self.markets[event.product].price = Fraction(event.current_price)
        elif isinstance(event, OrderReported):
            self._report(event)
        elif isinstance(event, FillsReported):
            self._take_back(event)
        elif isinstance(event, TransferReported):
            self.transfers[event.transfer] = Fraction(event.amount)
        elif isinstance(event, FundingPaid):
            self.paid += Fraction(event.amount)

    def equity(self) -> Fraction:
        """What all of it comes to at the prices that the exchange reported last."""
        worth = Fraction(0)
        for market in self.markets.values():
            if market.held:
                assert market.price is not None
                worth += market.held * market.contract_size * market.price
        return self.cash + sum(self.transfers.values()) + self.paid + worth

    def funding(self, *, through: int) -> Fraction:
        """What all hours up to `through` owe that got their rate, early or late."""
        return sum(
            (
                base * market.rates[hour]
                for market in self.markets.values()
                for hour, base in market.bases.items()
                if hour <= through and hour in market.rates
            ),
            Fraction(0),
        )

    def _report(self, event: OrderReported) -> None:
        before = self.told.get(event.exchange_order, (Fraction(0), Fraction(0), Fraction(0)))
        now = (Fraction(event.filled_qty), Fraction(event.filled_value), Fraction(event.fees))
        self._trade(event.product, event.side.sign, *(new - old for new, old in zip(now, before, strict=True)))
        self.told[event.exchange_order] = now
        self.sides[event.exchange_order] = event.side

    def _take_back(self, event: FillsReported) -> None:
        for entry in event.entries:
            if entry.kind is FillKind.REVERSAL and entry.entry not in self.lines:
                self.lines.add(entry.entry)
                qty = Fraction(entry.qty)
                value = qty * Fraction(entry.price) * self.markets[event.product].contract_size
                self._trade(event.product, -self.sides[event.exchange_order].sign, qty, value, Fraction(entry.fee))

    def _trade(self, product: str, sign: int, qty: Fraction, value: Fraction, fee: Fraction) -> None:
        self.markets[product].held += sign * qty
        self.cash -= sign * value + fee
