"""The exchange goes down in the middle, comes back, and may have cancelled what was open."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
import websocket

from tests.replay.exchange.running import PRODUCT, Client, Feed
from tests.replay.exchange.test_acts import do
from tests.replay.exchange.test_faulty_frames import left, put
from tests.replay.exchange.test_plan_requests import BRACKET, placed

_ORDER = {
    "client_order_id": "mine",
    "product_id": PRODUCT,
    "side": "BUY",
    "order_configuration": {"limit_limit_gtc": {"base_size": "1", "limit_price": "59000"}},
}
_DOWN_S = 0.6


def until_back(client: Client) -> float:
    """Ask until somebody answers; the seconds that took."""
    begun = time.monotonic()
    while time.monotonic() - begun < 10:
        try:
            client.ask("GET", "/time")
        except requests.ConnectionError:
            continue
        return time.monotonic() - begun
    raise AssertionError("the exchange does not come back")


@pytest.mark.parametrize(("carried_out", "orders"), [(False, 0), (True, 1)])
def test_a_restart_cuts_every_connection_and_answers_nobody_for_a_while(
    exchange: Client, carried_out: bool, orders: int
) -> None:
    put(exchange, {"fault": "restart", "path": "/orders", "seconds": _DOWN_S, "carried_out": carried_out})
    with Feed(exchange) as feed:
        feed.subscribe("status")
        with pytest.raises(requests.ConnectionError):
            exchange.ask("POST", "/orders", _ORDER)
        with pytest.raises((websocket.WebSocketException, OSError)):
            feed.frame()
        with pytest.raises((websocket.WebSocketException, OSError)):
            Feed(exchange)
    assert exchange.control("books")["orders"] == orders
    assert until_back(exchange) > 0.2
    with Feed(exchange) as again:
        assert again.subscribe("status")[0]["sequence_num"] == 0
    assert left(exchange) == []


def test_a_restart_may_cancel_what_was_open(exchange: Client) -> None:
    exchange.market("held", "BUY", 2)
    open_ids = [exchange.limit("rests", "BUY", 1, 59_000)]
    open_ids.append(placed(exchange, "guard", "SELL", {"trigger_bracket_gtc": BRACKET})["order_id"])
    put(exchange, {"fault": "restart", "path": "/time", "seconds": 0, "cancels_orders": True})
    with pytest.raises(requests.ConnectionError):
        exchange.ask("GET", "/time")
    until_back(exchange)
    for order_id in open_ids:
        order = exchange.get(f"/orders/historical/{order_id}")["order"]
        assert (order["status"], order["cancel_message"]) == ("CANCELLED", "Cancelled by the exchange")
    assert exchange.get("/cfm/positions")["positions"][0]["number_of_contracts"] == "2"


def test_positions_may_be_missing_from_a_reply_and_are_still_held(exchange: Client) -> None:
    exchange.market("held", "BUY", 2)
    put(exchange, {"fault": "empty_positions", "count": 2})
    assert exchange.get("/cfm/positions") == {"positions": []}
    assert exchange.ask("GET", f"/cfm/positions/{PRODUCT}").status_code == 404
    assert exchange.get("/cfm/positions")["positions"][0]["number_of_contracts"] == "2"


def test_sockets_may_be_refused_in_their_handshake(exchange: Client) -> None:
    put(exchange, {"fault": "refused_socket", "count": 3, "status": 502})
    for _ in range(3):
        with pytest.raises(websocket.WebSocketBadStatusException, match="502"):
            Feed(exchange)
    with Feed(exchange) as feed:
        feed.subscribe("status")


def test_a_cancel_that_was_taken_shows_until_it_is_carried_out(exchange: Client) -> None:
    order_id = exchange.limit("a", "BUY", 1, 59_000)
    put(exchange, {"fault": "cancel_lag", "seconds": 0.4})
    with Feed(exchange) as feed:
        feed.subscribe("user")
        exchange.post("/orders/batch_cancel", {"order_ids": [order_id]})
        assert feed.orders(until="CANCEL_QUEUED")[-1]["leaves_quantity"] == "1"
        order = exchange.get(f"/orders/historical/{order_id}")["order"]
        assert (order["status"], order["pending_cancel"]) == ("CANCEL_QUEUED", True)
        assert exchange.get("/orders/historical/batch", order_status="OPEN")["orders"] == []
        assert feed.orders(until="CANCELLED")[-1]["leaves_quantity"] == "0"
    assert exchange.get(f"/orders/historical/{order_id}")["order"]["pending_cancel"] is False


def test_while_the_session_is_closed_cancels_may_be_refused(exchange: Client) -> None:
    order_id = exchange.limit("a", "BUY", 1, 59_000)
    do(exchange, {"act": "condition", "session_open": False, "cancels": False})

    def cancelled() -> dict[str, Any]:
        found: dict[str, Any] = exchange.post("/orders/batch_cancel", {"order_ids": [order_id]})["results"][0]
        return found

    assert cancelled()["failure_reason"] == "INVALID_CANCEL_FCM_TRADING_SESSION"
    do(exchange, {"act": "condition", "session_open": True})
    assert cancelled()["success"] is True
