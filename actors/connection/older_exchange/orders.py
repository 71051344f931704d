"""The orders that a price level of the older Exchange is made of, as far as they can be known.

A level that grew from nothing after the snapshot is known order by order. It shrinks by a whole order that goes, or by
a trade, which takes from the oldest. A level of the snapshot is known by its sum only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from events.money import ZERO
from events.terms import Side

Place = tuple[Side, Decimal]


class _Shrunk(NamedTuple):
    """A level that shrank, with its orders before; `is_an_order`: by exactly one of them."""

    at: int
    place: Place
    by: Decimal
    before: tuple[Decimal, ...]
    is_an_order: bool


class Queues:
    """Sizes of orders by price level, oldest first."""

    def __init__(self) -> None:
        self._orders: dict[Place, tuple[Decimal, ...]] = {}
        self._shrunk: list[_Shrunk] = []  # lately, of known levels

    def change(self, at: int, side: Side, price: Decimal, before: Decimal, after: Decimal) -> None:
        place = (side, price)
        known = self._orders.get(place)
        if after > before:
            if known is not None or not before:
                self._orders[place] = (*(known or ()), after - before)
            return
        if known is None:
            return
        by = before - after
        self._shrunk = [each for each in self._shrunk if not each.is_an_order or each.at == at]
        self._shrunk.append(_Shrunk(at, place, by, known, is_an_order=by in known))
        self._set(place, _without(known, by) if by in known else _taken(known, by))

    def trade(self, at: int, side: Side, price: Decimal, size: Decimal) -> bool:
        """A trade made the level shrink. False where its oldest order is known to be smaller than that."""
        place = (side, price)
        for shrunk in self._shrunk:
            if (shrunk.at, shrunk.place, shrunk.by) == (at, place, size):
                self._shrunk.remove(shrunk)
                after = _without(shrunk.before, size) if shrunk.is_an_order else _taken(shrunk.before, size)
                if self._orders.get(place) == after:
                    self._set(place, _taken(shrunk.before, size))
                return shrunk.before[0] >= size
        return True

    def unpaired_before(self, at: int) -> Place | None:
        """A level that shrank before a time by what was neither one of its orders nor a trade."""
        return next((each.place for each in self._shrunk if not each.is_an_order and each.at < at), None)

    def _set(self, place: Place, orders: tuple[Decimal, ...] | None) -> None:
        if orders:
            self._orders[place] = orders
        else:
            self._orders.pop(place, None)


def _without(orders: tuple[Decimal, ...], size: Decimal) -> tuple[Decimal, ...]:
    place = orders.index(size)
    return orders[:place] + orders[place + 1 :]


def _taken(orders: tuple[Decimal, ...], size: Decimal) -> tuple[Decimal, ...] | None:
    """The queue behind a trade with its oldest order; None where it is not big enough: then nothing is known."""
    left = orders[0] - size
    if left < ZERO:
        return None
    return (left, *orders[1:]) if left else orders[1:]
