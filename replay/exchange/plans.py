"""What an order does besides resting or taking: waits for a price, guards a position, or comes in parts.

An order without a plan goes to the market as it is. All of these stay one order with one id, whatever of it is in the
book; the sheet does not say whether the real exchange shows a scaled order's parts as orders of their own.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.money import ZERO
from events.terms import Level, Side
from projections.parts import ladder, weights_by_difference, weights_by_ratio
from projections.triggers import stop_leg_limit


class Plan(msgspec.Struct, frozen=True, kw_only=True, tag_field="plan"):
    """Prices are as sent; whether they are on the grid is the entry's question."""


class Stop(Plan, frozen=True, kw_only=True, tag="stop"):
    """Becomes a limit order once a trade reaches `price`; `rises` is direction UP."""

    price: Decimal
    rises: bool


class Bracket(Plan, frozen=True, kw_only=True, tag="bracket"):
    """Closes a position: its limit takes the profit; a trade at `stop_price` replaces it by the stop leg."""

    stop_price: Decimal

    def stop_limit(self, side: Side, increment: Decimal) -> Decimal:
        return stop_leg_limit(side, self.stop_price, increment)


class Twap(Plan, frozen=True, kw_only=True, tag="twap"):
    """Enters in `buckets` equal parts, one each `bucket_ns` from `starts_at` on; what is left goes on with the next."""

    starts_at: int
    buckets: int
    bucket_ns: int

    def begun(self, at: int) -> int:
        """How many parts have begun by a time, that time included."""
        return 0 if at < self.starts_at else min(self.buckets, (at - self.starts_at) // self.bucket_ns + 1)

    def next_begin(self, begun: int) -> int | None:
        """When the next part begins; None when all have."""
        return None if begun >= self.buckets else self.starts_at + begun * self.bucket_ns


class Ladder(Plan, frozen=True, kw_only=True, tag="ladder"):
    """Rests as `count` limits from `lowest` to `highest`. Sizes are even, or change by a difference or to a ratio."""

    count: int
    lowest: Decimal
    highest: Decimal
    difference: Decimal = ZERO
    ratio: Decimal = Decimal(1)
    falls: bool = False  # the largest part at the lowest price

    def rungs(self, qty: Decimal, *, price_increment: Decimal, size_increment: Decimal) -> list[Level]:
        """Price and size of each part, lowest price first; empty where the sizes cannot be."""
        if self.difference:
            weights = weights_by_difference(qty, self.count, self.difference)
        else:
            weights = weights_by_ratio(self.count, self.ratio)
        if min(weights) <= 0:
            return []
        return ladder(
            qty,
            lowest=self.lowest,
            highest=self.highest,
            weights=weights[::-1] if self.falls else weights,
            price_increment=price_increment,
            size_increment=size_increment,
        )


AnyPlan = Stop | Bracket | Twap | Ladder


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """A bracket that begins with the first fill of the order it hangs on, and grows with each."""

    limit_price: Decimal
    stop_price: Decimal
