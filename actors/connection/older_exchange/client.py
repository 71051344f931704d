"""The older Exchange as a client (`api_mode="exchange"`): spot only, another account, keys that sign by HMAC.

The manners are those of `CoinbaseClient`: limited, signed anew for each try, reads retried, writes sent once, lists
followed to their end. What the exchange says of orders is from memory of its pages, and unverified in detail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TypeVar

from actors.connection.amounts import decimal_text, rfc3339
from actors.connection.client.coinbase import keeps_alive
from actors.connection.client.limits import RequestLimiter
from actors.connection.client.line import Line, never_ends, queried, segment
from actors.connection.client.wire import HttpTransport, Transport
from actors.connection.errors import BrokerageError, InvalidRequestError, InvalidSymbol, OrderNotFound
from actors.connection.older_exchange.key import ExchangeKey
from actors.connection.older_exchange.replies import (
    ExchangeAccount,
    ExchangeBook,
    ExchangeCandle,
    ExchangeFees,
    ExchangeFill,
    ExchangeOrder,
    ExchangeProduct,
    ExchangeTicker,
    ExchangeTime,
    ExchangeTrade,
)

EXCHANGE_REST = "https://api.exchange.coinbase.com"
#: The seconds that a candle of this exchange may span.
GRANULARITIES = (60, 300, 900, 3600, 21600, 86400)
_PAGE = 100
_NEXT_PAGE = "cb-after"

T = TypeVar("T")


class ExchangeClient:
    """One account at the older Exchange. Threads may share it. All methods raise `BrokerageError`s."""

    def __init__(
        self,
        base_url: str = EXCHANGE_REST,
        key: ExchangeKey | None = None,
        *,
        api_version: str = "2024-10-24",
        enable_keep_alive: bool | None = None,
        rate_limit_per_minute: int = 100,
        enable_throttle: bool = True,
        max_retries: int = 3,
        retry_delay: float = 1.0,
        jitter_factor: float = 0.1,
        timeout_s: float = 10.0,
        proxy: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        """Without a key only public market data can be asked for. `api_version` goes along as CB-VERSION."""
        self.line = Line(
            base_url,
            key,
            HttpTransport(keep_alive=keeps_alive(enable_keep_alive), proxy=proxy, ca_file=ca_file),
            RequestLimiter(rate_limit_per_minute, throttle=enable_throttle),
            max_retries=max_retries,
            retry_delay_s=retry_delay,
            jitter_factor=jitter_factor,
            timeout_s=timeout_s,
            api="",
            headers={"CB-VERSION": api_version},
        )

    def set_transport_for_testing(self, transport: Transport) -> None:
        """Replace the network: `(method, url, headers, body, timeout) -> (status, headers, text)`."""
        self.line.transport = transport

    @property
    def base_url(self) -> str:
        return self.line.base_url

    @property
    def requests_in_window(self) -> int:
        """Requests sent within the last minute."""
        return self.line.limiter.in_window

    def close(self) -> None:
        """Whoever waits for the rate limit gets `ConnectionClosed`; idle connections are closed."""
        self.line.limiter.close()
        if isinstance(self.line.transport, HttpTransport):
            self.line.transport.close()

    # Products and markets.

    def get_time(self) -> ExchangeTime:
        return self.line.get("/time", ExchangeTime)

    def get_products(self) -> list[ExchangeProduct]:
        return self.line.get("/products", list[ExchangeProduct])

    def get_product(self, product_id: str) -> ExchangeProduct:
        with _unknown_is(InvalidSymbol):
            return self.line.get(f"/products/{segment(product_id)}", ExchangeProduct)

    def get_ticker(self, product_id: str) -> ExchangeTicker:
        with _unknown_is(InvalidSymbol):
            return self.line.get(f"/products/{segment(product_id)}/ticker", ExchangeTicker)

    def get_product_book(self, product_id: str, level: int = 1) -> ExchangeBook:
        """Level 1: the best of either side; 2: all prices; 3: all orders."""
        assert level in (1, 2, 3), f"a book has the levels 1 to 3, not {level}"
        with _unknown_is(InvalidSymbol):
            return self.line.get(f"/products/{segment(product_id)}/book", ExchangeBook, queried(level=level))

    def get_candles(self, product_id: str, *, start_s: int, end_s: int, granularity_s: int) -> list[ExchangeCandle]:
        """Newest first, at most 300; unix seconds; `granularity_s` is one of `GRANULARITIES`."""
        assert granularity_s in GRANULARITIES, f"a candle spans one of {GRANULARITIES} seconds, not {granularity_s}"
        query = queried(granularity=granularity_s, start=start_s, end=end_s)
        with _unknown_is(InvalidSymbol):
            return self.line.get(f"/products/{segment(product_id)}/candles", list[ExchangeCandle], query)

    def list_trades(self, product_id: str) -> Iterator[ExchangeTrade]:
        """Newest first, as far back as the caller goes."""
        with _unknown_is(InvalidSymbol):
            yield from self._rows(f"/products/{segment(product_id)}/trades", list[ExchangeTrade], [])

    # The account.

    def get_accounts(self) -> list[ExchangeAccount]:
        return self.line.get("/accounts", list[ExchangeAccount])

    def get_account(self, account_id: str) -> ExchangeAccount:
        return self.line.get(f"/accounts/{segment(account_id)}", ExchangeAccount)

    def get_fees(self) -> ExchangeFees:
        return self.line.get("/fees", ExchangeFees)

    # Orders.

    def place_order(
        self,
        *,
        product_id: str,
        side: str,
        type: str = "limit",  # noqa: A002 - the exchange's word
        price: Decimal | None = None,
        size: Decimal | None = None,
        funds: Decimal | None = None,
        time_in_force: str | None = None,
        cancel_after: str | None = None,
        post_only: bool | None = None,
        client_oid: str | None = None,
        stop: str | None = None,
        stop_price: Decimal | None = None,
        stp: str | None = None,
        before_send: Callable[[], None] = lambda: None,
    ) -> ExchangeOrder:
        """Place an order, once; what comes back is the order.

        `side` is buy or sell, `type` limit, market or stop; a market order has a size or `funds` to spend.
        `before_send` is called after the rate limit and right before the send; what it raises stops the order.
        """
        fields: dict[str, str | bool | Decimal | None] = {
            "product_id": product_id,
            "side": side,
            "type": type,
            "price": price,
            "size": size,
            "funds": funds,
            "time_in_force": time_in_force,
            "cancel_after": cancel_after,
            "post_only": post_only,
            "client_oid": client_oid,
            "stop": stop,
            "stop_price": stop_price,
            "stp": stp,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        body = {name: decimal_text(value) if isinstance(value, Decimal) else value for name, value in given.items()}
        return self.line.post("/orders", body, ExchangeOrder, before_send)

    def get_order(self, order_id: str) -> ExchangeOrder:
        """By the exchange's id, or by ours written `client:<client_oid>`."""
        with _unknown_is(OrderNotFound):
            return self.line.get(f"/orders/{segment(order_id)}", ExchangeOrder)

    def list_orders(self, *, status: str = "open", product_id: str | None = None) -> Iterator[ExchangeOrder]:
        """All pages of the orders in a state: open, pending, active, done, or all."""
        query = queried(limit=_PAGE, status=status, product_id=product_id)
        yield from self._rows("/orders", list[ExchangeOrder], query)

    def cancel_order(self, order_id: str) -> str:
        """Its id, when the request was taken."""
        with _unknown_is(OrderNotFound):
            return self.line.delete(f"/orders/{segment(order_id)}", str)

    def cancel_orders(self, product_id: str | None = None) -> list[str]:
        """All open orders, or those of a product: the ids of those that are being cancelled."""
        return self.line.delete("/orders", list[str], queried(product_id=product_id))

    def list_fills(
        self, *, product_id: str | None = None, order_id: str | None = None, since: int | None = None
    ) -> Iterator[ExchangeFill]:
        """All pages of the fills of a product or of an order, newest first. `since` is nanoseconds UTC."""
        start = None if since is None else rfc3339(since)
        query = queried(limit=_PAGE, product_id=product_id, order_id=order_id, start_date=start)
        yield from self._rows("/fills", list[ExchangeFill], query)

    def _rows(self, path: str, kind: type[list[T]], query: list[tuple[str, str]]) -> Iterator[T]:
        """The rows of all pages: the next page is named by a header, and none after an empty one."""
        seen: set[str] = set()
        rows, headers = self.line.get_with_headers(path, kind, query)
        while rows:
            yield from rows
            after = headers.get(_NEXT_PAGE)
            if not after:
                return
            if after in seen:
                raise never_ends(path)
            seen.add(after)
            rows, headers = self.line.get_with_headers(path, kind, [*query, ("after", after)])


@contextmanager
def _unknown_is(kind: type[BrokerageError]) -> Iterator[None]:
    """This exchange says NotFound of everything alike: what was asked for says what is not found."""
    try:
        yield
    except InvalidRequestError as error:
        if error.status != 404:
            raise
        raise kind(error.message, status=404, code=error.code) from None
