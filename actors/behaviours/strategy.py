"""A strategy at its desk: shows it the market and its own position, and carries out what it decides.

It samples the mark, asks the strategy at each sample, and says every decision, HOLD too. What the strategy wants is
sized into the room that the limits leave. A CLOSE stays wanted, step after step, until the position is flat. It
proposes nothing before the exchange was reconciled in this session, while paused or stopping, or while an order of
its own is in flight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from actors.strategies.protocol import DEFAULT_WINDOW, Decision, Strategy, View
from actors.strategies.showing import view_of
from events.event import Event
from events.ids import derived_id
from events.money import ZERO
from events.orders import OrderApproved, OrderProposed, OrderRefused
from events.record import Record
from events.session import ClockTicked, SessionStarted, StopRequested
from events.strategy import DecisionMade, StrategyFailed, StrategyPaused, StrategyResumed
from events.terms import NANOSECONDS, Action, OrderKind, Origin, Side
from projections.account import Account
from projections.bounds import room
from projections.exits import Exit, step_proposal
from projections.order import Order, Stage
from projections.pricing import guard_price, limit_on_grid
from projections.sight import Sight
from projections.sizing import quantity_of
from projections.watch import Watch

#: A proposal that risk does not answer within this time is no longer waited for.
_ANSWER_LIMIT_NS = 60 * NANOSECONDS
_RESTING = frozenset(
    {OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTD, OrderKind.STOP_LIMIT_GTC, OrderKind.TRIGGER_BRACKET_GTC}
)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


class StrategyState(msgspec.Struct, kw_only=True):
    session: str = ""
    account: Account = msgspec.field(default_factory=Account)
    sight: Sight = msgspec.field(default_factory=Sight)
    watch: Watch = msgspec.field(default_factory=Watch)
    paused: str = ""  # why; "" when it is not
    is_stopping: bool = False
    memory: dict[str, str] = msgspec.field(default_factory=dict)
    unanswered: dict[str, int] = msgspec.field(default_factory=dict)  # proposal -> when it was made


def _checked(decision: object) -> Decision:
    """A decision with every field of its type and every number finite: what is written must be read again.

    Raises `TypeError` or `msgspec.ValidationError`.
    """
    if not isinstance(decision, Decision):
        raise TypeError(f"decide() returned {type(decision).__name__}, not a Decision")
    amounts = {name: getattr(decision, name) for name in ("target_notional", "limit_price", "leverage")}
    for name, amount in (*amounts.items(), *decision.numbers.items()):
        if amount is not None and not (isinstance(amount, Decimal) and amount.is_finite()):
            raise TypeError(f"decide() returned {amount!r} as {name}, which is no finite Decimal")
    return msgspec.convert(msgspec.to_builtins(decision, builtin_types=(Decimal,)), Decision)


class StrategyBehaviour:
    """Says DecisionMade, OrderProposed and StrategyFailed as "strategy:<name>"."""

    hears: frozenset[type[Event]] = (
        Account.hears
        | Sight.hears
        | Watch.hears
        | {DecisionMade, OrderProposed, OrderRefused, StrategyFailed, StrategyPaused, StrategyResumed, StopRequested}
    )
    answers: frozenset[type[Event]] = frozenset({ClockTicked})

    def __init__(self, name: str, strategy: Strategy) -> None:
        self.strategy_name = name
        self.name = f"strategy:{name}"
        self.state = StrategyState()
        self._strategy = strategy
        self._window = int(getattr(strategy, "window", DEFAULT_WINDOW))

    def fold(self, record: Record) -> None:
        state = self.state
        kind = type(record.event)
        state.account.fold(record)
        if kind in Watch.hears:
            state.watch.fold(record, state.account)
        else:
            state.sight.fold(record)
            step = _FOLDS.get(kind)
            if step is not None:
                step(self, record, record.event)

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        watch = self.state.watch
        if type(record.event) is not ClockTicked or not watch.product:
            return ()
        is_look, leaving = watch.looked_at == record.seq, watch.leaving
        is_due = leaving is not None and leaving.next_at <= record.at
        if not is_look and not is_due:
            return ()
        why_not = self._why_not(record.at, outstanding)
        events = self._look(record, why_not) if is_look else []
        if leaving is None or not is_due or why_not:
            return events
        if any(isinstance(said, OrderProposed) for said in events):
            return events
        return events + self._next_step(record, leaving, index=len(events))

    # --- what it keeps

    def _start(self, _record: Record, event: SessionStarted) -> None:
        state = self.state
        setting = event.configuration.strategies.get(self.strategy_name)
        state.session, state.is_stopping = event.session, False
        state.watch.turn_to("" if setting is None else setting.product, state.account)
        state.unanswered.clear()

    def _decided(self, record: Record, event: DecisionMade) -> None:
        if record.by == self.name:
            self.state.memory, watch = event.memory, self.state.watch
            if event.action is Action.CLOSE and watch.held and watch.leaving is None:
                watch.leaving = Exit(reason=event.reason)

    def _proposed(self, record: Record, event: OrderProposed) -> None:
        if record.by == self.name:
            self.state.unanswered[event.proposal] = record.at
            if self.state.watch.leaving is not None and event.reduce_only:
                self.state.watch.leaving.took_step(record.at)

    def _answered(self, _record: Record, event: OrderApproved | OrderRefused) -> None:
        self.state.unanswered.pop(event.proposal, None)

    def _failed(self, record: Record, event: StrategyFailed) -> None:
        if record.by == self.name:
            self.state.paused = f"it failed: {event.error}"

    def _paused(self, _record: Record, event: StrategyPaused) -> None:
        if event.strategy in (self.strategy_name, self.name):
            self.state.paused = event.reason or "by the operator"

    def _resumed(self, _record: Record, event: StrategyResumed) -> None:
        if event.strategy in (self.strategy_name, self.name):
            self.state.paused = ""

    def _stopped(self, _record: Record, _event: StopRequested) -> None:
        self.state.is_stopping = True

    # --- what it says

    def _look(self, record: Record, why_not: str) -> list[Event]:
        if why_not:
            return [self._decision(Action.HOLD, why_not, memory=self.state.memory)]
        state = self.state
        view = view_of(
            state.account,
            state.watch,
            strategy=self.strategy_name,
            memory=state.memory,
            at=record.at,
            window=self._window,
        )
        try:
            decision = _checked(self._strategy.decide(view))
        except Exception as error:  # noqa: BLE001 - a user's own code may raise anything; it is recorded and paused
            text = _ADDRESS.sub("0x…", f"{type(error).__name__}: {error}")
            return [StrategyFailed(strategy=self.strategy_name, product=self.state.watch.product, error=text)]
        if decision.action is Action.HOLD:
            return [self._said(decision)]
        if decision.action is Action.CLOSE:
            return self._close(record, decision)
        return self._enter(record, decision, view)

    def _why_not(self, at: int, outstanding: Sequence[Event]) -> str:
        """Why nothing may be proposed now; empty when it may."""
        state = self.state
        if state.is_stopping:
            return "Stopping"
        if state.paused:
            return f"Paused: {state.paused}"
        if not state.sight.is_reconciled:
            return "Waiting for the exchange to be reconciled"
        if any(isinstance(said, OrderProposed) for said in outstanding):
            return "Order in flight"
        if any(at - since < _ANSWER_LIMIT_NS for since in state.unanswered.values()):
            return "Order in flight"
        in_flight = any(map(_is_in_flight, state.account.orders.open_orders(state.watch.product)))
        return "Order in flight" if in_flight else ""

    def _close(self, record: Record, decision: Decision) -> list[Event]:
        state = self.state
        if not state.account.held(state.watch.product):
            return [self._decision(Action.HOLD, f"{decision.reason} (already flat)", decision.numbers, decision.memory)]
        said = self._said(decision)
        if state.watch.leaving is not None:  # its steps go on as they are due
            return [said]
        return [said, *self._next_step(record, Exit(reason=decision.reason), index=1)]

    def _next_step(self, record: Record, leaving: Exit, *, index: int) -> list[Event]:
        proposal = step_proposal(
            self.state.account,
            self.state.watch.product,
            leaving.step,
            proposal=derived_id(self.state.session, self.name, record.seq, index),
            strategy=self.strategy_name,
            reason=leaving.reason,
            at=record.at,
        )
        return [] if proposal is None else [proposal]

    def _enter(self, record: Record, decision: Decision, view: View) -> list[Event]:
        """A decision to buy or sell, sized to whole steps of the product inside the room that is left."""
        state = self.state
        rules = state.account.catalog.rules(state.watch.product)
        if state.watch.leaving is not None:
            return [self._instead(decision, f"still leaving ({state.watch.leaving.reason})")]
        if rules is None or view.mark is None:
            return [self._instead(decision, "the mark is stale or the product unknown")]
        side = Side.BUY if decision.action is Action.BUY else Side.SELL
        limit, tick = decision.limit_price, rules.price_increment
        if limit is not None:
            limit = limit_on_grid(side, limit, increment=tick)
        elif decision.kind is OrderKind.LIMIT_IOC:
            band = state.account.limits.limits.slippage_guard_bps
            limit = guard_price(side, view.mark, band_bps=band, increment=tick)
        price, target = max(view.mark, limit or ZERO), decision.target_notional or ZERO
        left = view.room(side)
        if decision.limit_price is not None or decision.leverage is not None:  # it was not counted at this
            left = room(state.account, view.product, side, price=price, at=record.at, leverage=decision.leverage)
        binding = decision.binding if target <= left.notional else left.limit
        qty = quantity_of(min(target, left.notional), rules, price=price)
        if qty < rules.min_size or qty <= ZERO:
            return [self._instead(decision, f"less than one contract fits under {binding or 'target_notional'}")]
        said = self._said(decision, reason=f"{decision.reason} (sized by {binding})" if binding else decision.reason)
        return [
            said,
            OrderProposed(
                proposal=derived_id(state.session, self.name, record.seq, 1),
                strategy=self.strategy_name,
                product=state.watch.product,
                side=side,
                qty=qty,
                kind=decision.kind,
                limit_price=limit,
                reduce_only=decision.reduce_only,
                as_of=record.at,
                reason=said.reason,
                mark=view.mark,
                post_only=decision.post_only,
                leverage=decision.leverage,
            ),
        ]

    def _said(self, decision: Decision, reason: str = "") -> DecisionMade:
        return DecisionMade(
            strategy=self.strategy_name,
            product=self.state.watch.product,
            action=decision.action,
            reason=reason or decision.reason,
            numbers=decision.numbers,
            target_notional=decision.target_notional,
            memory=decision.memory,
        )

    def _instead(self, decision: Decision, why: str) -> DecisionMade:
        """HOLD where the strategy wanted more, and why."""
        return self._decision(Action.HOLD, f"{decision.reason}, but {why}", decision.numbers, decision.memory)

    def _decision(
        self,
        action: Action,
        reason: str,
        numbers: dict[str, Decimal] | None = None,
        memory: dict[str, str] | None = None,
    ) -> DecisionMade:
        return DecisionMade(
            strategy=self.strategy_name,
            product=self.state.watch.product,
            action=action,
            reason=reason,
            numbers=numbers or {},
            memory=memory or {},
        )


def _is_in_flight(order: Order) -> bool:
    """Ours, and neither resting in the book nor traded whole nor over."""
    if order.origin is not Origin.OURS or not order.leaves:
        return False
    return order.stage is not Stage.WORKING or order.kind not in _RESTING


_FOLDS: dict[type[Event], Callable[[StrategyBehaviour, Record, Any], None]] = {
    DecisionMade: StrategyBehaviour._decided,
    OrderProposed: StrategyBehaviour._proposed,
    OrderApproved: StrategyBehaviour._answered,
    OrderRefused: StrategyBehaviour._answered,
    SessionStarted: StrategyBehaviour._start,
    StrategyFailed: StrategyBehaviour._failed,
    StrategyPaused: StrategyBehaviour._paused,
    StrategyResumed: StrategyBehaviour._resumed,
    StopRequested: StrategyBehaviour._stopped,
}
