"""Frames of every channel: decoded, checked and made into facts, against a bare `orjson.loads` of the same bytes.

`orjson.loads` gives dictionaries of texts: no `Decimal`, no times, no checks, no events. Both in processor time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import process_time

import orjson

from actors.connection.frames import read_frame
from actors.connection.market_feed import MarketFacts
from actors.connection.older_exchange.messages import facts_of, read_message
from events.money import use_exact_arithmetic

PRODUCT = "BIP-20DEC30-CDE"
PRODUCTS = {PRODUCT: "BTC-PERP"}
#: At least so many bytes are decoded for one figure.
_BYTES = 4_000_000
_AT = "2026-04-07T14:30:03.123456Z"
#: Channels whose frames come by the hundred each second, and how much of the bare rate they must keep.
_FIRST_DAY: Mapping[str, float] = {
    "level2, a snapshot of 500 levels": 0.15,
    "level2, an update of 1 level": 0.15,
    "level2, an update of 20 levels": 0.15,
    "market_trades, 1 trade": 0.15,
    "market_trades, 50 trades": 0.15,
    "ticker": 0.2,
}


def measure(rounds: int) -> dict[str, object]:
    """A row for each channel; `ratio` is bare time by ours."""
    use_exact_arithmetic()
    rows = []
    for case, raws in frames().items():
        count = max(1, _BYTES // sum(map(len, raws)))
        taken = [(_seconds(orjson.loads, raws, count), _seconds(_reader(case), raws, count)) for _ in range(rounds)]
        frames_read = count * len(raws)
        row: dict[str, object] = {
            "case": case,
            "bytes": len(raws[0]),
            "reference_per_s": frames_read / median(bare for bare, _ in taken),
            "ours_per_s": frames_read / median(ours for _, ours in taken),
            "ratio": median(bare / ours for bare, ours in taken),
        }
        rows.append(row | ({"first_day": _FIRST_DAY[case]} if case in _FIRST_DAY else {}))
    return {
        "id": "",
        "title": "frames to facts, each channel",
        "reference": "orjson.loads of the same bytes: dictionaries of texts",
        "rows": rows,
    }


def _reader(case: str) -> Callable[[bytes], object]:
    if case.startswith("older Exchange"):
        return lambda raw: facts_of(read_message(raw), PRODUCTS, 0)
    facts = MarketFacts(PRODUCTS)
    return lambda raw: facts.of(read_frame(raw, PRODUCTS))


def _seconds(read: Callable[[bytes], object], raws: list[bytes], count: int) -> float:
    start = process_time()
    for _ in range(count):
        for raw in raws:
            read(raw)
    return process_time() - start


def frames() -> dict[str, list[bytes]]:
    """What the exchange sends, by channel; several frames where one alone would be told once only."""
    return {
        "level2, a snapshot of 500 levels": [_frame("l2_data", _levels("snapshot", 500))],
        "level2, an update of 1 level": [_frame("l2_data", _levels("update", 1))],
        "level2, an update of 20 levels": [_frame("l2_data", _levels("update", 20))],
        "market_trades, 1 trade": [_frame("market_trades", _trades(i, 1)) for i in range(20_000)],
        "market_trades, 50 trades": [_frame("market_trades", _trades(50 * i, 50)) for i in range(400)],
        "ticker": [_frame("ticker", {"type": "update", "tickers": [_DAY | _TOP]})],
        "ticker_batch": [_frame("ticker_batch", {"type": "update", "tickers": [_DAY]})],
        "candles": [_frame("candles", {"type": "update", "candles": [_candle(i)]}) for i in range(400)],
        "status": [_frame("status", {"type": "update", "products": [_STATUS]})],
        "heartbeats": [_frame("heartbeats", {"current_time": "2026-04-07 14:30:03 UTC", "heartbeat_counter": 66987})],
        "user, 1 order": [_frame("user", {"type": "update", "orders": [_ORDER]})],
        "futures_balance_summary": [
            _frame("futures_balance_summary", {"type": "update", "fcm_balance_summary": _CASH})
        ],
        "subscriptions": [_frame("subscriptions", {"subscriptions": {"level2": [PRODUCT], "ticker": [PRODUCT]}})],
        "older Exchange, l2update": [orjson.dumps(_L2UPDATE)],
        "older Exchange, match": [orjson.dumps(_MATCH)],
    }


def _frame(channel: str, event: object) -> bytes:
    return orjson.dumps({"channel": channel, "timestamp": _AT, "sequence_num": 12, "events": [event]})


def _levels(kind: str, count: int) -> object:
    updates = [
        {
            "side": "bid" if i % 2 else "offer",
            "event_time": _AT,
            "price_level": str(68_900 - 5 * i if i % 2 else 68_905 + 5 * i),
            "new_quantity": str(i % 90 + 1),
        }
        for i in range(count)
    ]
    return {"type": kind, "product_id": PRODUCT, "updates": updates}


def _trades(first: int, count: int) -> object:
    row = {"product_id": PRODUCT, "price": "68935", "size": "5", "time": _AT, "side": "BUY"}
    return {"type": "update", "trades": [{**row, "trade_id": str(first + i)} for i in reversed(range(count))]}


def _candle(i: int) -> object:
    prices = {"open": "68900.00", "high": "68950.00", "low": "68850.00", "close": "68920.50", "volume": str(1000 + i)}
    return {"start": str(1_775_521_800 + 300 * i), "product_id": PRODUCT, **prices}


_DAY = {
    "type": "ticker",
    "product_id": PRODUCT,
    "price": "68900.50",
    "volume_24_h": "15328.12345678",
    "low_24_h": "67500.00",
    "high_24_h": "69200.00",
    "low_52_w": "25000.00",
    "high_52_w": "73800.00",
    "price_percent_chg_24_h": "1.85",
}
_TOP = {"best_bid": "68900", "best_bid_quantity": "15", "best_ask": "68905", "best_ask_quantity": "5"}
_STATUS = {"product_type": "FUTURE", "id": PRODUCT, "status": "online", "status_message": "", "quote_increment": "5"}
_ORDER = {
    "avg_price": "50000",
    "client_order_id": "0b7f9c1e-0000-8000-9000-000000000001",
    "completion_percentage": "100.00",
    "contract_expiry_type": "EXPIRING",
    "cumulative_quantity": "2",
    "filled_value": "1000",
    "leaves_quantity": "1",
    "limit_price": "50000",
    "number_of_fills": "1",
    "order_id": "11111111-2222-3333-4444-555555555555",
    "order_side": "BUY",
    "order_type": "Limit",
    "product_id": PRODUCT,
    "product_type": "FUTURE",
    "reject_reason": "",
    "cancel_reason": "",
    "status": "OPEN",
    "time_in_force": "IMMEDIATE_OR_CANCEL",
    "total_fees": "0.2",
    "creation_time": _AT,
}
_CASH = {
    "futures_buying_power": "100.00",
    "total_usd_balance": "200.00",
    "cbi_usd_balance": "300.00",
    "cfm_usd_balance": "400.00",
    "unrealized_pnl": "600.00",
    "initial_margin": "700.00",
    "available_margin": "800.00",
    "liquidation_threshold": "900.00",
}
_L2UPDATE = {"type": "l2update", "product_id": PRODUCT, "changes": [["sell", "0.00001306", "660.5"]], "time": _AT}
_MATCH = {
    "type": "match",
    "trade_id": 280_232,
    "maker_order_id": "2a0da34e-61f7-4c36-88e5-c9dd15927b16",
    "taker_order_id": "3c82abaa-c01e-4608-be59-6a1e69742891",
    "side": "sell",
    "size": "985",
    "price": "0.00001305",
    "product_id": PRODUCT,
    "sequence": 177_100_030,
    "time": _AT,
}
