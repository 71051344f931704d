"""Orders changed while they rest: refused by default, and by what rules where the switch allows it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from events.terms import Side
from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.market import ListTape, Trader, change, snapshot, trade
from tests.replay.exchange.running import Client, Feed, running
from tests.replay.exchange.test_faulty_frames import put


@pytest.fixture
def editable(exchange: Client) -> Client:
    """An exchange that lets orders be edited."""
    exchange.session.post(f"{exchange.ready.rest}/control/settings", data='{"edits": true}', timeout=10)
    return exchange


def edit(client: Client, order_id: str, **fields: Any) -> str:
    """The reason why it was not done, "" when it was."""
    reply = client.post("/orders/edit", {"order_id": order_id, **fields})
    assert reply["success"] is not bool(reply["errors"])
    return "" if reply["success"] else str(reply["errors"][0]["edit_failure_reason"])


def shown(client: Client, order_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/orders/historical/{order_id}")["order"]
    return found


def test_futures_orders_are_not_edited_unless_the_switch_allows_it(exchange: Client) -> None:
    order_id = exchange.limit("a", "BUY", 2, 59_000)
    assert edit(exchange, order_id, price="59005", size="2") == "CANNOT_EDIT_FUTURES_ORDER"
    preview = exchange.post("/orders/edit_preview", {"order_id": order_id, "price": "59005", "size": "2"})
    assert preview["errors"][0]["edit_failure_reason"] == "CANNOT_EDIT_FUTURES_ORDER"
    assert shown(exchange, order_id)["edit_history"] == []


def test_an_edited_order_keeps_its_id_and_its_history(editable: Client) -> None:
    order_id = editable.limit("a", "BUY", 2, 59_000)
    with Feed(editable) as feed:
        feed.subscribe("user")
        assert edit(editable, order_id, price="59005", size="3") == ""
        (row,) = feed.orders("OPEN")
        assert (row["order_id"], row["limit_price"], row["leaves_quantity"]) == (order_id, "59005", "3")
    order = shown(editable, order_id)
    assert order["order_configuration"]["limit_limit_gtc"]["limit_price"] == "59005"
    assert order["edit_history"] == [
        {"price": "59005", "size": "3", "replace_accept_timestamp": "2026-03-02T14:01:01Z"}
    ]


def test_an_edit_through_the_market_trades(editable: Client) -> None:
    order_id = editable.limit("a", "BUY", 3, 59_000)
    assert edit(editable, order_id, price="60010", size="3") == ""
    order = shown(editable, order_id)
    assert (order["status"], order["filled_size"]) == ("FILLED", "3")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"price": "59005"}, "INVALID_EDITED_SIZE"),
        ({"size": "2"}, "INVALID_EDITED_PRICE"),
        ({"price": "59001", "size": "2"}, "INVALID_EDITED_PRICE"),
        ({"price": "59005", "size": "0.5"}, "INVALID_EDITED_SIZE"),
        ({"price": "59000", "size": "2"}, "EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST"),
        ({"price": "59005", "size": "4000"}, "COMMANDER_REJECTED_EDIT_ORDER"),
    ],
)
def test_an_edit_that_makes_no_order_is_refused_and_changes_nothing(
    editable: Client, fields: dict[str, str], reason: str
) -> None:
    order_id = editable.limit("a", "BUY", 2, 59_000)
    before = shown(editable, order_id)
    assert edit(editable, order_id, **fields) == reason
    assert shown(editable, order_id) == before
    assert editable.control("books")["open_orders"] == 1


def test_only_limit_orders_that_rest_are_edited(editable: Client) -> None:
    filled = editable.market("a", "BUY", 1)
    assert edit(editable, "nope", price="59005", size="2") == "ORDER_NOT_FOUND"
    assert edit(editable, filled, price="59005", size="2") == "ONLY_OPEN_ORDERS_CAN_BE_EDITED"
    dated = {"base_size": "1", "limit_price": "59000", "end_time": "2027-01-01T00:00:00Z"}
    reply = editable.order("b", "BUY", {"limit_limit_gtd": dated})
    order_id = reply["success_response"]["order_id"]
    assert edit(editable, order_id, price="59005", size="2") == "ONLY_LIMIT_ORDER_EDITS_SUPPORTED"


def test_an_edit_preview_says_what_the_changed_order_would_cost(editable: Client) -> None:
    order_id = editable.limit("a", "BUY", 2, 59_000)
    preview = editable.post("/orders/edit_preview", {"order_id": order_id, "price": "59500", "size": "4"})
    assert (preview["errors"], preview["base_size"], preview["quote_size"]) == ([], "4", "2380")
    assert shown(editable, order_id)["order_configuration"]["limit_limit_gtc"]["base_size"] == "2"


@pytest.mark.parametrize("body", [{"price": "1", "size": "1"}, {"order_id": "x", "price": "much"}, {"nice": "field"}])
def test_an_edit_that_cannot_be_read_is_a_bad_request(editable: Client, body: dict[str, str]) -> None:
    assert editable.ask("POST", "/orders/edit", json.dumps(body)).status_code == 400


def test_an_order_whose_edit_was_refused_still_trades(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0), trade(1, 58_995, 50, Side.SELL)])
    with running(ExchangeOptions(tape=tape, speed=None, start=Start.RESUME, folder=tmp_path)) as client:
        client.session.post(f"{client.ready.rest}/control/settings", data='{"edits": true}', timeout=10)
        order_id = client.limit("a", "BUY", 2, 59_000)
        assert edit(client, order_id, price="59005", size="4000") == "COMMANDER_REJECTED_EDIT_ORDER"
        client.control("resume")
        client.until_ended()
        assert shown(client, order_id)["status"] == "FILLED"


def test_only_a_smaller_size_keeps_the_place_in_the_queue() -> None:
    trader = Trader().hear(snapshot(0))
    order = trader.buy(5, 60_000)
    trader.hear(change(1, bids=((60_000, 30),)))

    def ahead(price: int, size: int) -> Decimal | None:
        assert trader.venue.edit(order.order_id, price=Decimal(price), size=Decimal(size)) is None
        resting = trader.venue.market.matching.get(order.order_id)
        assert resting is not None
        assert resting.leaves == size
        return resting.ahead

    assert ahead(60_000, 3) == 10
    assert ahead(60_000, 4) == 30
    assert ahead(59_995, 4) == 20


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("stop_price", "59000", "FIELD_STOPPRICE_NOT_SUPPORTED"),
        ("end_time", "2030-01-01T00:00:00Z", "FIELD_ENDTIME_NOT_SUPPORTED"),
        ("display_size", "1", "FIELD_DISPLAYSIZE_NOT_SUPPORTED"),
        ("attached_order_configuration", {"trigger_bracket_gtc": {}}, "ORDER_EDIT_INVALID_ATTACHED_ORDER_REQUEST"),
    ],
)
def test_what_an_edit_cannot_change_is_named_and_nothing_is_changed(
    editable: Client, field: str, value: Any, reason: str
) -> None:
    order_id = editable.limit("a", "BUY", 2, 59_000)
    assert edit(editable, order_id, price="59005", size="2", **{field: value}) == reason
    assert shown(editable, order_id)["edit_history"] == []


def test_an_edit_that_was_taken_is_carried_out_later_and_alone(editable: Client) -> None:
    order_id = editable.limit("a", "BUY", 2, 59_000)
    put(editable, {"fault": "edit_lag", "seconds": 0.4})
    with Feed(editable) as feed:
        feed.subscribe("user")
        assert edit(editable, order_id, price="59005", size="3") == ""
        assert feed.orders(until="EDIT_QUEUED")[-1]["limit_price"] == "59000"
        assert edit(editable, order_id, price="59010", size="3") == "ORDER_IS_ALREADY_BEING_REPLACED"
        (cancel,) = editable.post("/orders/batch_cancel", {"order_ids": [order_id]})["results"]
        assert cancel["failure_reason"] == "ORDER_IS_BEING_REPLACED"
        row = feed.orders(until="OPEN")[-1]
    assert (row["limit_price"], row["leaves_quantity"]) == ("59005", "3")
    assert shown(editable, order_id)["status"] == "OPEN"


def test_an_order_whose_cancel_is_queued_is_not_edited(editable: Client) -> None:
    order_id = editable.limit("a", "BUY", 2, 59_000)
    put(editable, {"fault": "cancel_lag", "seconds": 30})
    editable.post("/orders/batch_cancel", {"order_ids": [order_id]})
    assert edit(editable, order_id, price="59005", size="3") == "CANNOT_EDIT_ORDER_PENDING_CANCEL"


def test_updates_may_leave_out_prices_that_stand(editable: Client) -> None:
    editable.session.post(f"{editable.ready.rest}/control/settings", data='{"sparse_updates": true}', timeout=10)
    with Feed(editable) as feed:
        feed.subscribe("user")
        editable.limit("a", "BUY", 2, 59_000)
        row = feed.orders(until="OPEN")[-1]
        assert not {"limit_price", "stop_price"} & set(row)
        assert row["leaves_quantity"] == "2"
        assert feed.subscribe("user")[0]["events"][0]["orders"][0]["limit_price"] == "59000"
