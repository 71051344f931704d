"""The futures balance summary, from REST or from its channel, as an event."""

from __future__ import annotations

from actors.connection.client.replies import BalanceSummary, WindowMeasure
from events.account import BalanceReported, MarginMeasure
from events.terms import MarginWindow


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
        liquidation_buffer_percentage=summary.liquidation_buffer_percentage,
        measures=tuple(
            _measure_of(measure)
            for measure in (summary.intraday_margin_window_measure, summary.overnight_margin_window_measure)
            if measure is not None
        ),
    )


def window_of(word: str) -> MarginWindow:
    """`MARGIN_WINDOW_TYPE_INTRADAY`, with or without FCM_ before it."""
    name = word.rpartition("MARGIN_WINDOW_TYPE_")[2].lower()
    return MarginWindow(name) if name in MarginWindow.__members__.values() else MarginWindow.UNSPECIFIED


def _measure_of(measure: WindowMeasure) -> MarginMeasure:
    return MarginMeasure(
        window=window_of(measure.margin_window_type),
        level=measure.margin_level.rpartition("MARGIN_LEVEL_TYPE_")[2].lower(),
        initial_margin=measure.initial_margin,
        maintenance_margin=measure.maintenance_margin,
        liquidation_buffer=measure.liquidation_buffer,
        liquidation_buffer_percentage=measure.liquidation_buffer_percentage,
        total_hold=measure.total_hold,
        buying_power=measure.futures_buying_power,
    )
