"""What was held, and at which mark, when each funding boundary of a product passed, in the exchange's time.

A boundary passes when anything later is heard of, or some time after it by the session's clock. A fill or a mark that
happened before a boundary and arrives after it still belongs to it.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.catalog import FundingRatePublished, ProductListed
from events.market import MarkUpdated
from events.money import ZERO
from events.terms import NANOSECONDS, FundingStatus, MarkSource
from projections.notional import notional

#: Settled boundaries kept for fills and rates that come late: two days of hours.
KEPT_BOUNDARIES = 48


class Boundary(msgspec.Struct, kw_only=True):
    """One boundary as it stands now: `at` in nanoseconds UTC, `qty` signed."""

    at: int
    noticed_at: int  # session time
    qty: Decimal
    contract_size: Decimal
    mark: Decimal | None
    mark_source: MarkSource | None
    mark_at: int
    is_mark_fresh: bool
    is_shut: bool  # the market was shut in this interval: it has no rate
    rate: Decimal | None = None  # as published for this boundary
    rate_at: int = -1  # the exchange's time of that word; an older one is no news
    estimate: Decimal | None = None  # the rate it was accrued with, where none was published

    def amount(self, rate: Decimal | None) -> Decimal:
        """What we receive: short 2 contracts of 0.01 at 50,000 and a rate of 0.0001 give +0.1, a long the opposite."""
        if rate is None or self.mark is None:
            return ZERO
        return -notional(self.qty, contract_size=self.contract_size, price=self.mark) * rate

    def status(self, rate: Decimal | None) -> FundingStatus:
        """Final when both rate and mark are those of the boundary."""
        if rate is None:
            return FundingStatus.NO_RATE
        is_final = self.rate is not None and self.mark is not None and self.is_mark_fresh
        return FundingStatus.FINAL if is_final else FundingStatus.ESTIMATED


class Boundaries(msgspec.Struct, kw_only=True):
    """One product's boundaries: the next, those waiting to be accrued, and those that are settled."""

    interval_ns: int = 0  # 0: pays no funding
    contract_size: Decimal | None = None
    next_at: int = 0
    qty: Decimal = ZERO
    mark: MarkUpdated | None = None
    is_mark_fresh: bool = False
    shut_since: int | None = None  # session time
    last_rate: Decimal | None = None
    last_rate_of: tuple[int, int] = (0, -1)  # its boundary and the exchange's time of that word
    early_rates: list[FundingRatePublished] = msgspec.field(default_factory=list)  # of boundaries still to come
    waiting: list[Boundary] = msgspec.field(default_factory=list)
    settled: list[Boundary] = msgspec.field(default_factory=list)

    @property
    def last_at(self) -> int:
        """The last boundary that passed."""
        return self.next_at - self.interval_ns

    def list_product(self, rules: ProductListed, at: int) -> None:
        """Boundaries are the multiples of the product's funding interval, UTC, from the next one on."""
        interval = (rules.funding_interval_s or 0) * NANOSECONDS
        if rules.contract_size is None:
            interval = 0
        if interval and interval != self.interval_ns:
            self.next_at = (at // interval + 1) * interval
        self.interval_ns = interval
        self.contract_size = rules.contract_size
        if rules.session_open:
            self.shut_since = None
        elif self.shut_since is None:
            self.shut_since = at

    def pass_to(self, time: int, noticed_at: int) -> None:
        """Let every boundary before `time` pass. Long stretches without a position are skipped."""
        interval = self.interval_ns
        if not interval or self.next_at >= time:
            return
        if not self.qty:
            self.next_at = max(self.next_at, ((time - KEPT_BOUNDARIES * interval) // interval) * interval)
        while self.next_at < time:
            self.waiting.append(self._boundary(self.next_at, noticed_at))
            self.next_at += interval

    def move(self, delta: Decimal, time: int, noticed_at: int) -> None:
        """The position changed at `time`: for every boundary from then on."""
        self.pass_to(min(time, noticed_at + self.interval_ns), noticed_at)
        self.qty += delta
        if time > self.last_at:
            return
        for boundary in self.waiting:
            if boundary.at >= time:
                boundary.qty += delta
        for boundary in self.settled:
            if boundary.at >= time:
                boundary.qty += delta

    def take_mark(self, mark: MarkUpdated, noticed_at: int) -> None:
        """A mark counts for every waiting boundary that is not before it and has no later one."""
        if mark.exchange_at > self.next_at:
            self.pass_to(min(mark.exchange_at, noticed_at + self.interval_ns), noticed_at)
        elif mark.exchange_at <= self.last_at:
            for boundary in self.waiting:
                if boundary.at >= mark.exchange_at >= boundary.mark_at:
                    boundary.mark, boundary.mark_source = mark.price, mark.source
                    boundary.mark_at, boundary.is_mark_fresh = mark.exchange_at, True
        self.mark = mark
        self.is_mark_fresh = True

    def take_rate(self, event: FundingRatePublished) -> None:
        """A rate was published for a boundary, before or after it passed."""
        if (event.boundary, event.exchange_at) >= self.last_rate_of:
            self.last_rate, self.last_rate_of = event.rate, (event.boundary, event.exchange_at)
        for boundary in (*self.waiting, *self.settled):
            if boundary.at == event.boundary:
                if event.exchange_at >= boundary.rate_at:
                    boundary.rate, boundary.rate_at = event.rate, event.exchange_at
                return
        if event.boundary >= self.next_at:
            self.early_rates = [*self.early_rates, event][-KEPT_BOUNDARIES:]

    def settle(self, boundary: Boundary) -> None:
        """This boundary waits no more: it is accrued, or nothing was held."""
        self.waiting = [kept for kept in self.waiting if kept is not boundary]
        self.settled = [*self.settled, boundary][-KEPT_BOUNDARIES:]

    def reopen(self, boundary: Boundary) -> None:
        """Something was held after all."""
        self.settled = [kept for kept in self.settled if kept is not boundary]
        self.waiting = [*self.waiting, boundary]

    def _boundary(self, at: int, noticed_at: int) -> Boundary:
        assert self.contract_size is not None
        rates = sorted((known for known in self.early_rates if known.boundary == at), key=lambda rate: rate.exchange_at)
        self.early_rates = [known for known in self.early_rates if known.boundary > at]
        mark = self.mark
        return Boundary(
            at=at,
            noticed_at=noticed_at,
            qty=self.qty,
            contract_size=self.contract_size,
            mark=None if mark is None else mark.price,
            mark_source=None if mark is None else mark.source,
            mark_at=0 if mark is None else mark.exchange_at,
            is_mark_fresh=self.is_mark_fresh,
            is_shut=self.shut_since is not None and self.shut_since <= at - self.interval_ns // 2,
            rate=rates[-1].rate if rates else None,
            rate_at=rates[-1].exchange_at if rates else -1,
        )
