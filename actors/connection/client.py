"""The REST surface of the exchange as a client: typed in and out, limited, signed anew for each try.

Reads are retried by the seed's rule; writes are sent once, and whoever sent one that ended with `outcome_unknown` asks
the exchange what became of it. Lists are iterators over all their pages: they end in order, or raise.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from actors.connection.account_replies import MarginSetting, Portfolio, Portfolios, TransactionSummary
from actors.connection.amounts import rfc3339
from actors.connection.auth import Credentials, redacted
from actors.connection.errors import ReplyUnreadable, of_refusal
from actors.connection.limits import RequestLimiter, Urgency
from actors.connection.line import Line
from actors.connection.market_replies import Candle, Candles, Product, ProductBook, Products, ServerTime, Ticker
from actors.connection.replies import (
    Account,
    Accounts,
    BalanceSummary,
    CancelResult,
    CancelResults,
    CurrentMarginWindow,
    Fill,
    Fills,
    FuturesBalance,
    FuturesPosition,
    FuturesPositions,
    KeyPermissions,
    OneOrder,
    Order,
    OrderReply,
    Orders,
    Placed,
    Preview,
)
from actors.connection.wire import HttpTransport, Transport

LIVE_REST = "https://api.coinbase.com"
#: The most orders one batch_cancel takes.
CANCEL_BATCH = 100
_PAGE = 250


class CoinbaseClient:
    """One account at one exchange. Threads may share it; `at` gives a view for those who must go first, or last.

    All methods raise `BrokerageError`s. Without credentials only public market data can be asked for.
    """

    def __init__(
        self,
        base_url: str = LIVE_REST,
        credentials: Credentials | None = None,
        *,
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
        """`enable_keep_alive` None: on, unless COINBASE_ENABLE_KEEP_ALIVE says 0. `timeout_s` is for one whole try."""
        if enable_keep_alive is None:
            enable_keep_alive = os.environ.get("COINBASE_ENABLE_KEEP_ALIVE", "1").strip().lower() not in ("0", "false")
        self._line = Line(
            base_url,
            credentials,
            HttpTransport(keep_alive=enable_keep_alive, proxy=proxy, ca_file=ca_file),
            RequestLimiter(rate_limit_per_minute, throttle=enable_throttle),
            max_retries=max_retries,
            retry_delay_s=retry_delay,
            jitter_factor=jitter_factor,
            timeout_s=timeout_s,
        )

    def at(
        self,
        urgency: Urgency,
        *,
        patience_s: float | None = None,
        pause: Callable[[float], object] | None = None,
        max_retries: int | None = None,
        timeout_s: float | None = None,
    ) -> CoinbaseClient:
        """The same client and limits, in another lane.

        It waits at most `patience_s` for the rate limit, or gets `RateLimitError`; None: as long as it takes.
        `pause` waits between retries in place of `time.sleep`, so that a shell that stops need not sleep it out.
        """
        line = copy.copy(self._line)
        line.urgency = urgency
        line.patience_s = patience_s
        line.pause = pause
        line.max_retries = line.max_retries if max_retries is None else max_retries
        line.timeout_s = line.timeout_s if timeout_s is None else timeout_s
        view = copy.copy(self)
        view._line = line
        return view

    def set_transport_for_testing(self, transport: Transport) -> None:
        """Replace the network: `(method, url, headers, body, timeout) -> (status, headers, text)`."""
        self._line.transport = transport

    @property
    def base_url(self) -> str:
        return self._line.base_url

    @property
    def requests_in_window(self) -> int:
        """Requests sent within the last minute."""
        return self._line.limiter.in_window

    def close(self) -> None:
        """Whoever waits for the rate limit gets `ConnectionClosed`; idle connections are closed."""
        self._line.limiter.close()
        if isinstance(self._line.transport, HttpTransport):
            self._line.transport.close()

    # Products and markets. With credentials the private paths are asked: the public ones are cached for a second.

    def get_time(self) -> ServerTime:
        return self._line.get("/time", ServerTime)

    def get_products(self, product_type: str | None = None, product_ids: Sequence[str] = ()) -> list[Product]:
        query = [("product_ids", product) for product in product_ids]
        if product_type:
            query.append(("product_type", product_type))
        return self._line.get(self._market("/products"), Products, query).products

    def get_product(self, product_id: str) -> Product:
        return self._line.get(self._market(f"/products/{product_id}"), Product)

    def get_product_book(self, product_id: str, limit: int | None = None) -> ProductBook:
        query = [("product_id", product_id), *([("limit", str(limit))] if limit else [])]
        return self._line.get(self._market("/product_book"), ProductBook, query)

    def get_ticker(self, product_id: str, limit: int = 100) -> Ticker:
        """The last trades, newest first (at most 100 come), and the best prices."""
        return self._line.get(self._market(f"/products/{product_id}/ticker"), Ticker, [("limit", str(limit))])

    def get_candles(self, product_id: str, *, start_s: int, end_s: int, granularity: str) -> list[Candle]:
        """Newest first; unix seconds; at most 350 rows, or the exchange refuses."""
        query = [("start", str(start_s)), ("end", str(end_s)), ("granularity", granularity)]
        return self._line.get(self._market(f"/products/{product_id}/candles"), Candles, query).candles

    # The account.

    def get_key_permissions(self) -> KeyPermissions:
        return self._line.get("/key_permissions", KeyPermissions)

    def get_accounts(self) -> Iterator[Account]:
        for page in self._line.pages("/accounts", Accounts, [("limit", str(_PAGE))], lambda page: page.has_next):
            yield from page.accounts

    def cfm_balance_summary(self) -> BalanceSummary | None:
        """None: the account has no futures side."""
        return self._line.get("/cfm/balance_summary", FuturesBalance).balance_summary

    def cfm_positions(self) -> list[FuturesPosition]:
        """All open positions: the list is complete, or this raises."""
        return self._line.get("/cfm/positions", FuturesPositions).positions

    def cfm_intraday_current_margin_window(
        self, profile: str = "MARGIN_PROFILE_TYPE_RETAIL_REGULAR"
    ) -> CurrentMarginWindow:
        path = "/cfm/intraday/current_margin_window"
        return self._line.get(path, CurrentMarginWindow, [("margin_profile_type", profile)])

    def cfm_margin_setting(self) -> str:
        return self._line.get("/cfm/intraday/margin_setting", MarginSetting).setting

    def get_portfolios(self, portfolio_type: str | None = None) -> list[Portfolio]:
        query = [("portfolio_type", portfolio_type)] if portfolio_type else []
        return self._line.get("/portfolios", Portfolios, query).portfolios

    def get_transaction_summary(self, product_type: str | None = None) -> TransactionSummary:
        """Fees by tier, and what was traded in thirty days; of one product type where it is named."""
        query = [("product_type", product_type)] if product_type else []
        return self._line.get("/transaction_summary", TransactionSummary, query)

    # Orders.

    def place_order(
        self,
        *,
        client_order_id: str,
        product_id: str,
        side: str,
        order_configuration: Mapping[str, Mapping[str, str | bool]],
        leverage: str | None = None,
        before_send: Callable[[], None] = lambda: None,
    ) -> Placed:
        """Place an order, once. A refusal raises the error of its reason.

        `before_send` is called after the rate limit and right before the send; what it raises stops the order.
        Success means accepted, not open; and a re-used id is answered with the old order: read back and compare.
        """
        body: dict[str, Any] = {
            "client_order_id": client_order_id,
            "product_id": product_id,
            "side": side,
            "order_configuration": order_configuration,
        }
        if leverage is not None:
            body["leverage"] = leverage
        return _accepted(self._line.post("/orders", body, OrderReply, before_send))

    def close_position(
        self,
        *,
        client_order_id: str,
        product_id: str,
        size: str | None = None,
        before_send: Callable[[], None] = lambda: None,
    ) -> Placed:
        """Close `size` contracts of a position, or all of it, at the market. Sent once, answered as `place_order`."""
        body = {"client_order_id": client_order_id, "product_id": product_id}
        if size is not None:
            body["size"] = size
        return _accepted(self._line.post("/orders/close_position", body, OrderReply, before_send))

    def preview_order(
        self, *, product_id: str, side: str, order_configuration: Mapping[str, Mapping[str, str | bool]]
    ) -> Preview:
        body = {"product_id": product_id, "side": side, "order_configuration": order_configuration}
        return self._line.post("/orders/preview", body, Preview)

    def cancel_orders(self, order_ids: Sequence[str]) -> list[CancelResult]:
        """Ask for at most `CANCEL_BATCH` orders to be cancelled. Success means the request was taken."""
        assert 0 < len(order_ids) <= CANCEL_BATCH, f"{len(order_ids)} orders in one batch"
        return self._line.post("/orders/batch_cancel", {"order_ids": list(order_ids)}, CancelResults).results

    def get_order_historical(self, order_id: str) -> Order:
        return self._line.get(f"/orders/historical/{order_id}", OneOrder).order

    def list_orders(
        self, *, product_ids: Sequence[str] = (), order_status: str | None = None, since: int | None = None
    ) -> Iterator[Order]:
        """All pages of the orders, in any state unless one is given.

        `since` is nanoseconds UTC, against the time of creation. The filter OPEN leaves out what is PENDING or QUEUED.
        """
        query = [("limit", str(_PAGE)), *(("product_ids", product) for product in product_ids)]
        if order_status:
            query.append(("order_status", order_status))
        if since is not None:
            query.append(("start_date", rfc3339(since)))
        for page in self._line.pages("/orders/historical/batch", Orders, query, lambda page: page.has_next):
            yield from page.orders

    def list_fills(
        self, *, order_ids: Sequence[str] = (), product_ids: Sequence[str] = (), since: int | None = None
    ) -> Iterator[Fill]:
        """All pages of the fills, newest first; the list may lag behind the user channel."""
        query = [("limit", "100"), *(("order_ids", order) for order in order_ids)]
        query += [("product_ids", product) for product in product_ids]
        if since is not None:
            query.append(("start_sequence_timestamp", rfc3339(since)))
        for page in self._line.pages("/orders/historical/fills", Fills, query, lambda page: bool(page.cursor)):
            yield from page.fills

    def _market(self, path: str) -> str:
        return path if self._line.credentials else f"/market{path}"


def _accepted(reply: OrderReply) -> Placed:
    """What was placed. Raises the error of the refusal, or `ReplyUnreadable` when the reply says neither."""
    placed = reply.success_response
    if reply.success:
        order_id = (placed.order_id if placed else "") or reply.order_id
        if not order_id:
            raise ReplyUnreadable("POST /orders: success without an order id - at `$.success_response`", body="")
        return msgspec.structs.replace(placed, order_id=order_id) if placed else Placed(order_id=order_id)
    refusal = reply.error_response
    if refusal is None:
        raise of_refusal([reply.failure_reason], "")
    reasons = [refusal.new_order_failure_reason, refusal.preview_failure_reason, refusal.error, reply.failure_reason]
    raise of_refusal(reasons, redacted(refusal.message or refusal.error_details))
