"""What a strategy is shown: the view of one product, cut from the account and from what was watched."""

from __future__ import annotations

from actors.strategies.protocol import OpenOrder, View
from events.money import ZERO
from events.terms import Origin, Side
from projections.account import Account
from projections.bounds import rooms
from projections.order import Order
from projections.positions import Position
from projections.pricing import guard_price
from projections.watch import Watch


def view_of(
    account: Account,
    watch: Watch,
    position: Position,
    *,
    strategy: str,
    memory: dict[str, str],
    at: int,
    window: int,
) -> View:
    """The room is counted at the guard price, so that an order sized into it passes the gate.

    `position` is the strategy's own part of the product; equity and room are the account's.
    """
    product, limits, rules = watch.product, account.limits, account.catalog.rules(watch.product)
    mark = account.portfolio.marks.mark(product)
    rate = account.catalog.last_rate(product)
    price = highest = ZERO if mark is None else mark.price
    if rules is not None and mark is not None:
        band = limits.limits.slippage_guard_bps
        highest = guard_price(Side.BUY, price, band_bps=band, increment=rules.price_increment)
    left = rooms(account, product, {Side.BUY: highest, Side.SELL: price}, at=at)
    return View(
        strategy=strategy,
        product=product,
        at=at,
        mark=None if mark is None else price,
        marks=tuple(watch.marks[-window:]),
        marks_from_candles=max(watch.from_candles - max(len(watch.marks) - window, 0), 0),
        qty=position.qty,
        entry_price=position.entry_price,
        opened_at=position.opened_at,
        best_mark=watch.best_mark,
        entries=len(watch.entries),
        open_orders=tuple(map(_shown, account.orders.open_orders(product))),
        equity=account.equity(),
        room_long=left[Side.BUY],
        room_short=left[Side.SELL],
        reduce_only=limits.why_reduce_only(product),
        is_killed=limits.is_killed,
        contract_size=position.contract_size if rules is None else rules.contract_size,
        funding_rate=None if rate is None else rate.rate,
        funding_boundary=None if rate is None else rate.boundary,
        memory=memory,
    )


def _shown(order: Order) -> OpenOrder:
    return OpenOrder(
        order=order.order,
        side=order.side,
        leaves=order.leaves,
        limit_price=order.limit_price,
        reduce_only=order.reduce_only,
        is_ours=order.origin is Origin.OURS,
        strategy=order.strategy,
    )
