"""The older Exchange as a client, against a small one on loopback that checks every signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from actors.connection.client.reading import read
from actors.connection.errors import (
    AuthenticationError,
    BrokerageAPIError,
    BrokerageError,
    InsufficientFunds,
    InvalidRequestError,
    InvalidSymbol,
    OrderNotFound,
    ReplyUnreadable,
)
from actors.connection.older_exchange.client import ExchangeClient
from actors.connection.older_exchange.key import ExchangeKey
from actors.connection.older_exchange.replies import ExchangeLevel
from tests.actors.connection.peers import HttpPeer, Request, http_peer, reply

D = Decimal
SECRET = b"sixteen byte key"
KEY = ExchangeKey("key-1", base64.b64encode(SECRET).decode(), "pass")
PUBLIC = ("/products", "/time")
AT = "2026-04-07T14:30:03.123456Z"

ROWS: dict[str, Any] = {
    "/time": {"iso": AT, "epoch": 1775572203.123},
    "/products": [{"id": "BTC-USD", "quote_increment": "0.01", "min_market_funds": "1", "status": "online"}],
    "/products/BTC-USD": {"id": "BTC-USD", "base_increment": "0.00000001"},
    "/products/BTC-USD/ticker": {"trade_id": 7, "price": "2.0", "size": "1", "time": AT, "bid": "1.9", "ask": "2.1"},
    "/products/BTC-USD/book": {"bids": [["1.9", "3", 2]], "asks": [["2.1", "1", "o-1"]], "sequence": 0, "time": AT},
    "/products/BTC-USD/candles": [[1756252800, 111339, 111832.1, 111788.04, 111360, 201.22518446]],
    "/accounts": [{"id": "a", "currency": "USD", "balance": "5.0", "hold": "1.0", "available": "4.0"}],
    "/accounts/a": {"id": "a", "currency": "USD", "balance": "5.0"},
    "/fees": {"maker_fee_rate": "0.0040", "taker_fee_rate": "0.0060", "usd_volume": "43806.92"},
    "/orders/o-1": {"id": "o-1", "product_id": "BTC-USD", "status": "open", "filled_size": "0"},
}
#: Three pages of two rows each.
PAGED: dict[str, list[dict[str, Any]]] = {
    "/products/BTC-USD/trades": [
        {"trade_id": n, "side": "buy", "size": "1", "price": "2", "time": AT} for n in range(6)
    ],
    "/orders": [{"id": f"o-{n}"} for n in range(6)],
    "/fills": [
        {"trade_id": n, "product_id": "BTC-USD", "order_id": "o", "side": "buy", "price": "2", "size": "1"}
        for n in range(6)
    ],
}


def is_signed(request: Request) -> bool:
    """Whether the signature is that of this very request, by this key, made just now."""
    headers = request.headers
    stamp = headers.get("cb-access-timestamp", "0")
    prehash = f"{stamp}{request.method}{request.target}".encode() + request.body
    wanted = base64.b64encode(hmac.new(SECRET, prehash, hashlib.sha256).digest()).decode()
    return (
        hmac.compare_digest(headers.get("cb-access-sign", ""), wanted)
        and headers.get("cb-access-key") == "key-1"
        and headers.get("cb-access-passphrase") == "pass"
        and abs(time.time() - float(stamp)) < 30
    )


def exchange(request: Request, _: socket.socket) -> bytes:
    if not is_signed(request) and not request.path.startswith(PUBLIC):
        return reply({"message": "invalid signature"}, 401)
    if request.method == "POST":
        order = request.json
        if order.get("size") == "99":
            return reply({"message": "Insufficient funds"}, 400)
        return reply({**order, "id": "o-9", "status": "pending", "created_at": AT})
    if request.method == "DELETE":
        return reply(["o-1", "o-2"] if request.path == "/orders" else request.path.rpartition("/")[2])
    if request.path in PAGED:
        query = dict(part.split("=") for part in request.query.split("&") if part)
        start = int(query.get("after", 0))
        rows = PAGED[request.path][start : start + 2]
        return reply(rows, headers={"CB-AFTER": str(start + 2), "CB-BEFORE": str(start)} if rows else {})
    if request.path in ROWS:
        return reply(ROWS[request.path])
    return reply({"message": "NotFound"}, 404)


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with http_peer(exchange) as answering:
        yield answering


@pytest.fixture
def client(peer: HttpPeer) -> Iterator[ExchangeClient]:
    ours = ExchangeClient(peer.url, KEY)
    yield ours
    ours.close()


def test_market_data_needs_no_key(peer: HttpPeer) -> None:
    client = ExchangeClient(peer.url)
    assert client.get_time().epoch == D("1775572203.123")
    (product,) = client.get_products()
    assert (product.id, product.min_market_funds, product.trading_disabled) == ("BTC-USD", D(1), False)
    assert client.get_product("BTC-USD").base_increment == D("0.00000001")
    ticker = client.get_ticker("BTC-USD")
    assert (ticker.trade_id, ticker.bid, ticker.time) == (7, D("1.9"), 1_775_572_203_123_456_000)
    assert all("cb-access-key" not in request.headers for request in peer.requests)
    assert {request.headers["cb-version"] for request in peer.requests} == {"2024-10-24"}
    client.close()


def test_a_book_has_prices_on_its_second_level_and_orders_on_its_third(client: ExchangeClient, peer: HttpPeer) -> None:
    book = client.get_product_book("BTC-USD", 3)
    assert book.bids == [ExchangeLevel(price=D("1.9"), size=D(3), orders=2)]
    assert (book.asks[0].orders, book.sequence) == ("o-1", 0)
    assert peer.requests[-1].query == "level=3"


def test_candles_are_read_as_written_and_not_as_floats(client: ExchangeClient, peer: HttpPeer) -> None:
    (candle,) = client.get_candles("BTC-USD", start_s=1756252800, end_s=1756252860, granularity_s=60)
    assert (candle.time, candle.low, candle.volume) == (1756252800, D(111339), D("201.22518446"))
    assert peer.requests[-1].query == "granularity=60&start=1756252800&end=1756252860"


@pytest.mark.parametrize("name", ["list_trades", "list_orders", "list_fills"])
def test_lists_are_followed_by_the_header_to_their_end(client: ExchangeClient, peer: HttpPeer, name: str) -> None:
    rows = client.list_trades("BTC-USD") if name == "list_trades" else getattr(client, name)()
    assert len(list(rows)) == 6
    assert [request.query.rpartition("after=")[2] for request in peer.requests][1:] == ["2", "4", "6"]
    assert all(is_signed(request) for request in peer.requests)


def test_a_list_whose_pages_repeat_is_an_error_and_not_an_endless_loop() -> None:
    def same(_: Request, __: socket.socket) -> bytes:
        return reply([{"id": "o"}], headers={"cb-after": "1"})

    with http_peer(same) as peer, pytest.raises(BrokerageAPIError, match="never ends"):
        list(ExchangeClient(peer.url, KEY).list_orders())


def test_a_list_without_another_page_ends() -> None:
    with http_peer(lambda *_: reply([{"id": "o"}])) as peer:
        assert [each.id for each in ExchangeClient(peer.url, KEY).list_orders()] == ["o"]
        assert len(peer.requests) == 1


def test_what_is_wrong_otherwise_is_not_taken_for_an_unknown_product() -> None:
    with (
        http_peer(lambda *_: reply({"message": "granularity too small"}, 400)) as peer,
        pytest.raises(InvalidRequestError, match="granularity") as refused,
    ):
        ExchangeClient(peer.url).get_candles("BTC-USD", start_s=0, end_s=10**9, granularity_s=60)
    assert not isinstance(refused.value, InvalidSymbol)


def test_the_account_is_asked_for_with_a_signature(client: ExchangeClient) -> None:
    assert client.get_accounts()[0].available == D("4.0")
    assert client.get_account("a").balance == D("5.0")
    assert client.get_fees().maker_fee_rate == D("0.004")


def test_an_order_is_sent_once_as_the_exchange_reads_it(client: ExchangeClient, peer: HttpPeer) -> None:
    order = client.place_order(
        product_id="BTC-USD", side="buy", price=D("50000.0"), size=D("0.01"), time_in_force="GTC", post_only=True
    )
    assert (order.id, order.status, order.price) == ("o-9", "pending", D(50000))
    assert json.loads(peer.requests[-1].body) == {
        "product_id": "BTC-USD",
        "side": "buy",
        "type": "limit",
        "price": "50000",
        "size": "0.01",
        "time_in_force": "GTC",
        "post_only": True,
    }
    assert len(peer.requests) == 1


def test_orders_are_looked_up_and_cancelled_by_id(client: ExchangeClient, peer: HttpPeer) -> None:
    assert client.get_order("o-1").status == "open"
    assert client.cancel_order("o-1") == "o-1"
    assert client.cancel_orders("BTC-USD") == ["o-1", "o-2"]
    assert [f"{each.method} {each.target}" for each in peer.requests] == [
        "GET /orders/o-1",
        "DELETE /orders/o-1",
        "DELETE /orders?product_id=BTC-USD",
    ]


def test_what_is_not_found_is_named_by_what_was_asked_for(client: ExchangeClient) -> None:
    with pytest.raises(InvalidSymbol, match="NotFound"):
        client.get_product("NOPE-USD")
    with pytest.raises(OrderNotFound):
        client.get_order("nope")
    with pytest.raises(InvalidRequestError):
        client.get_account("nope")


def test_refusals_and_a_wrong_key_are_typed(client: ExchangeClient, peer: HttpPeer) -> None:
    with pytest.raises(InsufficientFunds):
        client.place_order(product_id="BTC-USD", side="buy", price=D(1), size=D(99))
    wrong = ExchangeClient(peer.url, ExchangeKey("key-1", base64.b64encode(b"another").decode(), "pass"), max_retries=0)
    with pytest.raises(AuthenticationError, match="invalid signature"):
        wrong.get_accounts()
    wrong.close()


def test_a_row_that_is_too_short_names_its_path() -> None:
    with pytest.raises(Exception, match=r"\$\[0\]"):
        read(list[ExchangeLevel], '[["1.9"]]')
    torn = {"bids": [["x", "1", 1]], "asks": [], "sequence": 1}
    with (
        http_peer(lambda *_: reply(torn)) as peer,
        pytest.raises(ReplyUnreadable, match=r"\$\.bids\[0\]\[0\]|\$\.bids\[\.\.\.\]"),
    ):
        ExchangeClient(peer.url).get_product_book("BTC-USD")


def test_the_limit_counts_here_as_well(peer: HttpPeer) -> None:
    client = ExchangeClient(peer.url, rate_limit_per_minute=1, enable_throttle=False)
    client.get_time()
    assert client.requests_in_window == 1
    with pytest.raises(Exception, match="our own limit"):
        client.get_time()
    client.close()


def test_neither_key_nor_passphrase_shows_in_what_is_said_of_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    marked = ExchangeKey("CANARY-key", base64.b64encode(b"CANARY-secret").decode(), "CANARY-pass")

    def echo(request: Request, _: socket.socket) -> bytes:
        if request.path == "/accounts":
            return reply({"message": f"cannot accept {request.headers}"}, 401)
        return reply(f"<html>{request.headers}</html>".encode())

    said = ""
    with caplog.at_level("DEBUG"), http_peer(echo) as peer:
        client = ExchangeClient(peer.url, marked)
        for ask in (client.get_accounts, client.get_fees):
            with pytest.raises(BrokerageError) as raised:
                ask()
            said += f"{raised.value!r} {raised.value} {getattr(raised.value, 'body', '')}"
        said += f"{caplog.text} {client!r} {client.line!r} {marked!r}"
    assert "cannot accept" in said
    assert "CANARY" not in said
    assert base64.b64encode(b"CANARY-secret").decode() not in said


@pytest.mark.parametrize(
    ("status", "body"), [(401, '{"message": "passphrase hunter2 of key-of-mine"}'), (200, "hunter2")]
)
def test_an_answer_that_repeats_what_was_sent_to_prove_who_asks_is_kept_without_it(
    status: int, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = ExchangeClient("https://x.test", ExchangeKey("key-of-mine", "c2VjcmV0", "hunter2"), max_retries=0)
    client.set_transport_for_testing(lambda *_: (status, {}, body))
    with pytest.raises(BrokerageError) as failed:
        client.get_accounts()
    shown = f"{failed.value!r} {getattr(failed.value, 'body', '')} {caplog.text}"
    assert "[redacted]" in shown
    assert "hunter2" not in shown
    assert "key-of-mine" not in shown
