"""A strategy at its desk: shows it the market and its own position, and carries out what it decides.

It samples the mark, asks the strategy at each sample, and says every decision, HOLD too. What the strategy wants is
sized into the room that the limits leave. A CLOSE stays wanted, step after step, until the position is flat. It
proposes nothing before the exchange was reconciled in this session, while paused or stopping, or while an order of
its own is in flight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actors.strategies.entry import entry_of
from actors.strategies.protocol import DEFAULT_WINDOW, Decision, Strategy, View
from actors.strategies.showing import view_of
from actors.strategies.words import Words, checked
from events.event import Event
from events.ids import derived_id
from events.market import MarkUpdated
from events.orders import InternalCrossed, OrderApproved, OrderProposed, OrderRefused, OrderWanted
from events.record import Record
from events.session import ClockTicked, SessionStarted, StopRequested
from events.strategy import DecisionMade, StrategyFailed, StrategyPaused, StrategyResumed
from events.terms import NANOSECONDS, Action, OrderKind, Origin
from projections.account import Account
from projections.exits import Exit, step_proposal
from projections.order import Order, Stage
from projections.ownership import Own, own_part
from projections.positions import Position
from projections.sight import Sight
from projections.virtual import Virtuals
from projections.watch import Watch

#: A proposal that risk does not answer within this time is no longer waited for.
_ANSWER_LIMIT_NS = 60 * NANOSECONDS
_RESTING = frozenset(
    {OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTD, OrderKind.STOP_LIMIT_GTC, OrderKind.TRIGGER_BRACKET_GTC}
)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
#: Marks and ticks move no position.
_NOTHING = Position()


class StrategyState(msgspec.Struct, kw_only=True):
    session: str = ""
    account: Account = msgspec.field(default_factory=Account)
    virtuals: Virtuals = msgspec.field(default_factory=Virtuals)
    sight: Sight = msgspec.field(default_factory=Sight)
    watch: Watch = msgspec.field(default_factory=Watch)
    paused: str = ""  # why; "" when it is not
    is_stopping: bool = False
    memory: dict[str, str] = msgspec.field(default_factory=dict)
    unanswered: dict[str, int] = msgspec.field(default_factory=dict)  # proposal -> when it was made


_SAID = (
    DecisionMade,
    OrderWanted,
    OrderProposed,
    OrderRefused,
    StrategyFailed,
    StrategyPaused,
    StrategyResumed,
    StopRequested,
)


class StrategyBehaviour:
    """Says DecisionMade, OrderProposed (OrderWanted on a shared product) and StrategyFailed as "strategy:<name>"."""

    hears: frozenset[type[Event]] = (
        Account.hears | Virtuals.hears | Sight.hears | Watch.hears | frozenset[type[Event]](_SAID)
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
        if kind is MarkUpdated or kind is ClockTicked:  # by far the most frequent
            state.watch.fold(record, state.account, _NOTHING)
            return
        state.virtuals.fold(record, state.account.portfolio)
        if kind in Watch.hears:
            state.watch.fold(record, state.account, self._own().position)
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
        if any(isinstance(said, OrderProposed | OrderWanted) for said in events):
            return events
        return events + self._next_step(record, leaving, index=len(events))

    # --- what it keeps

    def _start(self, _record: Record, event: SessionStarted) -> None:
        state = self.state
        setting = event.configuration.strategies.get(self.strategy_name)
        state.session, state.is_stopping = event.session, False
        product = "" if setting is None else setting.product
        own = own_part(state.account, state.virtuals, product=product, strategy=self.strategy_name)
        state.watch.turn_to(product, own.position)
        state.unanswered.clear()

    def _decided(self, record: Record, event: DecisionMade) -> None:
        if record.by == self.name:
            self.state.memory, watch = event.memory, self.state.watch
            if event.action is Action.CLOSE and watch.held and watch.leaving is None:
                watch.leaving = Exit(reason=event.reason)

    def _proposed(self, record: Record, event: OrderProposed | OrderWanted) -> None:
        if event.strategy != self.strategy_name:
            return
        self.state.unanswered[event.proposal] = record.at
        if self.state.watch.leaving is not None and record.by == self.name:
            self.state.watch.leaving.took_step(record.at)

    def _crossed(self, _record: Record, event: InternalCrossed) -> None:
        for proposal in (event.buy_proposal, event.sell_proposal):  # what is left of it is proposed anew
            self.state.unanswered.pop(proposal, None)

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
            return [self._words.hold(why_not, memory=self.state.memory)]
        state = self.state
        view = view_of(
            state.account,
            state.watch,
            self._own().position,
            strategy=self.strategy_name,
            memory=state.memory,
            at=record.at,
            window=self._window,
        )
        try:
            decision = checked(self._strategy.decide(view))
        except Exception as error:  # noqa: BLE001 - a user's own code may raise anything; it is recorded and paused
            text = _ADDRESS.sub("0x…", f"{type(error).__name__}: {error}")
            return [StrategyFailed(strategy=self.strategy_name, product=self.state.watch.product, error=text)]
        if decision.action is Action.HOLD:
            return [self._words.said(decision)]
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
        if any(isinstance(said, OrderProposed | OrderWanted) for said in outstanding):
            return "Order in flight"
        if any(at - since < _ANSWER_LIMIT_NS for since in state.unanswered.values()):
            return "Order in flight"
        product = state.watch.product
        mine = state.account.orders.open_orders(product)
        if state.virtuals.is_shared(product):
            mine = [order for order in mine if order.strategy == self.strategy_name]
        return "Order in flight" if any(map(_is_in_flight, mine)) else ""

    def _close(self, record: Record, decision: Decision) -> list[Event]:
        state = self.state
        if not self._own().held:
            return [self._words.hold(f"{decision.reason} (already flat)", decision.numbers, decision.memory)]
        said = self._words.said(decision)
        if state.watch.leaving is not None:  # its steps go on as they are due
            return [said]
        return [said, *self._next_step(record, Exit(reason=decision.reason), index=1)]

    def _next_step(self, record: Record, leaving: Exit, *, index: int) -> list[Event]:
        own = self._own()
        proposal = step_proposal(
            self.state.account,
            self.state.watch.product,
            leaving.step,
            proposal=derived_id(self.state.session, self.name, record.seq, index),
            strategy=self.strategy_name,
            reason=leaving.reason,
            at=record.at,
            own=own.held if own.is_shared else None,
        )
        return [] if proposal is None else [self._asked(proposal)]

    def _enter(self, record: Record, decision: Decision, view: View) -> list[Event]:
        """A decision to buy or sell, sized to whole steps of the product inside the room that is left."""
        state = self.state
        if state.watch.leaving is not None:
            return [self._words.instead(decision, f"still leaving ({state.watch.leaving.reason})")]
        entry = entry_of(decision, view, state.account, at=record.at)
        if isinstance(entry, str):
            return [self._words.instead(decision, entry)]
        reason = f"{decision.reason} (sized by {entry.binding})" if entry.binding else decision.reason
        proposal = OrderProposed(
            proposal=derived_id(state.session, self.name, record.seq, 1),
            strategy=self.strategy_name,
            product=state.watch.product,
            side=entry.side,
            qty=entry.qty,
            kind=decision.kind,
            limit_price=entry.limit_price,
            reduce_only=decision.reduce_only,
            as_of=record.at,
            reason=reason,
            mark=view.mark,
            post_only=decision.post_only,
            leverage=decision.leverage,
            stop_price=decision.stop_price,
            good_until=decision.good_until,
        )
        return [self._words.said(decision, reason), self._asked(proposal)]

    def _asked(self, proposal: OrderProposed) -> OrderProposed | OrderWanted:
        """Where the product is shared, what crosses another strategy's wish is netted before risk is asked."""
        if not self.state.virtuals.is_shared(proposal.product):
            return proposal
        return OrderWanted(**{name: getattr(proposal, name) for name in OrderWanted.__struct_fields__})

    @property
    def _words(self) -> Words:
        return Words(self.strategy_name, self.state.watch.product)

    def _own(self) -> Own:
        state = self.state
        return own_part(state.account, state.virtuals, product=state.watch.product, strategy=self.strategy_name)


def _is_in_flight(order: Order) -> bool:
    """Ours, and neither resting in the book nor traded whole nor over."""
    if order.origin is not Origin.OURS or not order.leaves:
        return False
    return order.stage is not Stage.WORKING or order.kind not in _RESTING


_FOLDS: dict[type[Event], Callable[[StrategyBehaviour, Record, Any], None]] = {
    DecisionMade: StrategyBehaviour._decided,
    OrderWanted: StrategyBehaviour._proposed,
    OrderProposed: StrategyBehaviour._proposed,
    InternalCrossed: StrategyBehaviour._crossed,
    OrderApproved: StrategyBehaviour._answered,
    OrderRefused: StrategyBehaviour._answered,
    SessionStarted: StrategyBehaviour._start,
    StrategyFailed: StrategyBehaviour._failed,
    StrategyPaused: StrategyBehaviour._paused,
    StrategyResumed: StrategyBehaviour._resumed,
    StopRequested: StrategyBehaviour._stopped,
}
