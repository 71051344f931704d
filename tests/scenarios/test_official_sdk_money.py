"""Money through the official Python client: sweeps, portfolios, conversions, margin, and the international account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from coinbase.rest import RESTClient  # type: ignore[import-untyped]  # it ships no types
from requests.exceptions import HTTPError

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.market import ListTape, snapshot, trade
from tests.replay.exchange.running import running
from tests.replay.exchange.test_intx import PERP
from tests.scenarios.sdk import DEPRECATIONS, Exchange, fresh_id, halted, rest_client, taken

pytestmark = DEPRECATIONS


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with halted(tmp_path_factory.mktemp("halted"), "--may-transfer", "--spot-cash", "1000") as found:
        yield found


@pytest.fixture
def client(market: Exchange) -> Iterator[RESTClient]:
    with rest_client(market.ready) as found:
        yield found


def spot(client: RESTClient) -> float:
    return float(client.get_futures_balance_summary().balance_summary.cbi_usd_balance["value"])


def test_futures_cash_is_swept_into_the_wallet_or_not(client: RESTClient, market: Exchange) -> None:
    assert client.schedule_futures_sweep("250").success
    (pending,) = client.list_futures_sweeps().sweeps
    assert (pending.requested_amount["value"], pending.should_sweep_all, pending.status) == ("250", False, "PENDING")
    with pytest.raises(HTTPError, match="a sweep is pending already"):
        client.schedule_futures_sweep("1")
    assert client.cancel_pending_futures_sweep().success
    assert client.list_futures_sweeps().sweeps == []
    before = spot(client)
    client.schedule_futures_sweep("250")
    market.control.post(f"{market.ready['rest']}/control/acts", json={"act": "settle"}, timeout=10)
    assert spot(client) - before == 250


def test_the_margin_setting_is_changed_and_read_back(client: RESTClient) -> None:
    for name in ("INTRADAY_MARGIN_SETTING_INTRADAY", "INTRADAY_MARGIN_SETTING_STANDARD"):
        client.set_intraday_margin_setting(name)
        assert client.get_intraday_margin_setting().setting == name


def test_portfolios_are_made_filled_emptied_and_deleted(client: RESTClient) -> None:
    mine = client.get_api_key_permissions().portfolio_uuid
    other = client.create_portfolio("Savings").portfolio.uuid
    assert client.edit_portfolio(other, "Rainy days").portfolio.name == "Rainy days"
    assert {one.name for one in client.get_portfolios().portfolios} == {"Default", "Rainy days"}
    before = spot(client)
    moved = client.move_portfolio_funds("100", "USD", mine, other)
    assert (moved.source_portfolio_uuid, moved.target_portfolio_uuid) == (mine, other)
    assert before - spot(client) == 100
    held = client.get_portfolio_breakdown(other).breakdown.portfolio_balances
    assert held["total_cash_equivalent_balance"]["value"] == "100"
    client.move_portfolio_funds("100", "USD", other, mine)
    client.delete_portfolio(other)
    assert len(client.get_portfolios(portfolio_type="DEFAULT").portfolios) == 1
    with pytest.raises(HTTPError, match="404 Client Error"):
        client.get_portfolio_breakdown(other)


def test_dollars_are_converted_and_back(client: RESTClient) -> None:
    before = spot(client)
    for ends in (("USD", "USDC"), ("USDC", "USD")):
        quoted = client.create_convert_quote(*ends, "50").trade
        assert client.get_convert_trade(quoted.id, *ends).trade.status == "TRADE_STATUS_CREATED"
        assert client.commit_convert_trade(quoted.id, *ends).trade.status == "TRADE_STATUS_COMPLETED"
    assert spot(client) == before
    wallets = {one.currency: one for one in client.get_accounts(limit=250).accounts}
    assert wallets["USDC"].available_balance["value"] == "0"
    assert client.get_account(wallets["USDC"].uuid).account.type == "ACCOUNT_TYPE_CRYPTO"


def test_payment_methods_are_read(client: RESTClient) -> None:
    (bank,) = client.list_payment_methods().payment_methods
    assert client.get_payment_method(bank.id).payment_method.name == bank.name


def test_the_international_account_is_read_and_changed(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0), trade(1, 60_010)], PERP)
    options = ExchangeOptions(tape=tape, speed=None, start=Start.NOW, folder=tmp_path, tls=True)
    with running(options) as exchange:
        exchange.until_ended()
        assert exchange.ready.ca_file is not None
        ready = {"rest": exchange.ready.rest, "key_file": exchange.ready.key_file, "ca_file": exchange.ready.ca_file}
        with rest_client(ready) as client:
            uuid = client.get_api_key_permissions().portfolio_uuid
            product = client.get_products(contract_expiry_type="PERPETUAL").products[0].product_id
            taken(client.market_order_buy(fresh_id(), product, base_size="0.5", leverage="3", margin_type="CROSS"))
            (held,) = client.list_perps_positions(uuid).positions
            assert (held.symbol, held.net_size, held.margin_type) == (product, "0.5", "MARGIN_TYPE_CROSS")
            assert client.get_perps_position(uuid, product).position.net_size == "0.5"
            summary = client.get_perps_portfolio_summary(uuid)
            assert summary.portfolios[0].portfolio_uuid == uuid
            before = float(summary.summary.max_withdrawal_amount["value"])
            client.allocate_portfolio(uuid, product, "100", "USDC")
            after = client.get_perps_portfolio_summary(uuid).summary.max_withdrawal_amount["value"]
            assert before - float(after) == pytest.approx(100)
            (balances,) = client.get_perps_portfolio_balances(uuid).portfolio_balances
            assert balances.balances[0].asset["asset_name"] == "USDC"
            told = client.opt_in_or_out_multi_asset_collateral(uuid, True)
            assert told["multi_asset_collateral_enabled"] is True
            taken(client.close_position(fresh_id(), product))
            assert client.list_perps_positions(uuid).positions == []
