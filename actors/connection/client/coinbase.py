"""The REST surface of the exchange as a client: typed in and out, limited, signed anew for each try.

Reads are retried by the seed's rule; writes are sent once, and whoever sent one that ended with `outcome_unknown` asks
the exchange what became of it. Lists are whole, page after page: they end in order, or raise.

The class is a table of contents: each request is a function in the module of its family.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable

from actors.connection.auth import Credentials
from actors.connection.client import account as client_account
from actors.connection.client import convert as client_convert
from actors.connection.client import futures as client_futures
from actors.connection.client import intx as client_intx
from actors.connection.client import markets as client_markets
from actors.connection.client import orders as client_orders
from actors.connection.client import portfolios as client_portfolios
from actors.connection.client.limits import RequestLimiter, Urgency
from actors.connection.client.line import Line
from actors.connection.client.orders import CANCEL_BATCH as CANCEL_BATCH
from actors.connection.client.wire import HttpTransport, Transport

LIVE_REST = "https://api.coinbase.com"


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
        sandbox_variant: str | None = None,
    ) -> None:
        """`enable_keep_alive` None: on, unless COINBASE_ENABLE_KEEP_ALIVE says 0. `timeout_s` is for one whole try.

        `sandbox_variant` names which of its canned replies the exchange's sandbox shall give.
        """
        self.line = Line(
            base_url,
            credentials,
            HttpTransport(keep_alive=keeps_alive(enable_keep_alive), proxy=proxy, ca_file=ca_file),
            RequestLimiter(rate_limit_per_minute, throttle=enable_throttle),
            max_retries=max_retries,
            retry_delay_s=retry_delay,
            jitter_factor=jitter_factor,
            timeout_s=timeout_s,
            headers={} if sandbox_variant is None else {"X-Sandbox": sandbox_variant},
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
        line = copy.copy(self.line)
        line.urgency = urgency
        line.patience_s = patience_s
        line.pause = pause
        line.max_retries = line.max_retries if max_retries is None else max_retries
        line.timeout_s = line.timeout_s if timeout_s is None else timeout_s
        view = copy.copy(self)
        view.line = line
        return view

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
    get_time = client_markets.get_time
    get_products = client_markets.get_products
    get_product = client_markets.get_product
    get_product_book = client_markets.get_product_book
    get_best_bid_ask = client_markets.get_best_bid_ask
    get_ticker = client_markets.get_ticker
    get_candles = client_markets.get_candles

    # Orders.
    place_order = client_orders.place_order
    close_position = client_orders.close_position
    preview_order = client_orders.preview_order
    edit_order = client_orders.edit_order
    edit_order_preview = client_orders.edit_order_preview
    cancel_orders = client_orders.cancel_orders
    get_order_historical = client_orders.get_order_historical
    list_orders = client_orders.list_orders
    list_fills = client_orders.list_fills

    # The account.
    get_key_permissions = client_account.get_key_permissions
    get_accounts = client_account.get_accounts
    get_account = client_account.get_account
    get_transaction_summary = client_account.get_transaction_summary
    list_payment_methods = client_account.list_payment_methods
    get_payment_method = client_account.get_payment_method

    # The US futures account.
    cfm_balance_summary = client_futures.cfm_balance_summary
    cfm_positions = client_futures.cfm_positions
    cfm_position = client_futures.cfm_position
    cfm_intraday_current_margin_window = client_futures.cfm_intraday_current_margin_window
    cfm_intraday_margin_setting = client_futures.cfm_intraday_margin_setting
    cfm_set_intraday_margin_setting = client_futures.cfm_set_intraday_margin_setting
    cfm_sweeps = client_futures.cfm_sweeps
    cfm_sweeps_schedule = client_futures.cfm_sweeps_schedule
    cfm_sweeps_cancel = client_futures.cfm_sweeps_cancel

    # Portfolios.
    list_portfolios = client_portfolios.list_portfolios
    create_portfolio = client_portfolios.create_portfolio
    edit_portfolio = client_portfolios.edit_portfolio
    delete_portfolio = client_portfolios.delete_portfolio
    get_portfolio_breakdown = client_portfolios.get_portfolio_breakdown
    move_funds = client_portfolios.move_funds

    # Conversions.
    convert_quote = client_convert.convert_quote
    convert_commit = client_convert.convert_commit
    convert_trade = client_convert.convert_trade

    # The retired international account.
    intx_portfolio = client_intx.intx_portfolio
    intx_positions = client_intx.intx_positions
    intx_position = client_intx.intx_position
    intx_balances = client_intx.intx_balances
    intx_allocate = client_intx.intx_allocate
    intx_multi_asset_collateral = client_intx.intx_multi_asset_collateral


def keeps_alive(given: bool | None) -> bool:
    """Whether connections are kept: what was given, else the environment's word, else yes."""
    if given is not None:
        return given
    return os.environ.get("COINBASE_ENABLE_KEEP_ALIVE", "1").strip().lower() not in ("0", "false", "no", "off")
