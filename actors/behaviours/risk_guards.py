"""The guards between orders: the day's loss, the distance to liquidation, halts, volatility, exits that still fit.

Each says what it finds once, and what follows from it: reduce-only, and the cancel of what could increase.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from actors.behaviours.risk_state import NAME, RiskState
from events.catalog import ProductListed
from events.event import Event
from events.ids import derived_id
from events.orders import CancelAllOrdered, CancelApproved, OrderClosed, OrderProposed
from events.record import Record
from events.risk import (
    CorrelationRiskCleared,
    CorrelationRiskFound,
    DailyLossBreached,
    HaltNeared,
    HaltPassed,
    KillSwitchThrown,
    LiquidationBufferBreached,
    MaintenanceRateAssumed,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    VolatilityLevelChanged,
)
from events.terms import OrderStatus, Turbulence
from projections.fitting import cut_to_fit
from projections.liquidation import liquidation_buffer

#: Why the breaker restricts a product; nobody else's restriction is lifted by it.
BREAKER = "volatility circuit breaker"
#: A market that pays no funding and has no margin of its own: coins, bought with cash.
_SPOT = "SPOT"


def open_day(state: RiskState, outstanding: Sequence[Event]) -> list[Event]:
    due = state.day.due
    if due is None or due in outstanding:
        return []
    events: list[Event] = [due]
    if state.day.is_breached and state.account.limits.limits.daily_loss_auto_release:
        events.append(ReduceOnlyLeft(product=None, reason="a new day"))
    return events


def guard(state: RiskState, record: Record, outstanding: Sequence[Event], equity: Decimal | None) -> list[Event]:
    """What the guards find now; `equity` where it was added up for this record already."""
    return [*_daily_loss(state, outstanding, equity), *_liquidation(state, record, outstanding)]


def _daily_loss(state: RiskState, outstanding: Sequence[Event], equity: Decimal | None) -> list[Event]:
    if state.day.is_breached or any(isinstance(said, DailyLossBreached) for said in outstanding):
        return []
    loss = state.day.loss(state.account.portfolio, state.account.limits, equity=equity)
    if loss is None or not loss.is_breached:
        return []
    found = DailyLossBreached(loss=loss.amount, limit=loss.limit, start_equity=loss.start, equity=loss.equity)
    return [found, *restrict("daily loss limit reached")]


def _liquidation(state: RiskState, record: Record, outstanding: Sequence[Event]) -> list[Event]:
    if state.is_buffer_low or any(isinstance(said, LiquidationBufferBreached) for said in outstanding):
        return []
    least = state.account.limits.limits.min_liquidation_buffer_pct
    buffer = liquidation_buffer(state.account, at=record.at)
    if buffer is None or buffer >= least:
        return []
    return [LiquidationBufferBreached(buffer=buffer, limit=least), *restrict("liquidation is too near")]


def restrict(reason: str, product: str | None = None) -> list[Event]:
    return [ReduceOnlyEntered(product=product, reason=reason), CancelAllOrdered(product=product, reason=reason)]


def cut_exits(state: RiskState, product: str, outstanding: Sequence[Event]) -> list[Event]:
    """Exits that are too large for the position are cut to fit, the newest first (trading rules A23).

    An order cannot be made smaller on this venue, so it is cancelled, and what still fits is placed again when it is
    confirmed gone. A bracket is not: `protection` sizes it anew.
    """
    account = state.account
    asked = {said.order for said in outstanding if isinstance(said, CancelApproved)}
    return [
        CancelApproved(
            order=order.order,
            reason="the position is smaller than its exits",
            keeps=fits if fits and order.kind.rests and not order.kind.is_bracket else None,
        )
        for order, fits in cut_to_fit(account.orders.open_orders(product), account.held(product))
        if order.order not in asked and order.order not in state.cuts
    ]


def replacement(state: RiskState, record: Record, event: OrderClosed) -> OrderProposed | None:
    """What is placed again of an exit that was cut, now that it is gone; the gate sizes it to what is left."""
    keeps, order = state.cuts.get(event.order), state.account.orders.get(event.order)
    if keeps is None or order is None or order.status is not OrderStatus.CANCELLED:
        return None
    return OrderProposed(
        proposal=derived_id(state.session, NAME, record.seq),
        strategy=order.strategy,
        product=order.product,
        side=order.side,
        qty=keeps,
        kind=order.kind,
        limit_price=order.limit_price,
        reduce_only=True,
        as_of=record.at,
        reason=f"what still fits of {order.order}",
        post_only=order.post_only,
        stop_price=order.stop_price,
        good_until=order.good_until,
    )


def halts(state: RiskState, record: Record, outstanding: Sequence[Event]) -> list[Event]:
    """What is to be said of halts: before one, what rests and could increase goes (trading rules A16)."""
    told = {said.product for said in outstanding if isinstance(said, HaltNeared | HaltPassed)}
    events: list[Event] = []
    for due in state.halts.due(record.at):
        if due.product in told:
            continue
        events.append(due)
        if isinstance(due, HaltNeared):
            events.append(CancelAllOrdered(product=due.product, reason=due.reason))
    return events


def turbulence(state: RiskState, record: Record, outstanding: Sequence[Event]) -> list[Event]:
    """The breaker's steps that are due, and what each brings or takes away (trading rules A22)."""
    told = {said.product for said in outstanding if isinstance(said, VolatilityLevelChanged)}
    steps = state.breaker.steps(state.account.limits.limits, record.at) if _may_step(state) else ()
    events: list[Event] = []
    for step in steps:
        if step.product not in told:
            events += [step, *_of_step(state, step)]
    return events


def correlation(state: RiskState, outstanding: Sequence[Event]) -> list[Event]:
    """Positions that move as one, said once a spell; it restricts nothing."""
    limits, breaker = state.account.limits.limits, state.breaker
    if not (limits.enable_correlation_guard or breaker.is_concentrated):
        return []
    if any(isinstance(said, CorrelationRiskFound | CorrelationRiskCleared) for said in outstanding):
        return []
    found = breaker.concentration(state.account) if limits.enable_correlation_guard else None
    limit = limits.max_correlated_concentration
    is_over = found is not None and found.amount > limit
    if is_over is breaker.is_concentrated:
        return []
    if found is None or not is_over:
        return [CorrelationRiskCleared(concentration=None if found is None else found.amount, limit=limit)]
    products = tuple(position.product for position in state.account.portfolio.positions.open())
    return [
        CorrelationRiskFound(concentration=found.amount, limit=limit, products=products, assumed=found.assumed),
    ]


def listed(state: RiskState, _record: Record, event: ProductListed, outstanding: Sequence[Event]) -> Sequence[Event]:
    """A product without margin rates is counted at the default, and that is said (trading rules A2)."""
    rate = state.account.limits.assumed_rate(event)
    if rate is None or event.venue == _SPOT or state.assumed.get(event.product) == str(rate):
        return ()
    assumed = MaintenanceRateAssumed(product=event.product, rate=rate)
    return () if assumed in outstanding else (assumed,)


def _may_step(state: RiskState) -> bool:
    """Whether the breaker can have anything to say: it is on, or it was and holds something still."""
    return state.account.limits.limits.enable_volatility_circuit_breaker or bool(state.breaker.spells)


def _of_step(state: RiskState, step: VolatilityLevelChanged) -> list[Event]:
    limits, product = state.account.limits, step.product
    events: list[Event] = []
    is_restricted = product in limits.reduce_only
    if step.level.rank >= Turbulence.REDUCE_ONLY.rank:
        if not is_restricted:
            events = restrict(BREAKER, product)
        if step.level is Turbulence.KILL_SWITCH and not limits.is_killed:
            events.append(KillSwitchThrown(reason=f"volatility of {product} is {step.volatility} a year"))
    elif is_restricted and limits.reduce_only[product] == BREAKER:
        events = [ReduceOnlyLeft(product=product, reason="volatility has calmed")]
    return events
