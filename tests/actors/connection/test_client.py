"""The client's requests as the exchange sees them: paths, tokens, retries, pages; and what its replies become."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import jwt
import msgspec
import pytest

from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.limits import Urgency
from actors.connection.errors import (
    AuthenticationError,
    BrokerageAPIError,
    InvalidOrder,
    InvalidRequestError,
    RateLimitError,
    ReplyUnreadable,
)
from tests.actors.connection.keys import EC_KEY, NAME, pem
from tests.actors.connection.peers import HttpPeer, Request, http_peer, reply
from tests.paths import SHARED_DATA, needs_shared_data

KEY = Credentials(NAME, pem(EC_KEY))
TIME = {"iso": "2026-04-07T14:30:03.123456789Z", "epochSeconds": "1775572203", "epochMillis": "1775572203123"}


class Sleeps:
    """Stands in for `time.sleep`, and keeps how long was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.asked.append(round(seconds, 4))


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> Sleeps:
    asked = Sleeps()
    monkeypatch.setattr(time, "sleep", asked)
    return asked


class Scripted:
    """A transport that answers in turn, and keeps the calls."""

    def __init__(self, *answers: tuple[int, Mapping[str, str], str] | Exception) -> None:
        self.calls: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self._answers = iter(answers)

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], _body: bytes | None, _timeout: float
    ) -> tuple[int, Mapping[str, str], str]:
        self.calls.append((method, url))
        self.tokens.append(headers.get("Authorization", ""))
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(
    *answers: tuple[int, Mapping[str, str], str] | Exception, **options: Any
) -> tuple[CoinbaseClient, Scripted]:
    client, transport = CoinbaseClient("https://x.test", KEY, **options), Scripted(*answers)
    client.set_transport_for_testing(transport)
    return client, transport


PRODUCTS: tuple[int, dict[str, str], str] = (200, {}, '{"products": []}')


def test_a_read_is_tried_again_after_one_and_two_hundredths_then_two_and_four(sleeps: Sleeps) -> None:
    client, transport = scripted((503, {}, ""), (503, {}, "<html>"), PRODUCTS)
    assert client.get_products() == []
    assert sleeps.asked == [1.01, 2.04]
    assert transport.calls == [("GET", "https://x.test/api/v3/brokerage/products")] * 3


def test_each_try_is_signed_anew(sleeps: Sleeps) -> None:
    client, transport = scripted((503, {}, ""), (503, {}, ""), PRODUCTS)
    client.get_products()
    assert len(set(transport.tokens)) == 3


def test_without_jitter_the_waits_double_exactly(sleeps: Sleeps) -> None:
    client, _ = scripted(*[(502, {}, "")] * 4, jitter_factor=0)
    with pytest.raises(BrokerageAPIError):
        client.get_products()
    assert sleeps.asked == [1.0, 2.0, 4.0]


def test_after_three_retries_the_error_is_raised(sleeps: Sleeps) -> None:
    client, transport = scripted(*[(503, {}, "")] * 9)
    with pytest.raises(BrokerageAPIError):
        client.get_products()
    assert len(transport.calls) == 4
    assert sleeps.asked == [1.01, 2.04, 4.12]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_retried_on(status: int, sleeps: Sleeps) -> None:
    client, transport = scripted((status, {}, ""), PRODUCTS)
    client.get_products()
    assert len(transport.calls) == 2


def test_a_read_is_retried_when_the_network_fails(sleeps: Sleeps) -> None:
    client, transport = scripted(BrokerageAPIError("cut", retryable=True), PRODUCTS)
    client.get_products()
    assert len(transport.calls) == 2


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_would_fail_again_is_not_retried(status: int, sleeps: Sleeps) -> None:
    client, transport = scripted((status, {}, ""))
    with pytest.raises(Exception, match=str(status)):
        client.get_products()
    assert len(transport.calls) == 1


def test_a_refused_token_is_replaced_once(sleeps: Sleeps) -> None:
    client, transport = scripted((401, {}, "Unauthorized\n"), PRODUCTS)
    client.get_products()
    assert transport.tokens[0] != transport.tokens[1]
    client, transport = scripted((401, {}, "Unauthorized\n"), (401, {}, "Unauthorized\n"))
    with pytest.raises(AuthenticationError):
        client.get_products()
    assert len(transport.calls) == 2


@pytest.mark.parametrize(
    ("off_s", "says"),
    [
        (-30, r"our clock is (29|30|31) s ahead of"),
        (30, r"our clock is (29|30|31) s behind"),
        (-120, r"our clock is 1(19|20|21) s ahead"),
        (120, r"our clock is 1(19|20|21) s behind"),
        (0, r"Unauthorized$"),
        (None, r"Unauthorized$"),
    ],
)
def test_a_refused_token_is_said_with_a_clock_that_is_off(off_s: int | None, says: str, sleeps: Sleeps) -> None:
    headers = {} if off_s is None else {"Date": formatdate(time.time() + off_s, usegmt=True)}
    client, _ = scripted((401, headers, "Unauthorized\n"), max_retries=0)
    with pytest.raises(AuthenticationError, match=says):
        client.get_products()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_write_is_sent_once_whatever_comes_back(status: int, sleeps: Sleeps) -> None:
    client, transport = scripted((status, {}, ""))
    with pytest.raises((BrokerageAPIError, RateLimitError)):
        client.cancel_orders(["x"])
    assert len(transport.calls) == 1
    assert sleeps.asked == []


def test_retry_after_in_seconds_is_waited_for_with_jitter_on_top(sleeps: Sleeps) -> None:
    client, _ = scripted((429, {"Retry-After": "7"}, "slow down"), PRODUCTS)
    client.get_products()
    assert sleeps.asked == [7.07]


def test_retry_after_as_a_date_is_waited_for(sleeps: Sleeps) -> None:
    date = formatdate(time.time() + 30, usegmt=True)
    client, _ = scripted((429, {"retry-after": date}, ""), PRODUCTS)
    client.get_products()
    assert 28 < sleeps.asked[0] <= 30.4


def test_a_retry_after_that_is_too_long_is_given_to_the_caller(sleeps: Sleeps) -> None:
    client, _ = scripted((429, {"retry-after": "3600"}, ""))
    with pytest.raises(RateLimitError) as raised:
        client.get_products()
    assert raised.value.retry_after == 3600
    assert sleeps.asked == []


def test_a_shell_waits_between_retries_in_its_own_way(sleeps: Sleeps) -> None:
    client, _ = scripted((503, {}, ""), PRODUCTS)
    own = Sleeps()
    client.at(Urgency.POLLING, pause=own).get_products()
    assert (own.asked, sleeps.asked) == ([1.01], [])


def test_every_try_counts_against_the_limit(sleeps: Sleeps) -> None:
    client, _ = scripted((503, {}, ""), (503, {}, ""), PRODUCTS)
    client.get_products()
    assert client.requests_in_window == 3


def test_without_throttling_our_own_limit_raises_and_sends_nothing() -> None:
    client, transport = scripted(PRODUCTS, PRODUCTS, rate_limit_per_minute=1, enable_throttle=False)
    client.get_products()
    with pytest.raises(RateLimitError):
        client.get_products()
    assert len(transport.calls) == 1


def test_the_token_names_method_host_and_path_without_the_query() -> None:
    with http_peer(lambda *_: reply({"products": []})) as peer:
        CoinbaseClient(peer.url, KEY).get_products("FUTURE", ["A B", "C&D"])
        request = peer.requests[0]
    token = request.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, EC_KEY.public_key(), algorithms=["ES256"])
    assert claims["uri"] == f"GET {peer.address}/api/v3/brokerage/products"
    assert request.query == "product_ids=A+B&product_ids=C%26D&product_type=FUTURE"
    assert request.headers["cache-control"] == "no-cache"


def test_what_stands_in_a_path_cannot_leave_it() -> None:
    with http_peer(lambda *_: reply({"product_id": "P"})) as peer:
        CoinbaseClient(peer.url, KEY).get_product("../orders?a=b#c d")
        request = peer.requests[0]
    assert request.target == "/api/v3/brokerage/products/..%2Forders%3Fa%3Db%23c%20d"
    claims = jwt.decode(
        request.headers["authorization"].removeprefix("Bearer "), EC_KEY.public_key(), algorithms=["ES256"]
    )
    assert claims["uri"] == f"GET {peer.address}{request.target}"


def test_without_a_key_the_public_twins_are_asked_and_no_token_is_sent() -> None:
    with http_peer(lambda *_: reply({"products": []})) as peer:
        CoinbaseClient(peer.url).get_products()
        assert peer.requests[0].path == "/api/v3/brokerage/market/products"
        assert "authorization" not in peer.requests[0].headers


def test_the_sandbox_is_asked_for_one_of_its_canned_replies() -> None:
    with http_peer(lambda *_: reply({"accounts": []})) as peer:
        list(CoinbaseClient(peer.url, sandbox_variant="ListAccounts_unauthorized").get_accounts())
        list(CoinbaseClient(peer.url).get_accounts())
        variants = [request.headers.get("x-sandbox") for request in peer.requests]
    assert variants == ["ListAccounts_unauthorized", None]


def test_an_order_is_sent_as_the_exchange_reads_it() -> None:
    body = {"success": True, "success_response": {"order_id": "o-1", "client_order_id": "c-1"}}
    with http_peer(lambda *_: reply(body)) as peer:
        placed = CoinbaseClient(peer.url, KEY).place_order(
            client_order_id="c-1",
            product_id="BIP-20DEC30-CDE",
            side="BUY",
            order_configuration={"limit_limit_gtc": {"base_size": "3", "limit_price": "68925", "post_only": True}},
        )
        assert peer.requests[0].headers["content-type"] == "application/json"
        assert peer.requests[0].json == {
            "client_order_id": "c-1",
            "product_id": "BIP-20DEC30-CDE",
            "side": "BUY",
            "order_configuration": {"limit_limit_gtc": {"base_size": "3", "limit_price": "68925", "post_only": True}},
        }
    assert placed.order_id == "o-1"


def test_an_older_reply_has_the_order_id_on_top() -> None:
    with http_peer(
        lambda *_: reply({"success": True, "order_id": "o-2", "failure_reason": "UNKNOWN_FAILURE_REASON"})
    ) as peer:
        placed = CoinbaseClient(peer.url).close_position(client_order_id="c", product_id="p", size="1")
    assert placed.order_id == "o-2"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"<html>all is well</html>", "malformed"),
        (b'{"success": true}', r"\$\.success_response"),
        (b'{"success": "yes"}', r"\$\.success"),
        (b"{}", "success"),
        (b"[]", "object"),
        (b"", "truncated"),
        (b'{"success": true, "success_response": {"order_id": 7}}', r"order_id"),
        (b"[" * 100_000, "nest|recursion|object"),
    ],
)
def test_an_answer_to_an_order_that_cannot_be_read_names_the_path_and_leaves_the_outcome_unknown(
    body: bytes, path: str
) -> None:
    with http_peer(lambda *_: reply(body)) as peer, pytest.raises(ReplyUnreadable, match=path) as raised:
        CoinbaseClient(peer.url).place_order(client_order_id="c", product_id="p", side="BUY", order_configuration={})
    assert raised.value.outcome_unknown


def test_a_refusal_without_a_word_more_is_a_refusal() -> None:
    body = {"success": False, "failure_reason": "INVALID_SIZE_PRECISION"}
    with http_peer(lambda *_: reply(body)) as peer, pytest.raises(InvalidOrder, match="INVALID_SIZE_PRECISION") as told:
        CoinbaseClient(peer.url).close_position(client_order_id="c", product_id="p")
    assert not told.value.outcome_unknown


def test_a_redirect_is_a_fault_that_is_neither_followed_nor_tried_again() -> None:
    with (
        http_peer(lambda *_: reply(b"", 302, {"Location": "https://x.test/"})) as peer,
        pytest.raises(BrokerageAPIError, match="302"),
    ):
        CoinbaseClient(peer.url).get_time()
    assert len(peer.requests) == 1


def test_what_the_last_look_raises_stops_the_order_before_it_is_sent() -> None:
    def look() -> None:
        raise InvalidRequestError("no")

    client, transport = scripted((200, {}, "{}"))
    with pytest.raises(InvalidRequestError):
        client.place_order(client_order_id="c", product_id="p", side="BUY", order_configuration={}, before_send=look)
    assert transport.calls == []
    assert client.requests_in_window == 1, "the look comes after the rate limiter"


def page(orders: list[str], cursor: str, *, more: bool) -> dict[str, Any]:
    rows = [{"order_id": each, "product_id": "p", "side": "BUY", "status": "OPEN"} for each in orders]
    return {"orders": rows, "has_next": more, "cursor": cursor}


def paged(*pages: dict[str, Any]) -> HttpPeer:
    rest: Iterator[dict[str, Any]] = iter(pages)
    return HttpPeer(lambda *_: reply(next(rest)))


def test_lists_are_followed_to_their_end_with_the_same_query() -> None:
    peer = paged(page(["a", "b"], "n1", more=True), page(["c"], "n2", more=True), page([], "", more=False))
    listed = [order.order_id for order in CoinbaseClient(peer.url).list_orders(product_ids=["p"], since=0)]
    peer.close()
    assert listed == ["a", "b", "c"]
    first = "limit=250&product_ids=p&start_date=1970-01-01T00%3A00%3A00.000000Z"
    assert [request.query for request in peer.requests] == [first, f"{first}&cursor=n1", f"{first}&cursor=n2"]


@pytest.mark.parametrize("cursor", ["n1", ""])
def test_a_list_whose_cursor_repeats_is_an_error_and_not_an_endless_loop(cursor: str) -> None:
    peer = paged(*[page(["a"], "n1", more=True), page(["b"], cursor, more=True)], page(["c"], "n1", more=True))
    with pytest.raises(BrokerageAPIError, match="cursor repeats"):
        list(CoinbaseClient(peer.url).list_orders())
    peer.close()


def test_fills_end_with_an_empty_cursor() -> None:
    fill = {
        "entry_id": "e",
        "trade_id": "t",
        "order_id": "o",
        "product_id": "p",
        "side": "BUY",
        "price": "1",
        "size": "2",
    }
    peer = paged({"fills": [fill], "cursor": "1"}, {"fills": [fill], "cursor": ""})
    assert len(list(CoinbaseClient(peer.url).list_fills(order_ids=["o"]))) == 2
    peer.close()


def test_a_list_that_breaks_off_raises_instead_of_ending() -> None:
    def answer(request: Request, _: Any) -> bytes:
        return reply(b"", 400) if "cursor" in request.query else reply(page(["a"], "n", more=True))

    with http_peer(answer) as peer, pytest.raises(InvalidRequestError):
        list(CoinbaseClient(peer.url).list_orders())


@needs_shared_data
def test_the_us_perpetual_is_read_exactly() -> None:
    raw = (SHARED_DATA / "coinbase-fixtures" / "http_products_future.json").read_bytes()
    with http_peer(lambda *_: reply(raw)) as peer:
        products = {product.product_id: product for product in CoinbaseClient(peer.url).get_products("FUTURE")}
    perpetual = products["BIP-20DEC30-CDE"]
    future = perpetual.future_product_details
    assert future is not None
    assert (perpetual.price_increment, future.contract_size, future.funding_rate) == (
        Decimal(5),
        Decimal("0.01"),
        Decimal("0.000013"),
    )
    assert future.funding_time == 1_775_520_000_000_000_000
    assert future.perpetual_details is not None
    assert future.perpetual_details.funding_rate is None


def test_money_is_read_in_both_of_its_forms_and_an_empty_text_is_no_value() -> None:
    spot = {"value": "1.50", "currency": "USD"}
    raw = {"balance_summary": {"cbi_usd_balance": spot, "cfm_usd_balance": "2", "initial_margin": ""}}
    with http_peer(lambda *_: reply(raw)) as peer:
        balance = CoinbaseClient(peer.url, KEY).cfm_balance_summary()
    assert balance is not None
    assert (balance.cbi_usd_balance, balance.cfm_usd_balance, balance.initial_margin) == (
        Decimal("1.50"),
        Decimal(2),
        None,
    )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "-1E+99", "0x10", "1" * 60, "twelve"])
def test_a_number_that_is_nonsense_names_its_path(number: str) -> None:
    raw = msgspec.json.encode({"balance_summary": {"cfm_usd_balance": number}})
    with (
        http_peer(lambda *_: reply(raw)) as peer,
        pytest.raises(ReplyUnreadable, match=r"\$\.balance_summary\.cfm_usd_balance"),
    ):
        CoinbaseClient(peer.url, KEY).cfm_balance_summary()
