"""Cash between portfolios and currencies: who may move it, what it changes, and where it shows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.conftest import quiet_day
from tests.replay.exchange.market import ListTape, snapshot
from tests.replay.exchange.running import Client, Feed, Json, running
from tests.replay.exchange.test_acts import money
from tests.replay.exchange.test_intx import PERP


@pytest.fixture
def rich(tmp_path: Path) -> Iterator[Client]:
    """A key that may move money, and 1,000 in the spot wallet."""
    rules = VenueRules(spot_cash=Decimal(1_000))
    options = ExchangeOptions(
        tape=quiet_day(), speed=None, start=Start.NOW, folder=tmp_path, rules=rules, key_can_transfer=True
    )
    with running(options) as client:
        client.until_ended()
        yield client


def main_uuid(client: Client) -> str:
    return str(client.get("/key_permissions")["portfolio_uuid"])


def created(client: Client, name: str) -> str:
    portfolio = client.post("/portfolios", {"name": name})["portfolio"]
    assert (portfolio["name"], portfolio["type"], portfolio["deleted"]) == (name, "CONSUMER", False)
    return str(portfolio["uuid"])


def move(client: Client, amount: str, source: str, target: str, currency: str = "USD") -> Json:
    funds = {"value": amount, "currency": currency}
    body = {"funds": funds, "source_portfolio_uuid": source, "target_portfolio_uuid": target}
    reply = client.ask("POST", "/portfolios/move_funds", body)
    found: Json = {"status": reply.status_code, **reply.json()}
    return found


def test_a_portfolio_is_created_renamed_listed_and_deleted(rich: Client) -> None:
    uuid = created(rich, "Savings")
    renamed = rich.ask("PUT", f"/portfolios/{uuid}", {"name": "Rainy days"}).json()["portfolio"]
    assert renamed == {"name": "Rainy days", "uuid": uuid, "type": "CONSUMER", "deleted": False}
    listed = rich.get("/portfolios")["portfolios"]
    assert [row["name"] for row in listed] == ["Default", "Rainy days"]
    assert [row["uuid"] for row in rich.get("/portfolios", portfolio_type="CONSUMER")["portfolios"]] == [uuid]
    assert rich.ask("DELETE", f"/portfolios/{uuid}").json() == {}
    assert rich.ask("DELETE", f"/portfolios/{uuid}").status_code == 404
    assert len(rich.get("/portfolios")["portfolios"]) == 1


def test_the_portfolio_that_trades_stays_and_names_are_taken_once(rich: Client) -> None:
    created(rich, "Savings")
    for name in ("Savings", "", " ", "x" * 101):
        assert rich.ask("POST", "/portfolios", {"name": name}).status_code == 400
    assert rich.ask("DELETE", f"/portfolios/{main_uuid(rich)}").status_code == 400
    assert rich.ask("PUT", f"/portfolios/{main_uuid(rich)}", {"name": "Mine"}).status_code == 400
    assert rich.ask("PUT", "/portfolios/nope", {"name": "Mine"}).status_code == 404


def test_moved_funds_leave_the_account_and_come_back_and_the_feed_tells(rich: Client) -> None:
    mine, other = main_uuid(rich), created(rich, "Savings")
    with Feed(rich) as feed:
        feed.subscribe("futures_balance_summary")
        assert move(rich, "250", mine, other) == {
            "status": 200,
            "source_portfolio_uuid": mine,
            "target_portfolio_uuid": other,
        }
        (frame,) = feed.of("futures_balance_summary")
        assert frame["events"][0]["fcm_balance_summary"]["cbi_usd_balance"] == "750"
    assert money(rich)[:2] == (Decimal(100_750), Decimal(750))
    shown = rich.get(f"/portfolios/{other}")["breakdown"]
    assert shown["portfolio_balances"]["total_balance"] == {"value": "250", "currency": "USD"}
    assert shown["spot_positions"][0]["total_balance_fiat"] == "250"
    assert rich.ask("DELETE", f"/portfolios/{other}").json()["message"] == "portfolio is not empty"
    assert move(rich, "250", other, mine)["status"] == 200
    assert money(rich)[1] == 1_000
    assert rich.control("books")["transfers"] == "0"


@pytest.mark.parametrize(("amount", "currency"), [("1000.01", "USD"), ("1", "EUR"), ("x", "USD"), ("-1", "USD")])
def test_funds_that_are_not_there_are_not_moved(rich: Client, amount: str, currency: str) -> None:
    mine, other = main_uuid(rich), created(rich, "Savings")
    assert move(rich, amount, mine, other, currency)["status"] == 400
    assert move(rich, "1", other, mine)["status"] == 400
    assert move(rich, "1", mine, mine)["status"] == 400
    assert move(rich, "1", mine, "nope")["status"] == 404
    assert money(rich)[1] == 1_000


def test_a_key_that_may_not_transfer_moves_nothing(exchange: Client) -> None:
    mine = main_uuid(exchange)
    assert move(exchange, "1", mine, created(exchange, "Savings"))["status"] == 403
    quote = {"from_account": "USD", "to_account": "USDC", "amount": "1"}
    assert exchange.ask("POST", "/convert/quote", quote).status_code == 403


def test_dollars_are_quoted_then_converted_once(rich: Client) -> None:
    ends = {"from_account": "USD", "to_account": "USDC"}
    quoted = rich.post("/convert/quote", {**ends, "amount": "400"})["trade"]
    assert (quoted["status"], quoted["total"]) == ("TRADE_STATUS_CREATED", {"value": "400", "currency": "USD"})
    assert money(rich)[1] == 1_000
    assert rich.get(f"/convert/trade/{quoted['id']}", **ends)["trade"] == quoted
    done = rich.post(f"/convert/trade/{quoted['id']}", ends)["trade"]
    assert done == {**quoted, "status": "TRADE_STATUS_COMPLETED"}
    assert rich.ask("POST", f"/convert/trade/{quoted['id']}", ends).status_code == 400
    assert money(rich)[1] == 600
    wallets = rich.get("/accounts")["accounts"]
    assert [(one["currency"], one["available_balance"]["value"]) for one in wallets] == [
        ("USD", "600"),
        ("USDC", "400"),
    ]
    first = rich.get("/accounts", limit=1)
    assert (first["has_next"], len(first["accounts"])) == (True, 1)
    second = rich.get("/accounts", limit=1, cursor=first["cursor"])
    assert (second["has_next"], second["accounts"][0]["currency"]) == (False, "USDC")
    back = {"from_account": wallets[1]["uuid"], "to_account": wallets[0]["uuid"]}
    again = rich.post("/convert/quote", {**back, "amount": "400"})["trade"]
    rich.post(f"/convert/trade/{again['id']}", back)
    assert money(rich)[1] == 1_000


def test_a_conversion_that_cannot_be_is_refused(rich: Client) -> None:
    ends = {"from_account": "USD", "to_account": "USDC"}
    for body in (
        {**ends, "amount": "1000.01"},
        {**ends, "amount": "much"},
        {"from_account": "USD", "to_account": "USD", "amount": "1"},
        {"from_account": "BTC", "to_account": "USD", "amount": "1"},
    ):
        assert rich.ask("POST", "/convert/quote", body).status_code == 400
    assert rich.ask("GET", "/convert/trade/nope", **ends).status_code == 404
    assert rich.ask("POST", "/convert/trade/nope", ends).status_code == 400


def test_payment_methods_are_shown(exchange: Client) -> None:
    (bank,) = exchange.get("/payment_methods")["payment_methods"]
    assert exchange.get(f"/payment_methods/{bank['id']}")["payment_method"] == bank
    assert bank["verified"] is True
    assert exchange.ask("GET", "/payment_methods/nope").status_code == 404


@pytest.fixture
def international(tmp_path: Path) -> Iterator[Client]:
    tape = ListTape([snapshot(0)], PERP)
    with running(ExchangeOptions(tape=tape, speed=None, start=Start.NOW, folder=tmp_path)) as client:
        yield client


def test_allocated_collateral_is_not_withdrawn(international: Client) -> None:
    uuid = main_uuid(international)
    body = {"portfolio_uuid": uuid, "symbol": "BTC-PERP-INTX", "amount": "400", "currency": "USDC"}
    assert international.post("/intx/allocate", body) == {}
    summary = international.get(f"/intx/portfolio/{uuid}")["summary"]
    assert summary["max_withdrawal_amount"] == {"value": "99600", "currency": "USDC"}
    for wrong in ({"amount": "100000.01"}, {"symbol": "ETH-PERP-INTX"}, {"currency": "USD"}, {"amount": "0"}):
        assert international.ask("POST", "/intx/allocate", {**body, **wrong}).status_code == 400
    assert international.ask("POST", "/intx/allocate", {**body, "portfolio_uuid": "nope"}).status_code == 403


def test_other_assets_are_taken_as_collateral_or_not(international: Client) -> None:
    body = {"portfolio_uuid": main_uuid(international), "multi_asset_collateral_enabled": True}
    assert international.post("/intx/multi_asset_collateral", body) == {"multi_asset_collateral_enabled": True}
    wrong = {**body, "multi_asset_collateral_enabled": "true"}
    assert international.ask("POST", "/intx/multi_asset_collateral", wrong).status_code == 400
    assert international.ask("GET", "/intx/multi_asset_collateral").status_code in (404, 405)


def test_an_account_of_us_futures_has_no_international_side(exchange: Client) -> None:
    body = {"portfolio_uuid": main_uuid(exchange), "multi_asset_collateral_enabled": True}
    assert exchange.ask("POST", "/intx/multi_asset_collateral", body).status_code == 403
