"""The price of each product as the mark cache last said it, and whether it may be traded on.

Stale is said by the mark cache, never guessed by a reader: a quiet market with a whole feed keeps its mark fresh for
as long as nothing is said against it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.market import MarkUpdated, MarkWentStale
from events.record import Record
from events.session import ClockSkewMeasured, SessionStarted


class Marks(msgspec.Struct, kw_only=True):
    """The last mark of every product, and the spells of staleness that still last."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset({MarkUpdated, MarkWentStale, ClockSkewMeasured, SessionStarted})

    latest: dict[str, MarkUpdated] = msgspec.field(default_factory=dict)
    stale: dict[str, MarkWentStale] = msgspec.field(default_factory=dict)
    skew_ns: int = 0  # the exchange's clock less ours, as last measured in this session

    def fold(self, record: Record) -> None:
        event = record.event
        if type(event) is MarkUpdated:
            self.latest[event.product] = event
            if event.product in self.stale:
                del self.stale[event.product]
        elif type(event) is MarkWentStale:
            self.stale[event.product] = event
        elif type(event) is ClockSkewMeasured:
            self.skew_ns = event.skew_ns
        elif type(event) is SessionStarted:
            self.skew_ns = 0

    def mark(self, product: str) -> MarkUpdated | None:
        """The mark that may be traded on; None when it is unknown or stale."""
        return None if product in self.stale else self.latest.get(product)

    def last(self, product: str) -> MarkUpdated | None:
        """The last mark, stale or not; None when there never was one."""
        return self.latest.get(product)

    def price(self, product: str) -> Decimal | None:
        """The price of `last`."""
        mark = self.latest.get(product)
        return None if mark is None else mark.price

    def is_fresh(self, product: str, at: int) -> bool:
        """Whether the mark may be traded on at `at`. A mark made of what happened later was not known then."""
        mark = self.mark(product)
        return mark is not None and mark.exchange_at <= at + self.skew_ns + _SKEW_NS

    def age_s(self, product: str, at: int) -> Decimal | None:
        """Seconds from the exchange's time of the last mark to `at` by its clock, never below zero. For show."""
        mark = self.latest.get(product)
        return None if mark is None else Decimal(max(0, at + self.skew_ns - mark.exchange_at)).scaleb(-9)


#: The exchange's clock may be this much further ahead than was measured before a mark counts as one of the future.
_SKEW_NS = 60 * 1_000_000_000
