"""Faults of an older system in what it sent and read (protocol sheet 8.3); here each is the rule that it broke."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import jwt
import pytest

from actors.brokerage import APIConfig, to_product
from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.configurations import LimitGtc, LimitGtd, LimitIoc, StopDirection, StopLimitGtc
from actors.connection.errors import AuthenticationError
from actors.connection.frames import read_frame
from actors.connection.hearing import Wanted
from actors.connection.holdings import signed_qty
from actors.connection.market_feed import MarketFeed
from events.ids import derived_id
from events.market import TradePrinted
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.streams.facts import BIP, D

PREFIX = "/api/v3/brokerage"
#: 2026-04-07T14:30:00Z
AT = 1_775_572_200_000_000_000


class Wire:
    """A transport that answers everything with one reply and keeps what was asked."""

    def __init__(self, reply: object) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self._reply = json.dumps(reply)

    def __call__(
        self, method: str, url: str, _headers: Mapping[str, str], body: bytes | None, _timeout: float
    ) -> tuple[int, Mapping[str, str], str]:
        self.calls.append((method, url.removeprefix("https://x.test"), json.loads(body) if body else None))
        return 200, {}, self._reply


def client(reply: object) -> tuple[CoinbaseClient, Wire]:
    made, wire = CoinbaseClient("https://x.test", Credentials(NAME, pem(EC_KEY))), Wire(reply)
    made.set_transport_for_testing(wire)
    return made, wire


def placed(configuration: Any, leverage: str | None = None) -> dict[str, Any]:
    """The body of an order that is placed so."""
    made, wire = client({"success": True, "success_response": {"order_id": "x-1"}})
    made.place_order(
        client_order_id="o-1", product_id=BIP, side="BUY", order_configuration=configuration, leverage=leverage
    )
    ((method, path, body),) = wire.calls
    assert (method, path) == ("POST", f"{PREFIX}/orders")
    assert isinstance(body, dict)
    return body


def test_8_3_a_limit_ioc_is_sent_under_the_key_that_the_exchange_knows() -> None:
    body = placed(LimitIoc(base_size=D(3), limit_price=D(50_250)))
    assert body["order_configuration"] == {"sor_limit_ioc": {"base_size": "3", "limit_price": "50250"}}


def test_8_3_an_order_has_nothing_beside_its_configuration() -> None:
    body = placed(LimitIoc(base_size=D(3), limit_price=D(50_250)))
    assert set(body) == {"client_order_id", "product_id", "side", "order_configuration"}


def test_8_3_leverage_is_sent_as_text() -> None:
    assert placed(LimitIoc(base_size=D(3), limit_price=D(50_250)), leverage="2.5")["leverage"] == "2.5"


def test_8_3_post_only_stands_inside_the_configuration() -> None:
    body = placed(LimitGtc(base_size=D(3), limit_price=D(50_250), post_only=True))
    assert body["order_configuration"]["limit_limit_gtc"]["post_only"] is True
    assert "post_only" not in body


def test_8_3_a_stop_says_its_direction() -> None:
    stop = StopLimitGtc(base_size=D(3), limit_price=D(48_000), stop_price=D(49_000), stop_direction=StopDirection.DOWN)
    fields = placed(stop)["order_configuration"]["stop_limit_stop_limit_gtc"]
    assert fields["stop_direction"] == "STOP_DIRECTION_STOP_DOWN"
    with pytest.raises(TypeError, match="stop_direction"):
        StopLimitGtc(base_size=D(3), limit_price=D(48_000), stop_price=D(49_000))  # type: ignore[call-arg]  # the rule


def test_8_3_an_order_with_an_end_has_a_key_of_its_own() -> None:
    written = placed(LimitGtd(base_size=D(3), limit_price=D(50_250), end_time=AT))["order_configuration"]
    assert list(written) == ["limit_limit_gtd"]
    assert written["limit_limit_gtd"]["end_time"] == "2026-04-07T14:30:00.000000Z"


def test_8_3_a_book_is_asked_for_by_limit() -> None:
    made, wire = client({"pricebook": {"product_id": BIP, "bids": [], "asks": []}})
    made.get_product_book(BIP, limit=5)
    assert wire.calls[0][1] == f"{PREFIX}/product_book?product_id={BIP}&limit=5"


def test_8_3_candles_are_asked_for_in_unix_seconds() -> None:
    made, wire = client({"candles": []})
    made.get_candles(BIP, start_s=1_775_572_200, end_s=1_775_575_800, granularity="ONE_MINUTE")
    query = "start=1775572200&end=1775575800&granularity=ONE_MINUTE"
    assert wire.calls[0][1] == f"{PREFIX}/products/{BIP}/candles?{query}"


def test_8_3_every_request_goes_to_the_path_that_the_exchange_serves() -> None:
    made, wire = client({"success": True, "success_response": {"order_id": "x"}, "results": [], "orders": []})
    made.cancel_orders(["x-1"])
    made.close_position(client_order_id="o-2", product_id=BIP)
    list(made.list_orders())
    paths = [(method, path.partition("?")[0].removeprefix(PREFIX)) for method, path, _ in wire.calls]
    assert paths == [
        ("POST", "/orders/batch_cancel"),
        ("POST", "/orders/close_position"),
        ("GET", "/orders/historical/batch"),
    ]


def test_8_3_a_subscribe_names_one_channel_and_its_token_names_no_path() -> None:
    feed = MarketFeed(_NoDoor(), "wss://x.test", {BIP: BIP}, credentials=Credentials(NAME, pem(EC_KEY)))
    message = json.loads(feed.subscribe_message(Wanted("level2", (BIP,))))
    assert (message["type"], message["channel"], message["product_ids"]) == ("subscribe", "level2", [BIP])
    assert "channels" not in message
    claims = jwt.decode(message["jwt"], options={"verify_signature": False})
    assert "uri" not in claims
    assert (claims["iss"], claims["sub"]) == ("cdp", NAME)


class _NoDoor:
    """Nobody is told."""

    def tell(self, *_args: object, **_more: object) -> None:
        raise AssertionError("nothing was to be told")


def test_8_3_a_frame_is_read_event_by_event() -> None:
    def trade(trade_id: str) -> dict[str, str]:
        time = "2026-04-07T14:30:03Z"
        return {"product_id": BIP, "trade_id": trade_id, "price": "1", "size": "2", "time": time, "side": "BUY"}

    events = [{"type": "update", "trades": [trade("2"), trade("1")]}, {"type": "update", "trades": [trade("3")]}]
    frame = {"channel": "market_trades", "timestamp": "2026-04-07T14:30:03Z", "sequence_num": 0, "events": events}
    read = read_frame(json.dumps(frame).encode(), {BIP: BIP})
    assert [event.trade_id for event in read.events if isinstance(event, TradePrinted)] == ["1", "2", "3"]
    assert read.sequence == 0


def test_8_3_a_product_is_read_from_the_fields_that_the_exchange_fills() -> None:
    product = {
        "product_id": BIP,
        "base_increment": "1",
        "quote_increment": "0.01",
        "price_increment": "5",
        "contract_type": "quanto",
        "max_leverage": "50",
        "future_product_details": {"contract_size": "0.01", "perpetual_details": {"max_leverage": "10"}},
    }
    made, _ = client(product)
    rules = to_product(made.get_product(BIP))
    assert (rules.price_increment, rules.contract_size, rules.max_leverage) == (D(5), D("0.01"), D(10))


def test_8_3_the_side_of_a_position_is_the_exchanges_word() -> None:
    def position(side: str) -> Decimal:
        made, _ = client({"position": {"product_id": BIP, "side": side, "number_of_contracts": "3"}})
        return signed_qty(made.cfm_position(BIP))

    assert (position("LONG"), position("SHORT")) == (D(3), D(-3))
    with pytest.raises(ValueError, match="position in"):
        position("")


def test_8_3_each_mode_has_its_own_way_to_sign() -> None:
    advanced = APIConfig(api_key=NAME, api_secret=pem(EC_KEY))
    assert advanced.auth_type == "JWT"
    older = APIConfig(api_key="k", api_secret="c2VjcmV0", passphrase="p", api_mode="exchange")
    assert older.auth_type == "HMAC"
    with pytest.raises(AuthenticationError, match="HMAC"):
        APIConfig(api_key="k", api_secret="c2VjcmV0").client()


def test_8_3_an_orders_id_follows_from_its_cause_and_is_a_uuid() -> None:
    order = derived_id("s-1", "orders", 7)
    assert uuid.UUID(order).version == 8
    assert order == derived_id("s-1", "orders", 7) != derived_id("s-1", "orders", 8)
    assert not order.startswith("perps_")
