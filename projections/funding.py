"""The funding ledger: what was accrued at each boundary, what replaced it, and what the exchange has paid.

An entry is keyed by product and boundary and counts once. Above zero we receive. What is accrued and not yet paid is
a receivable; a payment turns it into cash and leaves the total alone, for the behaviour `funding` corrects the last
entry where the exchange paid another amount.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from events.event import Event
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.money import ZERO
from events.record import Record
from events.terms import FundingStatus

#: Entries and payments kept one by one for each product, the latest; six weeks of hours. Older ones live in the sums.
KEPT_ENTRIES = 1_000
KEPT_PAYMENTS = 100


class FundingEntry(msgspec.Struct, kw_only=True):
    """One boundary of one product, as it stands after its corrections."""

    boundary: int
    amount: Decimal
    status: FundingStatus


class ProductFunding(msgspec.Struct, kw_only=True):
    """One product's funding, signed: above zero we receive."""

    total: Decimal = ZERO  # all accruals as corrected, paid or not
    paid: Decimal = ZERO  # what moved as cash
    entries: list[FundingEntry] = msgspec.field(default_factory=list)  # by boundary, the latest
    forgotten: int = -1  # the boundary of the latest entry that lives in the sums only
    payments: list[tuple[int, int]] = msgspec.field(default_factory=list)  # the latest: (through, exchange_at), sorted

    @property
    def receivable(self) -> Decimal:
        """Accrued and not yet paid."""
        return self.total - self.paid

    @property
    def paid_through(self) -> int:
        """The last boundary that a payment has covered; 0 before the first."""
        return self.payments[-1][0] if self.payments else 0

    def entry(self, boundary: int) -> FundingEntry | None:
        """The entry of a boundary; None where nothing was accrued, or too long ago to be kept."""
        for entry in reversed(self.entries):
            if entry.boundary <= boundary:
                return entry if entry.boundary == boundary else None
        return None

    def has_counted(self, paid: FundingPaid) -> bool:
        """Whether this payment was heard before. One older than all that are kept is held to have been."""
        key = (paid.through, paid.exchange_at)
        return key in self.payments or (len(self.payments) >= KEPT_PAYMENTS and key < self.payments[0])


_HEARD = frozenset[type[Event]]({FundingAccrued, FundingCorrected, FundingPaid})


class FundingLedger(msgspec.Struct, kw_only=True):
    """Funding by product and boundary."""

    hears: ClassVar[frozenset[type[Event]]] = _HEARD

    by_product: dict[str, ProductFunding] = msgspec.field(default_factory=dict)

    def fold(self, record: Record) -> None:
        event = record.event
        if type(event) not in _HEARD:
            return
        if isinstance(event, FundingAccrued):
            self._set(event.product, event.boundary, event.amount, event.status, is_first=True)
        elif isinstance(event, FundingCorrected):
            self._set(event.product, event.boundary, event.after, event.status, before=event.before)
        elif isinstance(event, FundingPaid):
            self._pay(event)

    def of(self, product: str) -> ProductFunding:
        """One product's funding; an empty one where there never was any."""
        return self.by_product.get(product) or ProductFunding()

    def total(self) -> Decimal:
        """Funding of all products, paid or accrued: the Σ funding of the ledger identity."""
        return sum((funding.total for funding in self.by_product.values()), ZERO)

    def receivable(self) -> Decimal:
        """What is accrued and not yet paid, of all products."""
        return sum((funding.receivable for funding in self.by_product.values()), ZERO)

    def _set(
        self,
        product: str,
        boundary: int,
        amount: Decimal,
        status: FundingStatus,
        *,
        before: Decimal = ZERO,
        is_first: bool = False,
    ) -> None:
        funding = self._own(product)
        entry = funding.entry(boundary)
        if entry is None:
            if boundary > funding.forgotten:
                _insert(funding, FundingEntry(boundary=boundary, amount=amount, status=status))
            elif is_first:  # a boundary is accrued once
                return
            funding.total += amount - before
        elif not is_first:
            funding.total += amount - entry.amount
            entry.amount, entry.status = amount, status

    def _pay(self, event: FundingPaid) -> None:
        funding = self._own(event.product)
        if funding.has_counted(event):
            return
        funding.paid += event.amount
        funding.payments = sorted([*funding.payments, (event.through, event.exchange_at)])[-KEPT_PAYMENTS:]

    def _own(self, product: str) -> ProductFunding:
        funding = self.by_product.get(product)
        if funding is None:
            funding = self.by_product[product] = ProductFunding()
        return funding


def _insert(funding: ProductFunding, entry: FundingEntry) -> None:
    entries = funding.entries
    place = len(entries)
    while place and entries[place - 1].boundary > entry.boundary:
        place -= 1
    entries.insert(place, entry)
    if len(entries) > KEPT_ENTRIES:
        funding.forgotten = entries.pop(0).boundary
