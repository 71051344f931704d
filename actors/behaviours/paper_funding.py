"""Funding at the paper exchange: each boundary that passes over a position is owed, and settlements pay what is owed.

A boundary is owed with position and mark as of the boundary, and with its published rate, whenever that comes. A
boundary whose rate never comes pays nothing (trading rules A3).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from events.catalog import FundingRatePublished, ProductListed
from events.money import ZERO
from events.terms import NANOSECONDS
from projections.notional import notional

_DAY_NS = 86_400 * NANOSECONDS
#: Rates and unpaid boundaries older than this are dropped: the exchange was not there to pay them.
_MEMORY_NS = 3 * _DAY_NS
NEVER = 2**63 - 1


class Boundary(msgspec.Struct, frozen=True, kw_only=True):
    """One boundary over a position: signed contracts, contract size and mark as of then.

    `rate` is None until it is published; `rated_by` is the record that brought it, 0 where it was there before.
    """

    product: str
    at: int
    qty: Decimal
    contract_size: Decimal
    mark: Decimal
    rate: Decimal | None
    rated_by: int = 0

    @property
    def amount(self) -> Decimal:
        """Above zero we receive: shorts do when the rate is positive. 2 contracts of 0.01 at 50,000, 0.0001: -0.1."""
        if self.rate is None:
            return ZERO
        return -notional(self.qty, contract_size=self.contract_size, price=self.mark) * self.rate


class FundingOwed(msgspec.Struct, kw_only=True):
    """Boundaries to come and boundaries owed, by product."""

    next_at: dict[str, int] = msgspec.field(default_factory=dict)
    interval_ns: dict[str, int] = msgspec.field(default_factory=dict)
    rates: dict[str, list[tuple[int, Decimal]]] = msgspec.field(default_factory=dict)  # (boundary, rate), as they came
    owed: list[Boundary] = msgspec.field(default_factory=list)

    @property
    def wakes_at(self) -> int:
        """The next boundary of any product, nanoseconds UTC."""
        return min(self.next_at.values(), default=NEVER)

    def list_product(self, rules: ProductListed, *, at: int) -> None:
        """A product's boundaries are the multiples of its funding interval, UTC."""
        if not rules.funding_interval_s:
            self.next_at.pop(rules.product, None)
            return
        interval = rules.funding_interval_s * NANOSECONDS
        if self.interval_ns.get(rules.product) != interval or rules.product not in self.next_at:
            self.interval_ns[rules.product] = interval
            self.next_at[rules.product] = (at // interval + 1) * interval

    def publish(self, event: FundingRatePublished, *, seq: int) -> None:
        """Remember a rate, and complete the boundary that waited for it."""
        product, boundary, rate = event.product, event.boundary, event.rate
        kept = [known for known in self.rates.get(product, ()) if boundary - _MEMORY_NS < known[0] != boundary]
        self.rates[product] = [*kept, (boundary, rate)]
        for place, owed in enumerate(self.owed):
            if owed.product == product and owed.at == boundary:
                self.owed[place] = msgspec.structs.replace(owed, rate=rate, rated_by=seq)

    def pass_to(
        self,
        at: int,
        *,
        qty: Callable[[str], Decimal],
        mark: Callable[[str], Decimal | None],
        contract_size: Callable[[str], Decimal | None],
    ) -> None:
        """Let time go on to `at`: every boundary on the way is owed once, with what was held and marked before it."""
        for product in sorted(self.next_at):
            boundary = self.next_at[product]
            interval = self.interval_ns[product]
            held, price, size = qty(product), mark(product), contract_size(product)
            if held and price is not None and size is not None:
                remembered = ((at - _MEMORY_NS) // interval + 1) * interval
                for passed in range(max(boundary, remembered), at + 1, interval):
                    rate = self._rate(product, passed)
                    self.owed.append(
                        Boundary(product=product, at=passed, qty=held, contract_size=size, mark=price, rate=rate)
                    )
            if boundary <= at:
                self.next_at[product] = (at // interval + 1) * interval
        self.owed = [b for b in self.owed if b.rate is not None or b.at > at - _MEMORY_NS]

    def payable(self, product: str, through: int) -> Decimal | None:
        """What a settlement pays for boundaries up to `through`; None when no boundary is due."""
        due = [b.amount for b in self.owed if b.product == product and b.at <= through and b.rate is not None]
        return sum(due, ZERO) if due else None

    def is_payable(self, through: int, *, is_late: bool) -> bool:
        """Whether a boundary up to `through` has its rate, and either all have or it is too late to wait for them."""
        rated = [b.rate is not None for b in self.owed if b.at <= through]
        return any(rated) and (is_late or all(rated))

    def pay(self, product: str, through: int, *, decided_at: int | None = None) -> None:
        """These boundaries are settled. One that got its rate after record `decided_at` was not among them."""
        self.owed = [
            b
            for b in self.owed
            if b.product != product
            or b.at > through
            or b.rate is None
            or (decided_at is not None and b.rated_by > decided_at)
        ]

    def scratch(self) -> FundingOwed:
        """A copy to try things on; only what is owed changes there."""
        return FundingOwed(next_at=self.next_at, interval_ns=self.interval_ns, rates=self.rates, owed=list(self.owed))

    def _rate(self, product: str, boundary: int) -> Decimal | None:
        for at, rate in self.rates.get(product, ()):
            if at == boundary:
                return rate
        return None


def next_settlement(after: int, times_utc: tuple[str, ...]) -> int:
    """The first of the daily times ("HH:MM", UTC) later than `after`, nanoseconds UTC; `NEVER` when there are none."""
    midnight = after // _DAY_NS * _DAY_NS
    times = [midnight + days * _DAY_NS + _of_day(text) for days in (0, 1) for text in times_utc]
    return min((time for time in times if time > after), default=NEVER)


def _of_day(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return (int(hours) * 60 + int(minutes)) * 60 * NANOSECONDS
