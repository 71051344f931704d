"""The account as risk and strategies see it: what is held, what is open, what it is worth, what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.market import MarkUpdated
from events.money import ZERO
from events.orders import OrderApproved
from events.record import Record
from projections.catalog import Catalog
from projections.exposure import Exposure, Pending
from projections.limits import Limits
from projections.order import Order
from projections.orders import Orders
from projections.portfolio import Portfolio


class Account(msgspec.Struct, kw_only=True):
    """One fold over everything that a decision about an order rests on."""

    hears: ClassVar[frozenset[type[Event]]] = Catalog.hears | Portfolio.hears | Orders.hears | Limits.hears

    catalog: Catalog = msgspec.field(default_factory=Catalog)
    portfolio: Portfolio = msgspec.field(default_factory=Portfolio)
    orders: Orders = msgspec.field(default_factory=Orders)
    limits: Limits = msgspec.field(default_factory=Limits)

    def fold(self, record: Record) -> None:
        kind = type(record.event)
        if kind is MarkUpdated:  # by far the most frequent, and the others have no use for it
            self.portfolio.marks.fold(record)
            return
        self.portfolio.fold(record)
        self.orders.fold(record)
        if kind in _RULES:
            self.catalog.fold(record)
            self.limits.fold(record)

    def held(self, product: str) -> Decimal:
        """The signed position, in the exchange's unit, with what the exchange told and no fill has said yet."""
        return self.portfolio.positions.of(product).qty + self.orders.unsaid(product)

    def equity(self) -> Decimal | None:
        """What limits are measured by: equity at the last marks less what is to leave, at most the capital allowed."""
        equity, cap = self.portfolio.equity(), self.limits.limits.capital_cap_usd
        if equity is None:
            return None
        equity -= self.portfolio.flows.pending_outflow()
        return equity if cap is None else min(equity, cap)

    def exposure(self, product: str, approved: Sequence[OrderApproved] = ()) -> Exposure | None:
        """The product's worst side, with what was approved and has not come back. None without a contract size.

        The price is the mark, stale or not, else the average entry price; orders bring their own.
        """
        rules = self.catalog.rules(product)
        position = self.portfolio.positions.of(product)
        price = self.portfolio.marks.price(product) or position.entry_price
        contract_size = position.contract_size if rules is None else rules.contract_size
        if contract_size is None:
            return None
        exposure = Exposure(
            product=product,
            contract_size=contract_size,
            price=price or ZERO,
            held=self.held(product),
            charges=self.limits.charges(),
        )
        exposure = exposure.with_all(map(pending, self.orders.open_orders(product)))
        return exposure.with_all(map(pending, (order for order in approved if order.product == product)))

    def exposed_products(self, approved: Iterable[OrderApproved] = ()) -> list[str]:
        """Products with a position, an open order or an approval, in the order of their first sight."""
        held = [position.product for position in self.portfolio.positions.open()]
        resting = [order.product for order in self.orders.open.values()]
        return list(dict.fromkeys([*held, *resting, *(order.product for order in approved)]))


def pending(order: Order | OrderApproved) -> Pending:
    """What an order may still do. One without a limit is counted at the price that its approval rested on."""
    qty = order.rest if isinstance(order, Order) else order.qty
    return Pending(
        side=order.side,
        qty=qty,
        price=order.limit_price or order.reference_price,
        takes_any_price=order.limit_price is None,
    )


_RULES = Catalog.hears | Limits.hears
