"""When funding falls due, on what, and by which rate.

At a boundary the exchange notes what is held and at which mark. The rate of the hour that ended may have been published
by then or come later; the accrual is made when both are known. An hour without a rate pays nothing.
"""

from __future__ import annotations

from decimal import Decimal

from events.catalog import FundingRatePublished
from replay.exchange import hours
from replay.exchange.books import Books


class FundingClerk:
    """Funding of one product. `next_boundary` is None for a product that pays none."""

    def __init__(self, product: str, interval_s: int | None, *, now: int) -> None:
        self.product = product
        self.interval_s = interval_s
        self.published: FundingRatePublished | None = None  # the latest
        self.next_boundary = self._from(now)
        self._rates: dict[int, Decimal] = {}
        self._noted: dict[int, tuple[Decimal, Decimal]] = {}  # boundaries that wait for their rate: qty and mark

    def pass_boundary(self, books: Books, mark: Decimal | None) -> None:
        """The next boundary is over: all facts up to and including it were heard, and `mark` is as of it."""
        assert self.next_boundary is not None, "a product without funding has no boundaries"
        boundary, qty = self.next_boundary, books.holdings[self.product].qty
        if qty and mark is not None:
            rate = self._rates.get(boundary)
            if rate is None:
                self._noted[boundary] = (qty, mark)
            else:
                books.accrue(self.product, boundary, qty=qty, mark=mark, rate=rate)
        self.next_boundary = self._from(boundary + 1)

    def publish(self, event: FundingRatePublished, books: Books) -> None:
        """A rate is known from now on; a boundary that waited for it accrues."""
        if event.boundary in self._rates:
            return
        self._rates[event.boundary] = event.rate
        if self.published is None or event.boundary > self.published.boundary:
            self.published = event
        noted = self._noted.pop(event.boundary, None)
        if noted is not None:
            qty, mark = noted
            books.accrue(self.product, event.boundary, qty=qty, mark=mark, rate=event.rate)

    def _from(self, after: int) -> int | None:
        return hours.next_boundary(after, self.interval_s) if self.interval_s else None
