"""A small market to trade in: one product, and facts of a tape at seconds from its start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from events.catalog import FundingRatePublished, MarginRates, ProductListed
from events.event import Event
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.terms import NANOSECONDS, OrderKind, Side
from replay.exchange.orders import Order, Ticket, TimeInForce
from replay.exchange.plans import AnyPlan, Attached
from replay.exchange.rules import VenueRules
from replay.exchange.venue import Venue

#: 2026-03-02T14:00:00Z, a Monday: a boundary of funding, between the settlements of 04:00 and 16:00.
START = 1_772_460_000 * NANOSECONDS
HOUR = 3_600

BIP = ProductListed(
    product="BTC-PERP",
    exchange_id="BIP-20DEC30-CDE",
    venue="CDE",
    contract_size=Decimal("0.01"),
    price_increment=Decimal(5),
    size_increment=Decimal(1),
    min_size=Decimal(1),
    max_size=Decimal(5_000),
    underlying="BTC",
    display_name="BTC PERP",
    contract_expiry=1_924_012_800 * NANOSECONDS,
    funding_interval_s=HOUR,
    intraday_margin=MarginRates(long=Decimal("0.1"), short=Decimal("0.1")),
    overnight_margin=MarginRates(long=Decimal("0.25"), short=Decimal("0.3")),
)

Fact = tuple[int, Event]


@dataclass(frozen=True, slots=True)
class ListTape:
    """A tape of a few facts."""

    facts: Sequence[Fact]
    product: ProductListed = BIP
    start: int = START

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)


def told(*values: object) -> tuple[object, ...]:
    """Values side by side, so that an exact number may be compared with one written as an integer."""
    return values


def at(seconds: float) -> int:
    return START + int(seconds * NANOSECONDS)


def levels(*pairs: tuple[int, int]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(price), Decimal(size)) for price, size in pairs)


def snapshot(
    seconds: float,
    bids: Sequence[tuple[int, int]] = ((60_000, 10), (59_995, 20)),
    asks: Sequence[tuple[int, int]] = ((60_010, 10), (60_015, 20)),
) -> Fact:
    time = at(seconds)
    return time, BookSnapshotted(product=BIP.product, bids=levels(*bids), asks=levels(*asks), exchange_at=time)


def change(seconds: float, bids: Sequence[tuple[int, int]] = (), asks: Sequence[tuple[int, int]] = ()) -> Fact:
    time = at(seconds)
    return time, BookChanged(product=BIP.product, bids=levels(*bids), asks=levels(*asks), exchange_at=time)


def quote(seconds: float, bid: tuple[int, int], ask: tuple[int, int]) -> Fact:
    time = at(seconds)
    return time, QuoteChanged(
        product=BIP.product,
        bid=Decimal(bid[0]),
        bid_size=Decimal(bid[1]),
        ask=Decimal(ask[0]),
        ask_size=Decimal(ask[1]),
        exchange_at=time,
    )


_trade_ids = count(1)


def trade(seconds: float, price: int, size: int = 1, aggressor: Side | None = Side.BUY) -> Fact:
    time = at(seconds)
    return time, TradePrinted(
        product=BIP.product,
        trade_id=str(next(_trade_ids)),
        price=Decimal(price),
        size=Decimal(size),
        aggressor=aggressor,
        exchange_at=time,
    )


def rate(seconds: float, boundary_s: float, rate: str) -> Fact:
    time = at(seconds)
    return time, FundingRatePublished(
        product=BIP.product, boundary=at(boundary_s), rate=Decimal(rate), exchange_at=time
    )


@dataclass(slots=True)
class Trader:
    """A venue with somebody who trades in it; every order gets a client id of its own."""

    rules: VenueRules = field(default_factory=VenueRules)
    product: ProductListed = BIP
    venue: Venue = field(init=False)
    placed: int = 0

    def __post_init__(self) -> None:
        self.venue = Venue(self.product, self.rules, now=START)

    def hear(self, *facts: Fact) -> Trader:
        for time, event in facts:
            self.venue.hear(time, event)
        return self

    def ticket(
        self,
        side: Side,
        qty: int,
        price: int | None = None,
        *,
        kind: OrderKind | None = None,
        post_only: bool = False,
        ends_s: float | None = None,
        fill_or_kill: bool = False,
        plan: AnyPlan | None = None,
        attached: Attached | None = None,
        prevention: str = "",
    ) -> Ticket:
        self.placed += 1
        kind = kind or (OrderKind.MARKET_IOC if price is None else OrderKind.LIMIT_GTC)
        force = TimeInForce.FOK if fill_or_kill else _FORCE[kind]
        return Ticket(
            client_order_id=f"mine-{self.placed}",
            product=self.product.exchange_id,
            side=side,
            configuration={},
            kind=kind,
            qty=Decimal(qty),
            limit_price=None if price is None else Decimal(price),
            time_in_force=force,
            expires_at=None if ends_s is None else at(ends_s),
            post_only=post_only,
            plan=plan,
            attached=attached,
            self_trade_prevention_id=prevention,
        )

    def order(self, ticket: Ticket) -> Order:
        """Place it; it must be taken."""
        taken = self.venue.create(ticket)
        assert isinstance(taken, Order), taken
        return taken

    def buy(self, qty: int, price: int | None = None) -> Order:
        return self.order(self.ticket(Side.BUY, qty, price))

    def sell(self, qty: int, price: int | None = None) -> Order:
        return self.order(self.ticket(Side.SELL, qty, price))


_FORCE = {
    OrderKind.MARKET_IOC: TimeInForce.IOC,
    OrderKind.LIMIT_IOC: TimeInForce.IOC,
    OrderKind.LIMIT_GTC: TimeInForce.GTC,
    OrderKind.LIMIT_GTD: TimeInForce.GTD,
    OrderKind.LIMIT_FOK: TimeInForce.FOK,
}
