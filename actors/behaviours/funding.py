"""The funding keeper: accrues every boundary that passes over a position once, and trues it up (trading rules A3).

A boundary waits for its rate, which is published after the hour; then it is accrued with the last known rate, marked as
estimated, and corrected when its own rate comes. The exchange's payment settles what it covers for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from events.catalog import FundingRatePublished, ProductListed
from events.event import Event
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.market import MarkUpdated, MarkWentStale
from events.money import ZERO, plain
from events.orders import FillCorrected, OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.session import ClockTicked, SessionStarted, StopRequested
from events.terms import NANOSECONDS, FundingStatus
from projections.boundaries import Boundaries, Boundary
from projections.funding import FundingLedger

#: Fills and marks from before a boundary get this long to arrive before it is accrued.
ARRIVAL_NS = 2 * NANOSECONDS
#: A boundary whose rate has not come this long after it was noticed is estimated.
RATE_WAIT_NS = 600 * NANOSECONDS


class FundingState(msgspec.Struct, kw_only=True):
    """Boundaries by product, what was said of them, and since when adjustments hold."""

    products: dict[str, Boundaries] = msgspec.field(default_factory=dict)
    ledger: FundingLedger = msgspec.field(default_factory=FundingLedger)
    adjusted_at: dict[str, int] = msgspec.field(default_factory=dict)
    ticked_at: int = 0
    is_stopping: bool = False  # the market was left: nothing that is still under way will be heard
    paid_from: int | None = None  # what was paid before the last payment heard; None if that one was heard before


class FundingBehaviour:
    """Says `FundingAccrued` once a boundary, at a tick; `FundingCorrected` when rate, fill or payment say otherwise."""

    name = "funding"
    hears: frozenset[type[Event]] = FundingLedger.hears | {
        ClockTicked,
        ProductListed,
        FundingRatePublished,
        MarkUpdated,
        MarkWentStale,
        OrderFilled,
        FillCorrected,
        AdjustmentApplied,
        AdjustmentReversed,
        SessionStarted,
        StopRequested,
    }
    answers: frozenset[type[Event]] = frozenset(
        {ClockTicked, FundingPaid, FundingRatePublished, OrderFilled, FillCorrected, AdjustmentReversed}
    )

    def __init__(self) -> None:
        self.state = FundingState()

    def fold(self, record: Record) -> None:
        event, at = record.event, record.at
        if type(event) is MarkUpdated:
            boundaries = self.state.products.get(event.product)
            if boundaries is not None:
                boundaries.take_mark(event, at)
        elif type(event) is ClockTicked:
            self.state.ticked_at = at
            arrival_ns = 0 if self.state.is_stopping else ARRIVAL_NS
            for product, boundaries in self.state.products.items():
                boundaries.pass_to(at - arrival_ns + 1, at)
                if boundaries.waiting:
                    _let_go(boundaries, at, self.state.ledger.of(product).paid_through)
        elif isinstance(event, OrderFilled):
            self._move(event.product, event.qty * event.side.sign, event.exchange_at, at)
        elif isinstance(event, MarkWentStale):
            boundaries = self._own(event.product)
            boundaries.pass_to(at, at)
            boundaries.is_mark_fresh = False
        elif isinstance(event, FundingRatePublished):
            self._own(event.product).take_rate(event)
        elif isinstance(event, ProductListed):
            self._own(event.product).list_product(event, at)
        elif isinstance(event, AdjustmentApplied):
            self.state.adjusted_at[event.adjustment] = at
            self._move(event.product, event.qty, at, at)
        elif isinstance(event, AdjustmentReversed):
            self._move(event.product, event.qty, self.state.adjusted_at.pop(event.adjustment, at), at)
        elif isinstance(event, StopRequested):
            self.state.is_stopping = True
        elif isinstance(event, SessionStarted):
            self.state.is_stopping = False
            for boundaries in self.state.products.values():  # nobody watched the market since the last tick
                boundaries.pass_to(self.state.ticked_at, at)
                boundaries.is_mark_fresh = False
        else:
            if isinstance(event, FundingAccrued):
                _settle(self._own(event.product), event)
            elif isinstance(event, FundingPaid):
                funding = self.state.ledger.of(event.product)
                self.state.paid_from = None if funding.has_counted(event) else funding.paid_through
                boundaries = self._own(event.product)
                boundaries.pass_to(min(event.through + 1, at + boundaries.interval_ns), at)
            self.state.ledger.fold(record)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        event, at = record.event, record.at
        if type(event) is ClockTicked:
            waiting = [product for product, boundaries in self.state.products.items() if boundaries.waiting]
            return [said for product in sorted(waiting) for said in self._accruals(product, at, outstanding)]
        if isinstance(event, FundingPaid):
            return () if self.state.paid_from is None else self._true_up(event, self.state.paid_from, outstanding)
        if isinstance(event, FundingRatePublished):
            reason = f"the rate of the boundary was published: {event.rate}"
        elif isinstance(event, OrderFilled):
            if event.exchange_at > self.state.products[event.product].last_at:
                return ()
            reason = "a fill from before the boundary came late"
        elif isinstance(event, AdjustmentReversed):
            reason = "an adjustment from before the boundary was taken back"
        else:
            return ()
        return self._corrections(event.product, reason, outstanding)

    def _accruals(self, product: str, at: int, outstanding: Sequence[Event]) -> list[FundingAccrued]:
        """The boundaries of a product that are due, and not yet said in this turn."""
        boundaries = self.state.products[product]
        paid_through = self.state.ledger.of(product).paid_through
        due = [boundary for boundary in boundaries.waiting if _is_due(boundary, at, paid_through)]
        return _accrued(product, due, boundaries.last_rate, outstanding)

    def _corrections(self, product: str, reason: str, outstanding: Sequence[Event]) -> list[FundingCorrected]:
        """The accrued boundaries of a product that now come to another amount, or rest on firmer ground."""
        funding = self.state.ledger.of(product)
        corrections = []
        for boundary in self.state.products[product].settled:
            entry = funding.entry(boundary.at)
            if entry is None or boundary.at <= funding.paid_through:
                continue
            amount, status = _last_said(product, boundary.at, entry.amount, entry.status, outstanding)
            rate = boundary.rate if boundary.rate is not None else boundary.estimate
            after, basis = boundary.amount(rate), boundary.status(rate)
            if after != amount or basis is not status:
                corrections.append(
                    FundingCorrected(
                        product=product, boundary=boundary.at, before=amount, after=after, reason=reason, status=basis
                    )
                )
        return corrections

    def _true_up(self, paid: FundingPaid, paid_from: int, outstanding: Sequence[Event]) -> list[Event]:
        """What the payment covers is accrued, and corrected to what was paid.

        The ledger has counted the payment. What is left as receivable must be the boundaries after it; the rest is the
        difference between what was accrued and what was paid.
        """
        product = paid.product
        boundaries = self.state.products[product]
        covers = [boundary for boundary in boundaries.waiting if paid_from < boundary.at <= paid.through]
        accruals = _accrued(product, covers, boundaries.last_rate, outstanding)
        funding = self.state.ledger.of(product)
        covered = max(paid.through, funding.paid_through)
        amounts = {entry.boundary: entry.amount for entry in funding.entries}
        rest = funding.receivable - sum((a for boundary, a in amounts.items() if boundary > covered), ZERO)
        for event in (*outstanding, *accruals):
            if isinstance(event, FundingAccrued | FundingCorrected) and event.product == product:
                after = event.amount if isinstance(event, FundingAccrued) else event.after
                if event.boundary <= covered:
                    rest += after - amounts.get(event.boundary, ZERO)
                amounts[event.boundary] = after
        if not rest:
            return [*accruals]
        boundary = max((known for known in amounts if known <= paid.through), default=paid.through)
        before = amounts.get(boundary, ZERO)
        reason = f"the exchange paid {paid.amount} where {plain(paid.amount + rest)} was accrued"
        correction = FundingCorrected(
            product=product, boundary=boundary, before=before, after=before - rest, reason=reason
        )
        return [*accruals, correction]

    def _move(self, product: str, delta: Decimal, time: int, at: int) -> None:
        boundaries = self._own(product)
        boundaries.move(delta, time, at)
        if time <= boundaries.last_at:
            funding = self.state.ledger.of(product)
            for boundary in list(boundaries.settled):
                if boundary.qty and boundary.at > funding.paid_through and funding.entry(boundary.at) is None:
                    boundaries.reopen(boundary)

    def _own(self, product: str) -> Boundaries:
        boundaries = self.state.products.get(product)
        if boundaries is None:
            boundaries = self.state.products[product] = Boundaries()
        return boundaries


def _is_due(boundary: Boundary, at: int, paid_through: int) -> bool:
    """Everything that belongs to it had time to arrive; a boundary that was paid needs no accrual any more."""
    if at < boundary.at + ARRIVAL_NS or boundary.at <= paid_through:
        return False
    is_known = (boundary.rate is not None and boundary.mark is not None) or boundary.is_shut
    return is_known or at >= boundary.noticed_at + RATE_WAIT_NS


def _accrued(
    product: str, boundaries: list[Boundary], last_rate: Decimal | None, outstanding: Sequence[Event]
) -> list[FundingAccrued]:
    """The accruals of those boundaries over which something was held, but for those said in this turn."""
    said = {event.boundary for event in outstanding if isinstance(event, FundingAccrued) and event.product == product}
    accruals = []
    for boundary in boundaries:
        if not boundary.qty or boundary.at in said:
            continue
        rate = boundary.rate if boundary.rate is not None or boundary.is_shut else last_rate
        accruals.append(
            FundingAccrued(
                product=product,
                boundary=boundary.at,
                qty=boundary.qty,
                mark=boundary.mark,
                mark_source=boundary.mark_source,
                rate=rate,
                amount=boundary.amount(rate),
                status=boundary.status(rate),
            )
        )
    return accruals


def _let_go(boundaries: Boundaries, at: int, paid_through: int) -> None:
    """A boundary over which nothing was held, or that was paid, waits no longer than one that needs its rate."""
    for boundary in list(boundaries.waiting):
        if (not boundary.qty or boundary.at <= paid_through) and at >= boundary.noticed_at + RATE_WAIT_NS:
            boundaries.settle(boundary)


def _settle(boundaries: Boundaries, accrued: FundingAccrued) -> None:
    for boundary in list(boundaries.waiting):
        if boundary.at == accrued.boundary:
            if boundary.rate is None:
                boundary.estimate = accrued.rate
            boundaries.settle(boundary)


def _last_said(
    product: str, boundary: int, amount: Decimal, status: FundingStatus, outstanding: Sequence[Event]
) -> tuple[Decimal, FundingStatus]:
    """The amount and status of an entry, this turn's words included."""
    for event in outstanding:
        if isinstance(event, FundingCorrected) and event.product == product and event.boundary == boundary:
            amount, status = event.after, event.status
    return amount, status
