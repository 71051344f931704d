"""Why an order may not be placed, and what cannot be judged at all."""

from __future__ import annotations

from decimal import Decimal

from actors.connection.errors import InvalidOrder
from events.orders import Breach, OrderRefused


class ValidationError(InvalidOrder):
    """Risk refuses an order. The message is that of the first breach; `breaches` holds them all."""

    def __init__(self, refusal: OrderRefused) -> None:
        super().__init__(refusal.message, code=refusal.code)
        self.breaches: tuple[Breach, ...] = refusal.breaches


def expect_amounts(**amounts: Decimal) -> None:
    """Raise before a check is asked about something that is no number: an error there would not be a refusal."""
    for name, amount in amounts.items():
        if not isinstance(amount, Decimal):
            raise TypeError(f"{name} is a Decimal, not {type(amount).__name__}")
        if not amount.is_finite() and name != "qty":  # the gate has a word for such a quantity
            raise ValueError(f"{name} cannot be {amount}")
