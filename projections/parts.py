"""An order cut into parts: over time (TWAP) or over prices (scaled). All parts together are the order, to the unit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from events.terms import Level


def entered_by(qty: Decimal, number: int, *, of: int, increment: Decimal) -> Decimal:
    """How much of `qty` the first `number` of `of` equal parts make, in whole increments.

    Worked: 10 contracts in 4 parts: 2, 5, 7, 10 in all, so the parts are 2, 3, 2, 3.
    """
    return int(qty / increment) * number // of * increment


def ladder(
    qty: Decimal,
    *,
    lowest: Decimal,
    highest: Decimal,
    weights: Sequence[Decimal],
    price_increment: Decimal,
    size_increment: Decimal,
) -> list[Level]:
    """`qty` at evenly spaced prices from lowest to highest, shared by weight, lowest price first.

    Worked: 10 from 100 to 120 with weights 1, 2, 2 on grids of 5 and 1: 2 at 100, 4 at 110, 4 at 120.
    """
    steps, total, units = len(weights) - 1, sum(weights), int(qty / size_increment)
    first, span = int(lowest / price_increment), int((highest - lowest) / price_increment)
    rungs: list[Level] = []
    entered, weighed = 0, Decimal(0)
    for place, weight in enumerate(weights):
        weighed += weight
        upto = int(units * weighed // total)
        price = (first + span * place // max(1, steps)) * price_increment
        rungs.append((price, (upto - entered) * size_increment))
        entered = upto
    return rungs


def weights_by_ratio(count: int, ratio: Decimal) -> list[Decimal]:
    """Weights that change evenly until the last is `ratio` times the first."""
    steps = max(1, count - 1)
    return [steps + (ratio - 1) * place for place in range(count)]


def weights_by_difference(qty: Decimal, count: int, difference: Decimal) -> list[Decimal]:
    """Weights with which each part of `qty` is larger than the one before it by `difference`; below zero: infeasible.

    Worked: 30 in 3 parts with a difference of 5: 5, 10, 15, as 15 to 30 to 45.
    """
    first = qty - difference * count * (count - 1) / 2
    return [first + difference * count * place for place in range(count)]
