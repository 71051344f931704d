"""The official Python client against the local exchange: over TLS, in another process, unchanged."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from coinbase.rest import RESTClient  # type: ignore[import-untyped]  # it ships no types
from coinbase.websocket import WSClient, WSUserClient  # type: ignore[import-untyped]
from coinbase.websocket.types.websocket_response import (  # type: ignore[import-untyped]
    WebsocketResponse,
)
from requests.exceptions import HTTPError

from tests.scenarios.demos import ROOT

#: The client makes its TLS context in a way that Python deprecates; it is the client under test, not ours.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ssl.SSLContext:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS:DeprecationWarning"),
]

_LIMIT_S = 20
_PLAYED = 4_000  # facts of the tape, some minutes of trading

#: What the exchange sends, as it comes.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A running `perptape exchange`, and the handle on it."""

    ready: dict[str, str]
    control: requests.Session

    def do(self, act: str) -> Json:
        found: Json = self.control.post(f"{self.ready['rest']}/control/{act}", timeout=_LIMIT_S).json()
        return found

    def played(self) -> int:
        books: Json = self.control.get(f"{self.ready['rest']}/control/books", timeout=_LIMIT_S).json()
        return int(books["played"])


@contextmanager
def exchange(folder: Path, *arguments: str) -> Iterator[Exchange]:
    """The command in a process of its own, up to the end of the block; it must leave quietly with 0."""
    command = [sys.executable, "-m", "scripts.perptape", "exchange", "--tls", "--data-dir", str(folder), *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            ready = json.loads(started.stdout.readline())
            with requests.Session() as control:
                control.trust_env = False
                control.verify = ready["ca_file"]
                yield Exchange(ready, control)
        finally:
            started.send_signal(signal.SIGTERM)
            _, complaints = started.communicate(timeout=_LIMIT_S)
        assert (started.returncode, complaints) == (0, "")


@pytest.fixture(scope="module")
def halted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """Some minutes were traded, then the tape was halted: what a client reads does not change under it."""
    with exchange(tmp_path_factory.mktemp("halted"), "--seed", "7", "--speed", "max") as found:
        found.do("resume")
        deadline = time.monotonic() + _LIMIT_S
        while found.played() < _PLAYED:
            assert time.monotonic() < deadline, "the tape does not play"
        found.do("pause")
        yield found


@pytest.fixture
def client(halted: Exchange) -> Iterator[RESTClient]:
    host = halted.ready["rest"].removeprefix("https://")
    client = RESTClient(key_file=halted.ready["key_file"], base_url=host, timeout=_LIMIT_S)
    client.session.trust_env = False
    client.session.verify = halted.ready["ca_file"]
    yield client
    client.session.close()


@pytest.fixture
def product(client: RESTClient) -> str:
    """The id of the one product."""
    listed: str = client.get_products(product_type="FUTURE").products[0].product_id
    return listed


def quotes(client: RESTClient, product: str) -> tuple[int, int]:
    """Best bid and best ask; this product's prices are whole numbers."""
    book = client.get_product_book(product, limit=1).pricebook
    return int(book.bids[0].price), int(book.asks[0].price)


_numbers = iter(range(1, 1_000))


def fresh_id() -> str:
    return f"sdk-{next(_numbers)}"


def taken(reply: Any) -> str:
    """The id of an order that was accepted."""
    assert reply.success, reply.to_dict()
    order_id: str = reply.success_response["order_id"]
    return order_id


def status(client: RESTClient, order_id: str) -> str:
    found: str = client.get_order(order_id).order.status
    return found


# Market data.


def test_the_official_client_reads_products_books_candles_and_trades(client: RESTClient, product: str) -> None:
    listed = client.get_product(product)
    assert (listed.product_type, listed.product_venue) == ("FUTURE", "FCM")
    assert listed.future_product_details["contract_size"] == "0.01"
    bid, ask = quotes(client, product)
    assert 0 < bid < ask
    best = client.get_best_bid_ask([product]).pricebooks[0]
    assert (int(best.bids[0].price), int(best.asks[0].price)) == (bid, ask)
    now = int(client.get_unix_time().epoch_seconds)
    candles = client.get_candles(product, str(now - 3_600), str(now), "ONE_MINUTE").candles
    assert candles
    assert all(float(one.low) <= float(one.close) <= float(one.high) for one in candles)
    assert [one.start for one in candles] == sorted((one.start for one in candles), reverse=True)
    trades = client.get_market_trades(product, limit=10)
    assert len(trades.trades) == 10
    assert trades.best_bid == str(bid)


def test_the_public_twins_need_no_key(halted: Exchange, product: str) -> None:
    host = halted.ready["rest"].removeprefix("https://")
    stranger = RESTClient(base_url=host, timeout=_LIMIT_S)
    stranger.session.trust_env = False
    stranger.session.verify = halted.ready["ca_file"]
    try:
        now = int(stranger.get_unix_time().epoch_seconds)
        assert stranger.get_public_product(product).product_id == product
        assert stranger.get_public_products().num_products == 1
        assert stranger.get_public_product_book(product).pricebook.bids
        assert stranger.get_public_candles(product, str(now - 3_600), str(now), "FIVE_MINUTE").candles
        assert stranger.get_public_market_trades(product, limit=3).trades
    finally:
        stranger.session.close()


def test_a_product_that_is_not_listed_is_the_clients_http_error(client: RESTClient) -> None:
    with pytest.raises(HTTPError, match="404 Client Error"):
        client.get_product("NOPE-USD")


# Orders.


def test_limit_orders_rest_are_listed_and_are_cancelled(client: RESTClient, product: str) -> None:
    bid, _ = quotes(client, product)
    low = str(bid - 1_000)
    kept = taken(client.limit_order_gtc_buy(fresh_id(), product, "1", low, post_only=True))
    dated = taken(client.limit_order_gtd_buy(fresh_id(), product, "1", low, "2030-01-01T00:00:00Z"))
    assert (status(client, kept), status(client, dated)) == ("OPEN", "OPEN")
    listed = client.list_orders(product_ids=[product], order_status=["OPEN"]).orders
    assert {kept, dated} <= {order.order_id for order in listed}
    results = client.cancel_orders([kept, dated, "nope"]).results
    assert [(one.success, one.failure_reason) for one in results[1:]] == [
        (True, "UNKNOWN_CANCEL_FAILURE_REASON"),
        (False, "UNKNOWN_CANCEL_ORDER"),
    ]
    assert (status(client, kept), status(client, dated)) == ("CANCELLED", "CANCELLED")


def test_orders_that_take_are_filled_at_once_and_their_fills_add_up(client: RESTClient, product: str) -> None:
    bid, ask = quotes(client, product)
    orders = [
        taken(client.market_order_buy(fresh_id(), product, base_size="2")),
        taken(client.limit_order_ioc_buy(fresh_id(), product, "1", str(ask + 50))),
        taken(client.limit_order_fok_sell(fresh_id(), product, "1", str(bid - 50))),
    ]
    for order_id in orders:
        order = client.get_order(order_id).order
        fills = client.get_fills(order_ids=[order_id]).fills
        assert order.status == "FILLED"
        assert sum(float(fill.size) for fill in fills) == float(order.filled_size)
        assert sum(float(fill.commission) for fill in fills) == pytest.approx(float(order.total_fees))
    client.close_position(fresh_id(), product)


def test_what_cannot_be_filled_whole_is_cancelled_or_refused(client: RESTClient, product: str) -> None:
    bid, _ = quotes(client, product)
    short = taken(client.limit_order_ioc_buy(fresh_id(), product, "1", str(bid - 1_000)))
    assert status(client, short) == "CANCELLED"
    assert client.get_order(short).order.filled_size == "0"
    refused = client.limit_order_gtc_buy(fresh_id(), product, "1", str(bid + 1))
    assert not refused.success
    assert refused.error_response["new_order_failure_reason"] == "INVALID_PRICE_PRECISION"


def test_what_is_not_traded_here_is_refused_in_the_clients_own_words(client: RESTClient, product: str) -> None:
    bid, _ = quotes(client, product)
    stop = client.stop_limit_order_gtc_sell(
        fresh_id(), product, "1", str(bid - 100), str(bid - 50), "STOP_DIRECTION_STOP_DOWN"
    )
    assert stop.error_response["new_order_failure_reason"] == "UNSUPPORTED_ORDER_CONFIGURATION"
    bracket = client.trigger_bracket_order_gtc_sell(fresh_id(), product, "1", str(bid + 100), str(bid - 100))
    assert bracket.error_response["new_order_failure_reason"] == "UNSUPPORTED_ORDER_CONFIGURATION"
    rests = taken(client.limit_order_gtc_buy(fresh_id(), product, "1", str(bid - 1_000)))
    edited = client.edit_order(rests, size="2", price=str(bid - 1_005))
    assert not edited.success
    assert edited.errors[0]["edit_failure_reason"] == "CANNOT_EDIT_FUTURES_ORDER"
    client.cancel_orders([rests])


def test_a_used_client_id_is_answered_with_the_old_order(client: RESTClient, product: str) -> None:
    bid, _ = quotes(client, product)
    name = fresh_id()
    first = taken(client.limit_order_gtc_buy(name, product, "1", str(bid - 1_000)))
    assert taken(client.market_order_sell(name, product, base_size="1")) == first
    client.cancel_orders([first])


def test_a_preview_says_what_an_order_would_cost_and_places_nothing(client: RESTClient, product: str) -> None:
    before = len(client.list_orders().orders)
    shown = client.preview_market_order_buy(product, base_size="3")
    assert shown.errs == []
    assert shown.base_size == "3"
    assert float(shown.order_total) > 0
    assert client.preview_limit_order_gtc_buy(product, "1", "1.5").errs == ["PREVIEW_INVALID_PRICE_PRECISION"]
    assert len(client.list_orders().orders) == before


def test_a_position_is_shown_and_closed(client: RESTClient, product: str) -> None:
    taken(client.market_order_sell(fresh_id(), product, base_size="3"))
    (held,) = client.list_futures_positions().positions
    assert (held.product_id, held.side, held.number_of_contracts) == (product, "SHORT", "3")
    assert client.get_futures_position(product).position.number_of_contracts == "3"
    taken(client.close_position(fresh_id(), product, size="1"))
    assert client.get_futures_position(product).position.number_of_contracts == "2"
    taken(client.close_position(fresh_id(), product))
    assert client.list_futures_positions().positions == []
    nothing = client.close_position(fresh_id(), product)
    assert nothing.error_response["new_order_failure_reason"] == "CANNOT_CLOSE_ZERO_POSITION"


# The account.


def test_the_account_its_margin_and_its_key_are_shown(client: RESTClient) -> None:
    summary = client.get_futures_balance_summary().balance_summary
    assert float(summary.cfm_usd_balance["value"]) > 0
    assert client.get_intraday_margin_setting().setting == "INTRADAY_MARGIN_SETTING_STANDARD"
    window = client.get_current_margin_window("MARGIN_PROFILE_TYPE_RETAIL_REGULAR").margin_window
    assert window["margin_window_type"].startswith("MARGIN_WINDOW_TYPE_")
    assert client.list_futures_sweeps().sweeps == []
    permissions = client.get_api_key_permissions()
    assert (permissions.can_view, permissions.can_trade, permissions.can_transfer) == (True, True, False)
    (portfolio,) = client.get_portfolios().portfolios
    assert portfolio.uuid == permissions.portfolio_uuid
    assert client.get_portfolio_breakdown(portfolio.uuid).breakdown.portfolio.uuid == portfolio.uuid
    (account,) = client.get_accounts().accounts
    assert client.get_account(account.uuid).account.currency == account.currency == "USD"
    assert float(client.get_transaction_summary().fee_tier["taker_fee_rate"]) > 0


# Feeds.


class Heard:
    """What a WebSocket client was sent, frame by frame, numbered without a gap."""

    def __init__(self) -> None:
        self._frames: queue.Queue[Json] = queue.Queue()
        self._next = 0

    def __call__(self, text: str) -> None:
        self._frames.put(json.loads(text))

    def until(self, is_last: Callable[[list[Json]], bool]) -> list[Json]:
        """Frames up to the first with which it is enough; fails when that takes too long."""
        deadline = time.monotonic() + _LIMIT_S
        frames: list[Json] = []
        while not is_last(frames):
            frames.append(self._frames.get(timeout=max(0.01, deadline - time.monotonic())))
            assert frames[-1]["sequence_num"] == self._next
            self._next += 1
        return frames


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """A market at sixty times its own pace, which begins when somebody listens."""
    with exchange(tmp_path_factory.mktemp("playing"), "--seed", "7", "--speed", "60") as found:
        yield found


def counts(frames: list[Json]) -> dict[str, int]:
    found: dict[str, int] = {}
    for frame in frames:
        found[frame["channel"]] = found.get(frame["channel"], 0) + 1
    return found


_PUBLIC = ["heartbeats", "ticker", "ticker_batch", "level2", "market_trades", "candles", "status"]


def test_the_official_feed_client_receives_every_public_channel(playing: Exchange) -> None:
    heard = Heard()
    client = WSClient(base_url=playing.ready["ws"], timeout=_LIMIT_S, on_message=heard, retry=False)
    client.open()
    try:
        client.subscribe(["BIP-20DEC30-CDE"], _PUBLIC)
        wanted = {"heartbeats": 2, "ticker": 2, "ticker_batch": 2, "l2_data": 2, "market_trades": 2, "candles": 2}
        wanted |= {"status": 1, "subscriptions": len(_PUBLIC)}
        frames = heard.until(
            lambda frames: all(counts(frames).get(channel, 0) >= count for channel, count in wanted.items())
        )
        assert set(counts(frames)) == set(wanted)
        held = [frame for frame in frames if frame["channel"] == "subscriptions"][-1]["events"][0]["subscriptions"]
        assert set(held) == set(_PUBLIC)
        client.raise_background_exception()
    finally:
        client.close()


def test_the_official_user_client_hears_of_its_orders_and_balances(playing: Exchange) -> None:
    heard = Heard()
    feed = WSUserClient(
        key_file=playing.ready["key_file"],
        base_url=playing.ready["ws"],
        timeout=_LIMIT_S,
        on_message=heard,
        retry=False,
    )
    rest = RESTClient(
        key_file=playing.ready["key_file"],
        base_url=playing.ready["rest"].removeprefix("https://"),
        timeout=_LIMIT_S,
    )
    rest.session.trust_env = False
    rest.session.verify = playing.ready["ca_file"]
    feed.open()
    try:
        feed.subscribe(["BIP-20DEC30-CDE"], ["heartbeats", "user", "futures_balance_summary"])
        begun = heard.until(lambda frames: counts(frames).get("subscriptions", 0) == 3)
        assert counts(begun)["user"] == counts(begun)["futures_balance_summary"] == 1
        order_id = taken(rest.market_order_buy(fresh_id(), "BIP-20DEC30-CDE", base_size="1"))

        def is_told(frames: list[Json]) -> bool:
            rows = [row for frame in frames if frame["channel"] == "user" for row in frame["events"][0]["orders"]]
            told = counts(frames)
            is_filled = any(row["order_id"] == order_id and row["status"] == "FILLED" for row in rows)
            return is_filled and told.get("futures_balance_summary", 0) > 0 and told.get("heartbeats", 0) > 0

        heard.until(is_told)
        feed.raise_background_exception()
    finally:
        feed.close()
        rest.session.close()


def test_the_clients_own_types_read_the_frames(playing: Exchange) -> None:
    """They insist on the `client_id` that the printed samples have and recorded frames have not: a switch adds it."""
    settings = f"{playing.ready['rest']}/control/settings"
    playing.control.post(settings, json={"client_id": True}, timeout=_LIMIT_S)
    heard = Heard()
    client = WSUserClient(
        key_file=playing.ready["key_file"],
        base_url=playing.ready["ws"],
        timeout=_LIMIT_S,
        on_message=heard,
        retry=False,
    )
    client.open()
    try:
        client.subscribe(["BIP-20DEC30-CDE"], ["heartbeats", "user", "futures_balance_summary"])
        frames = heard.until(lambda frames: counts(frames).get("subscriptions", 0) == 3)
        read = [WebsocketResponse(frame) for frame in frames]
        assert {"user", "futures_balance_summary", "subscriptions"} <= {one.channel for one in read}
        balances = next(one for one in read if one.channel == "futures_balance_summary")
        assert float(balances.events[0].fcm_balance_summary.total_usd_balance) > 0
    finally:
        client.close()
        playing.control.post(settings, json={"client_id": False}, timeout=_LIMIT_S)
