"""The account at the exchange: balances, transfers, margin windows. Amounts in quote currency."""

from __future__ import annotations

from decimal import Decimal

from events.event import Event
from events.terms import MarginWindow


class BalanceReported(Event, frozen=True):
    """The account's balances as the exchange states them.

    Equity at the exchange = spot_usd + futures_usd + unrealized + funding_receivable (where it states one).
    """

    spot_usd: Decimal
    futures_usd: Decimal
    unrealized: Decimal
    exchange_at: int
    initial_margin: Decimal | None = None
    available_margin: Decimal | None = None
    liquidation_threshold: Decimal | None = None
    open_orders_hold: Decimal | None = None
    daily_realized: Decimal | None = None


class TransferReported(Event, frozen=True):
    """Money came in (above zero) or went out. Not profit and not loss."""

    transfer: str
    amount: Decimal
    reason: str
    exchange_at: int


class MarginWindowChanged(Event, frozen=True):
    """The exchange's margin window now in force, and when it ends (nanoseconds UTC; None where not said)."""

    window: MarginWindow
    ends_at: int | None
    exchange_at: int = 0
