"""Orders held against a position: which could increase it, and which exits have become too large for it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from projections.order import Order


def cut_to_fit(orders: list[Order], position: Decimal) -> Iterator[tuple[Order, Decimal]]:
    """Which exits of one product are too large for a position of `position`, signed, and what of each still fits.

    The oldest are kept as long as they fit; the newest are cut first (trading rules A23). A long of 5 with resting
    sells of 3 and then 2, shrunk to 4: the second is cut to 1; shrunk to 2: the first to 2 and the second to nothing.
    """
    room = abs(position)
    for order in orders:
        rest = order.rest
        if not rest or (position and order.side.sign * position > 0):
            continue
        fits = min(rest, room)
        room -= fits
        if order.reduce_only and fits < rest:
            yield order, fits


def increasing(orders: list[Order], position: Decimal) -> Iterator[Order]:
    """The open orders of one product that could increase a position of `position`, signed. `orders` oldest first.

    The oldest orders against the position are kept as long as they fit into it whole; all others could increase. A
    bracket never counts: whoever leaves waits for its end, and it is cut when the position shrinks.
    """
    room = abs(position)
    for order in orders:
        if order.kind.is_bracket:
            continue
        rest = order.rest
        if order.side.sign * position < 0 and rest <= room:
            room -= rest
        elif rest:
            yield order
