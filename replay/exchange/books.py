"""The exchange's own books: cash, positions, fees, funding. They share no arithmetic with the projections.

Everything rests on cash that moved: a fill moves `-side x value`, gross. What a position is worth now is
`qty x contract_size x mark`, so profit is known to the last digit without any average:

    gross  = flow + qty x contract_size x mark
    equity = start + transfers + gross - fees + funding paid + funding accrued

An average cost is kept beside, only to show a price and to split gross into realized (`flow + cost`) and unrealized
(`worth - cost`). Rounding the split never touches the sum. The same split since the last settlement (`carried`) tells
how much of the equity is cash at the exchange and how much is unrealized there.

Example: buy 3 contracts of 0.01 at 60,000, sell 1 at 60,100: flow = -1800 + 601 = -1199; two thirds of the cost stay,
1200; realized = -1199 + 1200 = 1 = (60,100 - 60,000) x 0.01.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from events.money import ZERO, quotient
from events.terms import Side

#: Decimals kept of an average cost. It splits profit; it never makes any.
_COST_PLACES = 12


@dataclass(slots=True)
class Holding:
    """One product in the account. `qty` is signed, in contracts; money is in quote currency."""

    contract_size: Decimal
    qty: Decimal = ZERO
    flow: Decimal = ZERO  # cash that trading brought, gross
    cost: Decimal = ZERO  # what the open quantity cost, signed like it
    day_flow: Decimal = ZERO  # as `flow`, since the last settlement
    carried: Decimal = ZERO  # as `cost`, with the worth at the last settlement in place of what was paid before it

    @property
    def realized(self) -> Decimal:
        """Gross gain of all that was closed."""
        return self.flow + self.cost

    @property
    def day_realized(self) -> Decimal:
        """Gross gain of what was closed since the last settlement."""
        return self.day_flow + self.carried

    @property
    def entry_price(self) -> Decimal | None:
        """Average price of the open quantity, shown with eight decimals; None when flat."""
        return quotient(self.cost, self.qty * self.contract_size, places=8) if self.qty else None

    def worth(self, mark: Decimal) -> Decimal:
        return self.qty * self.contract_size * mark

    def trade(self, side: Side, qty: Decimal, value: Decimal) -> None:
        """Take a fill: `value` is price x qty x contract_size, above zero."""
        signed = value * side.sign
        self.flow -= signed
        self.day_flow -= signed
        held, change = self.qty, qty * side.sign
        after = held + change
        if held * change >= 0:
            self.cost += signed
            self.carried += signed
        elif after * held > 0:
            self.cost = quotient(self.cost * after, held, places=_COST_PLACES)
            self.carried = quotient(self.carried * after, held, places=_COST_PLACES)
        else:
            self.cost = self.carried = after * quotient(value, qty, places=_COST_PLACES)
        self.qty = after

    def settle(self, mark: Decimal) -> None:
        """Bring the position to the mark: from here on it is carried at what it is worth now."""
        self.carried = self.worth(mark)
        self.day_flow = -self.carried


@dataclass(frozen=True, slots=True)
class Funding:
    """What one boundary brought: amount = -qty x contract_size x mark x rate."""

    product: str
    boundary: int
    qty: Decimal
    mark: Decimal
    rate: Decimal
    amount: Decimal


@dataclass(slots=True)
class Books:
    """The account at the exchange. Amounts are in quote currency; `Decimal` under the exact context."""

    start_cash: Decimal
    holdings: dict[str, Holding] = field(default_factory=dict)
    fees: Decimal = ZERO
    funding_paid: Decimal = ZERO
    funding_accrued: Decimal = ZERO  # a receivable (below zero: owed) until the next settlement
    fundings: list[Funding] = field(default_factory=list)
    settled_at: int | None = None
    transfers: Decimal = ZERO  # what came from outside since the start, less what went there

    def open(self, product: str, contract_size: Decimal) -> Holding:
        """The holding of a product, flat when new."""
        return self.holdings.setdefault(product, Holding(contract_size=contract_size))

    def fill(self, product: str, side: Side, qty: Decimal, *, price: Decimal, fee: Decimal) -> Decimal:
        """Book a fill; returns its value."""
        holding = self.holdings[product]
        value = price * qty * holding.contract_size
        holding.trade(side, qty, value)
        self.fees += fee
        return value

    def accrue(self, product: str, boundary: int, *, qty: Decimal, mark: Decimal, rate: Decimal) -> Funding:
        """Accrue the funding of one boundary on the position held at it. Positive rate: longs pay."""
        amount = -qty * self.holdings[product].contract_size * mark * rate
        entry = Funding(product=product, boundary=boundary, qty=qty, mark=mark, rate=rate, amount=amount)
        self.fundings.append(entry)
        self.funding_accrued += amount
        return entry

    def settle(self, at: int, marks: dict[str, Decimal]) -> None:
        """A settlement: variation margin and accrued funding become cash."""
        for product, holding in self.holdings.items():
            if holding.qty:
                holding.settle(marks[product])
            else:
                holding.day_flow = holding.carried = ZERO
        self.funding_paid += self.funding_accrued
        self.funding_accrued = ZERO
        self.settled_at = at

    @property
    def realized(self) -> Decimal:
        return _sum(holding.realized for holding in self.holdings.values())

    @property
    def day_realized(self) -> Decimal:
        return _sum(holding.day_realized for holding in self.holdings.values())

    @property
    def cash(self) -> Decimal:
        """USD at the exchange: all but what is unrealized since the last settlement and the receivable."""
        moved = _sum(holding.flow + holding.carried for holding in self.holdings.values())
        return self.start_cash + self.transfers + moved - self.fees + self.funding_paid

    def unrealized(self, marks: dict[str, Decimal]) -> Decimal:
        """Since the position was opened."""
        return _sum(holding.worth(marks[name]) - holding.cost for name, holding in self._open())

    def day_unrealized(self, marks: dict[str, Decimal]) -> Decimal:
        """Since the last settlement: what the exchange shows as unrealized."""
        return _sum(holding.worth(marks[name]) - holding.carried for name, holding in self._open())

    def equity(self, marks: dict[str, Decimal]) -> Decimal:
        """From cash flows alone, the receivable included; no average enters it."""
        gross = _sum(holding.flow for holding in self.holdings.values())
        worth = _sum(holding.worth(marks[name]) for name, holding in self._open())
        paid = self.funding_paid + self.funding_accrued
        return self.start_cash + self.transfers + gross + worth - self.fees + paid

    def _open(self) -> list[tuple[str, Holding]]:
        return [(name, holding) for name, holding in self.holdings.items() if holding.qty]


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
