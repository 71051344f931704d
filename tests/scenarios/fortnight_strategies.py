"""A strategy for long markets: it does a bit of everything, and once takes all the room there is."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from actors.strategies.protocol import Decision, View
from events.money import ZERO
from events.terms import Action, OrderKind

#: Where its resting orders lie from the mark, as a fraction.
_APART = Decimal("0.0006")


class Restless:
    """Takes, rests, flips and leaves by lot, drawn of its own seed and the time; from `lever_from` to `lever_to` it
    only buys."""

    window = 3

    def __init__(self, seed: int, lever_from: int = 0, lever_to: int = 0) -> None:
        self._seed = seed
        self._lever_from = lever_from
        self._lever_to = lever_to

    def decide(self, view: View) -> Decision:
        if view.mark is None or view.equity is None:
            return Decision(action=Action.HOLD, reason="No mark")
        if self._lever_from <= view.at < self._lever_to:
            return self._all_in(view)
        lot = self._lot(view)
        if view.qty and (lot % 5 == 0 or view.reduce_only is not None):
            return Decision(action=Action.CLOSE, reason="Enough")
        if view.reduce_only is not None or lot % 4:
            return Decision(action=Action.HOLD, reason="No lot")
        action = Action.BUY if lot & 64 else Action.SELL
        target = view.equity * Decimal(lot % 7 + 1) / 40
        if lot & 128:
            return Decision(action=action, reason="Takes", target_notional=target)
        away = -_APART if action is Action.BUY else _APART
        return Decision(
            action=action,
            reason="Rests",
            target_notional=target,
            kind=OrderKind.LIMIT_GTC,
            limit_price=view.mark * (1 + away),
            post_only=True,
        )

    def _all_in(self, view: View) -> Decision:
        if view.qty < ZERO:
            return Decision(action=Action.CLOSE, reason="Short before all in")
        return Decision(action=Action.BUY, reason="All in", target_notional=view.room_long.notional)

    def _lot(self, view: View) -> int:
        """The same for the same seed, product and minute, in any process."""
        name = f"{self._seed}|{view.product}|{view.at // 60_000_000_000}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
