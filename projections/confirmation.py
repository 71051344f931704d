"""Which part of the result rests on confirmed fills (trading rules A18).

A fill counted from an order's reports is provisional until the exchange's list of fills confirms its order. Result to
the cent is claimed for what is confirmed only; this says how much is not.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.money import ZERO
from events.orders import FillCorrected, FillsConfirmed, OrderFilled
from events.record import Record


class Provisional(msgspec.Struct, kw_only=True):
    """What was counted of one order and is not confirmed. Value and fees in quote currency, `qty` without sign."""

    product: str
    qty: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO


class Confirmation(msgspec.Struct, kw_only=True):
    """All orders that traded, by what is known of their fills. On paper nothing is ever confirmed: it is simulated."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset({OrderFilled, FillCorrected, FillsConfirmed})

    provisional: dict[str, Provisional] = msgspec.field(default_factory=dict)
    confirmed: dict[str, Decimal] = msgspec.field(default_factory=dict)  # by order: the fees that are sure

    def fold(self, record: Record) -> None:
        event = record.event
        if isinstance(event, OrderFilled):
            self.confirmed.pop(event.order, None)
            order = self.provisional.setdefault(event.order, Provisional(product=event.product))
            order.qty, order.value = order.qty + event.qty, order.value + event.value
            order.fees += event.fee
        elif isinstance(event, FillsConfirmed):
            self.provisional.pop(event.order, None)
            self.confirmed[event.order] = event.fees

    @property
    def is_whole(self) -> bool:
        """Whether everything that was counted is confirmed."""
        return not self.provisional

    @property
    def provisional_value(self) -> Decimal:
        """What changed hands in orders that are not confirmed; since their last confirmation, where there was one."""
        return sum((abs(order.value) for order in self.provisional.values()), ZERO)

    @property
    def provisional_fees(self) -> Decimal:
        return sum((order.fees for order in self.provisional.values()), ZERO)
