"""The whole connection against the local exchange, over TLS with a key: from product to fill to reconciled."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.errors import AuthenticationError
from actors.connection.live import Address, CoinbaseConnection
from events.account import BalanceReported
from events.catalog import ProductListed
from events.feeds import ExchangeReconciled, FeedLost, FeedSubscribed
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.orders import OrderRejected, OrderReported
from events.position import PositionReported
from events.record import AnyEvent
from events.risk import KillSwitchThrown
from events.terms import NANOSECONDS, OrderKind, OrderStatus, Side
from replay.exchange.server import ExchangeOptions, Ready, serve
from replay.tapes import generated_tape
from tests.actors.connection.booth import cancelled, order_id, submitted
from tests.actors.connection.peers import PATIENCE_S, ListDoor, record

PRODUCTS = {"BIP-20DEC30-CDE": "BTC-PERP"}


@contextmanager
def local_exchange(folder: Path, *, tls: bool = True) -> Iterator[Ready]:
    """The local exchange on a generated market, in a thread."""
    ready = threading.Event()
    where: list[Ready] = []

    def announce(told: Ready) -> None:
        where.append(told)
        ready.set()

    options = ExchangeOptions(tape=generated_tape(seed=1), speed=20.0, tls=tls, folder=folder)
    thread = threading.Thread(target=serve, args=(options,), kwargs={"on_ready": announce}, daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S)
    try:
        yield where[0]
    finally:
        requests.post(f"{where[0].rest}/control/stop", verify=where[0].ca_file or True, timeout=5)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


class Wired:
    """A connection with its door; commits go to every shell that hears them."""

    def __init__(self, ready: Ready, *, live: bool = True) -> None:
        self.door = ListDoor()
        self.key = Credentials.from_file(ready.key_file)
        client = CoinbaseClient(ready.rest, self.key, ca_file=ready.ca_file)
        self.started_at = client.get_time().iso or 0
        client.close()
        self.connection = CoinbaseConnection(
            self.door,
            lambda: self.started_at,
            [],
            address=Address(ready.rest, ready.ws, ready.ws, ready.ca_file),
            credentials=self.key if live else None,
            products=PRODUCTS,
            live=live,
        )
        for part in self.connection.parts:
            part.start()

    def commit(self, *events: AnyEvent) -> None:
        for shell in self.connection.shells:
            records = [record(event, at=self.started_at) for event in events if type(event) in shell.hears]
            if records:
                shell.committed(records)

    def reports(self, number: int, status: OrderStatus) -> list[OrderReported]:
        """Wait until an order of ours was reported in a status."""

        def there(told: list[AnyEvent]) -> list[OrderReported]:
            reports = [each for each in told if isinstance(each, OrderReported)]
            return [each for each in reports if each.order == order_id(number) and each.status is status]

        return there(self.door.wait(lambda told: bool(there(told))))

    def stop(self) -> None:
        for part in reversed(self.connection.parts):
            part.stop()


def test_an_account_trades_from_the_first_product_to_the_last_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late = 10**9 * NANOSECONDS
    with caplog.at_level("DEBUG"), local_exchange(tmp_path) as ready:
        ours = Wired(ready)
        try:
            ours.door.wait_for(ExchangeReconciled)
            ours.door.wait_for(FeedSubscribed, 2)
            for kind in (BookSnapshotted, BookChanged, TradePrinted, QuoteChanged, ProductListed, BalanceReported):
                ours.door.wait_for(kind)
            expires = ours.started_at + late
            ours.commit(FeedSubscribed(feed="market", connection=1, channels=()))
            ours.commit(
                submitted(1, limit_price=Decimal(80_000), expires_at=expires),
                submitted(2, kind=OrderKind.LIMIT_GTC, limit_price=Decimal(50_000), post_only=True, expires_at=expires),
                submitted(3, limit_price=Decimal("68925.5"), expires_at=expires),
            )
            (filled, *_) = ours.reports(1, OrderStatus.FILLED)
            (resting, *_) = ours.reports(2, OrderStatus.OPEN)
            (refused,) = ours.door.wait_for(OrderRejected)
            ours.commit(cancelled(2, resting.exchange_order))
            ours.reports(2, OrderStatus.CANCELLED)
            ours.commit(
                submitted(
                    4,
                    reduce_only=True,
                    side=Side.SELL,
                    kind=OrderKind.CLOSE_POSITION,
                    limit_price=None,
                    qty=Decimal(1),
                    expires_at=expires,
                )
            )
            ours.reports(4, OrderStatus.FILLED)
            ours.connection.last_look()
        finally:
            ours.stop()
    assert filled.filled_qty == 3
    assert filled.filled_value > 0
    assert (refused.order, refused.code) == (order_id(3), "INVALID_PRICE_PRECISION")
    assert ours.door.of(PositionReported)[-1].qty == 2
    assert not ours.door.of(KillSwitchThrown, FeedLost)
    said = caplog.text + repr(ours.door.events)
    assert "eyJ" not in said, "a token was said"
    assert "PRIVATE KEY" not in said


def test_every_question_of_the_client_is_answered_by_the_local_exchange(tmp_path: Path) -> None:
    product = "BIP-20DEC30-CDE"
    with local_exchange(tmp_path, tls=False) as ready:
        client = CoinbaseClient(ready.rest, Credentials.from_file(ready.key_file), rate_limit_per_minute=1000)
        now = (client.get_time().iso or 0) // NANOSECONDS
        assert client.get_product(product).product_id == product
        assert [each.product_id for each in client.get_products("FUTURE", [product])] == [product]
        book = client.get_product_book(product, limit=5).pricebook
        assert len(book.bids) == len(book.asks) == 5
        assert (book.bids[0].price or 0) < (book.asks[0].price or 0)
        assert client.get_ticker(product, limit=10).best_bid == book.bids[0].price
        assert isinstance(client.get_candles(product, start_s=now - 3600, end_s=now, granularity="ONE_MINUTE"), list)
        assert [each.currency for each in client.get_accounts()]
        assert client.get_key_permissions().can_trade
        assert client.cfm_balance_summary() is not None
        assert client.cfm_positions() == []
        assert client.cfm_intraday_current_margin_window().margin_window.end_time is not None
        configuration = {"market_market_ioc": {"base_size": "2"}}
        assert client.preview_order(product_id=product, side="BUY", order_configuration=configuration).errs == []
        placed = client.place_order(
            client_order_id=order_id(1), product_id=product, side="BUY", order_configuration=configuration
        )
        assert client.get_order_historical(placed.order_id).client_order_id == order_id(1)
        assert [each.order_id for each in client.list_orders(product_ids=[product])] == [placed.order_id]
        fills = list(client.list_fills(order_ids=[placed.order_id]))
        assert sum((each.size or 0) for each in fills) == 2
        (position,) = client.cfm_positions()
        assert (position.side, position.number_of_contracts) == ("LONG", Decimal(2))
        assert client.close_position(client_order_id=order_id(2), product_id=product).order_id
        assert client.cfm_positions() == []
        (result,) = client.cancel_orders([placed.order_id])
        assert not result.success
        client.close()


def test_paper_trading_has_the_market_without_a_key_and_no_account(tmp_path: Path) -> None:
    with local_exchange(tmp_path, tls=False) as ready:
        ours = Wired(ready, live=False)
        try:
            ours.door.wait_for(ProductListed)
            ours.door.wait_for(BookSnapshotted)
            ours.door.wait_for(TradePrinted)
            ours.connection.last_look()
            ours.connection.cancel_all_once()
        finally:
            ours.stop()
    assert not ours.door.of(ExchangeReconciled, BalanceReported, PositionReported)


def test_what_rests_is_cancelled_at_the_exchange_without_a_log(tmp_path: Path) -> None:
    with local_exchange(tmp_path, tls=False) as ready:
        ours = Wired(ready)
        try:
            ours.door.wait_for(FeedSubscribed, 2)
            ours.commit(FeedSubscribed(feed="market", connection=1, channels=()))
            for number in (1, 2, 3):
                ours.commit(submitted(number, kind=OrderKind.LIMIT_GTC, limit_price=Decimal(50_000), expires_at=10**19))
                ours.reports(number, OrderStatus.OPEN)
            ours.connection.cancel_all_once()
            for number in (1, 2, 3):
                ours.reports(number, OrderStatus.CANCELLED)
        finally:
            ours.stop()


def test_everything_ends_at_once_and_leaves_no_thread(tmp_path: Path) -> None:
    with local_exchange(tmp_path, tls=False) as ready:
        ours = Wired(ready)
        ours.door.wait_for(ExchangeReconciled)
        ours.door.wait_for(FeedSubscribed, 2)
        began = time.monotonic()
        ours.stop()
        assert time.monotonic() - began < 2
        left = [thread.name for thread in threading.enumerate()]
    assert not [name for name in left if "feed" in name or "gateway" in name or "poller" in name]


def test_live_trading_without_a_key_is_refused() -> None:
    with pytest.raises(AuthenticationError, match="needs an API key"):
        CoinbaseConnection(ListDoor(), lambda: 0, [], address=Address(), credentials=None, products=PRODUCTS, live=True)
