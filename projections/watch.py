"""What a strategy keeps in sight of its product: marks at even intervals, and its position since it was entered."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.market import MarkUpdated
from events.orders import OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.session import ClockTicked
from events.terms import NANOSECONDS
from projections.account import Account
from projections.exits import Exit

#: Marks kept, whatever a strategy wants to see of them: the state is a function of the log alone.
MARKS_KEPT = 1_000


class Watch(msgspec.Struct, kw_only=True):
    """One product. `product` is "" when there is none to watch."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {ClockTicked, MarkUpdated, OrderFilled, AdjustmentApplied, AdjustmentReversed}
    )

    product: str = ""
    held: Decimal = Decimal(0)
    marks: list[Decimal] = msgspec.field(default_factory=list)  # one a sample, without a gap
    sample: int = -1  # number of the interval that was sampled last, counted from 1970
    looked_at: int = 0  # seq of the tick that sampled last
    best_mark: Decimal | None = None  # the most favourable since entry; None when flat
    entries: list[str] = msgspec.field(default_factory=list)  # orders that opened and increased the position
    leaving: Exit | None = None  # a CLOSE that is wanted until flat

    def turn_to(self, product: str, account: Account) -> None:
        """Watch this product from now on; what was seen of another is of no use."""
        if product == self.product:
            return
        self.product, self.sample = product, -1
        self.marks.clear()
        self.held, self.best_mark, self.entries, self.leaving = Decimal(0), None, [], None
        if product:
            self._follow_position(account, None)

    def fold(self, record: Record, account: Account) -> None:
        """Take a record that `account` has folded already."""
        event = record.event
        if isinstance(event, ClockTicked):
            if self.product:
                self._tick(record, account)
        elif isinstance(event, MarkUpdated):
            self._follow_mark(event)
        elif isinstance(event, OrderFilled | AdjustmentApplied | AdjustmentReversed) and event.product == self.product:
            self._follow_position(account, event.order if isinstance(event, OrderFilled) else None)

    def _tick(self, record: Record, account: Account) -> None:
        """Sample the mark once an interval; a sample that is missing, or not fresh, starts the window anew."""
        sample = record.at // (account.limits.configuration.marks.interval_s * NANOSECONDS)
        if sample == self.sample:
            return
        mark = account.portfolio.marks.mark(self.product)
        if mark is None or sample != self.sample + 1:
            self.marks.clear()
        if mark is not None:
            self.marks.append(mark.price)
            del self.marks[:-MARKS_KEPT]
        self.sample, self.looked_at = sample, record.seq

    def _follow_mark(self, event: MarkUpdated) -> None:
        best = self.best_mark
        if best is not None and event.product == self.product and (event.price - best) * self.held > 0:
            self.best_mark = event.price

    def _follow_position(self, account: Account, order: str | None) -> None:
        before, position = self.held, account.portfolio.positions.of(self.product)
        self.held = now = position.qty
        if not now:
            self.best_mark, self.leaving, self.entries = None, None, []
        elif before * now <= 0:  # opened, or flipped
            self.best_mark, self.leaving = position.entry_price, None
            self.entries = [] if order is None else [order]
        elif abs(now) > abs(before):
            if order is not None and order not in self.entries:
                self.entries.append(order)
        elif self.leaving is not None and abs(now) < abs(before):
            self.leaving.got_filled()
