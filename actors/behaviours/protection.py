"""Protection that outlives the process: a reduce-only bracket at the exchange for each position (trading rules A17).

Once a second it looks whether each position has a bracket of its size. One of another size is taken away first, since
both could fill; where there is none it proposes one, like a strategy would, and risk holds it to the position. While
an exit is under way it steps aside. A refusal is tried again with a growing pause, unless the exchange takes no
brackets at all for the product; either way the position is said to be unprotected.

The stop leg becomes a limit 5 % through its trigger: a market that falls further at once leaves it unfilled.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from events.configuration import OrderSetting
from events.event import Event
from events.ids import derived_id
from events.money import ONE, ZERO
from events.orders import CancelProposed, OrderClosed, OrderProposed, OrderRefused, OrderRejected, OrderReported
from events.position import PositionUnprotected
from events.record import Record
from events.session import ClockTicked, SessionStarted
from events.terms import NANOSECONDS, OrderKind, OrderStatus, Origin, Side
from projections.account import Account
from projections.order import Order
from projections.sight import Sight

NAME = "protection"
#: After an exit the next one may follow at once: nothing is placed in its way for so long.
STEPS_ASIDE_NS = 3 * NANOSECONDS
_LONGEST_PAUSE_S = 300
#: What the exchange says where it takes no brackets: asking again is of no use.
GIVEN_UP_AT = frozenset(
    {"UNSUPPORTED_ORDER_CONFIGURATION", "INVALID_ORDER_CONFIG", "INVALID_ORDER_TYPE", "PREVIEW_INVALID_ORDER_CONFIG"}
)


class Attempt(msgspec.Struct, kw_only=True):
    """Brackets proposed in vain for one product: how often, when the next is due (ns), and what became of the last."""

    times: int = 0
    next_at: int = 0
    reason: str = ""
    is_given_up: bool = False
    is_said: bool = False


class ProtectionState(msgspec.Struct, kw_only=True):
    session: str = ""
    setting: OrderSetting = OrderSetting()
    account: Account = msgspec.field(default_factory=Account)
    sight: Sight = msgspec.field(default_factory=Sight)
    attempts: dict[str, Attempt] = msgspec.field(default_factory=dict)  # by product
    left_at: dict[str, int] = msgspec.field(default_factory=dict)  # when an exit was last over, by product
    asked: list[str] = msgspec.field(default_factory=list)  # brackets whose cancel was proposed, and that still stand


class Levels(NamedTuple):
    """Where a bracket takes profit, and where its stop triggers."""

    take: Decimal
    stop: Decimal


def levels(held: Decimal, entry: Decimal, mark: Decimal | None, setting: OrderSetting) -> Levels:
    """The prices of a bracket: from the entry, or from the mark where that has run further, so that none is passed.

    Long from 50,000 at a mark of 50,500, 5 % and 10 %: stop at 47,500, take at 55,550. Short: 53,025 and 45,000.
    """
    low, high = min(entry, mark or entry), max(entry, mark or entry)
    if held > 0:
        return Levels(take=high * (ONE + setting.bracket_take_pct), stop=low * (ONE - setting.bracket_stop_pct))
    return Levels(take=low * (ONE - setting.bracket_take_pct), stop=high * (ONE + setting.bracket_stop_pct))


class ProtectionBehaviour:
    """Says OrderProposed and CancelProposed as "protection", and PositionUnprotected."""

    name = NAME
    hears: frozenset[type[Event]] = (
        Account.hears
        | Sight.hears
        | {OrderProposed, OrderRefused, OrderRejected, CancelProposed, PositionUnprotected, ClockTicked}
    )
    answers: frozenset[type[Event]] = frozenset({ClockTicked})

    def __init__(self) -> None:
        self.state = ProtectionState()

    def fold(self, record: Record) -> None:
        state, event = self.state, record.event
        state.account.fold(record)
        state.sight.fold(record)
        match event:
            case SessionStarted():
                state.session, state.setting = event.session, event.configuration.orders
                state.attempts.clear()
            case OrderProposed() if record.by == NAME:
                attempt = state.attempts.setdefault(event.product, Attempt())
                attempt.next_at = record.at + min(2**attempt.times, _LONGEST_PAUSE_S) * NANOSECONDS
                attempt.times += 1
            case OrderRefused() if event.strategy == NAME:
                self._failed(event.product, event.message)
            case OrderRejected():
                order = state.account.orders.get(event.order)
                if order is not None and order.strategy == NAME:
                    self._failed(order.product, f"{event.code}: {event.message}", given_up=event.code in GIVEN_UP_AT)
            case OrderReported() if event.kind.is_bracket and event.status is OrderStatus.OPEN:
                state.attempts.pop(event.product, None)
            case OrderClosed():
                self._closed(event, record.at)
            case CancelProposed() if record.by == NAME:
                state.asked.append(event.order)
            case PositionUnprotected():
                if event.product in state.attempts:
                    state.attempts[event.product].is_said = True
            case _:
                pass

    def decide(self, record: Record, outstanding: Sequence[Event]) -> Sequence[Event]:
        state = self.state
        if type(record.event) is not ClockTicked or not state.sight.is_reconciled:
            return ()
        products = dict.fromkeys(
            [position.product for position in state.account.portfolio.positions.open()]
            + [order.product for order in state.account.orders.open.values() if order.kind.is_bracket]
        )
        events: list[Event] = []
        for product in products:
            if product not in state.sight.in_doubt:
                events += self._look(product, record, outstanding, index=len(events))
        return events

    def _failed(self, product: str, reason: str, *, given_up: bool = False) -> None:
        attempt = self.state.attempts.setdefault(product, Attempt())
        attempt.reason, attempt.is_given_up = reason, attempt.is_given_up or given_up

    def _closed(self, event: OrderClosed, at: int) -> None:
        order = self.state.account.orders.get(event.order)
        if order is not None and order.reduce_only and not order.kind.is_bracket:
            self.state.left_at[event.product] = at
        if event.order in self.state.asked:
            self.state.asked.remove(event.order)

    def _look(self, product: str, record: Record, outstanding: Sequence[Event], index: int) -> list[Event]:
        """What one product's position still needs: a bracket taken away, or one placed."""
        state, held = self.state, self.state.account.held(product)
        ours = [each for each in state.account.orders.open_orders(product) if each.origin is Origin.OURS]
        brackets = [order for order in ours if order.kind.is_bracket]
        side = Side.SELL if held > 0 else Side.BUY
        wanted = abs(held) - sum((each.rest for each in ours if _reduces_at_rest(each, side)), ZERO)
        have = sum((order.rest for order in brackets if order.side is side), ZERO)
        if brackets and (have != max(wanted, ZERO) or any(order.side is not side for order in brackets)):
            said = {each.order for each in outstanding if isinstance(each, CancelProposed)}
            return [
                CancelProposed(strategy=NAME, order=order.order, reason=f"protects {order.rest} of {held}")
                for order in brackets
                if order.order not in state.asked and order.order not in said and order.rest
            ]
        attempt = state.attempts.get(product) or Attempt()
        events: list[Event] = []
        if held and attempt.reason and not attempt.is_said:
            events.append(
                PositionUnprotected(product=product, qty=held, reason=attempt.reason, is_given_up=attempt.is_given_up)
            )
        if brackets or wanted <= ZERO or attempt.is_given_up or attempt.next_at > record.at:
            return events
        if self._steps_aside(product, ours, record.at) or any(isinstance(each, OrderProposed) for each in outstanding):
            return events
        proposal = self._bracket(product, side, wanted, record, index + len(events))
        return events if proposal is None else [*events, proposal]

    def _steps_aside(self, product: str, ours: Sequence[Order], at: int) -> bool:
        """Whether somebody is about to change the position: an order in flight, an exit just now, a flatten."""
        kill = self.state.account.limits.kill
        if kill is not None and kill.flatten:
            return True
        left_at = self.state.left_at.get(product)
        return any(not order.kind.rests for order in ours) or (left_at is not None and at - left_at < STEPS_ASIDE_NS)

    def _bracket(self, product: str, side: Side, qty: Decimal, record: Record, index: int) -> OrderProposed | None:
        """None while no price of the product is known."""
        state = self.state
        portfolio = state.account.portfolio
        entry, mark = portfolio.positions.of(product).entry_price, portfolio.marks.price(product)
        if entry is None or entry <= ZERO:
            entry = mark
        if entry is None or state.account.catalog.rules(product) is None:
            return None
        prices = levels(-side.sign * qty, entry, mark, state.setting)
        return OrderProposed(
            proposal=derived_id(state.session, NAME, record.seq, index),
            strategy=NAME,
            product=product,
            side=side,
            qty=qty,
            kind=OrderKind.TRIGGER_BRACKET_GTC,
            limit_price=prices.take,
            stop_price=prices.stop,
            reduce_only=True,
            as_of=record.at,
            reason=f"protects the position of {-side.sign * qty}",
            mark=mark,
        )


def _reduces_at_rest(order: Order, side: Side) -> bool:
    """Whether a resting exit that is no bracket holds a part of the position."""
    return order.side is side and order.kind.rests and not order.kind.is_bracket
