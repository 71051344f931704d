"""Faults of the REST side over real sockets: what was carried out, what was answered, and that they end."""

from __future__ import annotations

import json
import threading
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.replay.exchange.running import PRODUCT, Client, Feed
from tests.replay.exchange.test_faulty_frames import left, put

_ORDER = {
    "client_order_id": "mine",
    "product_id": PRODUCT,
    "side": "BUY",
    "order_configuration": {"limit_limit_gtc": {"base_size": "1", "limit_price": "59000"}},
}


def strike(client: Client, fault: str, **fields: Any) -> None:
    """A fault on the next order only."""
    put(client, {"fault": fault, "method": "POST", "path": "/orders", **fields})


def orders(client: Client) -> int:
    found: int = client.control("books")["orders"]
    return found


def is_over(client: Client) -> bool:
    """The fault strikes no more: the same order is answered as ever, and there is one of it."""
    reply = client.post("/orders", _ORDER)
    return bool(reply["success"]) and orders(client) == 1 and left(client) == []


# Refused before anything happened.


def test_too_many_requests_says_when_to_come_back_in_either_form_or_not_at_all(exchange: Client) -> None:
    strike(exchange, "too_many_requests")
    strike(exchange, "too_many_requests", retry_after_s=7)
    strike(exchange, "too_many_requests", retry_after_s=60, as_date=True)
    replies = [exchange.ask("POST", "/orders", _ORDER) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 429]
    assert "retry-after" not in replies[0].headers
    assert replies[1].headers["retry-after"] == "7"
    wait_s = parsedate_to_datetime(replies[2].headers["retry-after"]).timestamp() - time.time()
    assert 50 < wait_s <= 60
    assert orders(exchange) == 0
    assert is_over(exchange)


@pytest.mark.parametrize(("body", "begins"), [("html", "<html>"), ("empty", ""), ("json", '{"error":"INTERNAL"')])
def test_a_server_error_has_the_body_that_was_asked(exchange: Client, body: str, begins: str) -> None:
    strike(exchange, "server_error", status=503, body=body)
    reply = exchange.ask("POST", "/orders", _ORDER)
    assert reply.status_code == 503
    assert reply.text.startswith(begins)
    assert bool(reply.text) == bool(begins)
    assert orders(exchange) == 0
    assert is_over(exchange)


def test_a_lost_request_is_not_carried_out(exchange: Client) -> None:
    strike(exchange, "lost_request")
    with pytest.raises(requests.exceptions.ConnectionError):
        exchange.ask("POST", "/orders", _ORDER)
    assert orders(exchange) == 0
    assert is_over(exchange)


# Carried out, and the answer spoilt.


def test_a_lost_reply_is_an_order_that_was_taken(exchange: Client) -> None:
    strike(exchange, "lost_reply")
    with pytest.raises(requests.exceptions.ConnectionError):
        exchange.ask("POST", "/orders", _ORDER)
    assert orders(exchange) == 1
    assert is_over(exchange)


def test_a_server_error_may_come_after_the_order_was_taken(exchange: Client) -> None:
    strike(exchange, "server_error", status=500, carried_out=True)
    assert exchange.ask("POST", "/orders", _ORDER).status_code == 500
    assert orders(exchange) == 1
    assert is_over(exchange)


def test_an_answer_may_be_empty_a_page_or_half(exchange: Client) -> None:
    strike(exchange, "empty_body")
    strike(exchange, "html_body")
    strike(exchange, "truncated")
    empty, page, half = (exchange.ask("POST", "/orders", _ORDER) for _ in range(3))
    assert (empty.status_code, empty.content) == (200, b"")
    assert (page.status_code, page.text[:6]) == (200, "<html>")
    assert half.status_code == 200
    assert half.text.startswith('{"success":true')
    with pytest.raises(json.JSONDecodeError):
        json.loads(half.text)
    assert orders(exchange) == 1
    assert is_over(exchange)


def test_a_dripping_answer_is_whole_in_the_end(exchange: Client) -> None:
    put(exchange, {"fault": "slow_drip", "path": "/time", "pause_s": 0.02, "bytes_at_once": 10})
    began = time.monotonic()
    reply = exchange.get("/time")
    assert set(reply) == {"iso", "epochSeconds", "epochMillis"}
    assert time.monotonic() - began >= 0.1
    assert left(exchange) == []


def test_an_order_with_a_late_reply_is_reported_before_it_is_answered(exchange: Client) -> None:
    strike(exchange, "late_reply", seconds=1)
    replies: list[requests.Response] = []
    token = exchange.token(f"POST {exchange.host}/api/v3/brokerage/orders")

    def order() -> None:
        url = f"{exchange.ready.rest}/api/v3/brokerage/orders"
        headers = {"Authorization": f"Bearer {token}"}
        replies.append(requests.post(url, json=_ORDER, headers=headers, timeout=10, proxies={"http": ""}))

    with Feed(exchange) as feed:
        feed.subscribe("user")
        asking = threading.Thread(target=order)
        asking.start()
        try:
            assert feed.orders("OPEN")[-1]["client_order_id"] == "mine"
            assert replies == []
        finally:
            asking.join(timeout=10)
    assert replies[0].json()["success"] is True


# What a fault fits.


def test_a_fault_fits_by_method_and_path_and_never_the_control(exchange: Client) -> None:
    put(exchange, {"fault": "server_error", "method": "GET", "path": "/cfm/*", "after": 1, "count": 2})
    assert exchange.ask("GET", "/time").status_code == 200
    statuses = [exchange.ask("GET", "/cfm/positions").status_code for _ in range(4)]
    assert statuses == [200, 502, 502, 200]
    put(exchange, {"fault": "server_error", "count": 100})
    assert exchange.ask("GET", "/time").status_code == 502
    (fault,) = left(exchange)
    assert (fault["passed"], fault["struck"], fault["count"]) == (0, 1, 100)
    cleared = exchange.session.delete(f"{exchange.ready.rest}/control/faults", timeout=10)
    assert cleared.json() == {"faults": []}
    assert exchange.ask("GET", "/time").status_code == 200
