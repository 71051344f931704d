"""A strategy's own part of a product: the account's position where it is alone, its virtual one where it shares."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from events.money import ZERO
from projections.account import Account
from projections.positions import Position
from projections.virtual import Virtuals


class Own(NamedTuple):
    """`held` is signed, with what the exchange told of its orders and no fill has said yet."""

    position: Position
    held: Decimal
    is_shared: bool


def own_part(account: Account, virtuals: Virtuals, *, product: str, strategy: str) -> Own:
    """What a strategy may call its own (trading rules A19)."""
    if not virtuals.is_shared(product):
        return Own(account.portfolio.positions.of(product), account.held(product), is_shared=False)
    holding, orders = virtuals.of(product, strategy), account.orders
    owing = (orders.get(key) for key in orders.owing)
    mine = (order for order in owing if order is not None and (order.product, order.strategy) == (product, strategy))
    return Own(holding, holding.qty + sum((order.unsaid for order in mine), ZERO), is_shared=True)
