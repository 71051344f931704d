"""What a strategy says: its decision as it is recorded, checked before it is written."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec

from actors.strategies.protocol import Decision
from events.strategy import DecisionMade
from events.terms import Action


def checked(decision: object) -> Decision:
    """A decision with every field of its type and every number finite: what is written must be read again.

    Raises `TypeError` or `msgspec.ValidationError`.
    """
    if not isinstance(decision, Decision):
        raise TypeError(f"decide() returned {type(decision).__name__}, not a Decision")
    amounts = {name: getattr(decision, name) for name in ("target_notional", "limit_price", "stop_price", "leverage")}
    for name, amount in (*amounts.items(), *decision.numbers.items()):
        if amount is not None and not (isinstance(amount, Decimal) and amount.is_finite()):
            raise TypeError(f"decide() returned {amount!r} as {name}, which is no finite Decimal")
    return msgspec.convert(msgspec.to_builtins(decision, builtin_types=(Decimal,)), Decision)


class Words(NamedTuple):
    """Decisions of one strategy on one product."""

    strategy: str
    product: str

    def said(self, decision: Decision, reason: str = "") -> DecisionMade:
        """The decision itself; `reason` where its size adds to it."""
        return DecisionMade(
            strategy=self.strategy,
            product=self.product,
            action=decision.action,
            reason=reason or decision.reason,
            numbers=decision.numbers,
            target_notional=decision.target_notional,
            memory=decision.memory,
        )

    def instead(self, decision: Decision, why: str) -> DecisionMade:
        """HOLD where the strategy wanted more, and why."""
        return self.hold(f"{decision.reason}, but {why}", decision.numbers, decision.memory)

    def hold(
        self, reason: str, numbers: dict[str, Decimal] | None = None, memory: dict[str, str] | None = None
    ) -> DecisionMade:
        return DecisionMade(
            strategy=self.strategy,
            product=self.product,
            action=Action.HOLD,
            reason=reason,
            numbers=numbers or {},
            memory=memory or {},
        )
