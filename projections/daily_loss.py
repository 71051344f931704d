"""The loss of the day: equity at 00:00 UTC, plus what was transferred since, less equity now (trading rules A4).

The start of a day is an event. Where nobody saw it (the system was down, a mark was unknown) it is the higher of the
last equity before and the first after, marked as reconstructed: a loss is rather counted twice than not at all.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.money import ZERO
from events.record import Record
from events.risk import DailyLossBreached, DayOpened, ReduceOnlyReleased
from events.session import ClockTicked, SessionStarted
from events.terms import NANOSECONDS
from projections.limits import Limits
from projections.portfolio import Portfolio

DAY_NS = 86_400 * NANOSECONDS
#: The first tick of a day must come this soon, and the last of the day before as late, for midnight to count as seen.
_SEEN_NS = 60 * NANOSECONDS


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What the day has lost so far, and the limit it is held to. Both in quote currency."""

    amount: Decimal
    limit: Decimal
    start: Decimal
    equity: Decimal

    @property
    def is_breached(self) -> bool:
        return self.amount >= self.limit


class DailyLoss(msgspec.Struct, kw_only=True):
    """One day of loss accounting. `granted` is the loss that an operator accepted when he released reduce-only."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        {SessionStarted, ClockTicked, DayOpened, DailyLossBreached, ReduceOnlyReleased}
    )

    day: int = -1  # 00:00 UTC in ns of the day that is open; -1 before the first
    start: Decimal = ZERO
    transfers_then: Decimal = ZERO
    is_breached: bool = False
    granted: Decimal = ZERO
    due: DayOpened | None = None  # what is to be said of a day that has begun
    due_transfers: Decimal = ZERO
    seen_at: int = 0  # the last tick at which equity was known, and what it was without transfers
    seen_equity: Decimal = ZERO

    def fold(self, record: Record, portfolio: Portfolio, limits: Limits) -> None:
        """Take a record that `portfolio` and `limits` have folded already."""
        event = record.event
        if isinstance(event, ClockTicked):
            self._tick(record.at, portfolio)
        elif isinstance(event, DayOpened):
            self.day, self.start, self.transfers_then = event.day, event.equity, self.due_transfers
            self.is_breached, self.granted, self.due = False, ZERO, None
        elif isinstance(event, DailyLossBreached):
            self.is_breached = True
        elif isinstance(event, ReduceOnlyReleased) and event.product is None and self.is_breached:
            loss = self.loss(portfolio, limits)
            self.granted = max(loss.amount + self.granted, self.granted) if loss is not None else self.granted
            self.is_breached = False

    def loss(self, portfolio: Portfolio, limits: Limits, *, equity: Decimal | None = None) -> Loss | None:
        """The loss so far beyond what was granted; None before a day is open or while equity is unknown.

        `equity` is that of now, where it is known already.
        """
        if equity is None:
            equity = portfolio.equity()
        if self.day < 0 or equity is None:
            return None
        amount = self.start + portfolio.transfers - self.transfers_then - equity - self.granted
        return Loss(amount=amount, limit=limits.daily_loss_limit(self.start), start=self.start, equity=equity)

    def equity_at_tick(self, at: int, portfolio: Portfolio) -> Decimal | None:
        """What equity was at the tick of this moment; None when it was not known then."""
        return self.seen_equity + portfolio.transfers if self.seen_at == at else None

    def _tick(self, at: int, portfolio: Portfolio) -> None:
        day = at - at % DAY_NS
        equity = portfolio.equity(fresh_only=day > self.day)
        if equity is None:
            return
        if day > self.day and (self.due is None or self.due.day < day):
            self._begin(day, at, equity, portfolio.transfers)
        self.seen_at, self.seen_equity = at, equity - portfolio.transfers

    def _begin(self, day: int, at: int, equity: Decimal, transfers: Decimal) -> None:
        was_seen = at - day <= _SEEN_NS and 0 < day - self.seen_at <= _SEEN_NS
        if not was_seen and at != day and self.seen_at:
            equity = max(equity, self.seen_equity + transfers)
        self.due = DayOpened(day=day, equity=equity, reconstructed=not was_seen and at != day)
        self.due_transfers = transfers
