"""When a product trades, read from what the exchange says of its session."""

from __future__ import annotations

import json
from typing import Any

from actors.connection.client.market_replies import Product
from actors.connection.client.reading import read
from actors.connection.listing import listed
from events.catalog import ProductListed
from events.terms import NANOSECONDS

CLOSE = 1_775_595_600 * NANOSECONDS  # 2026-04-07T21:00:00Z
MAINTENANCE = 1_776_520_800 * NANOSECONDS  # 2026-04-18T14:00:00Z
SESSION: dict[str, Any] = {
    "is_session_open": True,
    "open_time": "2026-04-06T21:00:00Z",
    "close_time": "2026-04-07T21:00:00Z",
    "maintenance": {"start_time": "2026-04-18T14:00:00Z", "end_time": "2026-04-18T17:00:00Z"},
}


def product(future: dict[str, Any], session: dict[str, Any] | None = SESSION) -> ProductListed:
    body = {
        "product_id": "BIT-24APR26-CDE",
        "price_increment": "5",
        "base_increment": "1",
        "fcm_trading_session_details": session,
        "future_product_details": {"contract_size": "0.01", **future},
    }
    return listed(read(Product, json.dumps(body)), "BTC", 7)


def test_the_roll_of_the_trade_date_stops_nothing_that_trades_round_the_clock() -> None:
    assert product({"funding_interval": "3600s"}).closes_at is None
    assert product({"twenty_four_by_seven": True}).closes_at is None


def test_the_end_of_the_session_counts_for_a_product_that_has_one() -> None:
    assert product({}).closes_at == CLOSE
    assert product({}, None).closes_at is None


def test_an_announced_maintenance_is_read() -> None:
    found = product({})
    assert (found.maintenance_starts_at, found.maintenance_ends_at) == (MAINTENANCE, MAINTENANCE + 10_800 * NANOSECONDS)
    assert product({}, {**SESSION, "maintenance": None}).maintenance_starts_at is None
