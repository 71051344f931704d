"""A strategy that always wants something: in at one look, out at the next; every fault meets an order under way."""

from __future__ import annotations

from decimal import Decimal

from actors.strategies.protocol import Decision, View
from events.terms import Action, OrderKind, Side

#: One contract of the generated market and a bit, so that rounding down leaves one.
_ONE_CONTRACT = Decimal("1.5")


class Eager:
    """Long and flat in turn. `resting` in the memory alternates orders that take with orders that rest at the touch."""

    window = 2

    def decide(self, view: View) -> Decision:
        if view.mark is None or view.contract_size is None:
            return Decision(action=Action.HOLD, reason="No mark", memory=view.memory)
        if view.qty:
            return Decision(action=Action.CLOSE, reason="In: out", memory=view.memory)
        if view.open_orders:
            return Decision(action=Action.HOLD, reason="Asked already", memory=view.memory)
        rests = view.memory.get("rests") == "yes"
        size = min(_ONE_CONTRACT * view.mark * view.contract_size, view.room(Side.BUY).notional)
        return Decision(
            action=Action.BUY,
            reason="Flat: in",
            target_notional=size,
            kind=OrderKind.LIMIT_GTC if rests else OrderKind.LIMIT_IOC,
            limit_price=view.mark if rests else None,
            memory={"rests": "no" if rests else "yes"},
        )
