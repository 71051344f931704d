"""What is text at the exchange is text here, what is a number is one: every value, by recorded payloads and by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.paths import SHARED_DATA, needs_shared_data
from tests.replay.exchange.conftest import quiet_day
from tests.replay.exchange.market import ListTape, rate, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Client, Feed, running
from tests.replay.exchange.test_acts import do
from tests.replay.exchange.test_intx import PERP
from tests.replay.exchange.test_plan_requests import BRACKET, SCALED, STOP, TWAP, placed

FIXTURES = SHARED_DATA / "coinbase-fixtures"

#: The only JSON numbers the exchange sends, by the last name of their path.
NUMBERS = re.compile(
    r"(^|\.)(num_products|size|sequence_num|heartbeat_counter|total_volume|total_fees|advanced_trade_only_(volume|fees)"
    r"|coinbase_pro_(volume|fees)|volume|scale|num_orders)$"
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no container, with its path; places in lists do not count."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def check(value: Any) -> None:
    """Numbers only where the exchange has them; times in one form; prices, sizes and money as plain decimals."""
    for path, leaf in leaves(value):
        if isinstance(leaf, int | float) and not isinstance(leaf, bool):
            assert NUMBERS.search(path), f"{path} is the number {leaf}"
        if not isinstance(leaf, str):
            continue
        name = path.rpartition(".")[2]
        assert not NUMBERS.fullmatch(name) or name in ("size", "num_orders", "volume", "total_fees"), f"{path} is text"
        if name.endswith(("_time", "_at", "timestamp")) and leaf:
            assert TIME.fullmatch(leaf) or name == "current_time", f"{path}: {leaf}"
        if re.search(r"(price|_size|_amount|_fees|value|margin|balance|quantity|commission)$", name) and leaf:
            assert DECIMAL.fullmatch(leaf), f"{path}: {leaf}"


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Client]:
    """An account with one of everything."""
    facts = [snapshot(0), rate(0, 0, "0.000013"), trade(1, 60_010, 2), trade(2, 60_000, 3), trade(400, 60_010)]
    options = ExchangeOptions(tape=ListTape(facts), speed=None, start=Start.NOW, folder=tmp_path)
    with running(options) as client:
        client.until_ended()
        client.market("held", "BUY", 4)
        client.limit("rests", "BUY", 1, 59_000, post_only=True)
        placed(client, "stop", "SELL", {"stop_limit_stop_limit_gtc": STOP})
        placed(client, "guard", "SELL", {"trigger_bracket_gtd": {**BRACKET, "end_time": "2026-03-03T00:00:00.5Z"}})
        placed(client, "parts", "BUY", {"twap_limit_gtd": TWAP})
        placed(client, "ladder", "BUY", {"scaled_limit_gtc": SCALED})
        do(client, {"act": "deposit", "amount": "12.34"}, {"act": "sweep"})
        do(client, {"act": "maintenance", "begins_in_s": 9, "lasts_s": 9})
        yield client


READ = [
    "/time",
    "/products",
    f"/products/{PRODUCT}",
    "/best_bid_ask",
    "/accounts",
    "/orders/historical/batch",
    "/orders/historical/fills",
    "/transaction_summary",
    "/key_permissions",
    "/portfolios",
    "/portfolios/{portfolio}",
    "/cfm/balance_summary",
    "/cfm/positions",
    "/cfm/sweeps",
    "/cfm/intraday/margin_setting",
    "/cfm/intraday/current_margin_window",
    "/payment_methods",
]


def test_every_reply_has_numbers_only_where_the_exchange_has_them(busy: Client) -> None:
    portfolio = busy.get("/key_permissions")["portfolio_uuid"]
    for path in READ:
        check(busy.get(path.format(portfolio=portfolio)))
    check(busy.get("/product_book", product_id=PRODUCT))
    check(busy.get(f"/products/{PRODUCT}/ticker", limit=9))
    check(busy.get(f"/products/{PRODUCT}/candles", start="1772460000", end="1772463600", granularity="ONE_MINUTE"))
    preview = {"product_id": PRODUCT, "side": "BUY", "order_configuration": {"market_market_ioc": {"base_size": "1"}}}
    check(busy.post("/orders/preview", preview))
    summary = busy.get("/transaction_summary")
    assert all(type(summary[name]) in (int, float) for name in ("total_volume", "total_fees", "coinbase_pro_fees"))


def test_every_frame_has_numbers_only_where_the_exchange_has_them(busy: Client) -> None:
    channels = ("heartbeats", "ticker", "ticker_batch", "level2", "market_trades", "candles", "status", "user")
    with Feed(busy) as feed:
        frames = feed.subscribe(*channels, "futures_balance_summary")
        frames += feed.of("heartbeats")
        busy.limit("told", "BUY", 1, 59_000)
        frames += feed.of("user", 2)
    assert {frame["channel"] for frame in frames} >= {"l2_data", "user", "futures_balance_summary", "heartbeats"}
    for frame in frames:
        check(frame)
        assert type(frame["sequence_num"]) is int
        assert TIME.fullmatch(frame["timestamp"])
    rows = [row for frame in frames if frame["channel"] == "user" for row in frame["events"][0]["orders"]]
    assert rows
    assert all(type(value) is str for row in rows for value in row.values()), "the user channel knows text alone"


def test_every_international_reply_has_text_for_numbers_too(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0), trade(1, 60_010)], PERP)
    with running(ExchangeOptions(tape=tape, speed=None, start=Start.NOW, folder=tmp_path)) as client:
        client.until_ended()
        market = {"market_market_ioc": {"base_size": "0.01"}}
        order = {"client_order_id": "a", "product_id": "BTC-PERP-INTX", "side": "BUY", "order_configuration": market}
        assert client.post("/orders", {**order, "leverage": "3", "margin_type": "CROSS"})["success"]
        uuid = client.get("/key_permissions")["portfolio_uuid"]
        for path in ("portfolio", "positions", "balances"):
            check(client.get(f"/intx/{path}/{uuid}"))
        check(client.get(f"/portfolios/{uuid}"))
        row = client.get("/orders/historical/batch")["orders"][0]
        assert (row["leverage"], row["margin_type"]) == ("3", "CROSS")


def kinds(value: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path, leaf in leaves(value):
        kind = "number" if isinstance(leaf, int | float) and not isinstance(leaf, bool) else type(leaf).__name__
        if leaf is not None:
            found.setdefault(path, set()).add(kind)
    return found


@needs_shared_data
@pytest.mark.parametrize(
    ("path", "fixture"),
    [
        ("/orders/historical/batch", "ccxt_orders_batch_filled_market.json"),
        ("/orders/historical/fills", "ccxt_fills_intx_perp.json"),
        ("/cfm/positions", "jkorf_rest_cfm_positions_plain_strings.json"),
        ("/cfm/balance_summary", "jkorf_rest_cfm_balance_summary_plain_measures.json"),
        ("/cfm/intraday/current_margin_window", "jkorf_rest_cfm_current_margin_window.json"),
        ("/accounts", "jkorf_rest_accounts.json"),
        ("/key_permissions", "jkorf_rest_key_permissions.json"),
        ("/portfolios", "jkorf_rest_portfolios.json"),
        ("/transaction_summary", "jkorf_rest_transaction_summary_real.json"),
        ("/products", "http_products_future.json"),
    ],
)
def test_every_value_has_the_type_of_the_recorded_one(busy: Client, path: str, fixture: str) -> None:
    recorded, found = kinds(orjson.loads((FIXTURES / fixture).read_bytes())), kinds(busy.get(path))
    shared = recorded.keys() & found.keys()
    assert len(shared) > 2
    assert {name: (found[name], recorded[name]) for name in shared if not found[name] <= recorded[name]} == {}


def test_the_quiet_day_of_other_tests_passes_too(tmp_path: Path) -> None:
    with running(ExchangeOptions(tape=quiet_day(), speed=None, start=Start.NOW, folder=tmp_path)) as client:
        client.until_ended()
        for path in READ[:-1]:
            check(client.get(path.format(portfolio=client.get("/key_permissions")["portfolio_uuid"])))
