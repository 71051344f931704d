"""Who earned what: the account's result by strategy, every column adding up to the account's to the last digit.

Realized gains of strategies alone need not: of long 2 for one and short 1 for another the account has closed 1. That
difference is a row of its own, "netting": what it has realized is still open with the strategies, so it is worth
nothing. `projections.virtual` says who holds what.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from events.money import ZERO
from projections.notional import notional
from projections.portfolio import Portfolio
from projections.virtual import EXTERNAL, NOBODY, Holding, Virtuals

#: The row of what the account closed and the strategies did not.
NETTING = "netting"
#: Names that results are attributed to and that no strategy can have.
NO_STRATEGY = frozenset({EXTERNAL, NETTING, *NOBODY})


class VirtualPnl(msgspec.Struct, frozen=True, kw_only=True):
    """One holder's result in one product. `qty` is signed; unknown is None; `realized` is gross of fees."""

    product: str
    strategy: str
    qty: Decimal
    entry: Decimal | None
    realized: Decimal
    unrealized: Decimal | None
    fees: Decimal
    funding: Decimal
    net: Decimal | None


def attribution(
    virtuals: Virtuals, product: str, portfolio: Portfolio, prices: Mapping[str, Decimal] | None = None
) -> list[VirtualPnl]:
    """A row for everybody who ever held a part of the product, by name; at `prices` where they name the product."""
    shared = virtuals.by_product.get(product)
    if shared is None:
        return []
    mark = portfolio.marks.last(product)
    price = (prices or {}).get(product, None if mark is None else mark.price)
    rows = [_row(product, name, shared.holders[name], price) for name in sorted(shared.holders)]
    closed = portfolio.positions.of(product).realized - sum((row.realized for row in rows), ZERO)
    if closed:
        rows.append(_row(product, NETTING, Holding(product=product, realized=closed, cost=closed), price))
    return rows


def _row(product: str, name: str, holding: Holding, price: Decimal | None) -> VirtualPnl:
    unrealized: Decimal | None = -holding.cost
    if holding.qty:
        size = holding.contract_size
        worth = None if price is None or size is None else notional(holding.qty, contract_size=size, price=price)
        unrealized = None if worth is None else worth - holding.cost
    settled = holding.realized - holding.fees + holding.funding
    return VirtualPnl(
        product=product,
        strategy=name,
        qty=holding.qty,
        entry=holding.entry_price,
        realized=holding.realized,
        unrealized=unrealized,
        fees=holding.fees,
        funding=holding.funding,
        net=None if unrealized is None else settled + unrealized,
    )
