"""Orders with a plan as requests and reports: what is read, what is shown over REST and on the user channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.market import ListTape, change, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Client, Feed, Json, running
from tests.replay.exchange.test_acts import do

END = "2026-03-03T00:00:00Z"
STOP = {"base_size": "2", "limit_price": "59900", "stop_price": "59950", "stop_direction": "STOP_DIRECTION_STOP_DOWN"}
BRACKET = {"base_size": "2", "limit_price": "60100", "stop_trigger_price": "59900"}
TWAP = {
    "base_size": "4",
    "limit_price": "59900",
    "start_time": "2026-03-02T14:05:00Z",
    "end_time": "2026-03-02T14:25:00Z",
    "number_buckets": "4",
    "bucket_size": "1",
    "bucket_duration": "300s",
}
SCALED = {"base_size": "6", "num_orders": "3", "min_price": "59800", "max_price": "59900"}


def placed(client: Client, name: str, side: str, configuration: Json, **more: Any) -> Json:
    order = {"client_order_id": name, "product_id": PRODUCT, "side": side, "order_configuration": configuration}
    reply = client.post("/orders", {**order, **more})
    assert reply["success"], reply
    assert reply["order_configuration"] == configuration
    response: Json = reply["success_response"]
    return response


def shown(client: Client, order_id: str) -> Json:
    order: Json = client.get(f"/orders/historical/{order_id}")["order"]
    return order


@pytest.mark.parametrize(
    ("side", "configuration", "order_type", "in_force", "trigger", "status"),
    [
        ("SELL", {"stop_limit_stop_limit_gtc": STOP}, "STOP_LIMIT", "GOOD_UNTIL_CANCELLED", "STOP_PENDING", "OPEN"),
        (
            "SELL",
            {"stop_limit_stop_limit_gtd": {**STOP, "end_time": END}},
            "STOP_LIMIT",
            "GOOD_UNTIL_DATE_TIME",
            "STOP_PENDING",
            "OPEN",
        ),
        ("SELL", {"trigger_bracket_gtc": BRACKET}, "BRACKET", "GOOD_UNTIL_CANCELLED", "STOP_PENDING", "OPEN"),
        (
            "SELL",
            {"trigger_bracket_gtd": {**BRACKET, "end_time": END}},
            "BRACKET",
            "GOOD_UNTIL_DATE_TIME",
            "STOP_PENDING",
            "OPEN",
        ),
        ("BUY", {"twap_limit_gtd": TWAP}, "TWAP", "GOOD_UNTIL_DATE_TIME", "INVALID_ORDER_TYPE", "QUEUED"),
        ("BUY", {"scaled_limit_gtc": SCALED}, "SCALED", "GOOD_UNTIL_CANCELLED", "INVALID_ORDER_TYPE", "OPEN"),
        (
            "BUY",
            {"scaled_limit_gtc": {**SCALED, "num_orders": 3, "size_distribution": "INCREASING", "size_diff": "1"}},
            "SCALED",
            "GOOD_UNTIL_CANCELLED",
            "INVALID_ORDER_TYPE",
            "OPEN",
        ),
    ],
)
def test_every_plan_is_taken_shown_and_cancelled(
    exchange: Client, side: str, configuration: Json, order_type: str, in_force: str, trigger: str, status: str
) -> None:
    exchange.market("held", "BUY", 2)
    with Feed(exchange) as feed:
        feed.subscribe("user")
        order = {"product_id": PRODUCT, "side": side, "order_configuration": configuration}
        assert exchange.post("/orders/preview", order)["errs"] == []
        order_id = placed(exchange, "planned", side, configuration)["order_id"]
        row = feed.orders(until=status)[-1]
        one = shown(exchange, order_id)
        assert (one["order_type"], one["time_in_force"]) == (order_type, in_force)
        assert (one["trigger_status"], one["status"]) == (trigger, status)
        assert one["order_configuration"] == configuration
        assert row["order_type"] == order_type.replace("_", " ").title()
        assert (row["trigger_status"], row["time_in_force"]) == (trigger, in_force)
        fields = next(iter(configuration.values()))
        assert row["stop_price"] == fields.get("stop_price", fields.get("stop_trigger_price", ""))
        assert row["end_time"] == fields.get("end_time", "0001-01-01T00:00:00Z")
        assert row["start_time"] == fields.get("start_time", "0001-01-01T00:00:00Z")
        listed = exchange.get("/orders/historical/batch", order_types=order_type)["orders"]
        assert [found["order_id"] for found in listed] == [order_id]
        (result,) = exchange.post("/orders/batch_cancel", {"order_ids": [order_id]})["results"]
        assert result["success"] is True
        assert feed.orders(until="CANCELLED")[-1]["leaves_quantity"] == "0"


def test_a_stop_without_a_direction_waits_for_the_side_that_hurts(exchange: Client) -> None:
    told = {name: value for name, value in STOP.items() if name != "stop_direction"}
    placed(exchange, "fall", "SELL", {"stop_limit_stop_limit_gtc": told})
    rise = {"base_size": "1", "limit_price": "60100", "stop_price": "60050"}
    placed(exchange, "rise", "BUY", {"stop_limit_stop_limit_gtc": rise})
    wrong = {**STOP, "stop_direction": "SIDEWAYS"}
    order = {"client_order_id": "no", "product_id": PRODUCT, "side": "SELL"}
    reply = exchange.ask("POST", "/orders", {**order, "order_configuration": {"stop_limit_stop_limit_gtc": wrong}})
    assert (reply.status_code, reply.json()["error"]) == (400, "unknown")


def test_a_triggered_stop_is_reported_with_its_fills(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0), trade(1, 60_010), change(9, bids=[(60_000, 0), (59_995, 4)]), trade(10, 59_950)])
    with running(ExchangeOptions(tape=tape, speed=None, start=Start.RESUME, folder=tmp_path)) as client:
        with Feed(client) as feed:
            feed.subscribe("user")
            order_id = placed(client, "stop", "SELL", {"stop_limit_stop_limit_gtc": STOP})["order_id"]
            client.control("resume")
            row = feed.orders(until="FILLED")[-1]
        assert (row["trigger_status"], row["avg_price"]) == ("STOP_TRIGGERED", "59995")
        assert shown(client, order_id)["trigger_status"] == "STOP_TRIGGERED"


def test_an_attached_bracket_has_its_own_id_and_names_what_it_hangs_on(exchange: Client) -> None:
    legs = {"trigger_bracket_gtc": {"limit_price": "60100", "stop_trigger_price": "59900"}}
    market = {"market_market_ioc": {"base_size": "2"}}
    reply = placed(exchange, "entry", "BUY", market, attached_order_configuration=legs)
    parent, hanging = shown(exchange, reply["order_id"]), shown(exchange, reply["attached_order_id"])
    assert (parent["attached_order_id"], parent["attached_order_configuration"]) == (hanging["order_id"], legs)
    assert (hanging["originating_order_id"], hanging["order_type"], hanging["side"]) == (
        parent["order_id"],
        "BRACKET",
        "SELL",
    )
    assert hanging["order_configuration"]["trigger_bracket_gtc"]["base_size"] == "2"
    exchange.market("out", "SELL", 2)
    assert shown(exchange, reply["attached_order_id"])["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("key", "changed", "reason"),
    [
        ("twap_limit_gtd", {"start_time": ""}, "START_TIME_MUST_BE_SPECIFIED"),
        ("twap_limit_gtd", {"end_time": "2026-03-02T14:05:00Z"}, "INVALID_REQUEST"),
        ("twap_limit_gtd", {"end_time": "2026-03-02T14:20:00Z"}, "DURATION_TOO_LARGE"),
        ("twap_limit_gtd", {"bucket_duration": "5m"}, "INVALID_REQUEST"),
        ("twap_limit_gtd", {"bucket_duration": "0.5s"}, "DURATION_TOO_SMALL"),
        ("twap_limit_gtd", {"number_buckets": "0", "bucket_duration": "0s"}, "INVALID_REQUEST"),
        ("twap_limit_gtd", {"number_buckets": "9", "bucket_duration": ""}, "BUCKET_SIZE_SMALLER_THAN_BASE_MIN"),
        ("scaled_limit_gtc", {"num_orders": "many"}, "SCALED_PARAM_INFEASIBLE"),
        (
            "scaled_limit_gtc",
            {"base_size": "2", "size_distribution": "DECREASING", "size_ratio": "2"},
            "SCALED_MIN_ORDER_VIOLATION",
        ),
        ("stop_limit_stop_limit_gtc", {"stop_price": ""}, "INVALID_REQUEST"),
        ("trigger_bracket_gtc", {"stop_trigger_price": "0"}, "INVALID_BRACKET_STOP_TRIGGER_PRICE"),
    ],
)
def test_a_plan_that_says_too_little_is_refused(standing: Client, key: str, changed: Json, reason: str) -> None:
    whole = {
        "twap_limit_gtd": TWAP,
        "scaled_limit_gtc": SCALED,
        "stop_limit_stop_limit_gtc": STOP,
        "trigger_bracket_gtc": BRACKET,
    }
    reply = standing.order("short", "BUY", {key: {**whole[key], **changed}})
    assert reply["success"] is False, reply
    assert reply["error_response"]["new_order_failure_reason"] == reason


@pytest.mark.parametrize(
    "attached",
    [
        {"limit_limit_gtc": {"limit_price": "1"}},
        {"trigger_bracket_gtc": {"limit_price": "60100", "stop_trigger_price": "59900", "base_size": "1"}},
        {"trigger_bracket_gtc": {"limit_price": "60100"}},
    ],
)
def test_only_a_bracket_without_a_size_hangs_on_an_order(standing: Client, attached: Json) -> None:
    order = {"client_order_id": "a", "product_id": PRODUCT, "side": "BUY"}
    body = {**order, "order_configuration": {"market_market_ioc": {"base_size": "1"}}}
    reply = standing.post("/orders", {**body, "attached_order_configuration": attached})
    assert reply["success"] is False


def test_a_liquidation_ends_a_bracket_before_it_closes(exchange: Client) -> None:
    exchange.market("held", "BUY", 2)
    order_id = placed(exchange, "guard", "SELL", {"trigger_bracket_gtc": BRACKET})["order_id"]
    assert do(exchange, {"act": "liquidate"})["positions"] == []
    assert shown(exchange, order_id)["cancel_message"] == "The account is being liquidated"
