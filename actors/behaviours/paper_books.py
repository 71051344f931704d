"""The paper exchange's money: cash, what is held and what it cost, and the margin that it binds.

Its own arithmetic. Cash moves by what was realized, by fees and by funding paid; what is open is valued at the mark. So
`equity = cash + unrealized`, to the last digit, whatever was rounded between cost and gain.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from events.catalog import ProductListed
from events.configuration import FeeSetting
from events.money import ONE, ZERO, quotient
from events.terms import Side
from projections.notional import notional

#: Decimals of the cost that a partial close takes along; what is rounded off stays in the position.
_COST_PLACES = 12
#: Maintenance margin is about two thirds of the initial one (trading rules A2).
_MAINTENANCE = (Decimal(2), Decimal(3))


class Holding(msgspec.Struct, kw_only=True):
    """What is held of one product: `qty` and `cost` are signed alike, above zero long."""

    qty: Decimal = ZERO
    cost: Decimal = ZERO

    def trade(self, delta: Decimal, value: Decimal) -> Decimal:
        """Change hands of `delta` contracts for `value`, both signed; returns the gain realized.

        Long 3 at a cost of 300: selling 1 for 110 takes a cost of 100 along and realizes 10.
        """
        if not self.qty or (self.qty > 0) is (delta > 0):
            self.qty += delta
            self.cost += value
            return ZERO
        if abs(delta) > abs(self.qty):
            closing = quotient(value * -self.qty, delta, places=_COST_PLACES)
            gain = -closing - self.cost
            self.qty, self.cost = self.qty + delta, value - closing
            return gain
        part = self.cost if -delta == self.qty else quotient(self.cost * -delta, self.qty, places=_COST_PLACES)
        self.qty += delta
        self.cost -= part
        return -value - part


class PaperBooks(msgspec.Struct, kw_only=True):
    """One account. Amounts in quote currency; `cash` is None until the first session brings the start cash."""

    cash: Decimal | None = None
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
        return quotient(holding.cost, holding.qty * rules.contract_size, places=8)

    def scratch(self) -> PaperBooks:
        """A copy to try things on."""
        holdings = {product: Holding(qty=h.qty, cost=h.cost) for product, h in self.holdings.items()}
        return PaperBooks(cash=self.cash, holdings=holdings)


class Resting(msgspec.Struct, frozen=True, kw_only=True):
    """An order's claim on margin: what could still fill, at the price it would count with."""

    side: Side
    leaves: Decimal
    price: Decimal


def margin(rules: ProductListed, qty: Decimal, orders: tuple[Resting, ...], *, mark: Decimal | None) -> Decimal:
    """Initial margin of a product: the worse of what is held with all buys filled, and with all sells filled.

    The stricter of the day's and the night's rates counts (trading rules A2). A product that publishes neither rates
    nor a highest leverage gives no credit: its whole notional is bound. Orders count at their price or the mark,
    whichever is higher (A11).
    """
    if rules.contract_size is None:
        return ZERO
    worst = ZERO
    for side in (Side.BUY, Side.SELL):
        signed = qty
        price = mark or ZERO
        for order in orders:
            if order.side is side:
                signed += side.sign * order.leaves
                price = max(price, order.price)
        if signed * side.sign > 0:
            bound = notional(abs(signed), contract_size=rules.contract_size, price=price) * initial_rate(rules, side)
            worst = max(worst, bound)
    return worst


def maintenance(initial: Decimal) -> Decimal:
    """The margin below which the exchange would liquidate, rounded to cents."""
    return quotient(initial * _MAINTENANCE[0], _MAINTENANCE[1], places=2)


def initial_rate(rules: ProductListed, side: Side) -> Decimal:
    """The initial margin of a position of this side as a fraction of its notional."""
    windows = (rules.intraday_margin, rules.overnight_margin)
    published = [rate for window in windows if (rate := window.long if side is Side.BUY else window.short) is not None]
    if published:
        return max(published)
    return quotient(ONE, rules.max_leverage, places=_COST_PLACES) if rules.max_leverage else ONE


def fee_of(fees: FeeSetting, *, qty: Decimal, value: Decimal, is_maker: bool) -> Decimal:
    """rate x notional + amount per contract."""
    return (fees.maker_rate if is_maker else fees.taker_rate) * value + fees.per_contract * qty


def equity(books: PaperBooks, rules: Mapping[str, ProductListed], marks: Mapping[str, Decimal | None]) -> Decimal:
    """Cash and all open gains."""
    assert books.cash is not None, "valued before the first session"
    gains = (books.unrealized(p, rules=rules.get(p), mark=marks.get(p)) for p in sorted(books.holdings))
    return books.cash + sum(gains, ZERO)
