"""All that risk knows, and how records change it: the account, what is seen of the exchange, the day, the guards."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from events.event import Event
from events.market import MarkUpdated
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelProposed,
    FillCorrected,
    OrderApproved,
    OrderFilled,
    OrderProposed,
    OrderRefused,
)
from events.record import Record
from events.risk import CloseRequested, KillSwitchReset, LiquidationBufferBreached, MaintenanceRateAssumed
from events.session import ClockTicked, SessionStarted
from events.terms import NANOSECONDS
from projections.account import Account
from projections.daily_loss import DailyLoss
from projections.exits import Exit
from projections.halts import Halts
from projections.liquidation import liquidation_buffer
from projections.sight import Sight
from projections.turbulence import Breaker

NAME = "risk"
_MINUTE_NS = 60 * NANOSECONDS


class RiskState(msgspec.Struct, kw_only=True):
    session: str = ""
    account: Account = msgspec.field(default_factory=Account)
    sight: Sight = msgspec.field(default_factory=Sight)
    day: DailyLoss = msgspec.field(default_factory=DailyLoss)
    halts: Halts = msgspec.field(default_factory=Halts)
    breaker: Breaker = msgspec.field(default_factory=Breaker)
    entries: list[int] = msgspec.field(default_factory=list)  # when increases were approved, the last minute
    is_buffer_low: bool = False
    flattening: dict[str, Exit] = msgspec.field(default_factory=dict)  # by product, after a kill that flattens
    cuts: dict[str, Decimal] = msgspec.field(default_factory=dict)  # exits that are cut -> what still fits of each
    closing: dict[str, str] = msgspec.field(default_factory=dict)  # positions that an operator wants closed -> why
    assumed: dict[str, str] = msgspec.field(default_factory=dict)  # maintenance rates that no product published

    def fold(self, record: Record) -> None:
        event = record.event
        self.account.fold(record)
        kind = type(event)
        if kind is MarkUpdated:
            return
        self.sight.fold(record)
        if kind in DailyLoss.hears:
            self.day.fold(record, self.account.portfolio, self.account.limits)
        if kind in Halts.hears:
            self.halts.fold(record, self.account)
        if kind in Breaker.hears:
            self.breaker.fold(record, self.account, self.halts.hours)
        step = _FOLDS.get(kind)
        if step is not None:
            step(self, record, event)


def _fold_started(state: RiskState, _record: Record, event: SessionStarted) -> None:
    state.session = event.session


def _fold_ticked(state: RiskState, record: Record, _event: ClockTicked) -> None:
    while state.entries and state.entries[0] <= record.at - _MINUTE_NS:
        del state.entries[0]
    for product in [product for product in state.closing if not state.account.held(product)]:
        del state.closing[product]
        state.flattening.pop(product, None)
    for order in [order for order in state.cuts if order not in state.account.orders.open]:
        del state.cuts[order]
    if state.is_buffer_low:
        buffer = liquidation_buffer(state.account, at=record.at)
        state.is_buffer_low = buffer is not None and buffer < state.account.limits.limits.min_liquidation_buffer_pct


def _fold_approved(state: RiskState, record: Record, event: OrderApproved) -> None:
    if not event.reduce_only:
        state.entries.append(record.at)
    _fold_step(state, record, event)


def _fold_step(state: RiskState, record: Record, event: OrderApproved | OrderRefused) -> None:
    if event.strategy == NAME:
        state.flattening.setdefault(event.product, Exit(reason="kill switch")).took_step(record.at)


def _fold_close(state: RiskState, _record: Record, event: CloseRequested) -> None:
    if state.account.held(event.product):
        state.closing[event.product] = event.reason
        state.flattening[event.product] = Exit(reason=f"operator: {event.reason}")


def _fold_cut(state: RiskState, _record: Record, event: CancelApproved) -> None:
    if event.keeps is not None:
        state.cuts[event.order] = event.keeps


def _fold_filled(state: RiskState, _record: Record, event: OrderFilled) -> None:
    leaving = state.flattening.get(event.product)
    if leaving is not None:
        leaving.got_filled()
        if not state.account.held(event.product):
            del state.flattening[event.product]


def _fold_reset(state: RiskState, _record: Record, _event: KillSwitchReset) -> None:
    state.flattening.clear()


def _fold_buffer(state: RiskState, _record: Record, _event: LiquidationBufferBreached) -> None:
    state.is_buffer_low = True


def _fold_assumed(state: RiskState, _record: Record, event: MaintenanceRateAssumed) -> None:
    state.assumed[event.product] = str(event.rate)


_FOLDS: dict[type[Event], Callable[[RiskState, Record, Any], None]] = {
    ClockTicked: _fold_ticked,
    CancelApproved: _fold_cut,
    CloseRequested: _fold_close,
    OrderFilled: _fold_filled,
    FillCorrected: _fold_filled,
    OrderApproved: _fold_approved,
    OrderRefused: _fold_step,
    SessionStarted: _fold_started,
    KillSwitchReset: _fold_reset,
    LiquidationBufferBreached: _fold_buffer,
    MaintenanceRateAssumed: _fold_assumed,
}

#: All that risk hears.
HEARS: frozenset[type[Event]] = (
    Account.hears
    | Sight.hears
    | DailyLoss.hears
    | Halts.hears
    | Breaker.hears
    | frozenset(_FOLDS)
    | {OrderProposed, OrderRefused, CancelProposed, CancelApproved, CancelAllOrdered}
)
