"""Candles from before the session: closes that may fill a strategy's window at its start (trading rules A12)."""

from __future__ import annotations

import logging

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.market_replies import Candle
from actors.connection.errors import BrokerageError
from events.market import MarkHistoryReported
from events.terms import NANOSECONDS

log = logging.getLogger(__name__)

#: What the exchange offers, by seconds.
GRANULARITIES = {
    60: "ONE_MINUTE",
    300: "FIVE_MINUTE",
    900: "FIFTEEN_MINUTE",
    1_800: "THIRTY_MINUTE",
    3_600: "ONE_HOUR",
    7_200: "TWO_HOUR",
    21_600: "SIX_HOUR",
    86_400: "ONE_DAY",
}
#: The exchange refuses to show more than 350 at once.
MOST_CANDLES = 300


def history_of(
    client: CoinbaseClient, exchange_id: str, product: str, *, interval_s: int, at: int
) -> MarkHistoryReported | None:
    """The closes of the last candles that are over at `at`, oldest first; None where there are none to be had.

    Without them a strategy waits for its own samples, so a refusal is logged and no more.
    """
    granularity = GRANULARITIES.get(interval_s)
    if granularity is None:
        log.info("the exchange has no candles of %d s: windows fill with samples alone", interval_s)
        return None
    end_s = at // NANOSECONDS // interval_s * interval_s
    start_s = end_s - MOST_CANDLES * interval_s
    try:
        candles = client.get_candles(exchange_id, start_s=start_s, end_s=end_s, granularity=granularity)
    except BrokerageError as error:
        log.warning("no candles of %s: %s", exchange_id, error)
        return None
    closes = tuple(
        (ends_at, candle.close)
        for ends_at, candle in sorted((_ends_at(candle, interval_s), candle) for candle in candles)
        if candle.close is not None and ends_at <= at
    )
    return (
        MarkHistoryReported(product=product, interval_s=interval_s, closes=closes, exchange_at=at) if closes else None
    )


def _ends_at(candle: Candle, interval_s: int) -> int:
    """Nanoseconds UTC. Raises `ValueError` for a start that is no number."""
    return (int(candle.start) + interval_s) * NANOSECONDS
