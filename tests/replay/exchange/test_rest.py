"""REST over real sockets: shapes, refusals, pages, and the errors that are no JSON or no success."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

import orjson
import pytest

from tests.paths import SHARED_DATA, needs_shared_data
from tests.replay.exchange.running import BASE, PRODUCT, Client, Json

FIXTURES = SHARED_DATA / "coinbase-fixtures"

LIMIT = {"base_size": "2", "limit_price": "60000"}


def body(**changed: object) -> Json:
    sent: Json = {
        "client_order_id": str(uuid.uuid4()),
        "product_id": PRODUCT,
        "side": "BUY",
        "order_configuration": {"limit_limit_gtc": LIMIT},
    }
    return {**sent, **changed}


def keys(found: object, path: str = "") -> set[str]:
    """Every path of names in a payload; rows of a list are looked at together."""
    if isinstance(found, dict):
        return {f"{path}.{name}" for name in found} | {
            one for name in found for one in keys(found[name], f"{path}.{name}")
        }
    if isinstance(found, list):
        return {one for row in found for one in keys(row, f"{path}[]")}
    return set()


def test_time_is_the_exchanges_own(standing: Client) -> None:
    assert standing.get("/time") == {
        "iso": "2026-03-02T14:01:01Z",
        "epochSeconds": "1772460061",
        "epochMillis": "1772460061000",
    }


def test_the_product_shows_its_rules_and_its_state(standing: Client) -> None:
    found = standing.get(f"/products/{PRODUCT}")
    assert found["price"] == "60010"
    assert found["price_increment"] == "5"
    assert found["mid_market_price"] == "60005"
    assert found["product_venue"] == "FCM"
    assert found["future_product_details"]["contract_size"] == "0.01"
    assert found["future_product_details"]["contract_expiry_type"] == "EXPIRING"
    assert found["future_product_details"]["funding_interval"] == "3600s"
    assert standing.get("/products") == {"products": [found], "num_products": 1, "pagination": None}
    assert standing.get("/products", product_type="SPOT") == {"products": [], "num_products": 0, "pagination": None}


@needs_shared_data
def test_the_product_has_every_field_of_a_recorded_one(standing: Client) -> None:
    recorded = orjson.loads((FIXTURES / "http_products_future.json").read_bytes())["products"][0]
    missing = keys(recorded) - keys(standing.get(f"/products/{PRODUCT}"))
    cosmetic = {"cbrn", "icon", "about", "market_cap", "overwrite", "alpha", "code_display", "maintenance."}
    assert {name for name in missing if not any(word in name for word in cosmetic)} == set()


def test_the_book_is_shown_best_first(standing: Client) -> None:
    found = standing.get("/product_book", product_id=PRODUCT)
    assert found["pricebook"]["bids"] == [{"price": "60000", "size": "10"}, {"price": "59995", "size": "20"}]
    assert found["pricebook"]["asks"] == [{"price": "60010", "size": "10"}, {"price": "60015", "size": "20"}]
    assert (found["last"], found["mid_market"], found["spread_absolute"]) == ("60010", "60005", "10")
    top = standing.get("/product_book", product_id=PRODUCT, limit=1)
    assert len(top["pricebook"]["bids"]) == len(top["pricebook"]["asks"]) == 1
    coarse = standing.get("/product_book", product_id=PRODUCT, aggregation_price_increment="100")
    assert coarse["pricebook"]["bids"] == [{"price": "60000", "size": "10"}, {"price": "59900", "size": "20"}]
    assert coarse["pricebook"]["asks"] == [{"price": "60100", "size": "30"}]
    best = standing.get("/best_bid_ask", product_ids=PRODUCT)["pricebooks"]
    assert [len(best[0][side]) for side in ("bids", "asks")] == [1, 1]


def test_candles_come_newest_first_and_none_stands_for_a_minute_without_trades(standing: Client) -> None:
    found = standing.get(
        f"/products/{PRODUCT}/candles", start=1_772_460_000, end=1_772_460_300, granularity="ONE_MINUTE"
    )
    assert found["candles"] == [
        {"start": "1772460060", "low": "60010", "high": "60010", "open": "60010", "close": "60010", "volume": "1"},
        {"start": "1772460000", "low": "60000", "high": "60010", "open": "60010", "close": "60000", "volume": "5"},
    ]
    hour = standing.get(f"/products/{PRODUCT}/candles", start=1_772_460_000, end=1_772_460_300, granularity="ONE_HOUR")
    assert [candle["volume"] for candle in hour["candles"]] == ["6"]


@pytest.mark.parametrize(
    "query",
    [
        {"start": 0, "end": 351 * 60, "granularity": "ONE_MINUTE"},
        {"start": 0, "end": 60, "granularity": "ONE_SECOND"},
        {"start": "2026-03-02T14:00:00Z", "end": 60, "granularity": "ONE_MINUTE"},
        {"granularity": "ONE_MINUTE"},
    ],
)
def test_candles_that_cannot_be_given_are_a_bad_request(standing: Client, query: Json) -> None:
    reply = standing.ask("GET", f"/products/{PRODUCT}/candles", **query)
    assert (reply.status_code, reply.json()["error"]) == (400, "INVALID_ARGUMENT")


def test_trades_carry_the_makers_side_newest_first(standing: Client) -> None:
    found = standing.get(f"/products/{PRODUCT}/ticker", limit=2)
    assert [(row["price"], row["size"], row["side"]) for row in found["trades"]] == [
        ("60010", "1", "SELL"),
        ("60000", "3", "SELL"),
    ]
    assert (found["best_bid"], found["best_ask"]) == ("60000", "60010")


@pytest.mark.parametrize("limit", [None, 0])
def test_the_ticker_needs_its_limit(standing: Client, limit: int | None) -> None:
    query: Json = {} if limit is None else {"limit": limit}
    assert standing.ask("GET", f"/products/{PRODUCT}/ticker", **query).status_code == 400


def test_a_ticker_of_too_many_rows_is_the_exchanges_own_error(standing: Client) -> None:
    reply = standing.ask("GET", f"/products/{PRODUCT}/ticker", limit=1_001)
    assert (reply.status_code, reply.json()["error"]) == (500, "INTERNAL")


def test_unknown_things_are_not_found_in_the_exchanges_words(standing: Client) -> None:
    product = standing.ask("GET", "/products/NOPE-USD")
    assert (product.status_code, product.json()["message"]) == (404, "Product NOPE-USD not supported")
    order = standing.ask("GET", "/orders/historical/nobody")
    assert (order.status_code, order.json()["message"]) == (404, "order with this orderID was not found")
    path = standing.ask("GET", "/fees")
    assert (path.status_code, path.json()) == (
        404,
        {"error": "unknown", "error_details": "Not Found", "message": "Not Found"},
    )


def test_an_order_goes_from_rest_to_its_end(exchange: Client) -> None:
    order_id = exchange.limit("first", "BUY", 2, 60_000)
    resting = exchange.get(f"/orders/historical/{order_id}")["order"]
    assert (resting["status"], resting["filled_size"], resting["settled"]) == ("OPEN", "0", False)
    assert resting["order_configuration"] == {
        "limit_limit_gtc": {"base_size": "2", "limit_price": "60000", "post_only": False}
    }
    assert Decimal(resting["outstanding_hold_amount"]) > 0
    cancelled = exchange.post("/orders/batch_cancel", {"order_ids": [order_id, "nope", order_id]})
    assert [(one["success"], one["failure_reason"]) for one in cancelled["results"]] == [
        (True, "UNKNOWN_CANCEL_FAILURE_REASON"),
        (False, "UNKNOWN_CANCEL_ORDER"),
        (False, "DUPLICATE_CANCEL_REQUEST"),
    ]
    over = exchange.get(f"/orders/historical/{order_id}")["order"]
    assert (over["status"], over["outstanding_hold_amount"], over["settled"]) == ("CANCELLED", "0", True)


def test_a_filled_order_its_fills_its_position_and_its_balance_tell_one_story(exchange: Client) -> None:
    order_id = exchange.market("take", "BUY", 15)
    order = exchange.get(f"/orders/historical/{order_id}")["order"]
    assert (order["status"], order["filled_size"], order["number_of_fills"]) == ("FILLED", "15", "2")
    assert order["filled_value"] == "9001.75"
    assert order["total_fees"] == "7.2014"
    assert order["total_value_after_fees"] == "9008.9514"
    fills = exchange.get("/orders/historical/fills", order_ids=order_id)["fills"]
    assert [(fill["price"], fill["size"], fill["liquidity_indicator"]) for fill in fills] == [
        ("60015", "5", "TAKER"),
        ("60010", "10", "TAKER"),
    ]
    assert sum(Decimal(fill["commission"]) for fill in fills) == Decimal("7.2014")
    position = exchange.get(f"/cfm/positions/{PRODUCT}")["position"]
    assert (position["side"], position["number_of_contracts"], position["current_price"]) == ("LONG", "15", "60010")
    summary = exchange.get("/cfm/balance_summary")["balance_summary"]
    assert summary["cfm_usd_balance"] == {"value": "99992.7986", "currency": "USD"}
    assert summary["unrealized_pnl"]["value"] == position["unrealized_pnl"] == "-0.25"
    books = exchange.control("books")
    assert Decimal(books["equity"]) == Decimal("99992.7986") - Decimal("0.25")
    assert Decimal(books["equity"]) == Decimal(books["start_cash"]) - Decimal(books["fees"]) + Decimal(
        books["unrealized"]
    )
    assert books["positions"][0]["mark"] == position["current_price"]


def test_closing_takes_the_position_down_and_says_so_when_there_is_none(exchange: Client) -> None:
    nothing = exchange.post("/orders/close_position", {"client_order_id": "c1", "product_id": PRODUCT})
    assert (nothing["success"], nothing["error_response"]["error"]) == (False, "CANNOT_CLOSE_ZERO_POSITION")
    exchange.market("short", "SELL", 5)
    part = exchange.post("/orders/close_position", {"client_order_id": "c2", "product_id": PRODUCT, "size": "2"})
    assert part["success_response"]["side"] == "BUY"
    assert exchange.get("/cfm/positions")["positions"][0]["number_of_contracts"] == "3"
    exchange.post("/orders/close_position", {"client_order_id": "c3", "product_id": PRODUCT})
    assert exchange.get("/cfm/positions") == {"positions": []}
    assert exchange.ask("GET", f"/cfm/positions/{PRODUCT}").status_code == 404


def test_a_used_client_id_is_answered_with_success_and_the_old_order(exchange: Client) -> None:
    first = exchange.order("same", "BUY", {"limit_limit_gtc": LIMIT})
    second = exchange.order("same", "SELL", {"market_market_ioc": {"base_size": "1"}})
    assert second["success"]
    assert second["success_response"]["order_id"] == first["success_response"]["order_id"]
    assert second["success_response"]["side"] == "SELL"
    assert second["order_configuration"] == {"market_market_ioc": {"base_size": "1"}}
    listed = exchange.get("/orders/historical/batch")["orders"]
    assert [(order["side"], order["status"]) for order in listed] == [("BUY", "OPEN")]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reduce_only": True}, 'unknown field "reduce_only"'),
        (
            {"order_configuration": {"market_market_ioc": {"base_size": "1", "reduce_only": True}}},
            'unknown field "reduce_only"',
        ),
        ({"order_configuration": {"limit_limit_ioc": LIMIT}}, 'unknown field "limit_limit_ioc"'),
        ({"side": "LONG"}, "invalid value for enum field side"),
        ({"product_id": 7}, "invalid value for string field product_id"),
        (
            {"order_configuration": {"limit_limit_gtc": {"base_size": 2, "limit_price": "60000"}}},
            "invalid value for string field base_size",
        ),
        (
            {"order_configuration": {"limit_limit_gtc": {**LIMIT, "post_only": "true"}}},
            "invalid value for bool field post_only",
        ),
    ],
)
def test_what_protobuf_cannot_read_is_a_bad_request(standing: Client, changed: Json, message: str) -> None:
    reply = standing.ask("POST", "/orders", body(**changed))
    assert reply.status_code == 400
    assert reply.json()["error"] == "unknown"
    assert reply.json()["message"].startswith("proto: (line 1:")
    assert message in reply.json()["message"]


def test_the_place_of_an_unknown_field_is_told(standing: Client) -> None:
    reply = standing.ask("POST", "/orders", '{"client_order_id": "a",\n "reduceOnly": true}')
    assert reply.json()["message"] == 'proto: (line 2:2): unknown field "reduceOnly"'


@pytest.mark.parametrize("sent", ["", "{", "[]", "null", '"order"', "{}"])
def test_a_body_that_is_no_order_is_a_bad_request(standing: Client, sent: str) -> None:
    assert standing.ask("POST", "/orders", sent).status_code == 400


@pytest.mark.parametrize(
    ("changed", "new_order", "preview"),
    [
        ({"product_id": "NOPE"}, "INVALID_PRODUCT_ID", "PREVIEW_INVALID_PRODUCT_ID"),
        ({"order_configuration": {}}, "UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_ORDER_CONFIG"),
        (
            {"order_configuration": {"trigger_bracket_gtc": {"base_size": "1"}}},
            "INVALID_BRACKET_STOP_TRIGGER_PRICE",
            "PREVIEW_INVALID_STOP_PRICE",
        ),
        (
            {"order_configuration": {"market_market_ioc": {"quote_size": "100"}}},
            "UNSUPPORTED_ORDER_CONFIGURATION",
            "PREVIEW_INVALID_ORDER_CONFIG",
        ),
        (
            {"order_configuration": {"market_market_ioc": {"base_size": "NaN"}}},
            "UNKNOWN_FAILURE_REASON",
            "PREVIEW_NON_NUMERIC_ORDER_SIZE",
        ),
        (
            {"order_configuration": {"limit_limit_gtc": {"base_size": "1", "limit_price": "-5"}}},
            "INVALID_LIMIT_PRICE",
            "PREVIEW_INVALID_LIMIT_PRICE",
        ),
        (
            {"order_configuration": {"limit_limit_gtd": LIMIT}},
            "GTD_ORDERS_MUST_HAVE_END_TIME",
            "PREVIEW_INVALID_END_TIME",
        ),
        (
            {"order_configuration": {"limit_limit_gtd": {**LIMIT, "end_time": "2026-03-02T14:00:00Z"}}},
            "END_TIME_IS_IN_THE_PAST",
            "PREVIEW_INVALID_END_TIME",
        ),
        (
            {"order_configuration": {"limit_limit_gtc": {"base_size": "5000", "limit_price": "60000"}}},
            "INSUFFICIENT_FUNDS",
            "PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES",
        ),
        (
            {"order_configuration": {"limit_limit_gtc": {**LIMIT, "limit_price": "60010", "post_only": True}}},
            "INVALID_LIMIT_PRICE_POST_ONLY",
            "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY",
        ),
    ],
)
def test_a_refused_order_is_no_http_error_and_gives_both_reasons(
    standing: Client, changed: Json, new_order: str, preview: str
) -> None:
    found = standing.post("/orders", body(**changed))
    assert found["success"] is False
    assert found["error_response"]["new_order_failure_reason"] == new_order
    assert found["error_response"]["preview_failure_reason"] == preview
    assert standing.get("/orders/historical/batch")["orders"] == []


def test_every_configuration_that_is_matched_here_is_taken(exchange: Client) -> None:
    end = {"end_time": "2026-03-02T15:00:00Z"}
    taken = {
        "market_market_ioc": ({"base_size": "1"}, "FILLED", "IMMEDIATE_OR_CANCEL"),
        "market_market_fok": ({"base_size": "1"}, "FILLED", "FILL_OR_KILL"),
        "sor_limit_ioc": ({"base_size": "1", "limit_price": "60005"}, "CANCELLED", "IMMEDIATE_OR_CANCEL"),
        "limit_limit_gtc": ({**LIMIT, "post_only": True}, "OPEN", "GOOD_UNTIL_CANCELLED"),
        "limit_limit_gtd": ({**LIMIT, **end, "post_only": False}, "OPEN", "GOOD_UNTIL_DATE_TIME"),
        "limit_limit_fok": ({"base_size": "1", "limit_price": "60010"}, "FILLED", "FILL_OR_KILL"),
    }
    for name, (options, status, in_force) in taken.items():
        reply = exchange.order(name, "BUY", {name: options})
        assert reply["order_configuration"] == {name: options}
        found = exchange.get(f"/orders/historical/{reply['success_response']['order_id']}")["order"]
        assert (found["status"], found["time_in_force"]) == (status, in_force)


def test_a_preview_reserves_nothing_and_says_what_an_order_would_meet(standing: Client) -> None:
    sent = body()
    del sent["client_order_id"]
    good = standing.post("/orders/preview", {**sent, "order_configuration": {"market_market_ioc": {"base_size": "12"}}})
    assert good["errs"] == []
    assert good["quote_size"] == "7201.3"
    assert (good["best_bid"], good["best_ask"], good["base_size"]) == ("60000", "60010", "12")
    over = {"limit_limit_gtc": {"base_size": "5000", "limit_price": "60000"}}
    assert standing.post("/orders/preview", {**sent, "order_configuration": over})["errs"] == [
        "PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES"
    ]
    assert standing.ask("POST", "/orders/preview", body()).status_code == 400  # a client id has no place here
    assert standing.control("books")["orders"] == 0


def test_orders_are_listed_newest_first_and_by_what_is_asked(exchange: Client) -> None:
    resting, taken = exchange.limit("a", "BUY", 1, 59_000), exchange.market("b", "SELL", 1)

    def listed(**query: Any) -> list[str]:
        return [order["order_id"] for order in exchange.get("/orders/historical/batch", **query)["orders"]]

    assert listed() == [taken, resting]
    assert listed(order_status="OPEN") == [resting]
    assert listed(order_status=["FILLED", "CANCELLED"]) == [taken]
    assert listed(order_side="SELL") == [taken]
    assert listed(order_types="LIMIT") == [resting]
    assert listed(time_in_forces="IMMEDIATE_OR_CANCEL") == [taken]
    assert listed(order_ids=[resting]) == [resting]
    assert listed(product_ids="OTHER") == []
    assert listed(start_date="2026-03-02T14:01:01Z") == [taken, resting]
    assert listed(start_date="2026-03-02T14:01:02Z") == []
    assert listed(end_date="2026-03-02T14:01:01Z") == []


def test_open_stands_alone_among_the_statuses_asked_for(standing: Client) -> None:
    reply = standing.ask("GET", "/orders/historical/batch", order_status=["OPEN", "FILLED"])
    assert reply.status_code == 400


def test_pages_of_orders_do_not_shift_when_new_ones_come(exchange: Client) -> None:
    placed = [exchange.limit(f"o{number}", "BUY", 1, 59_000) for number in range(7)]
    seen: list[str] = []
    query: Json = {"limit": 3}
    while True:
        page = exchange.get("/orders/historical/batch", **query)
        seen += [order["order_id"] for order in page["orders"]]
        exchange.limit(f"new{len(seen)}", "BUY", 1, 59_000)
        if not page["has_next"]:
            break
        query["cursor"] = page["cursor"]
    assert seen == placed[::-1]
    assert page["cursor"] == ""


def test_pages_of_fills_end_with_an_empty_cursor(exchange: Client) -> None:
    for number in range(7):
        exchange.market(f"f{number}", "BUY" if number % 2 else "SELL", 1)
    seen: list[str] = []
    query: Json = {"limit": 3}
    while True:
        page = exchange.get("/orders/historical/fills", **query)
        assert "has_next" not in page
        seen += [fill["entry_id"] for fill in page["fills"]]
        if not page["cursor"]:
            break
        query["cursor"] = page["cursor"]
    assert len(seen) == len(set(seen)) == 7
    assert exchange.ask("GET", "/orders/historical/fills", cursor="not-one").status_code == 400


@pytest.mark.parametrize("query", [{"limit": "many"}, {"limit": "-1"}, {"start_sequence_timestamp": "yesterday"}])
def test_a_query_that_cannot_be_read_is_a_bad_request(standing: Client, query: Json) -> None:
    assert standing.ask("GET", "/orders/historical/fills", **query).status_code == 400


def test_the_account_says_what_it_is_and_what_the_key_may(standing: Client) -> None:
    accounts = standing.get("/accounts")
    assert (accounts["size"], accounts["has_next"], accounts["cursor"]) == (1, False, "")
    wallet = accounts["accounts"][0]
    assert standing.get(f"/accounts/{wallet['uuid']}") == {"account": wallet}
    assert standing.ask("GET", "/accounts/another").status_code == 404
    permissions = standing.get("/key_permissions")
    assert (permissions["can_view"], permissions["can_trade"], permissions["can_transfer"]) == (True, True, False)
    assert permissions["portfolio_uuid"] == standing.get("/portfolios")["portfolios"][0]["uuid"]


def test_a_portfolio_is_broken_down_into_cash_and_futures(exchange: Client) -> None:
    exchange.market("a", "BUY", 3)
    uuid = exchange.get("/key_permissions")["portfolio_uuid"]
    found = exchange.get(f"/portfolios/{uuid}")["breakdown"]
    assert found["portfolio_balances"]["total_balance"]["value"] == exchange.control("books")["equity"]
    (held,) = found["futures_positions"]
    assert (held["amount"], held["side"], held["notional_value"]) == ("3", "FUTURES_POSITION_SIDE_LONG", "1800.3")
    assert found["perp_positions"] == []
    assert exchange.ask("GET", "/portfolios/another").status_code == 404


def test_totals_of_the_fee_summary_are_json_numbers_to_the_last_digit(exchange: Client) -> None:
    exchange.market("a", "BUY", 15)
    text = exchange.ask("GET", "/transaction_summary").text
    assert '"total_volume":9001.75,' in text
    assert '"total_fees":7.2014,' in text
    assert exchange.get("/transaction_summary")["fee_tier"]["taker_fee_rate"] == "0.0008"


def test_the_intraday_window_is_shown_to_who_opted_in(exchange: Client) -> None:
    def window() -> tuple[str, str]:
        found = exchange.get("/cfm/intraday/current_margin_window")["margin_window"]
        return found["margin_window_type"], found["end_time"]

    assert window() == ("MARGIN_WINDOW_TYPE_OVERNIGHT", "2026-03-02T21:00:00Z")
    assert exchange.get("/cfm/intraday/margin_setting") == {"setting": "INTRADAY_MARGIN_SETTING_STANDARD"}
    assert exchange.post("/cfm/intraday/margin_setting", {"setting": "INTRADAY_MARGIN_SETTING_INTRADAY"}) == {}
    assert window() == ("MARGIN_WINDOW_TYPE_INTRADAY", "2026-03-02T21:00:00Z")
    assert exchange.ask("POST", "/cfm/intraday/margin_setting", {"setting": "NONE"}).status_code == 400


@needs_shared_data
@pytest.mark.parametrize(
    ("path", "fixture"),
    [
        ("/orders/historical/{order_id}", "http_order.json"),
        ("/orders/historical/batch", "ccxt_orders_batch_filled_market.json"),
        ("/orders/historical/fills", "ccxt_fills_intx_perp.json"),
        ("/cfm/positions", "jkorf_rest_cfm_positions_plain_strings.json"),
        ("/cfm/balance_summary", "jkorf_rest_cfm_balance_summary_plain_measures.json"),
        ("/cfm/intraday/current_margin_window", "jkorf_rest_cfm_current_margin_window.json"),
        ("/cfm/intraday/margin_setting", "jkorf_rest_cfm_margin_setting.json"),
        ("/accounts", "jkorf_rest_accounts.json"),
        ("/key_permissions", "jkorf_rest_key_permissions.json"),
        ("/portfolios", "jkorf_rest_portfolios.json"),
        ("/transaction_summary", "jkorf_rest_transaction_summary_real.json"),
        ("/portfolios/{portfolio}", "jkorf_rest_portfolio_breakdown.json"),
        ("/product_book?product_id=" + PRODUCT, "http_product_book.json"),
        (f"/products/{PRODUCT}/ticker?limit=5", "http_ticker.json"),
    ],
)
def test_payloads_have_every_field_of_the_recorded_ones(exchange: Client, path: str, fixture: str) -> None:
    exchange.market("any", "BUY", 1)
    order_id = exchange.limit("rests", "BUY", 1, 59_000)
    recorded = orjson.loads((FIXTURES / fixture).read_bytes())
    portfolio = exchange.get("/key_permissions")["portfolio_uuid"]
    path, _, query = path.format(order_id=order_id, portfolio=portfolio).partition("?")
    found = exchange.get(path, **dict([query.split("=")] if query else []))
    optional = {".fee_tier.volume_types_and_range[]", "[].cursor", "_measure.liquidation_buffer", ".perp_positions[]"}
    assert {name for name in keys(recorded) - keys(found) if not any(part in name for part in optional)} == set()


def test_no_number_is_ever_printed_with_an_exponent(exchange: Client) -> None:
    exchange.market("a", "BUY", 15)
    for path in ("/cfm/balance_summary", "/cfm/positions", "/orders/historical/batch", "/orders/historical/fills"):
        text = exchange.ask("GET", path).text
        assert not re.search(r"\d[eE][+-]?\d", re.sub(r"[0-9a-f]{8}-[0-9a-f-]+|[0-9a-f]{64}", "", text))


def test_more_than_a_hundred_orders_are_not_cancelled_at_once(standing: Client) -> None:
    for order_ids in ([], "all", [1], ["x"] * 101):
        assert standing.ask("POST", "/orders/batch_cancel", {"order_ids": order_ids}).status_code == 400


def test_a_body_without_end_is_not_read(standing: Client) -> None:
    assert standing.ask("POST", "/orders", " " * (1 << 20) + "{}").status_code == 413


@pytest.mark.parametrize("increment", ["nought", "0", "-5", "NaN", "Infinity"])
def test_a_book_is_gathered_by_a_real_increment_only(standing: Client, increment: str) -> None:
    reply = standing.ask("GET", "/product_book", product_id=PRODUCT, aggregation_price_increment=increment)
    assert reply.status_code == 400


@pytest.mark.parametrize(
    "sent",
    [{"product_id": PRODUCT}, {"client_order_id": "a"}, {"client_order_id": "a", "product_id": PRODUCT, "size": "x"}],
)
def test_a_close_must_say_what_of(standing: Client, sent: Json) -> None:
    assert standing.ask("POST", "/orders/close_position", sent).status_code == 400


def test_a_request_body_on_a_get_is_ignored_as_some_clients_send_one(standing: Client) -> None:
    reply = standing.ask("GET", "/accounts", {})
    assert reply.status_code == 200
    assert reply.url.endswith(f"{BASE}/accounts")
