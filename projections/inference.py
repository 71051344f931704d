"""What cash was that nobody named: the funding of a settlement, or money from outside.

The exchange says neither. A deposit or a withdrawal moves the spot wallet and stays out of the futures account; a
settlement's funding moves the futures account; a sweep moves both and neither in sum. So there are few readings of a
change of cash, and the one is taken that comes closest to what was accrued. All amounts: above zero we received.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from events.money import ZERO


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What would be paid if a payment covered all boundaries up to and including `through`, by product."""

    through: int
    by_product: dict[str, Decimal]

    @property
    def amount(self) -> Decimal:
        return sum(self.by_product.values(), ZERO)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One way to read a change: so much funding for a due, so much from outside; the rest is unexplained."""

    funding: Decimal = ZERO
    due: Due | None = None
    flow: Decimal = ZERO

    @property
    def error(self) -> Decimal:
        """How far the funding is from what was accrued."""
        return abs(self.funding - (ZERO if self.due is None else self.due.amount))


def exact_reading(
    change: Decimal, *, spot_moved: Decimal, dues: Sequence[Due], noise: Decimal = ZERO
) -> Reading | None:
    """The reading that explains the change to the last digit, but for `noise`, by what is known; None without one.

    Change -0.06 with a due of -0.06: funding. Change 4,999.94 while spot rose by 5,000: both.
    """
    if spot_moved and abs(change - spot_moved) <= noise:
        return Reading(flow=spot_moved)
    return next((reading for reading in _fundings(change, spot_moved, dues) if reading.error <= noise), None)


def nearest_reading(change: Decimal, *, spot_moved: Decimal, dues: Sequence[Due], bound: Decimal) -> Reading:
    """The reading nearest to what was accrued, no further from it than `bound`; else what spot alone explains.

    Where spot moved, and by more than came from outside, the rest of its move was between our own pockets: spot less by
    1,300 and cash less by 300 is 300 that left and 1,000 that went to futures.
    """
    plausible = [reading for reading in _fundings(change, spot_moved, dues) if reading.error <= bound]
    if plausible:
        return min(plausible, key=lambda reading: reading.error)
    if not spot_moved:
        return Reading()
    return Reading(flow=spot_moved if abs(change - spot_moved) < abs(change) else change)


def _fundings(change: Decimal, spot_moved: Decimal, dues: Sequence[Due]) -> list[Reading]:
    flows = (ZERO, spot_moved) if spot_moved else (ZERO,)
    return [Reading(funding=change - flow, due=due, flow=flow) for due in dues for flow in flows]


def shares(reading: Reading, *, fallback: str | None) -> dict[str, Decimal]:
    """The funding of a reading by product: what was accrued for each; a difference goes to the one with most accrued.

    `fallback` takes it where nothing was accrued at all.
    """
    if reading.due is None:
        return {}
    paid = {product: amount for product, amount in reading.due.by_product.items() if amount}
    difference = reading.funding - reading.due.amount
    most = max(sorted(paid), key=lambda product: abs(paid[product]), default=fallback)
    if difference and most is not None:
        paid[most] = paid.get(most, ZERO) + difference
    return paid
