"""An entry: what a decision to buy or sell comes to, in whole steps of the product, inside the room that is left."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from actors.strategies.protocol import Decision, View
from events.catalog import ProductListed
from events.money import ZERO
from events.terms import Action, OrderKind, Side
from projections.account import Account
from projections.bounds import room
from projections.pricing import guard_price, limit_on_grid
from projections.sizing import quantity_of


class Entry(NamedTuple):
    """`qty` is in the exchange's unit, on its grid; `binding` names what limited it, "" where nothing did."""

    side: Side
    qty: Decimal
    limit_price: Decimal | None
    binding: str


def entry_of(decision: Decision, view: View, account: Account, *, at: int) -> Entry | str:
    """The entry of a decision; a sentence where there is none (trading rules B6)."""
    rules = account.catalog.rules(view.product)
    if rules is None or view.mark is None:
        return "the mark is stale or the product unknown"
    side = Side.BUY if decision.action is Action.BUY else Side.SELL
    limit = _limit(decision, view.mark, side, rules, account)
    price, target = max(view.mark, limit or ZERO), decision.target_notional or ZERO
    left = view.room(side)
    if decision.limit_price is not None or decision.leverage is not None:  # it was not counted at this
        left = room(account, view.product, side, price=price, at=at, leverage=decision.leverage)
    binding = decision.binding if target <= left.notional else left.limit
    qty = quantity_of(min(target, left.notional), rules, price=price)
    if qty < rules.min_size or qty <= ZERO:
        return f"less than one contract fits under {binding or 'target_notional'}"
    return Entry(side, qty, limit, binding)


def _limit(decision: Decision, mark: Decimal, side: Side, rules: ProductListed, account: Account) -> Decimal | None:
    """The decision's own limit on the grid; of a limit IOC without one the guard price."""
    tick = rules.price_increment
    if decision.limit_price is not None:
        return limit_on_grid(side, decision.limit_price, increment=tick)
    if decision.kind is OrderKind.LIMIT_IOC:
        return guard_price(side, mark, band_bps=account.limits.limits.slippage_guard_bps, increment=tick)
    return None
