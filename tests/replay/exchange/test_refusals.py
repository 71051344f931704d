"""Every reason of the sheet's table of refusals, provoked by a request; and no order is left behind by any."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions
from tests.paths import SHARED_DATA, needs_shared_data
from tests.replay.exchange.conftest import quiet_day
from tests.replay.exchange.market import ListTape, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Client, Json, running
from tests.replay.exchange.test_acts import do
from tests.replay.exchange.test_intx import PERP

SEEN: set[str] = set()
"""Every reason that a test of this module was given."""


def limit(size: object = 1, price: object = 60_000, **fields: Any) -> Json:
    return {"limit_limit_gtc": {"base_size": str(size), "limit_price": str(price), "post_only": False, **fields}}


def market(size: object = 1) -> Json:
    return {"market_market_ioc": {"base_size": str(size)}}


def stop(side_price: int, direction: str) -> Json:
    fields = {"base_size": "1", "limit_price": str(side_price), "stop_price": str(side_price)}
    return {"stop_limit_stop_limit_gtc": {**fields, "stop_direction": f"STOP_DIRECTION_STOP_{direction}"}}


def refused(client: Client, configuration: Json, *, side: str = "BUY", product: str = PRODUCT, **more: str) -> Json:
    """Send an order and preview it: both say no, the first in two vocabularies, the second in its own."""
    order = {"product_id": product, "side": side, "order_configuration": configuration, **more}
    before = client.control("books")["orders"]
    reply = client.post("/orders", {"client_order_id": "refused", **order})
    assert reply["success"] is False, reply
    assert reply["order_configuration"] == configuration
    error: Json = reply["error_response"]
    assert error["error"] == error["new_order_failure_reason"]
    assert all(isinstance(text, str) for text in error.values())
    assert client.post("/orders/preview", order)["errs"] == [error["preview_failure_reason"]]
    assert client.control("books")["orders"] == before
    SEEN.update((error["new_order_failure_reason"], error["preview_failure_reason"]))
    return error


def reasons(error: Json) -> tuple[str, str]:
    return error["new_order_failure_reason"], error["preview_failure_reason"]


def both(name: str) -> tuple[str, str]:
    return name, f"PREVIEW_{name}"


@contextmanager
def trading(folder: Path, tape: ListTape | None = None, **rules: Any) -> Iterator[Client]:
    options = ExchangeOptions(
        tape=tape or quiet_day(), speed=None, start=Start.NOW, folder=folder, rules=VenueRules(**rules)
    )
    with running(options) as client:
        client.until_ended()
        yield client


_UNKNOWN = "UNKNOWN_FAILURE_REASON"


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (limit(5_000), ("INSUFFICIENT_FUNDS", "PREVIEW_INSUFFICIENT_FUNDS_FOR_FUTURES")),
        (limit("1.5"), both("INVALID_SIZE_PRECISION")),
        (limit(1, 60_001), both("INVALID_PRICE_PRECISION")),
        (limit("0.5"), (_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")),
        (limit(0), (_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")),
        (limit(-1), (_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")),
        (limit(5_001), (_UNKNOWN, "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE")),
        (limit(1, 60_010, post_only=True), both("INVALID_LIMIT_PRICE_POST_ONLY")),
        (stop(60_010, "UP"), ("STOP_ALREADY_TRIGGERED", "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE")),
        (stop(60_010, "DOWN"), ("STOP_ALREADY_TRIGGERED", "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE")),
    ],
)
def test_an_order_that_cannot_be_is_refused_in_both_vocabularies(
    standing: Client, configuration: Json, expected: tuple[str, str]
) -> None:
    assert reasons(refused(standing, configuration)) == expected


def test_a_product_that_is_not_traded_here_is_named(standing: Client) -> None:
    error = refused(standing, limit(), product="ETP-20DEC30-CDE")
    assert reasons(error) == both("INVALID_PRODUCT_ID")
    assert "ETP-20DEC30-CDE" in error["message"]


@pytest.mark.parametrize(
    ("condition", "configuration", "expected"),
    [
        ({"trading_disabled": True}, limit(), both("TRADING_DISABLED")),
        ({"halted": True}, limit(), both("PRODUCT_TRADING_HALTED")),
        ({"cancel_only": True}, limit(), both("UNTRADABLE_PRODUCT")),
        ({"limit_only": True}, market(), both("UNTRADABLE_PRODUCT")),
        ({"post_only": True}, limit(), both("UNTRADABLE_PRODUCT")),
        ({"session_open": False}, limit(), both("INVALID_FCM_TRADING_SESSION")),
        ({"after_hours": True}, market(), both("FUTURES_AFTER_HOUR_INVALID_ORDER_TYPE")),
        (
            {"after_hours": True},
            {"sor_limit_ioc": {"base_size": "1", "limit_price": "60010"}},
            both("FUTURES_AFTER_HOUR_INVALID_TIME_IN_FORCE"),
        ),
        ({"geofenced": True}, limit(), both("GEOFENCING_RESTRICTION")),
        (
            {"limit_ioc": False},
            {"sor_limit_ioc": {"base_size": "1", "limit_price": "60010"}},
            ("UNSUPPORTED_ORDER_CONFIGURATION", "UNKNOWN_PREVIEW_FAILURE_REASON"),
        ),
        (
            {"brackets": False},
            {"trigger_bracket_gtc": {"base_size": "1", "limit_price": "60100", "stop_trigger_price": "59900"}},
            ("BRACKET_ORDER_NOT_SUPPORTED", "UNKNOWN_PREVIEW_FAILURE_REASON"),
        ),
    ],
)
def test_while_the_exchange_takes_no_such_orders_it_says_so_and_takes_them_again_after(
    exchange: Client, condition: Json, configuration: Json, expected: tuple[str, str]
) -> None:
    do(exchange, {"act": "condition", **condition})
    assert reasons(refused(exchange, configuration)) == expected
    do(exchange, {"act": "condition", **{name: not value for name, value in condition.items()}})
    taken = exchange.order("later", "BUY", limit())
    assert taken["success"] is True


@pytest.mark.parametrize(
    ("rules", "side", "price", "expected"),
    [
        ({"price_band": Decimal("0.1")}, "BUY", 66_015, both("LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_BUY")),
        ({"price_band": Decimal("0.1")}, "SELL", 54_000, both("LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_SELL")),
        ({"price_reach": Decimal("0.2")}, "BUY", 48_000, both("LIMIT_PRICE_TOO_FAR_FROM_MARKET")),
        ({"price_reach": Decimal("0.2")}, "SELL", 72_020, both("LIMIT_PRICE_TOO_FAR_FROM_MARKET")),
    ],
)
def test_a_price_far_off_is_refused_where_the_exchange_has_a_bound(
    tmp_path: Path, rules: Json, side: str, price: int, expected: tuple[str, str]
) -> None:
    with trading(tmp_path, **rules) as client:
        assert reasons(refused(client, limit(1, price), side=side)) == expected


@pytest.mark.parametrize(
    ("rule", "preview"),
    [
        ("position_limit", "PREVIEW_BREACHED_ACCOUNT_POSITION_LIMIT"),
        ("company_limit", "PREVIEW_BREACHED_COMPANY_POSITION_LIMIT"),
        ("open_interest_limit", "PREVIEW_BREACHED_OPEN_INTEREST_LIMIT"),
    ],
)
def test_a_position_past_a_limit_is_refused_open_orders_counted_and_a_smaller_one_is_not(
    tmp_path: Path, rule: str, preview: str
) -> None:
    limits: Json = {rule: Decimal(5)}
    with trading(tmp_path, **limits) as client:
        client.market("held", "BUY", 3)
        client.limit("resting", "BUY", 1, 59_000)
        assert reasons(refused(client, market(2))) == ("BREACHED_RISK_LIMIT", preview)
        client.market("less", "SELL", 3)


def test_a_market_order_into_an_empty_book_is_refused(tmp_path: Path) -> None:
    with trading(tmp_path, ListTape([snapshot(0, bids=(), asks=()), trade(1, 60_000)])) as client:
        assert reasons(refused(client, market())) == both("INVALID_NO_LIQUIDITY")


def test_the_halt_of_friday_refuses_by_its_session(tmp_path: Path) -> None:
    friday = 4 * 86_400 + 8 * 3_600 + 30  # 17:00:30 in New York
    tape = ListTape([snapshot(0), trade(1, 60_010), trade(friday, 60_010)])
    with trading(tmp_path, tape, friday_halt=True) as client:
        assert reasons(refused(client, limit())) == both("INVALID_FCM_TRADING_SESSION")


def test_an_account_below_its_margin_may_not_add(tmp_path: Path) -> None:
    facts = [snapshot(0), trade(1, 60_010)]
    facts += [snapshot(100, bids=((55_000, 10),), asks=((55_005, 10),)), trade(101, 55_000)]
    options = ExchangeOptions(
        tape=ListTape(facts),
        speed=None,
        start=Start.RESUME,
        folder=tmp_path,
        rules=VenueRules(start_cash=Decimal(1_360)),
    )
    with running(options) as client:
        client.post("/orders", {**_order("held"), "order_configuration": market(9)})
        client.control("resume")
        client.until_ended()
        assert reasons(refused(client, market())) == ("IN_LIQUIDATION", "PREVIEW_INVALID_MARGIN_HEALTH")


def test_an_account_in_liquidation_takes_no_order(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0, bids=((60_000, 1),)), trade(1, 60_010)])
    with trading(tmp_path, tape) as client:
        client.market("held", "BUY", 3)
        assert do(client, {"act": "liquidate"})["in_liquidation"] is True
        assert reasons(refused(client, limit())) == both("IN_LIQUIDATION")


def test_closing_nothing_is_refused(standing: Client) -> None:
    reply = standing.post("/orders/close_position", {"client_order_id": "c", "product_id": PRODUCT})
    assert reply["success"] is False
    assert reply["error_response"]["new_order_failure_reason"] == "CANNOT_CLOSE_ZERO_POSITION"
    SEEN.add("CANNOT_CLOSE_ZERO_POSITION")


def test_a_used_id_is_refused_where_the_exchange_does_that(tmp_path: Path) -> None:
    with trading(tmp_path, refuse_used_client_ids=True) as client:
        client.limit("mine", "BUY", 1, 59_000)
        again = client.order("mine", "BUY", limit())
        assert again["error_response"]["new_order_failure_reason"] == "DUPLICATE_CLIENT_ORDER_ID"
        SEEN.add("DUPLICATE_CLIENT_ORDER_ID")


@pytest.mark.parametrize(
    ("prepared", "configuration", "more", "expected"),
    [
        (False, market("2000"), {}, both("INSUFFICIENT_FUND")),
        (False, market("0.0001"), {}, (_UNKNOWN, "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL")),
        (False, market("0.01"), {"leverage": "50"}, both("INVALID_LEVERAGE")),
        (False, market("0.01"), {"leverage": "much"}, both("INVALID_LEVERAGE")),
        (False, market("0.01"), {"margin_type": "ISOLATED"}, both("INVALID_MARGIN_TYPE")),
        (
            True,
            market("0.01"),
            {"margin_type": "ISOLATED"},
            ("INVALID_MARGIN_TYPE", "PREVIEW_OPPOSITE_MARGIN_TYPE_EXISTS"),
        ),
    ],
)
def test_the_international_family_has_reasons_of_its_own(
    tmp_path: Path, prepared: bool, configuration: Json, more: Json, expected: tuple[str, str]
) -> None:
    deep = snapshot(0, bids=((60_000, 5_000),), asks=((60_010, 5_000),))
    with trading(tmp_path, ListTape([deep, trade(1, 60_010)], PERP), start_cash=Decimal(1_000)) as client:
        if prepared:
            held = {**_order("held", "BTC-PERP-INTX"), "order_configuration": market("0.01")}
            assert client.post("/orders", held)["success"]
        error = refused(client, configuration, product="BTC-PERP-INTX", **more)
        assert reasons(error) == expected


@needs_shared_data
def test_every_reason_given_is_a_word_of_the_exchange(standing: Client) -> None:
    words = json.loads((SHARED_DATA / "coinbase-fixtures" / "enums_orders.json").read_text())
    known = {*words["new_order_failure_reason"], *words["preview_failure_reason"]}
    refused(standing, limit("1.5"))
    assert known >= SEEN


def _order(name: str, product: str = PRODUCT) -> Json:
    return {"client_order_id": name, "product_id": product, "side": "BUY"}
