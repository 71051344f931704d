"""The exchange's account as it was seen at moments when all its figures speak of the same, and what it leaves
unexplained.

The cash of a futures account moves with every settlement, by the gain since the last one. What the exchange carries an
open position at tells that gain without any mark of ours: its worth at the exchange's price less the exchange's
unrealized gain, both of one reply. So cash can be held against the ledger to the last digit while positions are open:

    spot + futures = start + transfers + Σ (realized − cost + carried) − Σ fees + Σ funding paid

Long 8 contracts of 0.01 at a cost of 4,656, carried at 4,672 after a settlement at 58,400: 16 of the gain is cash.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.account import BalanceReported
from events.event import Event
from events.money import ZERO
from events.orders import FillCorrected, OrderClosed, OrderFilled, OrderReported, OrderSubmitted
from events.position import AdjustmentApplied, AdjustmentReversed, PositionReported
from events.record import Record
from events.session import SessionStarted
from events.terms import NANOSECONDS, OrderStatus
from projections.notional import notional
from projections.portfolio import Portfolio

#: An exchange that rounds its unrealized gains to cents seems to carry a position at a little more or less as the price
#: moves: so much, in quote currency, is no news of a position that stood still.
WOBBLE = Decimal("0.02")
#: Equal figures must be seen this far apart, by the exchange's time, before they are judged.
APART_NS = 10 * NANOSECONDS


class Sighting(msgspec.Struct, kw_only=True):
    """The account in one report: cash, and of each open position the exchange's price and what it carries it at."""

    at: int  # the exchange's time
    spot: Decimal
    futures: Decimal
    prices: dict[str, Decimal] = msgspec.field(default_factory=dict)
    carried: dict[str, Decimal] = msgspec.field(default_factory=dict)

    @property
    def cash(self) -> Decimal:
        """All of it, in either pocket."""
        return self.spot + self.futures

    def is_like(self, other: Sighting) -> bool:
        """Whether nothing has become cash and nothing was traded between the two. Prices may have moved."""
        if (self.spot, self.futures) != (other.spot, other.futures) or self.carried.keys() != other.carried.keys():
            return False
        return all(abs(carried - other.carried[product]) <= WOBBLE for product, carried in self.carried.items())


class Balanced(msgspec.Struct, frozen=True, kw_only=True):
    """Both equities at the exchange's prices, without accrued funding. `gap` is theirs less ours."""

    ours: Decimal
    theirs: Decimal

    @property
    def gap(self) -> Decimal:
        return self.theirs - self.ours


_TRADES = (OrderFilled, FillCorrected, AdjustmentApplied, AdjustmentReversed)
_HEARD = frozenset[type[Event]](
    {BalanceReported, PositionReported, OrderSubmitted, OrderReported, OrderClosed, SessionStarted, *_TRADES}
)


class Sightings(msgspec.Struct, kw_only=True):
    """Sightings beside the ledger. A sighting needs every open position reported at the balance's own time."""

    hears: ClassVar[frozenset[type[Event]]] = _HEARD

    reports: dict[str, PositionReported] = msgspec.field(default_factory=dict)
    in_flight: dict[str, str] = msgspec.field(default_factory=dict)  # our order -> its product: not known to rest
    moved: bool = True  # since the last sighting: something traded, or may have
    last: Sighting | None = None
    since: int = 0  # the exchange's time of the first of the sightings that are alike
    is_quiet: bool = False
    noise: Decimal = ZERO  # what rounding may have moved the sightings that are alike by; zero where nothing wobbled

    def fold(self, record: Record, portfolio: Portfolio) -> None:
        """Take a record that `portfolio` has folded already."""
        event = record.event
        if isinstance(event, BalanceReported):
            if portfolio.balance is event:
                self._see(event, portfolio)
        elif isinstance(event, PositionReported):
            known = self.reports.get(event.product)
            if known is None or event.exchange_at >= known.exchange_at:
                self.reports[event.product] = event
        elif isinstance(event, _TRADES):
            self._move()
        elif isinstance(event, OrderSubmitted):
            self.in_flight[event.order] = event.product
            self._move()
        elif isinstance(event, OrderReported):
            if event.status is OrderStatus.OPEN:
                self.in_flight.pop(event.order, None)
        elif isinstance(event, OrderClosed):
            self.in_flight.pop(event.order, None)
        elif isinstance(event, SessionStarted):
            self._move()

    def balanced(self, sighting: Sighting, portfolio: Portfolio) -> Balanced | None:
        """Both equities at a sighting, by the ledger as it is now; None before there is a start."""
        settled = portfolio.settled()
        if settled is None:
            return None
        ours, theirs = settled - portfolio.ledger.receivable(), sighting.cash
        for product, price in sighting.prices.items():
            position = portfolio.positions.of(product)
            assert position.contract_size is not None, "a sighting has products with a contract size only"
            worth = notional(position.qty, contract_size=position.contract_size, price=price)
            ours += worth - position.cost
            theirs += worth - sighting.carried[product]
        return Balanced(ours=ours, theirs=theirs)

    def _see(self, balance: BalanceReported, portfolio: Portfolio) -> None:
        sighting = self._sighting(balance, portfolio)
        if sighting is None:
            return
        if self.moved or self.last is None or not sighting.is_like(self.last):
            self.since, self.noise = sighting.at, ZERO
        elif sighting.carried != self.last.carried:
            self.noise = WOBBLE * len(sighting.carried)
        self.last = sighting
        self.moved = bool(self.in_flight)
        self.is_quiet = not self.moved and sighting.at - self.since >= APART_NS

    def _sighting(self, balance: BalanceReported, portfolio: Portfolio) -> Sighting | None:
        """None where a position is not reported at this time, or otherwise than by our fills."""
        at = balance.exchange_at
        told = {product: report for product, report in self.reports.items() if report.exchange_at == at}
        held = {position.product: position for position in portfolio.positions.open()}
        if any(report.qty != portfolio.positions.of(product).qty for product, report in told.items()):
            return None
        sighting = Sighting(at=at, spot=balance.spot_usd, futures=balance.futures_usd)
        for product, position in held.items():
            report = told.get(product)
            size = position.contract_size
            if report is None or report.current_price is None or report.unrealized is None or size is None:
                return None
            worth = notional(position.qty, contract_size=size, price=report.current_price)
            sighting.prices[product] = report.current_price
            sighting.carried[product] = worth - report.unrealized
        return sighting

    def _move(self) -> None:
        self.moved, self.is_quiet = True, False
