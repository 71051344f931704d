"""Every request of the client as the exchange gets it: method, path, query, body; and what its reply becomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from actors.connection.client import coinbase as client_module
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.configurations import BracketGtc, LimitGtc
from actors.connection.client.futures import INTRADAY_MARGIN
from actors.connection.errors import (
    BrokerageAPIError,
    BrokerageError,
    InsufficientFunds,
    InvalidOrder,
    OrderNotFound,
    ReplyUnreadable,
)
from tests.actors.connection.test_client import KEY

D = Decimal
#: 2026-04-07T14:30:03.123456Z
AT = 1_775_572_203_123_456_000
LIMIT = LimitGtc(base_size=D(3), limit_price=D(68925), post_only=True)
LIMIT_SENT = {"limit_limit_gtc": {"base_size": "3", "limit_price": "68925", "post_only": True}}
BOOK = {"product_id": "P", "bids": [{"price": "1", "size": "2"}], "asks": []}
CANDLE = {"start": "60", "low": "1", "high": "2", "open": "1", "close": "2", "volume": "3"}
ACCOUNT = {"uuid": "u", "currency": "USD", "available_balance": {"value": "5", "currency": "USD"}}
ORDER = {"order_id": "o", "product_id": "P", "side": "BUY", "status": "OPEN"}
FILL = {"entry_id": "e", "trade_id": "t", "order_id": "o", "product_id": "P", "side": "BUY", "price": "1", "size": "2"}
POSITION = {"product_id": "P", "side": "LONG", "number_of_contracts": "2"}
PORTFOLIO = {"uuid": "pf", "name": "Mine", "type": "DEFAULT"}
PERPETUAL = {"symbol": "BTC-PERP-INTX", "net_size": "-0.5"}
TRADE = {"id": "tr", "status": "TRADE_STATUS_CREATED", "total": {"value": "9.5", "currency": "USD"}}
METHOD = {"id": "pm", "type": "ACH", "allow_deposit": True}
PLACED = {"success": True, "success_response": {"order_id": "o"}}


class Case(NamedTuple):
    """One call, the request it must make, the reply it gets, and what must come back."""

    call: Callable[[CoinbaseClient], Any]
    request: str
    reply: Any
    read: Callable[[Any], Any]
    wanted: Any
    body: Any = None


def first(name: str) -> Callable[[Any], Any]:
    return lambda found: getattr(next(iter(found)), name)


def field(name: str) -> Callable[[Any], Any]:
    return lambda found: getattr(found, name)


def itself(found: Any) -> Any:
    return found


CASES: dict[str, Case] = {
    "get_time": Case(lambda c: c.get_time(), "GET /time", {"iso": "1970-01-01T00:00:01Z"}, field("iso"), 10**9),
    "get_products": Case(
        lambda c: c.get_products(
            "FUTURE", ["A"], contract_expiry_type="EXPIRING", expiring_contract_status="STATUS_UNEXPIRED",
            get_tradability_status=True, get_all_products=False,
        ),
        "GET /products?product_ids=A&product_type=FUTURE&contract_expiry_type=EXPIRING"
        "&expiring_contract_status=STATUS_UNEXPIRED&get_tradability_status=true&get_all_products=false",
        {"products": [{"product_id": "A"}]}, first("product_id"), "A",
    ),
    "get_product": Case(
        lambda c: c.get_product("P", get_tradability_status=True), "GET /products/P?get_tradability_status=true",
        {"product_id": "P", "price_increment": "5"}, field("price_increment"), D(5),
    ),
    "get_product_book": Case(
        lambda c: c.get_product_book("P", 10, aggregation_price_increment=D("0.10")),
        "GET /product_book?product_id=P&limit=10&aggregation_price_increment=0.1",
        {"pricebook": BOOK, "last": "7"}, lambda found: (found.last, found.pricebook.bids[0].size), (D(7), D(2)),
    ),
    "get_best_bid_ask": Case(
        lambda c: c.get_best_bid_ask(["P", "Q"]), "GET /best_bid_ask?product_ids=P&product_ids=Q",
        {"pricebooks": [BOOK]}, first("product_id"), "P",
    ),
    "get_ticker": Case(
        lambda c: c.get_ticker("P", 5, start_s=1, end_s=2), "GET /products/P/ticker?limit=5&start=1&end=2",
        {"trades": [], "best_bid": "1"}, field("best_bid"), D(1),
    ),
    "get_candles": Case(
        lambda c: c.get_candles("P", start_s=0, end_s=60, granularity="ONE_MINUTE", limit=350),
        "GET /products/P/candles?start=0&end=60&granularity=ONE_MINUTE&limit=350",
        {"candles": [CANDLE]}, first("volume"), D(3),
    ),
    "get_key_permissions": Case(
        lambda c: c.get_key_permissions(), "GET /key_permissions",
        {"can_view": True, "can_trade": True, "can_transfer": False}, field("can_transfer"), False,
    ),
    "get_accounts": Case(
        lambda c: list(c.get_accounts(retail_portfolio_id="pf")), "GET /accounts?limit=250&retail_portfolio_id=pf",
        {"accounts": [ACCOUNT], "has_next": False}, first("available_balance"), D(5),
    ),
    "get_account": Case(
        lambda c: c.get_account("u"), "GET /accounts/u", {"account": ACCOUNT}, field("currency"), "USD"
    ),
    "get_transaction_summary": Case(
        lambda c: c.get_transaction_summary("FUTURE", contract_expiry_type="EXPIRING", product_venue="FCM"),
        "GET /transaction_summary?product_type=FUTURE&contract_expiry_type=EXPIRING&product_venue=FCM",
        {"fee_tier": {"maker_fee_rate": "0.005"}, "total_fees": 0.1},
        lambda found: (found.fee_tier.maker_fee_rate, found.total_fees), (D("0.005"), D("0.1")),
    ),
    "list_payment_methods": Case(
        lambda c: c.list_payment_methods(), "GET /payment_methods", {"payment_methods": [METHOD]}, first("id"), "pm"
    ),
    "get_payment_method": Case(
        lambda c: c.get_payment_method("pm"), "GET /payment_methods/pm", {"payment_method": METHOD},
        field("allow_deposit"), True,
    ),
    "place_order": Case(
        lambda c: c.place_order(
            client_order_id="c", product_id="P", side="BUY", order_configuration=LIMIT, leverage=D(3),
            margin_type="CROSS", attached=BracketGtc(limit_price=D(70000), stop_trigger_price=D(60000)),
            self_trade_prevention_id="st", preview_id="pv", retail_portfolio_id="pf", sor_preference="SOR_DISABLED",
            cost_basis_method="FIFO",
        ),
        "POST /orders", PLACED, field("order_id"), "o",
        {
            "client_order_id": "c", "product_id": "P", "side": "BUY", "order_configuration": LIMIT_SENT,
            "leverage": "3", "margin_type": "CROSS",
            "attached_order_configuration": {
                "trigger_bracket_gtc": {"limit_price": "70000", "stop_trigger_price": "60000"}
            },
            "self_trade_prevention_id": "st", "preview_id": "pv", "retail_portfolio_id": "pf",
            "sor_preference": "SOR_DISABLED", "cost_basis_method": "FIFO",
        },
    ),
    "close_position": Case(
        lambda c: c.close_position(client_order_id="c", product_id="P", size=D("2.0")), "POST /orders/close_position",
        PLACED, field("order_id"), "o", {"client_order_id": "c", "product_id": "P", "size": "2"},
    ),
    "preview_order": Case(
        lambda c: c.preview_order(
            product_id="P", side="SELL", order_configuration=LIMIT, leverage="2", margin_type="ISOLATED",
            attached=BracketGtc(limit_price=D(1), stop_trigger_price=D(2)), retail_portfolio_id="pf",
        ),
        "POST /orders/preview", {"errs": ["PREVIEW_INSUFFICIENT_FUND"], "order_total": "206.78"},
        lambda found: (found.errs, found.order_total), (["PREVIEW_INSUFFICIENT_FUND"], D("206.78")),
        {
            "product_id": "P", "side": "SELL", "order_configuration": LIMIT_SENT, "leverage": "2",
            "margin_type": "ISOLATED", "retail_portfolio_id": "pf",
            "attached_order_configuration": {"trigger_bracket_gtc": {"limit_price": "1", "stop_trigger_price": "2"}},
        },
    ),
    "edit_order": Case(
        lambda c: c.edit_order("o", price=D("68930"), size=D("2.0"), stop_price=D(7)), "POST /orders/edit",
        {"success": True, "errors": []}, itself, None,
        {"order_id": "o", "price": "68930", "size": "2", "stop_price": "7"},
    ),
    "edit_order_preview": Case(
        lambda c: c.edit_order_preview("o", price=D(5), size=D(1)), "POST /orders/edit_preview",
        {"errors": [{"edit_failure_reason": "ORDER_NOT_FOUND"}], "slippage": "0.1"},
        lambda found: (found.errors[0].edit_failure_reason, found.slippage), ("ORDER_NOT_FOUND", D("0.1")),
        {"order_id": "o", "price": "5", "size": "1"},
    ),
    "cancel_orders": Case(
        lambda c: c.cancel_orders(["o"]), "POST /orders/batch_cancel",
        {"results": [{"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": "o"}]},
        first("failure_reason"), "UNKNOWN_CANCEL_ORDER", {"order_ids": ["o"]},
    ),
    "get_order_historical": Case(
        lambda c: c.get_order_historical("o"), "GET /orders/historical/o",
        {"order": {**ORDER, "order_configuration": LIMIT_SENT}}, field("configuration"), LIMIT,
    ),
    "list_orders": Case(
        lambda c: list(
            c.list_orders(
                product_ids=["P"], order_status=["OPEN"], since=AT, until=AT, order_ids=["o"], product_type="FUTURE",
                order_types=["LIMIT"], order_side="BUY", time_in_forces=["GOOD_UNTIL_CANCELLED"],
                order_placement_source="RETAIL_ADVANCED", contract_expiry_type="EXPIRING", asset_filters=["BTC"],
                retail_portfolio_id="pf", sort_by="LAST_FILL_TIME",
            )
        ),
        "GET /orders/historical/batch?limit=250&product_ids=P&order_status=OPEN"
        "&start_date=2026-04-07T14%3A30%3A03.123456Z&end_date=2026-04-07T14%3A30%3A03.123456Z&order_ids=o"
        "&product_type=FUTURE&order_types=LIMIT&order_side=BUY&time_in_forces=GOOD_UNTIL_CANCELLED"
        "&order_placement_source=RETAIL_ADVANCED&contract_expiry_type=EXPIRING&asset_filters=BTC"
        "&retail_portfolio_id=pf&sort_by=LAST_FILL_TIME",
        {"orders": [ORDER], "has_next": False}, first("status"), "OPEN",
    ),
    "list_fills": Case(
        lambda c: list(
            c.list_fills(
                order_ids=["o"], product_ids=["P"], since=AT, until=AT, trade_ids=["t"], retail_portfolio_id="pf",
                sort_by="TRADE_TIME",
            )
        ),
        "GET /orders/historical/fills?limit=100&order_ids=o&product_ids=P"
        "&start_sequence_timestamp=2026-04-07T14%3A30%3A03.123456Z"
        "&end_sequence_timestamp=2026-04-07T14%3A30%3A03.123456Z&trade_ids=t&retail_portfolio_id=pf"
        "&sort_by=TRADE_TIME",
        {"fills": [FILL], "cursor": ""}, first("size"), D(2),
    ),
    "cfm_balance_summary": Case(
        lambda c: c.cfm_balance_summary(), "GET /cfm/balance_summary",
        {"balance_summary": {"cfm_usd_balance": {"value": "8", "currency": "USD"}}}, field("cfm_usd_balance"), D(8),
    ),
    "cfm_positions": Case(
        lambda c: c.cfm_positions(), "GET /cfm/positions", {"positions": [POSITION]}, first("side"), "LONG"
    ),
    "cfm_position": Case(
        lambda c: c.cfm_position("P"), "GET /cfm/positions/P", {"position": POSITION},
        field("number_of_contracts"), D(2),
    ),
    "cfm_intraday_current_margin_window": Case(
        lambda c: c.cfm_intraday_current_margin_window(),
        "GET /cfm/intraday/current_margin_window?margin_profile_type=MARGIN_PROFILE_TYPE_RETAIL_REGULAR",
        {"margin_window": {"margin_window_type": "MARGIN_WINDOW_TYPE_INTRADAY"}},
        lambda found: found.margin_window.margin_window_type, "MARGIN_WINDOW_TYPE_INTRADAY",
    ),
    "cfm_intraday_margin_setting": Case(
        lambda c: c.cfm_intraday_margin_setting(), "GET /cfm/intraday/margin_setting", {"setting": INTRADAY_MARGIN},
        itself, INTRADAY_MARGIN,
    ),
    "cfm_set_intraday_margin_setting": Case(
        lambda c: c.cfm_set_intraday_margin_setting(INTRADAY_MARGIN), "POST /cfm/intraday/margin_setting", {}, itself,
        None, {"setting": INTRADAY_MARGIN},
    ),
    "cfm_sweeps": Case(
        lambda c: c.cfm_sweeps(), "GET /cfm/sweeps",
        {"sweeps": [{"id": "s", "requested_amount": {"value": "9", "currency": "USD"}, "status": "PENDING"}]},
        lambda found: found[0].requested_amount.value, D(9),
    ),
    "cfm_sweeps_schedule": Case(
        lambda c: c.cfm_sweeps_schedule(D("100.00")), "POST /cfm/sweeps/schedule", {"success": True}, itself, True,
        {"usd_amount": "100"},
    ),
    "cfm_sweeps_cancel": Case(
        lambda c: c.cfm_sweeps_cancel(), "DELETE /cfm/sweeps", {"success": False}, itself, False
    ),
    "list_portfolios": Case(
        lambda c: c.list_portfolios("DEFAULT"), "GET /portfolios?portfolio_type=DEFAULT", {"portfolios": [PORTFOLIO]},
        first("name"), "Mine",
    ),
    "create_portfolio": Case(
        lambda c: c.create_portfolio("Mine"), "POST /portfolios", {"portfolio": PORTFOLIO}, field("uuid"), "pf",
        {"name": "Mine"},
    ),
    "edit_portfolio": Case(
        lambda c: c.edit_portfolio("pf", "Other"), "PUT /portfolios/pf", {"portfolio": PORTFOLIO}, field("uuid"),
        "pf", {"name": "Other"},
    ),
    "delete_portfolio": Case(lambda c: c.delete_portfolio("pf"), "DELETE /portfolios/pf", {}, itself, None),
    "get_portfolio_breakdown": Case(
        lambda c: c.get_portfolio_breakdown("pf", currency="EUR"), "GET /portfolios/pf?currency=EUR",
        {
            "breakdown": {
                "portfolio": PORTFOLIO,
                "portfolio_balances": {"total_balance": {"value": "3", "currency": "EUR"}},
                "perp_positions": [{"symbol": "X", "vwap": {"rawCurrency": {"value": "2", "currency": "USDC"}}}],
            }
        },
        lambda found: (found.portfolio_balances.total_balance.value, found.perp_positions[0].vwap.raw.currency),
        (D(3), "USDC"),
    ),
    "move_funds": Case(
        lambda c: c.move_funds(D("12.50"), "USD", source_uuid="a", target_uuid="b"), "POST /portfolios/move_funds",
        {"source_portfolio_uuid": "a", "target_portfolio_uuid": "b"}, field("target_portfolio_uuid"), "b",
        {
            "funds": {"value": "12.5", "currency": "USD"},
            "source_portfolio_uuid": "a",
            "target_portfolio_uuid": "b",
        },
    ),
    "convert_quote": Case(
        lambda c: c.convert_quote(from_account="USD", to_account="USDC", amount=D(10), user_incentive_id="i"),
        "POST /convert/quote", {"trade": TRADE}, lambda found: (found.id, found.total.value), ("tr", D("9.5")),
        {
            "from_account": "USD", "to_account": "USDC", "amount": "10",
            "trade_incentive_metadata": {"user_incentive_id": "i"},
        },
    ),
    "convert_commit": Case(
        lambda c: c.convert_commit("tr", from_account="USD", to_account="USDC"), "POST /convert/trade/tr",
        {"trade": TRADE}, field("status"), "TRADE_STATUS_CREATED", {"from_account": "USD", "to_account": "USDC"},
    ),
    "convert_trade": Case(
        lambda c: c.convert_trade("tr", from_account="USD", to_account="USDC"),
        "GET /convert/trade/tr?from_account=USD&to_account=USDC", {"trade": TRADE}, field("id"), "tr",
    ),
    "intx_portfolio": Case(
        lambda c: c.intx_portfolio("pf"), "GET /intx/portfolio/pf",
        {"portfolios": [{"portfolio_uuid": "pf", "collateral": "20"}], "summary": {}},
        lambda found: found.portfolios[0].collateral, D(20),
    ),
    "intx_positions": Case(
        lambda c: c.intx_positions("pf"), "GET /intx/positions/pf",
        {"positions": [PERPETUAL], "summary": {"aggregated_pnl": {"value": "1", "currency": "USDC"}}},
        lambda found: (found.positions[0].net_size, found.summary.aggregated_pnl.value), (D("-0.5"), D(1)),
    ),
    "intx_position": Case(
        lambda c: c.intx_position("pf", "BTC-PERP-INTX"), "GET /intx/positions/pf/BTC-PERP-INTX",
        {"position": PERPETUAL}, field("symbol"), "BTC-PERP-INTX",
    ),
    "intx_balances": Case(
        lambda c: c.intx_balances("pf"), "GET /intx/balances/pf",
        {"portfolio_balances": [{"portfolio_uuid": "pf", "balances": [{"asset": {}, "quantity": "7"}]}]},
        lambda found: found[0].balances[0].quantity, D(7),
    ),
    "intx_allocate": Case(
        lambda c: c.intx_allocate("pf", "BTC-PERP-INTX", D("1.10"), "USDC"), "POST /intx/allocate", {}, itself, None,
        {"portfolio_uuid": "pf", "symbol": "BTC-PERP-INTX", "amount": "1.1", "currency": "USDC"},
    ),
    "intx_multi_asset_collateral": Case(
        lambda c: c.intx_multi_asset_collateral("pf", enabled=True), "POST /intx/multi_asset_collateral",
        {"cross_collateral_enabled": True}, itself, True,
        {"portfolio_uuid": "pf", "multi_asset_collateral_enabled": True},
    ),
}  # fmt: skip


class Answering:
    """A transport that gives one answer to whatever is asked, and keeps what was."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._answer = json.dumps(answer)
        self._status = status

    def __call__(
        self, method: str, url: str, _headers: Mapping[str, str], body: bytes | None, _timeout: float
    ) -> tuple[int, Mapping[str, str], str]:
        path = url.removeprefix("https://x.test/api/v3/brokerage")
        self.asked.append((f"{method} {path}", None if body is None else json.loads(body)))
        return self._status, {}, self._answer


def client_of(answering: Answering) -> CoinbaseClient:
    client = CoinbaseClient("https://x.test", KEY, max_retries=0)
    client.set_transport_for_testing(answering)
    return client


@pytest.mark.parametrize("name", CASES)
def test_a_request_is_made_and_answered_as_the_exchange_writes_it(name: str) -> None:
    case = CASES[name]
    answering = Answering(case.reply)
    found = case.call(client_of(answering))
    assert answering.asked == [(case.request, case.body)]
    assert case.read(found) == case.wanted


def test_every_request_of_the_client_is_among_the_cases() -> None:
    families = [getattr(client_module, name) for name in dir(client_module) if name.startswith("client_")]
    offered = {
        name
        for name, each in vars(CoinbaseClient).items()
        if any(getattr(each, "__module__", "") == family.__name__ for family in families)
    }
    assert len(families) == 7
    assert offered == set(CASES)


def test_every_request_of_the_client_stands_in_the_page_about_the_exchange() -> None:
    page = (Path(__file__).parents[3] / "docs" / "COINBASE.md").read_text(encoding="utf-8")
    assert not [name for name in CASES if f"`client.{name}`" not in page]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.request.startswith("GET ")])
def test_what_changes_something_is_sent_once_whatever_comes_back(name: str) -> None:
    answering = Answering({}, status=503)
    client = CoinbaseClient("https://x.test", KEY, max_retries=3)
    client.set_transport_for_testing(answering)
    with pytest.raises(BrokerageAPIError) as raised:
        CASES[name].call(client)
    assert len(answering.asked) == 1
    assert raised.value.outcome_unknown


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.reply not in ({}, None) and name != "get_product"]
)
def test_a_reply_without_what_must_be_there_is_a_typed_error(name: str) -> None:
    if name == "intx_multi_asset_collateral":
        assert CASES[name].call(client_of(Answering({}))) is None, "the exchange may leave it unsaid"
        return
    with pytest.raises(ReplyUnreadable, match=r"missing required field|Expected"):
        CASES[name].call(client_of(Answering({})))


def test_a_malformed_field_is_named_with_its_path() -> None:
    answer = {"breakdown": {"portfolio": PORTFOLIO, "portfolio_balances": {"total_balance": {"value": "much"}}}}
    with pytest.raises(ReplyUnreadable, match=r"\$\.breakdown\.portfolio_balances\.total_balance\.value"):
        client_of(Answering(answer)).get_portfolio_breakdown("pf")


def test_a_field_we_have_no_name_for_is_kept_as_it_came() -> None:
    order = {**ORDER, "tomorrow": {"a": [1.50, "x"]}, "edit_history": [{"price": "1", "by": "you"}]}
    found = client_of(Answering({"order": order})).get_order_historical("o")
    assert json.loads(bytes(found.unknown["tomorrow"])) == {"a": [1.50, "x"]}
    assert found.edit_history is not None
    assert bytes(found.edit_history[0].unknown["by"]) == b'"you"'
    assert set(found.unknown) == {"tomorrow"}


class Offset:
    """An exchange with products in pages of limit and offset; a deaf one gives the first page for ever."""

    def __init__(self, products: int, *, deaf: bool = False) -> None:
        self.asked = 0
        self._ids = [f"P{number}" for number in range(products)]
        self._deaf = deaf

    def __call__(
        self, _method: str, url: str, _headers: Mapping[str, str], _body: bytes | None, _timeout: float
    ) -> tuple[int, Mapping[str, str], str]:
        self.asked += 1
        query = dict(part.split("=") for part in url.partition("?")[2].split("&"))
        start = 0 if self._deaf else int(query["offset"])
        rows = [{"product_id": each} for each in self._ids[start : start + int(query["limit"])]]
        return 200, {}, json.dumps({"products": rows, "num_products": len(rows)})


@pytest.mark.parametrize(("products", "pages"), [(0, 1), (3, 2), (4, 3), (5, 3)])
def test_products_are_followed_over_their_pages(products: int, pages: int) -> None:
    client, exchange = CoinbaseClient("https://x.test"), Offset(products)
    client.set_transport_for_testing(exchange)
    assert [each.product_id for each in client.get_products(page_size=2)] == [f"P{n}" for n in range(products)]
    assert exchange.asked == pages


def test_products_whose_pages_repeat_are_an_error_and_not_an_endless_loop() -> None:
    client, exchange = CoinbaseClient("https://x.test"), Offset(4, deaf=True)
    client.set_transport_for_testing(exchange)
    with pytest.raises(BrokerageAPIError, match="never ends"):
        client.get_products(page_size=2)
    assert exchange.asked == 2


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        ({"success": False, "errors": [{"edit_failure_reason": "ORDER_NOT_FOUND"}]}, OrderNotFound, "ORDER_NOT_FOUND"),
        (
            {
                "success": False,
                "errors": [
                    {
                        "edit_failure_reason": "UNKNOWN_EDIT_ORDER_FAILURE_REASON",
                        "preview_failure_reason": "PREVIEW_INSUFFICIENT_FUND",
                    }
                ],
            },
            InsufficientFunds,
            "PREVIEW_INSUFFICIENT_FUND",
        ),
        (
            {"success": False, "errors": {"edit_failure_reason": "CANNOT_EDIT_FUTURES_ORDER"}},
            InvalidOrder,
            "CANNOT_EDIT_FUTURES_ORDER",
        ),
        (
            {
                "success": False,
                "error_response": {"edit_order_failure_reason": "ONLY_OPEN_ORDERS_CAN_BE_EDITED", "message": "late"},
            },
            InvalidOrder,
            "ONLY_OPEN_ORDERS_CAN_BE_EDITED",
        ),
        ({"success": False}, InvalidOrder, "UNKNOWN"),
    ],
)
def test_an_edit_that_is_refused_raises_the_error_of_its_reason(
    reply: dict[str, Any], kind: type[BrokerageError], code: str
) -> None:
    with pytest.raises(BrokerageError) as refused:
        client_of(Answering(reply)).edit_order("o", price=D(1), size=D(1))
    assert (type(refused.value), refused.value.code) == (kind, code)
    assert not refused.value.outcome_unknown


def test_what_the_last_look_raises_stops_an_edit() -> None:
    def look() -> None:
        raise InvalidOrder("no")

    answering = Answering({"success": True})
    with pytest.raises(InvalidOrder):
        client_of(answering).edit_order("o", price=D(1), size=D(1), before_send=look)
    assert answering.asked == []
