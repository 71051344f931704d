"""Results as they are shown: one product's, the account's, and the account's beside the exchange's.

The keys are those that the seed promises (`symbol` to `funding_accrued`, `total_*`, `positions`) and those that trading
rule A8 adds. Unknown is None and no key ever vanishes.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class PositionPnl(msgspec.Struct, frozen=True, kw_only=True):
    """One product's result. `qty` is without sign, `side` gives it; unknown is None and no key ever vanishes.

    `realized_pnl` is gross; `net_pnl = realized_pnl + unrealized_pnl − fees + funding_accrued`.
    """

    symbol: str
    qty: Decimal
    side: str  # "long", "short" or "flat"
    entry: Decimal | None
    mark: Decimal | None
    unrealized_pnl: Decimal | None
    realized_pnl: Decimal
    funding_accrued: Decimal
    fees: Decimal
    net_pnl: Decimal | None
    contract_size: Decimal | None
    base_qty: Decimal | None
    mark_source: str | None
    mark_age_s: Decimal | None
    is_mark_fresh: bool


class PortfolioPnl(msgspec.Struct, frozen=True, kw_only=True):
    """The account's result. `unknown` says why a number is None."""

    total_unrealized: Decimal | None
    total_realized: Decimal
    total_funding: Decimal
    fees: Decimal
    net_pnl: Decimal | None
    start: Decimal | None
    transfers: Decimal
    equity: Decimal | None
    unknown: tuple[str, ...]
    positions: dict[str, PositionPnl]


class TieOut(msgspec.Struct, frozen=True, kw_only=True):
    """Our equity beside the exchange's, both at the exchange's prices and without what is accrued but unpaid.

    `difference` is ours less theirs: anything but zero is unexplained. `valuation` is what our marks make of the
    open positions beyond the exchange's prices, both shown by product: a difference of opinion, not of cash.
    `unexplained` is what the cash keeper last said at a quiet point, zero where nothing is; `unnamed` is what came from
    outside (above zero) or left and no operator has named; `pending_outflow` is announced to leave.
    """

    ours: Decimal | None
    theirs: Decimal | None
    difference: Decimal | None
    receivable: Decimal
    valuation: Decimal | None
    is_quiet: bool  # nothing moved between the last two equal balance reports: the difference may be judged
    unknown: tuple[str, ...]
    our_marks: dict[str, Decimal]
    their_marks: dict[str, Decimal]
    unexplained: Decimal
    unnamed: Decimal
    pending_outflow: Decimal
