"""The retired international family: its product, its account, and what is different in orders and frames."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from events.catalog import MarginRates
from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions
from tests.paths import SHARED_DATA, needs_shared_data
from tests.replay.exchange.market import BIP, ListTape, rate, snapshot, trade
from tests.replay.exchange.running import Client, Feed, running
from tests.replay.exchange.test_rest import keys

_TENTH = MarginRates(long=Decimal("0.1"), short=Decimal("0.1"))
PERP = msgspec.structs.replace(
    BIP,
    exchange_id="BTC-PERP-INTX",
    venue="INTX",
    contract_size=Decimal(1),
    price_increment=Decimal("0.1"),
    size_increment=Decimal("0.0001"),
    min_size=Decimal("0.0001"),
    max_size=Decimal(50_000),
    min_notional=Decimal(10),
    quote_currency="USDC",
    contract_expiry=None,
    intraday_margin=_TENTH,
    overnight_margin=_TENTH,
    max_leverage=Decimal(10),
)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Client]:
    """A quiet start; the rest of the tape, with a settlement and a higher price, follows on `resume`."""
    facts = [snapshot(0), rate(0, 0, "0.0001"), trade(1, 60_010)]
    facts += [snapshot(200, bids=((60_050, 10),), asks=((60_060, 10),)), trade(201, 60_060)]
    facts += [snapshot(301, bids=((60_100, 10),), asks=((60_110, 10),)), trade(302, 60_110)]
    tape = ListTape(facts, PERP)
    rules = VenueRules(friday_halt=True)
    with running(ExchangeOptions(tape=tape, speed=None, start=Start.RESUME, folder=tmp_path, rules=rules)) as client:
        yield client


def order(client: Client, name: str, side: str, size: str, **fields: str) -> dict[str, Any]:
    return client.post(
        "/orders",
        {
            "client_order_id": name,
            "product_id": "BTC-PERP-INTX",
            "side": side,
            "order_configuration": {"market_market_ioc": {"base_size": size}},
            **fields,
        },
    )


def portfolio(client: Client) -> str:
    permissions = client.get("/key_permissions")
    assert permissions["portfolio_type"] == "INTX"
    return str(permissions["portfolio_uuid"])


def test_an_international_product_is_perpetual_and_tells_its_funding_inside(exchange: Client) -> None:
    listed = exchange.get("/products/BTC-PERP-INTX")
    details = listed["future_product_details"]
    assert (listed["product_venue"], listed["quote_min_size"], listed["quote_name"]) == ("INTX", "10", "USDC")
    assert listed["fcm_trading_session_details"] is None
    assert (details["contract_expiry_type"], details["risk_managed_by"]) == ("PERPETUAL", "MANAGED_BY_VENUE")
    assert (details["perpetual_details"]["funding_rate"], details["funding_rate"]) == ("0.0001", "")
    assert details["perpetual_details"]["max_leverage"] == "10"
    assert exchange.get("/products", contract_expiry_type="PERPETUAL")["num_products"] == 1


def test_profit_is_shown_since_the_last_settlement_and_since_entry(exchange: Client) -> None:
    assert order(exchange, "a", "BUY", "0.5", leverage="3", margin_type="CROSS")["success"]
    exchange.control("resume")
    exchange.until_ended()
    uuid = portfolio(exchange)
    found = exchange.get(f"/intx/positions/{uuid}")
    (row,) = found["positions"]
    assert row == exchange.get(f"/intx/positions/{uuid}/BTC-PERP-INTX")["position"]
    assert (row["symbol"], row["net_size"], row["position_side"]) == ("BTC-PERP-INTX", "0.5", "POSITION_SIDE_LONG")
    assert row["entry_vwap"] == {"value": "60010", "currency": "USDC"}
    assert row["mark_price"]["value"] == "60110"
    assert (row["vwap"]["value"], row["unrealized_pnl"]["value"]) == ("60060", "25")
    assert found["summary"]["aggregated_pnl"]["value"] == "50"
    (held,) = exchange.get(f"/intx/portfolio/{uuid}")["portfolios"]
    total, collateral = Decimal(held["total_balance"]["value"]), Decimal(held["collateral"])
    assert total == collateral + Decimal(held["unrealized_pnl"]["value"])
    assert total == Decimal(exchange.control("books")["equity"])
    assert Decimal(held["liquidation_buffer"]) == total - Decimal(held["portfolio_mm_notional"]["value"])
    (balance,) = exchange.get(f"/intx/balances/{uuid}")["portfolio_balances"][0]["balances"]
    assert (balance["asset"]["asset_name"], balance["quantity"]) == ("USDC", held["collateral"])


def test_the_futures_account_does_not_show_an_international_position(exchange: Client) -> None:
    assert order(exchange, "a", "SELL", "0.5")["success"]
    assert exchange.get("/cfm/positions") == {"positions": []}
    with Feed(exchange) as feed:
        positions = feed.subscribe("user")[0]["events"][0]["positions"]
    assert positions["expiring_futures_positions"] == []
    (row,) = positions["perpetual_futures_positions"]
    assert (row["position_side"], row["net_size"], row["margin_type"]) == ("Short", "-0.5", "Cross")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"leverage": "11"}, "INVALID_LEVERAGE"),
        ({"leverage": "0.5"}, "INVALID_LEVERAGE"),
        ({"leverage": "much"}, "INVALID_LEVERAGE"),
        ({"margin_type": "ISOLATED"}, "INVALID_MARGIN_TYPE"),
    ],
)
def test_leverage_and_margin_type_must_be_the_products(exchange: Client, fields: dict[str, str], reason: str) -> None:
    refused = order(exchange, "a", "BUY", "0.5", **fields)
    assert refused["error_response"]["new_order_failure_reason"] == reason
    assert refused["error_response"]["preview_failure_reason"] == f"PREVIEW_{reason}"


def test_an_order_below_the_minimum_worth_is_refused(exchange: Client) -> None:
    refused = order(exchange, "a", "BUY", "0.0001")
    assert refused["error_response"]["preview_failure_reason"] == "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"


def test_nobody_looks_into_another_portfolio(exchange: Client) -> None:
    for path in ("portfolio", "positions", "balances"):
        assert exchange.ask("GET", f"/intx/{path}/another").status_code == 403
    assert exchange.ask("GET", f"/intx/positions/{portfolio(exchange)}/BTC-PERP-INTX").status_code == 404


@needs_shared_data
@pytest.mark.parametrize(
    ("path", "fixture"),
    [
        ("/products/BTC-PERP-INTX", "ccxt_product_intx_perp_2024.json"),
        ("/intx/positions/{uuid}/BTC-PERP-INTX", "jkorf_rest_intx_position.json"),
        ("/intx/positions/{uuid}/BTC-PERP-INTX", "ccxt_intx_position_2024.json"),
        ("/intx/balances/{uuid}", "jkorf_rest_intx_balances.json"),
        ("/portfolios/{uuid}", "jkorf_rest_portfolio_breakdown.json"),
    ],
)
def test_payloads_have_every_field_of_the_recorded_ones(exchange: Client, path: str, fixture: str) -> None:
    assert order(exchange, "a", "BUY", "0.5")["success"]
    recorded = orjson.loads((SHARED_DATA / "coinbase-fixtures" / fixture).read_bytes())
    missing = keys(recorded) - keys(exchange.get(path.format(uuid=portfolio(exchange))))
    assert {
        name for name in missing if not any(part in name for part in ("portfolio_summary", "futures_positions[]"))
    } == set()
