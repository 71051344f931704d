"""Positions: ours by fills, the exchange's by report, and what is done about a difference.

`qty` is signed here: above zero long, below zero short, in the exchange's unit.
"""

from __future__ import annotations

from decimal import Decimal

from events.event import Event


class PositionReported(Event, frozen=True):
    """The exchange's own view: evidence, not an order to believe it. A missing report is not a flat position."""

    product: str
    qty: Decimal
    entry_price: Decimal | None
    current_price: Decimal | None
    unrealized: Decimal | None
    exchange_at: int


class PositionChanged(Event, frozen=True):
    """A fill or an adjustment moved a position. `cost` is signed: what the open quantity cost, in quote currency.

    `realized` is the gross gain of this change; fees stand apart.
    """

    product: str
    qty: Decimal
    cost: Decimal
    entry_price: Decimal | None  # shown, rounded; None when flat
    realized: Decimal
    fee: Decimal


class DiscrepancyFound(Event, frozen=True):
    """Ours and the exchange's number differ. `subject` says what: "position", "cash", "equity", "order"."""

    subject: str
    product: str | None
    ours: Decimal
    theirs: Decimal


class DiscrepancyCleared(Event, frozen=True):
    """The difference last found is no more: a fill or an adjustment explained it, or the exchange now says the same."""

    subject: str
    product: str | None


class AdjustmentApplied(Event, frozen=True):
    """Our position is moved to the exchange's, by evidence: two equal differences with nothing in flight between."""

    adjustment: str
    product: str
    qty: Decimal  # signed change
    price: Decimal
    value: Decimal  # signed like qty: qty x price x contract_size
    evidence: tuple[int, ...]  # seqs of the reports it rests on


class AdjustmentReversed(Event, frozen=True):
    """A fill that explains an adjustment came late; it is taken back. `qty` and `value` are its opposite."""

    adjustment: str
    product: str
    qty: Decimal
    price: Decimal
    value: Decimal


class PositionUnprotected(Event, frozen=True):
    """A position has no bracket at the exchange though one is wanted, and why. Said once a spell."""

    product: str
    qty: Decimal
    reason: str
    is_given_up: bool = False  # the exchange takes no bracket for this product: none is tried again in this session
