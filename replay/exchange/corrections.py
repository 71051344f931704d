"""Taking back a fill that was booked wrong: a reversal undoes it, a correction books it anew at another price.

Both are lines of their own in the list of fills, under the trade's old id, and change the order's totals, the position
and the cash as if the fill had never been, or had been at the other price. A reversal's commission is negative.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from events.money import on_grid
from replay.exchange import waiting
from replay.exchange.acts import ActRefused

if TYPE_CHECKING:
    from replay.exchange.orders import Fill
    from replay.exchange.venue import Venue


def correct(venue: Venue, entry_id: str, price: Decimal | None) -> None:
    """Take a fill back, and book it anew where a price is given. Raises `ActRefused`."""
    fill = next((one for one in venue.ledger.fills if one.entry_id == entry_id), None)
    if fill is None or fill.trade_type == "REVERSAL":
        raise ActRefused(f"there is no fill {entry_id}")
    if any(one.reverses == entry_id for one in venue.ledger.fills):
        raise ActRefused(f"{entry_id} was taken back already")
    if fill.order.is_open:
        raise ActRefused(f"the order of {entry_id} is still open")
    if price is not None and (not price.is_finite() or price <= 0 or not on_grid(price, venue.product.price_increment)):
        raise ActRefused(f"price is no multiple of {venue.product.price_increment:f}")
    _take_back(venue, fill)
    if price is None:
        fill.order.filled -= fill.qty
    else:
        _book_anew(venue, fill, price)
    venue.floor.report(fill.order)
    waiting.cut_brackets(venue.floor)


def _take_back(venue: Venue, fill: Fill) -> None:
    side = fill.order.ticket.side.opposite
    value = venue.books.fill(venue.product.product, side, fill.qty, price=fill.price, fee=-fill.fee)
    fill.order.value -= value
    venue.ledger.add_correction(fill, trade_type="REVERSAL", price=fill.price, fee=-fill.fee, at=venue.now)


def _book_anew(venue: Venue, fill: Fill, price: Decimal) -> None:
    side = fill.order.ticket.side
    fee = venue.fee(fill.qty, price, is_maker=fill.is_maker)
    fill.order.value += venue.books.fill(venue.product.product, side, fill.qty, price=price, fee=fee)
    venue.ledger.add_correction(fill, trade_type="CORRECTION", price=price, fee=fee, at=venue.now)
