"""A strategy that buys once and holds."""

from __future__ import annotations

from actors.strategies.protocol import Decision, View
from events.terms import Action

#: Contracts of the generated market, and a bit, so that rounding down leaves them.
_CONTRACTS = 8


class Holder:
    """In at the first look at which it is flat and never was in."""

    window = 2

    def decide(self, view: View) -> Decision:
        if view.qty or view.memory.get("was_in") == "yes":
            return Decision(action=Action.HOLD, reason="In: stays", memory={"was_in": "yes"})
        if view.mark is None or view.contract_size is None or view.open_orders:
            return Decision(action=Action.HOLD, reason="Waits", memory=view.memory)
        notional = view.mark * view.contract_size * _CONTRACTS + view.mark * view.contract_size / 2
        return Decision(action=Action.BUY, reason="Flat: in", target_notional=notional, memory=view.memory)
