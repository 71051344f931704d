"""One behaviour on a bench: facts in, what it says out, each said event coming back as its own record."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from actors.behaviour import Seat
from actors.behaviours.paper import PaperExchange
from events.account import BalanceReported
from events.catalog import FundingRatePublished, MarginRates, ProductListed
from events.configuration import Configuration, FeeSetting, PaperSetting, ProductSetting
from events.event import Event
from events.market import BookSnapshotted, TradePrinted
from events.orders import CancelSubmitted, OrderReported, OrderSubmitted
from events.record import AnyEvent, Record
from events.session import ClockTicked, SessionStarted
from events.terms import NANOSECONDS, Clock, OrderKind, Side

D = Decimal
PRODUCT = "BIP-20DEC30-CDE"
START = 1_772_460_000 * NANOSECONDS  # 2026-03-02T14:00:00Z
LATENCY = 50_000_000
HOUR = 3_600 * NANOSECONDS

RULES = ProductListed(
    product=PRODUCT,
    exchange_id=PRODUCT,
    venue="CDE",
    contract_size=D("0.01"),
    price_increment=D(5),
    size_increment=D(1),
    min_size=D(1),
    max_size=D(5_000),
    funding_interval_s=3_600,
    intraday_margin=MarginRates(long=D("0.10"), short=D("0.10")),
    overnight_margin=MarginRates(long=D("0.25"), short=D("0.30")),
)
FEES = FeeSetting(maker_rate=D("0.0004"), taker_rate=D("0.0008"), per_contract=D("0.14"))
CONFIGURATION = Configuration(
    products={PRODUCT: ProductSetting(exchange_id=PRODUCT)},
    paper=PaperSetting(start_cash=D(100_000), latency_ms=50, fees=FEES, settlement_times_utc=("16:00",)),
)


class Bench:
    """Runs turns of a paper exchange and keeps the records."""

    def __init__(self, configuration: Configuration = CONFIGURATION) -> None:
        self.exchange = PaperExchange()
        self.seat = Seat(self.exchange)
        self.records: list[Record] = []
        self.at = START
        self.configuration = configuration

    @classmethod
    def open(cls, configuration: Configuration = CONFIGURATION) -> Bench:
        """A session that is reconciled and shows 10 a level: bids 49,995 and 49,990, asks 50,005 and 50,010."""
        bench = cls(configuration)
        bench.start()
        bench.tell(book())
        return bench

    def start(self, session: str = "s-1") -> list[Event]:
        """A session begins and its products are listed."""
        started = SessionStarted(session=session, configuration=self.configuration, clock=Clock.TAPE, code="test")
        return [*self.tell(started), *self.tell(RULES)]

    def tell(self, *facts: AnyEvent, at: int | None = None) -> list[Event]:
        """One turn of facts; everything that was said in it."""
        self.at = self.at if at is None else at
        return self.turn([("test", None, fact) for fact in facts])

    def turn(self, wave: Sequence[tuple[str, int | None, AnyEvent]]) -> list[Event]:
        said: list[Event] = []
        while wave:
            placed = [
                Record(seq=len(self.records) + i, at=self.at, by=by, cause=cause, event=event)
                for i, (by, cause, event) in enumerate(wave, 1)
            ]
            self.records += placed
            wave = []
            for record in placed:
                if type(record.event) not in self.seat.hears:
                    continue
                answer = self.seat.hear(record)
                said += answer
                wave += [(self.exchange.name, record.seq, event) for event in answer]  # type: ignore[misc]
        return said

    def submit(self, intent: OrderSubmitted | CancelSubmitted) -> list[Event]:
        """An intent is sent and the clock ticks when it is due: what became of it."""
        assert not self.tell(intent), "an intent takes effect later, never at once"
        return self.tell(ClockTicked(), at=self.at + LATENCY)

    def balance(self) -> BalanceReported:
        """The account as it is reported within the next two minutes."""
        said = self.tell(ClockTicked(), at=self.at + 61 * NANOSECONDS)
        return next(event for event in said if isinstance(event, BalanceReported))


def book(*, bid: int = 49_995, ask: int = 50_005, size: int = 10, at: int = START) -> BookSnapshotted:
    """Two levels a side, 5 apart."""
    return BookSnapshotted(
        product=PRODUCT,
        bids=((D(bid), D(size)), (D(bid - 5), D(size))),
        asks=((D(ask), D(size)), (D(ask + 5), D(size))),
        exchange_at=at,
    )


def trade(price: int, size: int, aggressor: Side | None, *, at: int) -> TradePrinted:
    return TradePrinted(
        product=PRODUCT, trade_id=str(at), price=D(price), size=D(size), aggressor=aggressor, exchange_at=at
    )


def order(
    name: str = "o-1",
    *,
    side: Side = Side.BUY,
    qty: int | str = 5,
    kind: OrderKind = OrderKind.LIMIT_IOC,
    limit: int | str | None = 50_010,
    post_only: bool = False,
    product: str = PRODUCT,
) -> OrderSubmitted:
    return OrderSubmitted(
        order=name,
        proposal=f"p-{name}",
        strategy="test",
        product=product,
        side=side,
        qty=D(qty),
        kind=kind,
        limit_price=None if limit is None else D(limit),
        reduce_only=False,
        expires_at=2**62,
        reference_price=D(50_000),
        post_only=post_only,
    )


def cancel(name: str = "o-1") -> CancelSubmitted:
    return CancelSubmitted(order=name, exchange_order="x", product=PRODUCT, reason="test")


def rate(boundary: int, amount: str = "0.0001") -> FundingRatePublished:
    return FundingRatePublished(product=PRODUCT, boundary=boundary, rate=D(amount), exchange_at=boundary)


def reports(said: Sequence[Event]) -> list[OrderReported]:
    return [event for event in said if isinstance(event, OrderReported)]
