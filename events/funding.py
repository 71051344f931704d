"""Funding: accrued by us at each boundary, paid in cash by the exchange. Amounts are signed: above zero we receive."""

from __future__ import annotations

from decimal import Decimal

from events.event import Event
from events.terms import FundingStatus, MarkSource


class FundingAccrued(Event, frozen=True):
    """One boundary passed while a position was open: amount = -qty x contract_size x mark x rate."""

    product: str
    boundary: int
    qty: Decimal  # signed, as of the boundary
    mark: Decimal | None
    mark_source: MarkSource | None
    rate: Decimal | None
    amount: Decimal
    status: FundingStatus


class FundingCorrected(Event, frozen=True):
    """An accrual was replaced: a rate or a fill came late, or the exchange paid another amount.

    `status` is what the amount now rests on. An estimate that turns out right is replaced by the same amount.
    """

    product: str
    boundary: int
    before: Decimal
    after: Decimal
    reason: str
    status: FundingStatus = FundingStatus.FINAL


class FundingPaid(Event, frozen=True):
    """Funding moved as cash at the exchange, for all boundaries up to and including `through`.

    `inferred`: no exchange said so; it is what the balance of a settlement leaves unexplained otherwise.
    """

    product: str
    amount: Decimal
    through: int
    exchange_at: int
    inferred: bool = False
