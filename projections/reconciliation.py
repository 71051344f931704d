"""Our positions beside the exchange's reports: how they differ, and since which report.

A report speaks of its own moment: fills that happened after it are left out of the comparison, fills that happened
before it and arrive later explain it. Its moment lies somewhere between the time it bears, taken before it was asked
for, and the time it was told: what traded in between may be in it or not, and either is agreement. A report that is
missing says nothing, and an old or repeated one is no news.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.feeds import ExchangeReconciled
from events.money import ZERO
from events.orders import FillCorrected, OrderClosed, OrderFilled, OrderReported, OrderSubmitted
from events.position import AdjustmentApplied, AdjustmentReversed, PositionReported
from events.record import Record
from events.session import SessionStarted
from events.terms import NANOSECONDS, OrderKind, OrderStatus

#: Two reports this far apart, by the exchange's time, must show the same difference before it is believed.
APART_NS = 10 * NANOSECONDS
#: Fills remembered for each product until a report covers them.
KEPT_FILLS = 256
#: These kinds rest; the others are in flight until they are over.
_RESTING = frozenset(
    {OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTD, OrderKind.STOP_LIMIT_GTC, OrderKind.TRIGGER_BRACKET_GTC}
)


class Comparison(msgspec.Struct, kw_only=True):
    """One product: our quantity, the exchange's last report of it, and the run of reports that show one difference."""

    qty: Decimal = ZERO
    fills: list[tuple[int, Decimal]] = msgspec.field(default_factory=list)  # after the last report: (when, signed)
    report: PositionReported | None = None
    report_seq: int = 0
    told_at: int = 0  # session time of the report
    last_price: Decimal | None = None  # the exchange's, of the last report that had one: a flat position has none
    difference: Decimal = ZERO  # theirs less ours, as of the report
    since: int | None = None  # the exchange's time of the first report of the run; None when there is none
    since_seq: int = 0
    since_at: int = 0  # session time of that report
    confirmed_at: int | None = None  # session time of the first report that confirms the run
    at_first_sight: bool = False  # held when the account was first seen, and unchanged since


_HEARD = frozenset[type[Event]](
    {
        PositionReported,
        ExchangeReconciled,
        OrderSubmitted,
        OrderReported,
        OrderFilled,
        FillCorrected,
        OrderClosed,
        AdjustmentApplied,
        AdjustmentReversed,
        SessionStarted,
    }
)


class Reconciliation(msgspec.Struct, kw_only=True):
    """All products that were ever filled or reported."""

    hears: ClassVar[frozenset[type[Event]]] = _HEARD

    by_product: dict[str, Comparison] = msgspec.field(default_factory=dict)
    in_flight: dict[str, str] = msgspec.field(default_factory=dict)  # our order -> its product
    resting: dict[str, str] = msgspec.field(default_factory=dict)
    reconciled_seq: int = 0  # of the last ExchangeReconciled: fills were asked for before it

    def fold(self, record: Record) -> None:
        event = record.event
        if type(event) not in _HEARD:
            return
        if isinstance(event, OrderFilled):
            self._move(event.product, event.qty * event.side.sign, event.exchange_at)
        elif isinstance(event, PositionReported):
            self._report(event, record)
        elif isinstance(event, OrderSubmitted):
            self.in_flight[event.order] = event.product
            self._restart(event.product)
        elif isinstance(event, OrderReported):
            is_resting = event.status is OrderStatus.OPEN and event.kind in _RESTING
            if is_resting and self.in_flight.pop(event.order, None) is not None:
                self.resting[event.order] = event.product
        elif isinstance(event, OrderClosed):
            self.in_flight.pop(event.order, None)
            self.resting.pop(event.order, None)
        elif isinstance(event, AdjustmentApplied | AdjustmentReversed):
            comparison = self._own(event.product)
            comparison.qty += event.qty
            comparison.difference -= event.qty
            self._restart(event.product)
        elif isinstance(event, ExchangeReconciled):
            self.reconciled_seq = record.seq
        elif isinstance(event, SessionStarted):
            for product in self.by_product:
                self._restart(product)

    def of(self, product: str) -> Comparison:
        """One product's comparison; an empty one where nothing was filled or reported."""
        return self.by_product.get(product) or Comparison()

    def difference(self, product: str) -> Decimal:
        """The exchange's quantity less ours, as of its last report; zero where it has said nothing."""
        return self.of(product).difference

    def is_in_flight(self, product: str) -> bool:
        """Whether an order of ours for the product is submitted and neither resting nor over."""
        return product in self.in_flight.values()

    def is_working(self, product: str) -> bool:
        """Whether any order of ours for the product could trade at this moment."""
        return self.is_in_flight(product) or product in self.resting.values()

    def is_confirmed(self, product: str) -> bool:
        """Two reports `APART_NS` apart show the difference, nothing was in flight, and fills were asked for between."""
        return self.of(product).confirmed_at is not None

    def _report(self, event: PositionReported, record: Record) -> None:
        comparison = self._own(event.product)
        before = comparison.report
        if before is not None and event.exchange_at <= before.exchange_at:
            return
        comparison.report, comparison.report_seq, comparison.told_at = event, record.seq, record.at
        comparison.last_price = event.current_price or comparison.last_price
        comparison.fills = sorted(fill for fill in comparison.fills if fill[0] > event.exchange_at)
        difference = _difference(comparison, event.qty)
        if not self.reconciled_seq:
            comparison.at_first_sight = bool(event.qty)
        elif before is not None and event.qty != before.qty:
            comparison.at_first_sight = False
        if self.is_in_flight(event.product):
            comparison.difference = difference
            self._restart(event.product)
        elif difference != comparison.difference or comparison.since is None:
            comparison.difference = difference
            comparison.since, comparison.since_seq, comparison.since_at = event.exchange_at, record.seq, record.at
            comparison.confirmed_at = None
        elif comparison.confirmed_at is None and self._confirms(comparison):
            comparison.confirmed_at = record.at

    def _confirms(self, comparison: Comparison) -> bool:
        assert comparison.report is not None
        assert comparison.since is not None
        is_apart = comparison.report.exchange_at - comparison.since >= APART_NS
        return is_apart and self.reconciled_seq > comparison.since_seq

    def _move(self, product: str, delta: Decimal, exchange_at: int) -> None:
        comparison = self._own(product)
        comparison.qty += delta
        report = comparison.report
        if report is None or exchange_at > report.exchange_at:
            comparison.fills.append((exchange_at, delta))
            del comparison.fills[:-KEPT_FILLS]
            may_be_in_it = report is not None and exchange_at <= comparison.told_at
            if not may_be_in_it or not _brings_closer(delta, comparison.difference):
                return
        comparison.difference -= delta
        self._restart(product)

    def _restart(self, product: str) -> None:
        comparison = self.by_product.get(product)
        if comparison is not None:
            comparison.since, comparison.confirmed_at = None, None

    def _own(self, product: str) -> Comparison:
        comparison = self.by_product.get(product)
        if comparison is None:
            comparison = self.by_product[product] = Comparison()
        return comparison


def _difference(comparison: Comparison, theirs: Decimal) -> Decimal:
    """Theirs less ours before the fills that the report may not know yet; zero where it knows the first few of them."""
    ours = before = comparison.qty - sum((delta for _, delta in comparison.fills), ZERO)
    for exchange_at, delta in comparison.fills:
        if ours == theirs or exchange_at > comparison.told_at:
            break
        ours += delta
    return ZERO if ours == theirs else theirs - before


def _brings_closer(delta: Decimal, difference: Decimal) -> bool:
    return bool(difference) and (delta > 0) is (difference > 0) and abs(delta) <= abs(difference)
