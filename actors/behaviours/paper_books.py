"""The paper exchange's money: cash in two pockets, and what is held and at which worth it is carried.

Its own arithmetic. Cash moves by what was realized, by fees, by funding paid, and at a settlement by what open
positions gained since the last one; what is open is valued at the mark. So `equity = spot + cash + unrealized`, to the
last digit, whatever was rounded between cost and gain.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.catalog import ProductListed
from events.configuration import FeeSetting
from events.money import ZERO, quotient
from events.terms import Side
from projections.notional import notional

#: Decimals of the cost that a partial close takes along; what is rounded off stays in the position.
_COST_PLACES = 12


class Holding(msgspec.Struct, kw_only=True):
    """What is held of one product: `qty`, `cost` and `paid` are signed alike, above zero long.

    `cost` is what the position is carried at: what was paid, or its worth at the last settlement since which it was
    held. `paid` is what the open quantity cost when it was opened, kept to show an entry price.
    """

    qty: Decimal = ZERO
    cost: Decimal = ZERO
    paid: Decimal = ZERO

    def trade(self, delta: Decimal, value: Decimal) -> Decimal:
        """Change hands of `delta` contracts for `value`, both signed; returns the gain realized.

        Long 3 at a cost of 300: selling 1 for 110 takes a cost of 100 along and realizes 10.
        """
        if not self.qty or (self.qty > 0) is (delta > 0):
            self.qty += delta
            self.cost += value
            self.paid += value
            return ZERO
        if abs(delta) > abs(self.qty):
            closing = quotient(value * -self.qty, delta, places=_COST_PLACES)
            gain = -closing - self.cost
            self.qty += delta
            self.cost = self.paid = value - closing
            return gain
        part = self._share(self.cost, delta)
        self.paid -= self._share(self.paid, delta)
        self.qty += delta
        self.cost -= part
        return -value - part

    def settle(self, worth: Decimal) -> Decimal:
        """Carry the position at what it is worth from here on; returns what was gained since it was last carried.

        Long 3 carried at 300, worth 330 at the settlement: 30 in cash, and 330 to be gained from.
        """
        gain = worth - self.cost
        self.cost = worth
        return gain

    def _share(self, amount: Decimal, delta: Decimal) -> Decimal:
        return amount if -delta == self.qty else quotient(amount * -delta, self.qty, places=_COST_PLACES)


class PaperBooks(msgspec.Struct, kw_only=True):
    """One account. Amounts in quote currency; `cash` is None until the first session brings the start cash.

    `cash` is what lies in the futures account, `spot` what lies in the wallet beside it; both back positions.
    """

    cash: Decimal | None = None
    spot: Decimal = ZERO
    holdings: dict[str, Holding] = msgspec.field(default_factory=dict)

    def qty(self, product: str) -> Decimal:
        """Signed contracts held."""
        holding = self.holdings.get(product)
        return ZERO if holding is None else holding.qty

    def trade(self, product: str, side: Side, *, qty: Decimal, value: Decimal, fee: Decimal) -> None:
        """A fill: `qty` contracts for `value` in all, contract size included, and its fee."""
        holding = self.holdings.setdefault(product, Holding())
        self.move(holding.trade(side.sign * qty, side.sign * value) - fee)

    def move(self, amount: Decimal) -> None:
        """Cash comes in (above zero) or goes out."""
        assert self.cash is not None, "money moved before the first session"
        self.cash += amount

    def transfer(self, amount: Decimal) -> None:
        """Money comes into the wallet from outside, or leaves it; what the wallet lacks leaves the futures account."""
        lacking = min(ZERO, self.spot + amount)
        self.spot += amount - lacking
        if lacking:
            self.move(lacking)

    def shift(self, to_futures: Decimal) -> None:
        """Money changes pockets."""
        self.spot -= to_futures
        self.move(to_futures)

    def settle(self, product: str, *, rules: ProductListed, mark: Decimal) -> None:
        """A settlement: what the position gained since the last one becomes cash."""
        holding = self.holdings.get(product)
        if holding is not None and holding.qty and rules.contract_size is not None:
            self.move(holding.settle(notional(holding.qty, contract_size=rules.contract_size, price=mark)))

    def unrealized(self, product: str, *, rules: ProductListed | None, mark: Decimal | None) -> Decimal:
        """The open gain at the mark. Without a mark an open position is valued at its cost."""
        holding = self.holdings.get(product)
        if holding is None or not holding.qty or mark is None or rules is None or rules.contract_size is None:
            return ZERO
        return notional(holding.qty, contract_size=rules.contract_size, price=mark) - holding.cost

    def entry_price(self, product: str, *, rules: ProductListed | None) -> Decimal | None:
        """The average price of what is open, rounded to 8 decimals for show."""
        holding = self.holdings.get(product)
        if holding is None or not holding.qty or rules is None or not rules.contract_size:
            return None
        return quotient(holding.paid, holding.qty * rules.contract_size, places=8)

    def scratch(self) -> PaperBooks:
        """A copy to try things on."""
        holdings = {product: Holding(qty=h.qty, cost=h.cost, paid=h.paid) for product, h in self.holdings.items()}
        return PaperBooks(cash=self.cash, spot=self.spot, holdings=holdings)


def fee_of(fees: FeeSetting, *, qty: Decimal, value: Decimal, is_maker: bool) -> Decimal:
    """rate x notional + amount per contract."""
    return (fees.maker_rate if is_maker else fees.taker_rate) * value + fees.per_contract * qty
