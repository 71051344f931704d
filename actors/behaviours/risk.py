"""Risk: the gate every order passes, and the guards between orders.

The gate answers each proposal once: approved with the size it may have, or refused with every breach. What reduces a
position is never held to a limit on what increases it; an order past the position is split, and only its opening part
is. The guards watch the day's loss, the distance to liquidation, the kill switch and reduce-only mode, once a second
and at every fill, and order the cancels that follow; between two seconds the gate sees a lost day by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from events.event import Event
from events.ids import derived_id
from events.market import MarkUpdated
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelProposed,
    OrderApproved,
    OrderFilled,
    OrderProposed,
    OrderRefused,
)
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.risk import (
    DailyLossBreached,
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    LiquidationBufferBreached,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import ClockTicked, SessionStarted
from events.terms import NANOSECONDS, Side
from projections.account import Account
from projections.checks.gate import Gate
from projections.daily_loss import DailyLoss
from projections.exits import Exit, step_proposal
from projections.liquidation import liquidation_buffer
from projections.orders import increasing
from projections.sight import Sight

NAME = "risk"
_MINUTE_NS = 60 * NANOSECONDS


class RiskState(msgspec.Struct, kw_only=True):
    session: str = ""
    account: Account = msgspec.field(default_factory=Account)
    sight: Sight = msgspec.field(default_factory=Sight)
    day: DailyLoss = msgspec.field(default_factory=DailyLoss)
    entries: list[int] = msgspec.field(default_factory=list)  # when increases were approved, the last minute
    is_buffer_low: bool = False
    flattening: dict[str, Exit] = msgspec.field(default_factory=dict)  # by product, after a kill that flattens


class RiskBehaviour:
    """Says OrderApproved, OrderRefused, CancelApproved, CancelAllOrdered, and what the guards find."""

    name = NAME
    hears: frozenset[type[Event]] = (
        Account.hears
        | Sight.hears
        | DailyLoss.hears
        | {OrderProposed, OrderRefused, CancelProposed, CancelApproved, CancelAllOrdered, LiquidationBufferBreached}
    )

    def __init__(self) -> None:
        self.state = RiskState()

    @property
    def answers(self) -> frozenset[type[Event]]:
        return frozenset(_ANSWERS)

    def fold(self, record: Record) -> None:
        state, event = self.state, record.event
        state.account.fold(record)
        kind = type(event)
        if kind is MarkUpdated:
            return
        state.sight.fold(record)
        if kind in DailyLoss.hears:
            state.day.fold(record, state.account.portfolio, state.account.limits)
        step = _FOLDS.get(kind)
        if step is not None:
            step(state, record, event)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        answer = _ANSWERS.get(type(record.event))
        return () if answer is None else answer(self.state, record, record.event, outstanding)


# --- what it keeps -----------------------------------------------------------------------------------------------


def _fold_started(state: RiskState, _record: Record, event: SessionStarted) -> None:
    state.session = event.session


def _fold_ticked(state: RiskState, record: Record, _event: ClockTicked) -> None:
    while state.entries and state.entries[0] <= record.at - _MINUTE_NS:
        del state.entries[0]
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


_FOLDS: dict[type[Event], Callable[[RiskState, Record, Any], None]] = {
    ClockTicked: _fold_ticked,
    OrderFilled: _fold_filled,
    OrderApproved: _fold_approved,
    OrderRefused: _fold_step,
    SessionStarted: _fold_started,
    KillSwitchReset: _fold_reset,
    LiquidationBufferBreached: _fold_buffer,
}


# --- the gate ----------------------------------------------------------------------------------------------------


def _judge(state: RiskState, record: Record, event: OrderProposed, outstanding: Sequence[Event]) -> Sequence[Event]:
    return Gate(
        account=state.account,
        sight=state.sight,
        at=record.at,
        approved=tuple(said for said in outstanding if isinstance(said, OrderApproved)),
        entered=tuple(said for said in outstanding if isinstance(said, ReduceOnlyEntered)),
        entries_in_a_minute=len(state.entries),
        loss=None if state.day.is_breached else state.day.loss(state.account.portfolio, state.account.limits),
    ).judge(event)


def _let_cancel(state: RiskState, _record: Record, event: CancelProposed, _said: Sequence[Event]) -> Sequence[Event]:
    if event.order not in state.account.orders.open:
        return ()
    return [CancelApproved(order=event.order, reason=event.reason)]


# --- the guards --------------------------------------------------------------------------------------------------


def _tick(state: RiskState, record: Record, _event: ClockTicked, outstanding: Sequence[Event]) -> Sequence[Event]:
    equity = state.day.equity_at_tick(record.at, state.account.portfolio)
    events = [*_open_day(state, outstanding), *_guard(state, record, outstanding, equity)]
    kill = state.account.limits.kill
    if kill is not None and kill.flatten:
        events += _flatten(state, record, [*outstanding, *events], index=len(events))
    return events


def _moved(state: RiskState, record: Record, event: Any, outstanding: Sequence[Event]) -> Sequence[Event]:
    """A position changed: what rests against it must still fit, and the day may have lost its limit."""
    return [*_cut_exits(state, event.product, outstanding), *_guard(state, record, outstanding, None)]


def _open_day(state: RiskState, outstanding: Sequence[Event]) -> list[Event]:
    due = state.day.due
    if due is None or due in outstanding:
        return []
    events: list[Event] = [due]
    if state.day.is_breached and state.account.limits.limits.daily_loss_auto_release:
        events.append(ReduceOnlyLeft(product=None, reason="a new day"))
    return events


def _guard(state: RiskState, record: Record, outstanding: Sequence[Event], equity: Decimal | None) -> list[Event]:
    """What the guards find now; `equity` where it was added up for this record already."""
    return [*_daily_loss(state, outstanding, equity), *_liquidation(state, record, outstanding)]


def _daily_loss(state: RiskState, outstanding: Sequence[Event], equity: Decimal | None) -> list[Event]:
    if state.day.is_breached or any(isinstance(said, DailyLossBreached) for said in outstanding):
        return []
    loss = state.day.loss(state.account.portfolio, state.account.limits, equity=equity)
    if loss is None or not loss.is_breached:
        return []
    found = DailyLossBreached(loss=loss.amount, limit=loss.limit, start_equity=loss.start, equity=loss.equity)
    return [found, *_restrict("daily loss limit reached")]


def _liquidation(state: RiskState, record: Record, outstanding: Sequence[Event]) -> list[Event]:
    if state.is_buffer_low or any(isinstance(said, LiquidationBufferBreached) for said in outstanding):
        return []
    least = state.account.limits.limits.min_liquidation_buffer_pct
    buffer = liquidation_buffer(state.account, at=record.at)
    if buffer is None or buffer >= least:
        return []
    return [LiquidationBufferBreached(buffer=buffer, limit=least), *_restrict("liquidation is too near")]


def _restrict(reason: str, product: str | None = None) -> list[Event]:
    return [ReduceOnlyEntered(product=product, reason=reason), CancelAllOrdered(product=product, reason=reason)]


def _cut_exits(state: RiskState, product: str, outstanding: Sequence[Event]) -> list[Event]:
    """Exits that no longer fit into the position are cancelled, the newest first (trading rules A23)."""
    orders = state.account.orders.open_orders(product)
    asked = {said.order for said in outstanding if isinstance(said, CancelApproved)}
    return [
        CancelApproved(order=order.order, reason="the position is smaller than its exits")
        for order in increasing(orders, state.account.held(product))
        if order.reduce_only and order.leaves and order.order not in asked
    ]


def _thrown(_state: RiskState, _record: Record, event: KillSwitchThrown, _said: Sequence[Event]) -> Sequence[Event]:
    return [CancelAllOrdered(product=None, reason=f"kill switch: {event.reason}")]


def _restricted(
    _state: RiskState, _record: Record, event: ReduceOnlyRequested, _said: Sequence[Event]
) -> Sequence[Event]:
    return _restrict(event.reason, event.product)


def _released(_state: RiskState, _record: Record, event: ReduceOnlyReleased, _said: Sequence[Event]) -> Sequence[Event]:
    return [ReduceOnlyLeft(product=event.product, reason=event.reason)]


def _configured(state: RiskState, _record: Record, _event: Event, _said: Sequence[Event]) -> Sequence[Event]:
    """A session starts, or a limit is set, under which nothing may increase: nothing that rests may either."""
    limits = state.account.limits
    if state.account.orders.open and (limits.is_killed or limits.limits.reduce_only_mode):
        return [CancelAllOrdered(product=None, reason="configured: nothing may increase")]
    return ()


def _flatten(state: RiskState, record: Record, outstanding: Sequence[Event], index: int) -> list[Event]:
    """The next step out of every position after a kill that flattens, until all are flat."""
    events: list[Event] = []
    leaving = {said.product for said in outstanding if isinstance(said, OrderApproved | OrderRefused)}
    for position in state.account.portfolio.positions.open():
        product = position.product
        due = state.flattening.get(product) or Exit(reason="kill switch")
        side = Side.SELL if position.qty > 0 else Side.BUY
        is_leaving = any(order.side is side for order in state.account.orders.open_orders(product))
        if product in leaving or is_leaving or due.next_at > record.at:
            continue
        proposal = step_proposal(
            state.account,
            product,
            due.step,
            proposal=derived_id(state.session, NAME, record.seq, index + len(events)),
            strategy=NAME,
            reason=due.reason,
            at=record.at,
        )
        if proposal is not None:
            events += _judge(state, record, proposal, outstanding)
    return events


_ANSWERS: dict[type[Event], Callable[[RiskState, Record, Any, Sequence[Event]], Sequence[Event]]] = {
    ClockTicked: _tick,
    OrderProposed: _judge,
    OrderFilled: _moved,
    AdjustmentApplied: _moved,
    AdjustmentReversed: _moved,
    CancelProposed: _let_cancel,
    KillSwitchThrown: _thrown,
    ReduceOnlyRequested: _restricted,
    ReduceOnlyReleased: _released,
    LimitChanged: _configured,
    SessionStarted: _configured,
}
