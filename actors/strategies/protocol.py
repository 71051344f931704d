"""What a strategy is: one look at a frozen view, one decision. It reaches neither network nor clock nor log.

    class MyStrategy:
        window = 50                                   # how many marks it wants to see; 100 when it does not say

        def decide(self, view: View) -> Decision:
            if view.qty:
                return Decision(action=Action.HOLD, reason="Holding")
            return Decision(action=Action.BUY, reason="Because", target_notional=Decimal(1_000))

Whatever it wants to remember it puts into `Decision.memory` and finds in the next `View.memory`: an object keeps
nothing that survives a restart. The same view must give the same decision.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from events.event import Part
from events.money import ZERO
from events.terms import Action, OrderKind, Side
from projections.bounds import Room
from projections.notional import notional

#: Marks shown to a strategy that does not say how many it wants.
DEFAULT_WINDOW = 100


class OpenOrder(Part, frozen=True):
    """An order of the view's product that may still trade; quantities in the exchange's unit."""

    order: str
    side: Side
    leaves: Decimal
    limit_price: Decimal | None
    reduce_only: bool
    is_ours: bool
    strategy: str = ""  # whose of ours


class View(Part, frozen=True):
    """What a strategy sees at one look. Prices per unit of the underlying, quantities in the exchange's unit."""

    strategy: str
    product: str
    at: int  # session time, nanoseconds UTC
    mark: Decimal | None = None  # None: stale or unknown
    marks: tuple[Decimal, ...] = ()  # one a sample, oldest first, this look's last; starts anew after a missing one
    marks_from_candles: int = 0  # how many of the oldest are closes of the exchange's candles, filled in at the start
    qty: Decimal = ZERO  # its position, signed: the account's, or its own part of it where it shares the product
    entry_price: Decimal | None = None
    opened_at: int | None = None
    best_mark: Decimal | None = None  # the most favourable price since entry, the entry's own included
    entries: int = 0  # orders that opened and increased the position
    open_orders: tuple[OpenOrder, ...] = ()
    equity: Decimal | None = None
    room_long: Room = Room(notional=ZERO, limit="unknown")
    room_short: Room = Room(notional=ZERO, limit="unknown")
    reduce_only: str | None = None  # why only reducing orders pass
    is_killed: bool = False
    contract_size: Decimal | None = None
    funding_rate: Decimal | None = None  # of one interval, as last published; above zero longs pay
    funding_boundary: int | None = None  # the boundary it was published for, nanoseconds UTC
    memory: dict[str, str] = {}

    @property
    def held_notional(self) -> Decimal:
        """What the position is worth at the mark, without sign; zero while that is unknown."""
        if self.mark is None or self.contract_size is None:
            return ZERO
        return notional(abs(self.qty), contract_size=self.contract_size, price=self.mark)

    def room(self, side: Side) -> Room:
        return self.room_long if side is Side.BUY else self.room_short


class Decision(Part, frozen=True):
    """What a strategy wants and why.

    BUY and SELL ask for an order of `target_notional` (quote currency), as a limit IOC at the guard price unless
    `kind` and `limit_price` say otherwise. CLOSE stays wanted until the position is flat. `binding` names what
    limited the size; `leverage` is a cap for this order alone. `stop_price` is for stop-limit orders, `good_until`
    (nanoseconds UTC) for kinds that end by themselves at a time.
    """

    action: Action
    reason: str
    target_notional: Decimal | None = None
    numbers: dict[str, Decimal] = {}
    binding: str = ""
    leverage: Decimal | None = None
    reduce_only: bool = False
    kind: OrderKind = OrderKind.LIMIT_IOC
    limit_price: Decimal | None = None
    post_only: bool = False
    stop_price: Decimal | None = None
    good_until: int | None = None
    memory: dict[str, str] = {}


class Strategy(Protocol):
    """A user's own rules. Deterministic: no chance, no clock, nothing kept beside `Decision.memory`."""

    def decide(self, view: View) -> Decision: ...
