"""The position keeper: says every change of a position, and what is done where the exchange counts otherwise.

A difference is said once, adjusted only on evidence (two reports at least 10 s apart that show the same one, fills
asked for in between, no order of the product in flight), and taken back when a fill that explains it comes late.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from events.event import Event
from events.ids import derived_id
from events.money import plain, quotient
from events.orders import FillCorrected, OrderFilled
from events.position import (
    AdjustmentApplied,
    AdjustmentReversed,
    DiscrepancyCleared,
    DiscrepancyFound,
    PositionChanged,
    PositionReported,
)
from events.record import Record
from events.session import ClockTicked, SessionStarted
from events.terms import NANOSECONDS
from projections.notional import base_qty, notional
from projections.positions import PRICE_PLACES, Positions
from projections.reconciliation import Comparison, Reconciliation

#: While an order of the product could trade, a report may be ahead of the fill's own message: it is given this long.
MESSAGE_GRACE_NS = 2 * NANOSECONDS
#: Adjustments that a late fill may still take back, the latest.
KEPT_ADJUSTMENTS = 100


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An adjustment in force, and the exchange's time up to which its evidence contains every fill."""

    applied: AdjustmentApplied
    through: int


class PositionState(msgspec.Struct, kw_only=True):
    """Our positions, the exchange's beside them, and what was said about the difference."""

    session: str = ""
    positions: Positions = msgspec.field(default_factory=Positions)
    reconciliation: Reconciliation = msgspec.field(default_factory=Reconciliation)
    found: dict[str, DiscrepancyFound] = msgspec.field(default_factory=dict)  # by product, not cleared
    standing: list[Standing] = msgspec.field(default_factory=list)  # oldest first


class PositionBehaviour:
    """Says `PositionChanged` for every change, and finds, adjusts, reverses and clears differences."""

    name = "position"
    hears: frozenset[type[Event]] = (
        Positions.hears
        | Reconciliation.hears
        | {ClockTicked, SessionStarted, PositionChanged, DiscrepancyFound, DiscrepancyCleared}
    )
    answers: frozenset[type[Event]] = frozenset(
        {OrderFilled, FillCorrected, AdjustmentApplied, AdjustmentReversed, PositionReported, ClockTicked}
    )

    def __init__(self) -> None:
        self.state = PositionState()

    def fold(self, record: Record) -> None:
        event, state = record.event, self.state
        if isinstance(event, AdjustmentApplied):
            report = state.reconciliation.of(event.product).report
            through = report.exchange_at if report is not None else record.at
            state.standing = [*state.standing, Standing(applied=event, through=through)][-KEPT_ADJUSTMENTS:]
        elif isinstance(event, AdjustmentReversed):
            state.standing = [kept for kept in state.standing if kept.applied.adjustment != event.adjustment]
        elif isinstance(event, DiscrepancyFound):
            if event.subject == "position" and event.product is not None:
                state.found[event.product] = event
        elif isinstance(event, DiscrepancyCleared):
            if event.subject == "position" and event.product is not None:
                state.found.pop(event.product, None)
        elif isinstance(event, SessionStarted):
            state.session = event.session
        state.positions.fold(record)
        state.reconciliation.fold(record)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        event = record.event
        if isinstance(event, OrderFilled):
            changed = self._changed(event.product)
            reversals = [] if isinstance(event, FillCorrected) else self._reversals(event, outstanding)
            if reversals:
                return [changed, *reversals]
            return [changed, *self._judge(event.product, record, outstanding)]
        if isinstance(event, AdjustmentApplied | AdjustmentReversed):
            return [self._changed(event.product), *self._judge(event.product, record, outstanding)]
        if isinstance(event, PositionReported):
            return self._judge(event.product, record, outstanding)
        if isinstance(event, ClockTicked):
            comparisons = self.state.reconciliation.by_product
            waiting = [p for p, comparison in comparisons.items() if comparison.difference or p in self.state.found]
            said: list[Event] = []
            for product in sorted(waiting):
                said += self._judge(product, record, outstanding, index=len(said))
            return said
        return ()

    def _changed(self, product: str) -> PositionChanged:
        position = self.state.positions.of(product)
        return PositionChanged(
            product=product,
            qty=position.qty,
            cost=position.cost,
            entry_price=position.entry_price,
            realized=position.change_realized,
            fee=position.change_fee,
        )

    def _reversals(self, fill: OrderFilled, outstanding: Sequence[Event]) -> list[Event]:
        """The oldest adjustment whose evidence already contained this fill: it was made in the fill's place."""
        undone = {event.adjustment for event in outstanding if isinstance(event, AdjustmentReversed)}
        for standing in self.state.standing:
            applied = standing.applied
            if (
                applied.product == fill.product
                and applied.adjustment not in undone
                and fill.exchange_at <= standing.through
                and (applied.qty > 0) is (fill.side.sign > 0)
            ):
                return [
                    AdjustmentReversed(
                        adjustment=applied.adjustment,
                        product=applied.product,
                        qty=-applied.qty,
                        price=applied.price,
                        value=-applied.value,
                    )
                ]
        return []

    def _judge(self, product: str, record: Record, outstanding: Sequence[Event], index: int = 0) -> list[Event]:
        """What is to be said about a product's difference now: that it is there, gone, or adjusted; mostly nothing."""
        reconciliation = self.state.reconciliation
        comparison = reconciliation.of(product)
        found = self.state.found.get(product)
        for event in outstanding:
            if isinstance(event, AdjustmentApplied | AdjustmentReversed) and event.product == product:
                return []  # it changes the difference when it comes back
            if isinstance(event, DiscrepancyFound) and event.product == product:
                found = event
            elif isinstance(event, DiscrepancyCleared) and event.product == product:
                found = None
        if not comparison.difference:
            return [] if found is None else [DiscrepancyCleared(subject="position", product=product)]
        if comparison.report is None or reconciliation.is_in_flight(product):
            return []
        grace = MESSAGE_GRACE_NS if reconciliation.is_working(product) else 0
        if found is None or found.theirs - found.ours != comparison.difference:
            if comparison.since is None or record.at < comparison.since_at + grace:
                return []
            theirs = comparison.report.qty
            return [
                DiscrepancyFound(
                    subject="position", product=product, ours=theirs - comparison.difference, theirs=theirs
                )
            ]
        if comparison.confirmed_at is None or record.at < comparison.confirmed_at + grace:
            return []
        return self._adjustment(product, comparison, record.seq, index)

    def _adjustment(self, product: str, comparison: Comparison, cause: int, index: int) -> list[Event]:
        position = self.state.positions.of(product)
        priced = _price_and_value(comparison, position.contract_size, is_untouched=position.changed_at is None)
        if priced is None:
            return []
        price, value = priced
        return [
            AdjustmentApplied(
                adjustment=derived_id(self.state.session, self.name, cause, index),
                product=product,
                qty=comparison.difference,
                price=price,
                value=value,
                evidence=(comparison.since_seq, comparison.report_seq),
            )
        ]


def _price_and_value(
    comparison: Comparison, contract_size: Decimal | None, *, is_untouched: bool
) -> tuple[Decimal, Decimal] | None:
    """What an adjustment is valued at; None where nothing tells.

    A position found at the first sight of the account has no price of ours: its value is what the exchange's own
    unrealized gain leaves of its worth, so that the cash first reported plus our open gain is the exchange's equity
    (its unrealized restarts at every settlement, its entry price does not). Where we are flat the exchange's entry
    price is what the missing fills cost; else its current price is the nearest to them, or the last it told of.
    """
    report = comparison.report
    if report is None or not contract_size:
        return None
    qty = comparison.difference
    found_whole = is_untouched and qty == report.qty
    if found_whole and comparison.at_first_sight and report.current_price is not None and report.unrealized is not None:
        value = notional(qty, contract_size=contract_size, price=report.current_price) - report.unrealized
        return plain(quotient(value, base_qty(qty, contract_size=contract_size), places=PRICE_PLACES)), value
    order = (
        (report.entry_price, report.current_price) if qty == report.qty else (report.current_price, report.entry_price)
    )
    price = next((each for each in (*order, comparison.last_price) if each is not None), None)
    return None if price is None else (price, notional(qty, contract_size=contract_size, price=price))
