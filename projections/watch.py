"""What a strategy keeps in sight of its product: marks at even intervals, and its position since it was entered.

Marks are sampled at ticks, one an interval; a sample that is missing is a gap, and the window starts anew behind it.
At the start closes of the exchange's candles may stand in for the samples before the first, as far as they reach back
without a gap; how many of the marks they are is kept (trading rules A12).
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.market import MarkHistoryReported, MarkUpdated
from events.orders import FillCorrected, InternalCrossed, OrderFilled
from events.position import AdjustmentApplied, AdjustmentReversed
from events.record import Record
from events.session import ClockTicked
from events.terms import NANOSECONDS
from projections.account import Account
from projections.exits import Exit
from projections.positions import Position

#: Marks kept, whatever a strategy wants to see of them: the state is a function of the log alone.
MARKS_KEPT = 1_000
_MOVES = (OrderFilled, InternalCrossed, AdjustmentApplied, AdjustmentReversed)


class Watch(msgspec.Struct, kw_only=True):
    """One product. `product` is "" when there is none to watch."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {
            ClockTicked,
            MarkUpdated,
            MarkHistoryReported,
            OrderFilled,
            FillCorrected,
            InternalCrossed,
            AdjustmentApplied,
            AdjustmentReversed,
        }
    )

    product: str = ""
    held: Decimal = Decimal(0)
    marks: list[Decimal] = msgspec.field(default_factory=list)  # one a sample, without a gap
    from_candles: int = 0  # how many of the oldest are closes of candles
    closes: list[tuple[int, Decimal]] = msgspec.field(default_factory=list)  # of candles, by the sample they stand for
    sample: int = -1  # number of the interval that was sampled last, counted from 1970
    looked_at: int = 0  # seq of the tick that sampled last
    best_mark: Decimal | None = None  # the most favourable since entry; None when flat
    entries: list[str] = msgspec.field(default_factory=list)  # proposals that opened and increased the position
    leaving: Exit | None = None  # a CLOSE that is wanted until flat

    def turn_to(self, product: str, own: Position) -> None:
        """Watch this product from now on; what was seen of another is of no use."""
        if product != self.product:
            self.product, self.sample = product, -1
            self.held, self.best_mark, self.entries, self.leaving = Decimal(0), None, [], None
            self.closes.clear()
            self._begin_window()
        if product:
            self._follow_position(own, None)

    def fold(self, record: Record, account: Account, own: Position) -> None:
        """Take a record that `account` has folded already. `own` is the strategy's own position in the product."""
        event = record.event
        if isinstance(event, ClockTicked):
            if self.product:
                self._tick(record, account)
        elif isinstance(event, MarkUpdated):
            self._follow_mark(event)
        elif isinstance(event, MarkHistoryReported) and event.product == self.product:
            self._take_history(event, account)
        elif isinstance(event, _MOVES) and event.product == self.product:
            self._follow_position(own, _entry(event, account, is_bought=own.qty > self.held))

    def _tick(self, record: Record, account: Account) -> None:
        """Sample the mark once an interval; a sample that is missing, or not fresh, starts the window anew."""
        sample = record.at // (account.limits.configuration.marks.interval_s * NANOSECONDS)
        if sample == self.sample:
            return
        mark = account.portfolio.marks.mark(self.product)
        if mark is None or sample != self.sample + 1:
            self._begin_window()
        if mark is not None:
            self.marks.append(mark.price)
            removed = max(len(self.marks) - MARKS_KEPT, 0)
            del self.marks[:removed]
            self.from_candles = max(self.from_candles - removed, 0)
        self.sample, self.looked_at = sample, record.seq
        if len(self.marks) == 1:
            self._fill_window()

    def _begin_window(self) -> None:
        self.marks.clear()
        self.from_candles = 0

    def _take_history(self, event: MarkHistoryReported, account: Account) -> None:
        """A candle that ended as an interval began stands for that interval's sample."""
        interval = account.limits.configuration.marks.interval_s * NANOSECONDS
        self.closes = [(at // interval, close) for at, close in event.closes if at % interval == 0][-MARKS_KEPT:]
        self._fill_window()

    def _fill_window(self) -> None:
        """Put closes before the first mark, as long as they follow each other without a gap."""
        if not self.marks or self.from_candles:
            return
        wanted = self.sample - len(self.marks)
        for sample, close in reversed(self.closes):
            if sample < wanted or len(self.marks) == MARKS_KEPT:
                return
            if sample == wanted:
                self.marks.insert(0, close)
                self.from_candles, wanted = self.from_candles + 1, wanted - 1

    def _follow_mark(self, event: MarkUpdated) -> None:
        best = self.best_mark
        if best is not None and event.product == self.product and (event.price - best) * self.held > 0:
            self.best_mark = event.price

    def _follow_position(self, own: Position, entry: str | None) -> None:
        before, now = self.held, own.qty
        self.held = now
        if not now:
            self.best_mark, self.leaving, self.entries = None, None, []
        elif before * now <= 0:  # opened, or flipped
            self.best_mark, self.leaving = own.entry_price, None
            self.entries = [] if entry is None else [entry]
        elif abs(now) > abs(before):
            if entry is not None and entry not in self.entries:
                self.entries.append(entry)
        elif self.leaving is not None and abs(now) < abs(before):
            self.leaving.got_filled()


def _entry(event: Event, account: Account, *, is_bought: bool) -> str | None:
    """What an entry is counted by: the proposal, so that what was crossed and what was sent of it count once."""
    if isinstance(event, OrderFilled):
        order = account.orders.get(event.order)
        return event.order if order is None else order.proposal or event.order
    if isinstance(event, InternalCrossed):
        return event.buy_proposal if is_bought else event.sell_proposal
    return None
