"""Requests as widely used clients write them, in several languages: each begins with what it asks before it trades."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.conftest import quiet_day
from tests.replay.exchange.running import BASE, PRODUCT, Client, Feed, Json, running
from tests.replay.exchange.test_settings import change

#: What the tokens of two kinds of clients say besides who signs and until when.
_OLDER = {"iss": "coinbase-cloud", "aud": ["retail_rest_api_proxy"], "iat": 0}
_GENERAL = {"iss": "cdp", "aud": ["cdp_service"], "iat": 0}


def public(client: Client, path: str, **params: str) -> Json:
    reply = client.session.get(client.ready.rest + path, params=params, timeout=10)
    assert reply.status_code == 200, reply.text
    found: Json = reply.json()
    return found


def private(client: Client, path: str, **claims: Any) -> Json:
    uri = f"GET {client.host}{path}"
    said = {name: [uri] if name == "uris" else value for name, value in claims.items()}
    token = client.token(None if "uris" in claims else uri, **said)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    reply = client.session.get(client.ready.rest + path, headers=headers, timeout=10)
    assert reply.status_code == 200, reply.text
    found: Json = reply.json()
    return found


# Names, rates, the time and wallets of the older API.


def test_currencies_are_listed_before_any_product_is_asked_for(standing: Client) -> None:
    assert public(standing, "/v2/currencies")["data"] == [{"id": "USD", "name": "US Dollar", "min_size": "0.01"}]
    usdc, bitcoin = public(standing, "/v2/currencies/crypto")["data"]
    assert (usdc["code"], bitcoin["code"], bitcoin["type"], bitcoin["exponent"]) == ("USDC", "BTC", "crypto", 8)


def test_rates_are_what_one_unit_is_worth_at_the_mark(standing: Client) -> None:
    dollars = public(standing, "/v2/exchange-rates")["data"]
    assert (dollars["currency"], dollars["rates"]["USD"], dollars["rates"]["USDC"]) == ("USD", "1", "1")
    assert dollars["rates"]["BTC"] == "0.0000166638893518"  # 1 / 60010
    assert public(standing, "/v2/exchange-rates", currency="BTC")["data"]["rates"]["USD"] == "60010"
    assert standing.session.get(f"{standing.ready.rest}/v2/exchange-rates?currency=XXX", timeout=10).status_code == 400


def test_the_older_time_is_a_number_of_seconds(standing: Client) -> None:
    told = public(standing, "/v2/time")["data"]
    assert type(told["epoch"]) is int
    assert str(told["epoch"]) == standing.get("/time")["epochSeconds"]


def test_wallets_of_the_older_api_are_those_of_the_newer_and_need_a_token(standing: Client) -> None:
    (wallet,) = private(standing, "/v2/accounts", **_OLDER)["data"]
    (newer,) = standing.get("/accounts")["accounts"]
    assert (wallet["id"], wallet["balance"]) == (newer["uuid"], {"amount": "0", "currency": "USD"})
    assert standing.session.get(f"{standing.ready.rest}/v2/accounts", timeout=10).status_code == 401


# Tokens.


@pytest.mark.parametrize("claims", [_OLDER, {**_GENERAL, "uris": None}])
@pytest.mark.parametrize("key_type", ["ec", "ed25519"])
def test_tokens_of_older_and_of_general_libraries_pass_with_either_key(
    tmp_path: Path, claims: dict[str, Any], key_type: Any
) -> None:
    options = ExchangeOptions(tape=quiet_day(), speed=None, start=Start.NOW, folder=tmp_path, key_type=key_type)
    with running(options) as client:
        told = {**claims, "iat": int(time.time())}
        assert private(client, f"{BASE}/key_permissions", **told)["can_trade"]
        with Feed(client) as feed:
            feed.say("user", jwt=client.token(None, iss=claims["iss"], aud=claims["aud"]))
            assert feed.of("subscriptions")[0]["events"][0]["subscriptions"].keys() == {"user"}


def test_a_token_kept_for_several_subscribes_is_good_where_the_switch_says_so(exchange: Client) -> None:
    token = exchange.token()
    with Feed(exchange) as feed:
        feed.say("user", product_ids=[PRODUCT], jwt=token)
        feed.of("subscriptions")
        feed.say("futures_balance_summary", jwt=token)
        assert feed.frame() == {"type": "error", "message": "authentication failure"}
        change(exchange, nonces_repeat=True)
        feed.say("futures_balance_summary", jwt=token)
        assert set(feed.of("subscriptions")[0]["events"][0]["subscriptions"]) == {"user", "futures_balance_summary"}


def test_a_client_that_writes_the_second_as_its_nonce_is_taken_where_the_switch_says_so(exchange: Client) -> None:
    def ask() -> int:
        headers = {"kid": exchange.name, "nonce": "1775520000"}
        now = int(time.time())
        claims = {"sub": exchange.name, "iss": "coinbase-cloud", "nbf": now, "exp": now + 60}
        claims["uri"] = f"GET {exchange.host}{BASE}/accounts"
        assert isinstance(exchange.private, str)
        return exchange.ask(
            "GET", "/accounts", token=jwt.encode(claims, exchange.private, "ES256", headers)
        ).status_code

    assert (ask(), ask()) == (200, 401)
    change(exchange, nonces_repeat=True)
    assert (ask(), ask()) == (200, 200)


# Bodies.


def test_fields_that_a_client_sends_as_null_are_fields_left_out(exchange: Client) -> None:
    nothing = dict.fromkeys(("leverage", "margin_type", "retail_portfolio_id", "attached_order_configuration"))
    limit = {"base_size": "1", "limit_price": "59000", "post_only": False, "quote_size": None}
    order = {"client_order_id": "a", "product_id": PRODUCT, "side": "BUY", **nothing}
    reply = exchange.post("/orders", {**order, "order_configuration": {"limit_limit_gtc": limit}})
    assert reply["success"]
    assert "quote_size" not in reply["order_configuration"]["limit_limit_gtc"]


@pytest.mark.parametrize("key", ["limit_limit_gtc", "limit_limit_gtd"])
def test_an_order_that_may_rest_always_says_whether_it_is_post_only(exchange: Client, key: str) -> None:
    ends = {"end_time": "2026-03-03T00:00:00Z"} if key.endswith("gtd") else {}
    sent = {"base_size": "1", "limit_price": "59000", **ends}
    reply = exchange.order("a", "BUY", {key: sent})
    shown = exchange.get(f"/orders/historical/{reply['success_response']['order_id']}")["order"]
    assert reply["order_configuration"] == shown["order_configuration"] == {key: {**sent, "post_only": False}}
    refused = exchange.order("b", "BUY", {key: {**sent, "limit_price": "59001"}})
    assert refused["order_configuration"][key]["post_only"] is False


def test_numbers_in_place_of_text_are_refused_with_the_name_of_the_field(exchange: Client) -> None:
    order = {"client_order_id": "a", "product_id": PRODUCT, "side": "BUY"}
    reply = exchange.ask("POST", "/orders", {**order, "order_configuration": {"market_market_ioc": {"base_size": 1}}})
    assert reply.status_code == 400
    assert "base_size" in reply.json()["message"]


def test_an_order_of_a_client_that_prefixes_its_ids_and_tells_more_than_it_must_is_taken(exchange: Client) -> None:
    body = {
        "client_order_id": "ccxt-697fe6d9-14b8-403d-bcf2-5fb30d118946",
        "product_id": PRODUCT,
        "side": "SELL",
        "order_configuration": {
            "stop_limit_stop_limit_gtc": {
                "base_size": "1",
                "limit_price": "59495",
                "stop_price": "59595",
                "stop_direction": "STOP_DIRECTION_STOP_DOWN",
            }
        },
    }
    reply = exchange.ask("POST", "/orders", json.dumps(body, separators=(",", ":")))
    taken = reply.json()["success_response"]
    assert taken["client_order_id"] == body["client_order_id"]
    assert exchange.get(f"/orders/historical/{taken['order_id']}")["order"]["trigger_status"] == "STOP_PENDING"


def test_a_cancel_may_end_its_path_with_a_slash_as_older_clients_do(exchange: Client) -> None:
    order_id = exchange.limit("a", "BUY", 1, 59_000)
    (result,) = exchange.post("/orders/batch_cancel/", {"order_ids": [order_id]})["results"]
    assert result["success"]
    assert exchange.ask("GET", "/accounts/").status_code == 404


# Feeds.


def test_an_empty_list_of_products_is_no_list_on_channels_of_the_account(standing: Client) -> None:
    with Feed(standing) as feed:
        feed.say("user", product_ids=[], jwt=standing.token())
        assert "user" in feed.of("subscriptions")[0]["events"][0]["subscriptions"]


def test_the_last_unsubscribe_is_acknowledged_by_an_empty_set(standing: Client) -> None:
    with Feed(standing) as feed:
        feed.subscribe("ticker")
        feed.say("ticker", kind="unsubscribe", product_ids=[PRODUCT])
        assert feed.of("subscriptions")[0]["events"] == [{"subscriptions": {}}]
