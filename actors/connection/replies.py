"""What the REST surface answers about account and orders, typed; `market_replies` and `account_replies` have the rest.

Field names are the exchange's; fields we do not know are kept (`Reply.unknown`). Money is `Decimal | None` (an empty
text is None), times are nanoseconds UTC or None, a text that is null is empty. What must be there has no default.
"""

from __future__ import annotations

from actors.connection.amounts import Amount, Instant, Text
from actors.connection.reading import Reply


class Account(Reply, frozen=True):
    """`available_balance` does not contain `hold`."""

    uuid: str
    currency: str
    name: Text = ""
    available_balance: Amount = None
    hold: Amount = None
    type: Text = ""
    platform: Text = ""
    active: bool = True
    ready: bool = True


class Accounts(Reply, frozen=True):
    accounts: list[Account]
    has_next: bool = False
    cursor: Text = ""


class OrderSize(Reply, frozen=True):
    """The inside of any order configuration."""

    base_size: Amount = None
    quote_size: Amount = None
    limit_price: Amount = None
    stop_price: Amount = None
    post_only: bool = False
    end_time: Instant = None


class Order(Reply, frozen=True):
    order_id: str
    product_id: str
    side: str
    status: str
    client_order_id: Text = ""
    order_configuration: dict[str, OrderSize | None] | None = None
    order_type: Text = ""
    time_in_force: Text = ""
    filled_size: Amount = None
    filled_value: Amount = None
    average_filled_price: Amount = None
    total_fees: Amount = None
    number_of_fills: Amount = None
    created_time: Instant = None
    last_fill_time: Instant = None
    product_type: Text = ""
    reject_reason: Text = ""
    reject_message: Text = ""
    cancel_message: Text = ""
    pending_cancel: bool = False
    size_in_quote: bool = False
    is_liquidation: bool = False


class Orders(Reply, frozen=True):
    orders: list[Order]
    has_next: bool = False
    cursor: Text = ""


class OneOrder(Reply, frozen=True):
    order: Order


class Placed(Reply, frozen=True):
    order_id: Text = ""
    product_id: Text = ""
    side: Text = ""
    client_order_id: Text = ""


class Refusal(Reply, frozen=True):
    error: Text = ""
    message: Text = ""
    error_details: Text = ""
    preview_failure_reason: Text = ""
    new_order_failure_reason: Text = ""


class OrderReply(Reply, frozen=True):
    """The answer to a create or a close: accepted or refused, HTTP 200 in both cases."""

    success: bool
    success_response: Placed | None = None
    error_response: Refusal | None = None
    order_id: Text = ""
    failure_reason: Text = ""


class CancelResult(Reply, frozen=True):
    order_id: str
    success: bool
    failure_reason: Text = ""


class CancelResults(Reply, frozen=True):
    results: list[CancelResult]


class Preview(Reply, frozen=True):
    """`errs` empty: acceptable. Nothing is reserved."""

    errs: list[str]
    warning: list[str] = []
    order_total: Amount = None
    commission_total: Amount = None
    base_size: Amount = None
    quote_size: Amount = None
    best_bid: Amount = None
    best_ask: Amount = None
    order_margin_total: Amount = None
    slippage: Amount = None


class Fill(Reply, frozen=True):
    """`entry_id` is the unique key; `side` is ours; `size` is in quote when `size_in_quote`."""

    entry_id: str
    trade_id: str
    order_id: str
    product_id: str
    side: str
    price: Amount
    size: Amount
    commission: Amount = None
    trade_time: Instant = None
    trade_type: Text = ""
    sequence_timestamp: Instant = None
    liquidity_indicator: Text = ""
    size_in_quote: bool = False


class Fills(Reply, frozen=True):
    fills: list[Fill]
    cursor: Text = ""


class KeyPermissions(Reply, frozen=True):
    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio_uuid: Text = ""
    portfolio_type: Text = ""


class BalanceSummary(Reply, frozen=True):
    """`cbi` is the spot side, `cfm` the futures side. The daily figures restart at the exchange's settlement."""

    cbi_usd_balance: Amount = None
    cfm_usd_balance: Amount = None
    total_usd_balance: Amount = None
    futures_buying_power: Amount = None
    total_open_orders_hold_amount: Amount = None
    unrealized_pnl: Amount = None
    daily_realized_pnl: Amount = None
    initial_margin: Amount = None
    available_margin: Amount = None
    liquidation_threshold: Amount = None
    liquidation_buffer_amount: Amount = None
    liquidation_buffer_percentage: Amount = None


class FuturesBalance(Reply, frozen=True):
    balance_summary: BalanceSummary | None  # null: no futures account


class FuturesPosition(Reply, frozen=True):
    """`number_of_contracts` has no sign; `side` is LONG or SHORT, in older texts with a prefix."""

    product_id: str
    side: str
    number_of_contracts: Amount
    current_price: Amount = None
    avg_entry_price: Amount = None
    unrealized_pnl: Amount = None
    daily_realized_pnl: Amount = None


class FuturesPositions(Reply, frozen=True):
    positions: list[FuturesPosition]


class MarginWindowNow(Reply, frozen=True):
    margin_window_type: str
    end_time: Instant = None


class CurrentMarginWindow(Reply, frozen=True):
    margin_window: MarginWindowNow
    is_intraday_margin_killswitch_enabled: bool = False


class ErrorBody(Reply, frozen=True):
    """What a reply of 4xx or 5xx holds, if it is JSON at all."""

    error: Text = ""
    message: Text = ""
    error_details: Text = ""
    errors: list[ErrorItem] = []


class ErrorItem(Reply, frozen=True):
    id: Text = ""
    message: Text = ""
