"""The official Python client reads the local exchange's market and account: over TLS, in another process, unchanged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from coinbase.rest import RESTClient  # type: ignore[import-untyped]  # it ships no types
from requests.exceptions import HTTPError

from tests.scenarios.sdk import DEPRECATIONS, PRODUCT, Exchange, fresh_id, halted, quotes, rest_client, taken

pytestmark = DEPRECATIONS


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with halted(tmp_path_factory.mktemp("halted")) as found:
        yield found


@pytest.fixture
def client(market: Exchange) -> Iterator[RESTClient]:
    with rest_client(market.ready) as found:
        yield found


# Market data.


def test_the_official_client_reads_products_books_candles_and_trades(client: RESTClient) -> None:
    listed = client.get_product(PRODUCT)
    assert (listed.product_type, listed.product_venue) == ("FUTURE", "FCM")
    assert listed.future_product_details["contract_size"] == "0.01"
    bid, ask = quotes(client, PRODUCT)
    assert 0 < bid < ask
    best = client.get_best_bid_ask([PRODUCT]).pricebooks[0]
    assert (int(best.bids[0].price), int(best.asks[0].price)) == (bid, ask)
    now = int(client.get_unix_time().epoch_seconds)
    candles = client.get_candles(PRODUCT, str(now - 3_600), str(now), "ONE_MINUTE").candles
    assert candles
    assert all(float(one.low) <= float(one.close) <= float(one.high) for one in candles)
    assert [one.start for one in candles] == sorted((one.start for one in candles), reverse=True)
    trades = client.get_market_trades(PRODUCT, limit=10)
    assert len(trades.trades) == 10
    assert trades.best_bid == str(bid)


def test_the_public_twins_need_no_key(market: Exchange) -> None:
    with rest_client(market.ready, with_key=False) as stranger:
        now = int(stranger.get_unix_time().epoch_seconds)
        assert stranger.get_public_product(PRODUCT).product_id == PRODUCT
        assert stranger.get_public_products().num_products == 1
        assert stranger.get_public_product_book(PRODUCT).pricebook.bids
        assert stranger.get_public_candles(PRODUCT, str(now - 3_600), str(now), "FIVE_MINUTE").candles
        assert stranger.get_public_market_trades(PRODUCT, limit=3).trades


def test_a_product_that_is_not_listed_is_the_clients_http_error(client: RESTClient) -> None:
    with pytest.raises(HTTPError, match="404 Client Error"):
        client.get_product("NOPE-USD")


# Orders.


def test_a_used_client_id_is_answered_with_the_old_order(client: RESTClient) -> None:
    bid, _ = quotes(client, PRODUCT)
    name = fresh_id()
    first = taken(client.limit_order_gtc_buy(name, PRODUCT, "1", str(bid - 1_000)))
    assert taken(client.market_order_sell(name, PRODUCT, base_size="1")) == first
    client.cancel_orders([first])


def test_a_preview_says_what_an_order_would_cost_and_places_nothing(client: RESTClient) -> None:
    before = len(client.list_orders().orders)
    shown = client.preview_market_order_buy(PRODUCT, base_size="3")
    assert shown.errs == []
    assert shown.base_size == "3"
    assert float(shown.order_total) > 0
    assert client.preview_limit_order_gtc_buy(PRODUCT, "1", "1.5").errs == ["PREVIEW_INVALID_PRICE_PRECISION"]
    assert len(client.list_orders().orders) == before


def test_a_position_is_shown_and_closed(client: RESTClient) -> None:
    taken(client.market_order_sell(fresh_id(), PRODUCT, base_size="3"))
    (held,) = client.list_futures_positions().positions
    assert (held.product_id, held.side, held.number_of_contracts) == (PRODUCT, "SHORT", "3")
    assert client.get_futures_position(PRODUCT).position.number_of_contracts == "3"
    taken(client.close_position(fresh_id(), PRODUCT, size="1"))
    assert client.get_futures_position(PRODUCT).position.number_of_contracts == "2"
    taken(client.close_position(fresh_id(), PRODUCT))
    assert client.list_futures_positions().positions == []
    nothing = client.close_position(fresh_id(), PRODUCT)
    assert nothing.error_response["new_order_failure_reason"] == "CANNOT_CLOSE_ZERO_POSITION"


# The account.


def test_the_account_its_margin_and_its_key_are_shown(client: RESTClient) -> None:
    summary = client.get_futures_balance_summary().balance_summary
    assert float(summary.cfm_usd_balance["value"]) > 0
    assert client.get_intraday_margin_setting().setting == "INTRADAY_MARGIN_SETTING_STANDARD"
    window = client.get_current_margin_window("MARGIN_PROFILE_TYPE_RETAIL_REGULAR").margin_window
    assert window["margin_window_type"].startswith("MARGIN_WINDOW_TYPE_")
    assert client.list_futures_sweeps().sweeps == []
    permissions = client.get_api_key_permissions()
    assert (permissions.can_view, permissions.can_trade, permissions.can_transfer) == (True, True, False)
    (portfolio,) = client.get_portfolios().portfolios
    assert portfolio.uuid == permissions.portfolio_uuid
    assert client.get_portfolio_breakdown(portfolio.uuid).breakdown.portfolio.uuid == portfolio.uuid
    (account,) = client.get_accounts().accounts
    assert client.get_account(account.uuid).account.currency == account.currency == "USD"
    assert float(client.get_transaction_summary().fee_tier["taker_fee_rate"]) > 0


def test_the_limits_headers_are_read_where_the_exchange_has_a_limit(market: Exchange) -> None:
    settings = f"{market.ready['rest']}/control/settings"
    market.control.post(settings, json={"requests_per_s": 500}, timeout=10)
    host = market.ready["rest"].removeprefix("https://")
    client = RESTClient(key_file=market.ready["key_file"], base_url=host, rate_limit_headers=True)
    client.session.trust_env = False
    client.session.verify = market.ready["ca_file"]
    try:
        told = client.get_accounts()
        assert told.rate_limit_limit == "500"
        assert 0 <= int(told.rate_limit_remaining) < 500
        assert told.rate_limit_reset == "1"
    finally:
        client.session.close()
        market.control.post(settings, json={"requests_per_s": None}, timeout=10)
