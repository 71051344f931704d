"""Risk: the gate every order passes, and what follows from operators, fills and the seconds that pass.

The gate answers each proposal once: approved with the size it may have, or refused with every breach. What reduces a
position is never held to a limit on what increases it; an order past the position is split, and only its opening part
is. The guards (`risk_guards`) look once a second and at every fill; between two seconds the gate sees a lost day by
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from actors.behaviours import risk_guards as guards
from actors.behaviours.risk_state import HEARS, NAME, RiskState
from events.catalog import ProductListed
from events.event import Event
from events.ids import derived_id
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    CancelProposed,
    FillCorrected,
    OrderApproved,
    OrderClosed,
    OrderFilled,
    OrderProposed,
    OrderRefused,
)
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.risk import (
    KillSwitchThrown,
    LimitChanged,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.session import ClockTicked, SessionStarted
from events.terms import Side
from projections.checks.gate import Gate
from projections.exits import Exit, step_proposal

__all__ = ["NAME", "RiskBehaviour", "RiskState"]


class RiskBehaviour:
    """Says OrderApproved, OrderRefused, CancelApproved, CancelAllOrdered, and what the guards find."""

    name = NAME
    hears: frozenset[type[Event]] = HEARS

    def __init__(self) -> None:
        self.state = RiskState()

    @property
    def answers(self) -> frozenset[type[Event]]:
        return frozenset(_ANSWERS)

    def fold(self, record: Record) -> None:
        self.state.fold(record)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        answer = _ANSWERS.get(type(record.event))
        return () if answer is None else answer(self.state, record, record.event, outstanding)


# --- the gate ----------------------------------------------------------------------------------------------------


def _judge(state: RiskState, record: Record, event: OrderProposed, outstanding: Sequence[Event]) -> Sequence[Event]:
    return Gate(
        account=state.account,
        sight=state.sight,
        at=record.at,
        approved=tuple(said for said in outstanding if isinstance(said, OrderApproved)),
        entered=tuple(said for said in outstanding if isinstance(said, ReduceOnlyEntered)),
        entries_in_a_minute=len(state.entries),
        halts=state.halts,
        breaker=state.breaker,
        loss=None if state.day.is_breached else state.day.loss(state.account.portfolio, state.account.limits),
    ).judge(event)


def _let_cancel(state: RiskState, _record: Record, event: CancelProposed, _said: Sequence[Event]) -> Sequence[Event]:
    if event.order not in state.account.orders.open:
        return ()
    return [CancelApproved(order=event.order, reason=event.reason)]


# --- what follows -----------------------------------------------------------------------------------------------


def _tick(state: RiskState, record: Record, _event: ClockTicked, outstanding: Sequence[Event]) -> Sequence[Event]:
    equity = state.day.equity_at_tick(record.at, state.account.portfolio)
    events = [
        *guards.open_day(state, outstanding),
        *guards.halts(state, record, outstanding),
        *guards.turbulence(state, record, outstanding),
        *guards.correlation(state, outstanding),
        *guards.guard(state, record, outstanding, equity),
    ]
    kill = state.account.limits.kill
    if state.closing or (kill is not None and kill.flatten):
        events += _flatten(state, record, [*outstanding, *events], index=len(events))
    return events


def _moved(state: RiskState, record: Record, event: Any, outstanding: Sequence[Event]) -> Sequence[Event]:
    """A position changed: what rests against it must still fit, and the day may have lost its limit."""
    return [*guards.cut_exits(state, event.product, outstanding), *guards.guard(state, record, outstanding, None)]


def _closed(state: RiskState, record: Record, event: OrderClosed, outstanding: Sequence[Event]) -> Sequence[Event]:
    """An exit that was cut is gone: what still fits leaves again."""
    proposal = guards.replacement(state, record, event)
    return () if proposal is None else _judge(state, record, proposal, outstanding)


def _thrown(_state: RiskState, _record: Record, event: KillSwitchThrown, _said: Sequence[Event]) -> Sequence[Event]:
    return [CancelAllOrdered(product=None, reason=f"kill switch: {event.reason}")]


def _restricted(
    _state: RiskState, _record: Record, event: ReduceOnlyRequested, _said: Sequence[Event]
) -> Sequence[Event]:
    return guards.restrict(event.reason, event.product)


def _released(_state: RiskState, _record: Record, event: ReduceOnlyReleased, _said: Sequence[Event]) -> Sequence[Event]:
    return [ReduceOnlyLeft(product=event.product, reason=event.reason)]


def _configured(state: RiskState, _record: Record, _event: Event, _said: Sequence[Event]) -> Sequence[Event]:
    """A session starts, or a limit is set, under which nothing may increase: nothing that rests may either."""
    limits = state.account.limits
    if state.account.orders.open and (limits.is_killed or limits.limits.reduce_only_mode):
        return [CancelAllOrdered(product=None, reason="configured: nothing may increase")]
    return ()


def _flatten(state: RiskState, record: Record, outstanding: Sequence[Event], index: int) -> list[Event]:
    """The next step out of every position after a kill that flattens, and of those an operator wants closed."""
    events: list[Event] = []
    kill = state.account.limits.kill
    leaves_all = kill is not None and kill.flatten
    leaving = {said.product for said in outstanding if isinstance(said, OrderApproved | OrderRefused)}
    for position in state.account.portfolio.positions.open():
        product = position.product
        if not leaves_all and product not in state.closing:
            continue
        due = state.flattening.get(product) or Exit(reason="kill switch")
        side = Side.SELL if position.qty > 0 else Side.BUY
        is_leaving = any(
            order.side is side and not order.kind.rests for order in state.account.orders.open_orders(product)
        )
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
    OrderClosed: _closed,
    OrderFilled: _moved,
    FillCorrected: _moved,
    AdjustmentApplied: _moved,
    AdjustmentReversed: _moved,
    CancelProposed: _let_cancel,
    KillSwitchThrown: _thrown,
    ReduceOnlyRequested: _restricted,
    ReduceOnlyReleased: _released,
    LimitChanged: _configured,
    SessionStarted: _configured,
    ProductListed: guards.listed,
}
