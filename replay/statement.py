"""The statement of a log: what a trader reads at the end of a session, and whether the exchange agrees.

Open positions are valued at the exchange's own last price for them (trading rule A14), so that our equity and the
exchange's can be compared to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from events.event import Event
from events.money import ZERO
from events.orders import OrderFilled, OrderRefused, OrderRejected, OrderSubmitted
from events.position import DiscrepancyFound
from events.record import Record
from events.session import ActorFailed
from events.strategy import DecisionMade
from projections.attribution import VirtualPnl, attribution
from projections.confirmation import Confirmation
from projections.portfolio import Portfolio
from projections.virtual import SHARED, Virtuals


class Holding(msgspec.Struct, frozen=True):
    """One product at the end. `qty` is signed, in the exchange's unit; `price` is what it is valued at."""

    product: str
    qty: Decimal
    entry_price: Decimal | None
    price: Decimal | None


class Statement(msgspec.Struct, kw_only=True):
    """Figures of a whole log. Amounts in quote currency; None where a price or the start is unknown."""

    records: int = 0
    sessions: int = 0
    market_seconds: Decimal = ZERO
    decisions: int = 0
    orders_submitted: int = 0
    orders_refused: int = 0
    orders_rejected: int = 0
    fills: int = 0
    discrepancies: int = 0
    actor_failures: int = 0
    start_equity: Decimal | None = None
    transfers: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    unrealized_pnl: Decimal | None = None
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    equity: Decimal | None = None
    confirmed_orders: int = 0  # whose fills are those of the exchange's list, to the last digit
    provisional_orders: int = 0  # whose fills were counted from reports, or simulated
    provisional_value: Decimal = ZERO  # what changed hands in those
    provisional_fees: Decimal = ZERO
    holdings: list[Holding] = []
    by_strategy: list[VirtualPnl] = []  # every column adds up to the account's (trading rules A19)
    unknown: list[str] = []


_COUNTED: dict[type[Event], str] = {
    OrderSubmitted: "orders_submitted",
    OrderRefused: "orders_refused",
    OrderRejected: "orders_rejected",
    OrderFilled: "fills",
    DecisionMade: "decisions",
    DiscrepancyFound: "discrepancies",
    ActorFailed: "actor_failures",
}


def statement(records: Iterable[Record]) -> Statement:
    """Fold a log into its statement."""
    result = Statement(holdings=[], by_strategy=[], unknown=[])
    portfolio, confirmation, virtuals = Portfolio(), Confirmation(), Virtuals()
    hears = Portfolio.hears
    first_at = last_at = 0
    for record in records:
        kind = type(record.event)
        if kind in hears:
            portfolio.fold(record)
        if kind in SHARED:
            virtuals.fold(record, portfolio)
        if kind in Confirmation.hears:
            confirmation.fold(record)
        if kind in _COUNTED:
            setattr(result, _COUNTED[kind], getattr(result, _COUNTED[kind]) + 1)
        elif kind.__name__ == "SessionStarted":
            result.sessions += 1
        first_at, last_at = first_at or record.at, record.at
        result.records += 1
    result.market_seconds = Decimal(last_at - first_at).scaleb(-9)
    _account(result, portfolio)
    for product in virtuals.by_product:
        result.by_strategy += attribution(virtuals, product, portfolio, portfolio.reported_prices)
    result.confirmed_orders, result.provisional_orders = len(confirmation.confirmed), len(confirmation.provisional)
    result.provisional_value, result.provisional_fees = confirmation.provisional_value, confirmation.provisional_fees
    return result


def _account(result: Statement, portfolio: Portfolio) -> None:
    prices = portfolio.reported_prices
    result.start_equity = portfolio.start
    result.transfers = portfolio.transfers
    result.realized_pnl = portfolio.realized
    result.unrealized_pnl = portfolio.unrealized(prices)
    result.fees = portfolio.fees
    result.funding = portfolio.funding
    result.equity = portfolio.equity(prices)
    result.unknown = list(portfolio.unknown(prices))
    result.holdings = [
        Holding(p.product, p.qty, p.entry_price, prices.get(p.product) or portfolio.marks.price(p.product))
        for p in portfolio.positions.open()
    ]
