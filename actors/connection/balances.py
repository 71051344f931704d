"""The futures balance summary, from REST or from its channel, as an event."""

from __future__ import annotations

from actors.connection.replies import BalanceSummary
from events.account import BalanceReported


def balance_of(summary: BalanceSummary, at: int) -> BalanceReported:
    """`at` is the exchange's time, nanoseconds UTC. Raises `ValueError` where one of the three sums is missing."""
    spot, futures, unrealized = summary.cbi_usd_balance, summary.cfm_usd_balance, summary.unrealized_pnl
    if spot is None or futures is None or unrealized is None:
        raise ValueError("a balance without cbi_usd_balance, cfm_usd_balance or unrealized_pnl")
    return BalanceReported(
        spot_usd=spot,
        futures_usd=futures,
        unrealized=unrealized,
        exchange_at=at,
        initial_margin=summary.initial_margin,
        available_margin=summary.available_margin,
        liquidation_threshold=summary.liquidation_threshold,
        open_orders_hold=summary.total_open_orders_hold_amount,
        daily_realized=summary.daily_realized_pnl,
    )
