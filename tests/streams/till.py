"""A futures account at an exchange, counted as simply as it can be: two pockets, and what each position is carried at.

Shares nothing with the projections: it knows neither cost nor gain, only what was paid and what the last settlement
said. It tells of itself as the exchange does, in balances and positions, and names neither funding nor deposits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from events.account import BalanceReported
from events.money import ZERO, quotient
from events.orders import OrderFilled
from events.position import PositionReported
from events.record import AnyEvent
from tests.streams.facts import D

START_CASH = D(10_000)


@dataclass
class Holding:
    size: Decimal
    price: Decimal
    qty: Decimal = ZERO
    carried: Decimal = ZERO  # what the open quantity was paid or last settled at, signed like it

    @property
    def worth(self) -> Decimal:
        return self.qty * self.size * self.price


@dataclass
class Till:
    """Amounts in quote currency. `futures` holds everything that trading brought; `spot` only what is put there."""

    spot: Decimal = ZERO
    futures: Decimal = START_CASH
    holdings: dict[str, Holding] = field(default_factory=dict)
    accrued: Decimal = ZERO

    def open(self, product: str, *, size: str = "0.01", price: str = "50000") -> Holding:
        return self.holdings.setdefault(product, Holding(D(size), D(price)))

    def take(self, fill: OrderFilled) -> None:
        """A fill: what it closes becomes cash against what is carried, the rest is carried at its price."""
        holding = self.holdings[fill.product]
        signed, value = fill.qty * fill.side.sign, fill.value * fill.side.sign
        self.futures -= fill.fee
        held = holding.qty
        if held * signed >= 0:
            holding.carried += value
        else:
            closed = min(abs(held), abs(signed)) * (1 if held > 0 else -1)
            share = quotient(holding.carried * closed, held, places=12)
            per_unit = quotient(fill.value, fill.qty, places=12)
            self.futures += closed * per_unit - share
            holding.carried += (signed + closed) * per_unit - share
        holding.qty += signed

    def settle(self) -> None:
        """Variation margin and what was accrued become cash."""
        for holding in self.holdings.values():
            self.futures += holding.worth - holding.carried
            holding.carried = holding.worth
        self.futures += self.accrued
        self.accrued = ZERO

    def reports(self, at: int) -> list[AnyEvent]:
        """What it tells at `at`: positions, then the balance."""
        told: list[AnyEvent] = [
            PositionReported(
                product=product,
                qty=holding.qty,
                entry_price=None,
                current_price=holding.price,
                unrealized=holding.worth - holding.carried,
                exchange_at=at,
            )
            for product, holding in self.holdings.items()
        ]
        unrealized = sum((holding.worth - holding.carried for holding in self.holdings.values()), ZERO)
        balance = BalanceReported(spot_usd=self.spot, futures_usd=self.futures, unrealized=unrealized, exchange_at=at)
        return [*told, balance]
