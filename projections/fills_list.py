"""What the exchange's list of an order's fills adds up to, and for which orders it still has to be read.

A report of an order is cumulative and quick; the list of its fills is exact and late. What was counted from reports is
provisional until the list holds as much as they told; then the list is what counts (trading rules A18).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.money import ZERO
from events.orders import FillEntry
from events.terms import NANOSECONDS, FillKind
from projections.notional import notional

#: So much of a line's key is kept: 80 bits of a digest, for every line that there ever was.
_KEY = 20
#: A list that did not hold everything is read again after so long, doubling from the first to the second.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5, 600


class FillsList(msgspec.Struct, kw_only=True):
    """Sums over the lines known. Quantities in the exchange's unit, values and fees in quote currency.

    `qty`, `value` and `fees` are of the fills alone, as a cumulative report counts them; `changed_*` are what
    reversals and corrections add to that. A fill of 2 at 1,000, taken back and booked anew at 990, is qty 2, value
    1,000, changed_qty 0, changed_value -10.
    """

    entries: list[str] = msgspec.field(default_factory=list)  # the beginnings of the lines' keys
    through: int = 0  # exchange time of the latest line
    qty: Decimal = ZERO
    value: Decimal = ZERO
    fees: Decimal = ZERO
    changed_qty: Decimal = ZERO
    changed_value: Decimal = ZERO
    changed_fees: Decimal = ZERO

    @property
    def is_changed(self) -> bool:
        """Whether anything was taken back or booked anew."""
        return bool(self.changed_qty or self.changed_value or self.changed_fees)

    def take(self, entry: FillEntry, contract_size: Decimal) -> bool:
        """Count a line, once. Whether it was new."""
        key = entry.entry[:_KEY]
        if key in self.entries:
            return False
        self.entries.append(key)
        self.through = max(self.through, entry.exchange_at)
        value = notional(entry.qty, contract_size=contract_size, price=entry.price)
        if entry.kind is FillKind.FILL:
            self.qty, self.value, self.fees = self.qty + entry.qty, self.value + value, self.fees + entry.fee
        else:
            sign = -1 if entry.kind is FillKind.REVERSAL else 1
            self.changed_qty += sign * entry.qty
            self.changed_value += sign * value
            self.changed_fees += entry.fee
        return True


class Confirming(msgspec.Struct, kw_only=True):
    """Orders that are over and whose fills are still provisional: when (ns) the list is to be read for each."""

    is_wanted: bool = False  # live trading: on paper there is no other list than ours
    due: dict[str, int] = msgspec.field(default_factory=dict)
    times: dict[str, int] = msgspec.field(default_factory=dict)  # how often it was asked for in this session

    def begin(self, *, is_live: bool) -> None:
        """A session starts: what an earlier one asked for was answered then, or never will be."""
        self.is_wanted = is_live
        self.times.clear()
        for order in self.due:
            self.due[order] = 0

    def want(self, order: str, at: int) -> None:
        if self.is_wanted:
            self.due.setdefault(order, at)

    def asked(self, order: str, at: int) -> None:
        if order in self.due:
            times = self.times.get(order, 0)
            self.times[order] = times + 1
            self.due[order] = at + min(_FIRST_PAUSE_S * 2 ** min(times, 10), _LONGEST_PAUSE_S) * NANOSECONDS

    def done(self, order: str) -> None:
        self.due.pop(order, None)
        self.times.pop(order, None)
