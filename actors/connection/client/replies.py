"""What the REST surface answers about account and orders, typed; the other `…_replies` have the rest.

Field names are the exchange's; fields we do not know are kept (`Reply.unknown`). Money is `Decimal | None` (an empty
text is None), times are nanoseconds UTC or None, a text that is null is empty. What must be there has no default.
"""

from __future__ import annotations

from actors.connection.amounts import Amount, Instant, Text
from actors.connection.client.configurations import Configuration, OrderSize, typed
from actors.connection.client.reading import Reply


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
    default: bool | None = None
    created_at: Instant = None
    updated_at: Instant = None
    deleted_at: Instant = None
    retail_portfolio_id: Text = ""


class OneAccount(Reply, frozen=True):
    account: Account


class Accounts(Reply, frozen=True):
    accounts: list[Account]
    has_next: bool = False
    cursor: Text = ""


class Edited(Reply, frozen=True):
    """One edit that was taken: what the order was changed to, and when."""

    price: Amount = None
    size: Amount = None
    replace_accept_timestamp: Instant = None


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
    user_id: Text = ""
    completion_percentage: Amount = None
    fee: Amount = None
    total_value_after_fees: Amount = None
    trigger_status: Text = ""
    order_placement_source: Text = ""
    outstanding_hold_amount: Amount = None
    leverage: Amount = None
    margin_type: Text = ""
    retail_portfolio_id: Text = ""
    originating_order_id: Text = ""
    attached_order_id: Text = ""
    attached_order_configuration: dict[str, OrderSize | None] | None = None
    settled: bool | None = None
    size_inclusive_of_fees: bool | None = None
    edit_history: list[Edited] | None = None

    @property
    def configuration(self) -> Configuration | None:
        """How the order is carried out; None where the exchange does not say, or in words we do not know."""
        for key, size in (self.order_configuration or {}).items():
            if size is not None:
                return typed(key, size)
        return None


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
    attached_order_id: Text = ""


class Refusal(Reply, frozen=True):
    error: Text = ""
    message: Text = ""
    error_details: Text = ""
    preview_failure_reason: Text = ""
    new_order_failure_reason: Text = ""


class OrderReply(Reply, frozen=True):
    """The answer to a create or a close: accepted or refused, HTTP 200 in both cases.

    The configuration that comes with it echoes the request, not what is stored: it is not read.
    """

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
    user_id: Text = ""
    retail_portfolio_id: Text = ""


class Fills(Reply, frozen=True):
    fills: list[Fill]
    cursor: Text = ""


class KeyPermissions(Reply, frozen=True):
    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio_uuid: Text = ""
    portfolio_type: Text = ""


class WindowMeasure(Reply, frozen=True):
    """Margin in one window. Sources disagree on the buffer's name; both are read."""

    margin_window_type: Text = ""
    margin_level: Text = ""
    initial_margin: Amount = None
    maintenance_margin: Amount = None
    liquidation_buffer: Amount = None
    liquidation_buffer_percentage: Amount = None
    total_hold: Amount = None
    futures_buying_power: Amount = None


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
    intraday_margin_window_measure: WindowMeasure | None = None
    overnight_margin_window_measure: WindowMeasure | None = None


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
    expiration_time: Instant = None


class FuturesPositions(Reply, frozen=True):
    positions: list[FuturesPosition]


class OneFuturesPosition(Reply, frozen=True):
    position: FuturesPosition


class MarginWindowNow(Reply, frozen=True):
    margin_window_type: str
    end_time: Instant = None


class CurrentMarginWindow(Reply, frozen=True):
    margin_window: MarginWindowNow
    is_intraday_margin_killswitch_enabled: bool = False
    is_intraday_margin_enrollment_killswitch_enabled: bool | None = None


class ErrorBody(Reply, frozen=True):
    """What a reply of 4xx or 5xx holds, if it is JSON at all."""

    error: Text = ""
    message: Text = ""
    error_details: Text = ""
    errors: list[ErrorItem] = []


class ErrorItem(Reply, frozen=True):
    id: Text = ""
    message: Text = ""
