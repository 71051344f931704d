"""The account at the exchange: balances, transfers, margin windows. Amounts in quote currency."""

from __future__ import annotations

from decimal import Decimal

from events.event import Event, Part
from events.terms import MarginWindow


class MarginMeasure(Part, frozen=True):
    """What the exchange makes of the account by the rates of one window. `level` is its own word, "" where unsaid."""

    window: MarginWindow
    level: str = ""
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    liquidation_buffer: Decimal | None = None
    liquidation_buffer_percentage: Decimal | None = None  # as stated; its scale is not certain
    total_hold: Decimal | None = None
    buying_power: Decimal | None = None


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
    daily_realized: Decimal | None = None  # of the exchange's day, which begins at its settlement
    liquidation_buffer_percentage: Decimal | None = None  # as stated; its scale is not certain
    measures: tuple[MarginMeasure, ...] = ()


class TransferReported(Event, frozen=True):
    """Money came in (above zero) or went out. Not profit and not loss."""

    transfer: str
    amount: Decimal
    reason: str
    exchange_at: int


class FundsMoved(Event, frozen=True):
    """Money moved between the account's own pockets: from spot to futures above zero, swept to spot below.

    Net zero for equity.
    """

    move: str
    to_futures: Decimal
    reason: str
    exchange_at: int


class MarginWindowChanged(Event, frozen=True):
    """The exchange's margin window now in force, and when it ends (nanoseconds UTC; None where not said)."""

    window: MarginWindow
    ends_at: int | None
    exchange_at: int = 0


class SweepReported(Event, frozen=True):
    """Cash is on its way between the futures account and the spot wallet. `amount` is None where all is swept.

    `status` is the exchange's word in small letters; "done" when it lists the sweep no more.
    """

    sweep: str
    amount: Decimal | None
    status: str
    exchange_at: int


class ExternalFlow(Event, frozen=True):
    """Money came into the account (above zero) or left it: inferred from balances, for nothing else explains it.

    Not profit and not loss. `name` is what an operator calls it; None while it is unexplained.
    """

    flow: str
    amount: Decimal
    name: str | None
    exchange_at: int


class FlowNamed(Event, frozen=True):
    """An operator names money that came in (above zero) or left: the oldest unnamed flow of the amount, or one to come.

    What is to leave is not traded with from then on. An empty name takes back what was announced.
    """

    amount: Decimal
    name: str


class TieOutMeasured(Event, frozen=True):
    """At a quiet point our equity and the exchange's differ by another amount than said before; zero clears it.

    Both are at the exchange's prices and without accrued funding: `difference` = ours less theirs is unexplained
    cash, exact. `valuation` is what our marks make of the open positions beyond the exchange's prices, both by product.
    """

    ours: Decimal
    theirs: Decimal
    difference: Decimal
    valuation: Decimal | None
    our_marks: dict[str, Decimal]
    their_marks: dict[str, Decimal]
    exchange_at: int
