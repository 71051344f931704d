"""The latest fills at the paper exchange, so that it can take one back, and how a reversal is listed."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.catalog import ProductListed
from events.money import ZERO, floor_to, plain, quotient
from events.orders import FillEntry, FillsReported
from events.terms import FillKind, Side
from projections.notional import notional

#: So many fills can still be taken back, the latest.
FILLS_KEPT = 256


class PaperFill(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an order that traded at one moment, at one price or several: `value` is their sum."""

    order: str
    exchange_order: str
    filled_qty: Decimal  # cumulative, after this fill: with the order's id it names the trade
    product: str
    side: Side
    qty: Decimal
    value: Decimal
    fee: Decimal
    at: int

    @property
    def trade(self) -> str:
        """The trade's id."""
        return f"{self.exchange_order}/{self.filled_qty:f}"


class PaperFills(msgspec.Struct, kw_only=True):
    """Oldest first."""

    latest: list[PaperFill] = msgspec.field(default_factory=list)

    def add(self, fill: PaperFill) -> None:
        self.latest = [*self.latest, fill][-FILLS_KEPT:]

    def between(self, product: str, after: int, through: int) -> list[PaperFill]:
        """The fills of a product later than `after` and not later than `through`, exchange time."""
        return [fill for fill in self.latest if fill.product == product and after < fill.at <= through]

    def find(self, trade: str) -> PaperFill | None:
        return next((fill for fill in self.latest if fill.trade == trade), None)

    def forget(self, trade: str) -> None:
        self.latest = [fill for fill in self.latest if fill.trade != trade]

    def scratch(self) -> PaperFills:
        """A copy to try things on; the list is never changed in place."""
        return PaperFills(latest=self.latest)


def reversal(fill: PaperFill, rules: ProductListed, *, entry: str, at: int) -> FillsReported:
    """How the list of fills shows that a fill is taken back: by its value and its fee, to the last digit."""
    parts = _at_two_ticks(fill, rules)
    fees = [ZERO, -fill.fee] if len(parts) == 2 else [-fill.fee]
    entries = tuple(
        FillEntry(
            entry=f"{number}-{entry}",
            trade=fill.trade,
            kind=FillKind.REVERSAL,
            qty=qty,
            price=price,
            fee=fee,
            exchange_at=at,
        )
        for number, ((price, qty), fee) in enumerate(zip(parts, fees, strict=True))
    )
    return FillsReported(order=fill.order, exchange_order=fill.exchange_order, product=fill.product, entries=entries)


def _at_two_ticks(fill: PaperFill, rules: ProductListed) -> list[tuple[Decimal, Decimal]]:
    """(price, quantity) in one line or two whose value is the fill's: several prices are listed at the two ticks around
    their average.

    3 contracts of 0.01 for 1,500.30 with a tick of 5: the average is 50,010, one line. For 1,500.20: 50,005 x 2 and
    50,010 x 1.
    """
    assert rules.contract_size is not None, "what was traded has a contract size"
    tick = rules.price_increment
    weighted = quotient(fill.value, rules.contract_size, places=12)
    low = floor_to(quotient(weighted, fill.qty, places=12), tick)
    above = quotient(weighted - low * fill.qty, tick, places=12)
    parts = [(price, plain(qty)) for price, qty in ((low, fill.qty - above), (low + tick, above)) if qty]
    worth = sum((notional(qty, contract_size=rules.contract_size, price=price) for price, qty in parts), ZERO)
    assert worth == fill.value, f"{fill.trade} is worth {fill.value}, listed as {worth}"
    return parts
