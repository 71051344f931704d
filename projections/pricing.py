"""Prices and sizes on the exchange's grid, and how far from the mark an order may reach.

A limit is rounded so that it never asks for worse than was meant: a buy down, a sell up (trading rules B11).
"""

from __future__ import annotations

from decimal import Decimal

from events.money import ceil_to, floor_to
from events.terms import Side

#: An exit reaches further at every step, up to this; entries never do (trading rules A13).
WIDEST_EXIT_BPS = Decimal(500)


def limit_on_grid(side: Side, price: Decimal, *, increment: Decimal) -> Decimal:
    """The price on the grid that is no worse for us: a buy's at or below it, a sell's at or above it."""
    return floor_to(price, increment) if side is Side.BUY else ceil_to(price, increment)


def guard_price(side: Side, mark: Decimal, *, band_bps: Decimal, increment: Decimal) -> Decimal:
    """The worst price to trade at: `band_bps` beyond the mark, on the grid.

    A buy at a mark of 50,000 with 50 bps and a tick of 5 reaches 50,250; a sell 49,750.
    """
    return limit_on_grid(side, mark + side.sign * mark * band_bps.scaleb(-4), increment=increment)


def exit_band_bps(guard_bps: Decimal, *, step: int) -> Decimal:
    """How far an exit may reach at its n-th step, counted from 0: 50, 100, 150 … up to 500 bps."""
    return min(guard_bps * (step + 1), max(WIDEST_EXIT_BPS, guard_bps))
