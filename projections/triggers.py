"""Orders that wait for a price: when a stop triggers, and what its limit is then.

A stop looks at trades alone: one that rises triggers by a trade at its price or above, one that falls at it or below.
The stop leg of a bracket becomes a limit five percent through its trigger, so it can miss when the market falls
further at once.
"""

from __future__ import annotations

from decimal import Decimal

from events.money import ceil_to, floor_to
from events.terms import Side

#: How far through its trigger the stop leg of a bracket may trade.
THROUGH = Decimal("0.05")


def is_reached(last_trade: Decimal, stop_price: Decimal, *, rises: bool) -> bool:
    """Whether a trade at this price triggers the stop."""
    return last_trade >= stop_price if rises else last_trade <= stop_price


def stop_leg_limit(side: Side, trigger_price: Decimal, increment: Decimal) -> Decimal:
    """The limit of a bracket's stop leg, on the grid and never further than five percent through.

    Worked: a bracket that sells at 60,000 on a grid of 5 becomes a sell limit at 57,000; at 60,005 (57,004.75) 57,005.
    """
    if side is Side.BUY:
        return floor_to(trigger_price * (1 + THROUGH), increment)
    return ceil_to(trigger_price * (1 - THROUGH), increment)
