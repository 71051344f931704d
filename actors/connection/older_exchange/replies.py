"""What the older Exchange's REST surface answers, typed as in `replies` (protocol sheet 1.1).

Spot only, and an account of its own. Lists are bare arrays; candles and book levels are rows.
"""

from __future__ import annotations

from actors.connection.amounts import Amount, Instant, Text
from actors.connection.client.reading import Reply


class ExchangeProduct(Reply, frozen=True):
    """There is a smallest order in money only; sizes had limits of their own until some years ago."""

    id: str
    base_currency: Text = ""
    quote_currency: Text = ""
    quote_increment: Amount = None
    base_increment: Amount = None
    display_name: Text = ""
    min_market_funds: Amount = None
    max_market_funds: Amount = None
    base_min_size: Amount = None
    base_max_size: Amount = None
    margin_enabled: bool = False
    post_only: bool = False
    limit_only: bool = False
    cancel_only: bool = False
    trading_disabled: bool = False
    auction_mode: bool = False
    fx_stablecoin: bool = False
    status: Text = ""
    status_message: Text = ""
    max_slippage_percentage: Amount = None
    high_bid_limit_percentage: Amount = None


class ExchangeTicker(Reply, frozen=True):
    """The last trade, the best prices, and the volume of a day."""

    trade_id: int
    price: Amount
    size: Amount
    time: Instant
    bid: Amount = None
    ask: Amount = None
    volume: Amount = None
    rfq_volume: Amount = None


class ExchangeLevel(Reply, frozen=True, array_like=True):
    """A row of the book: `orders` counts them on levels 1 and 2, and is the order's id on level 3."""

    price: Amount
    size: Amount
    orders: int | str


class ExchangeBook(Reply, frozen=True):
    """The best first on either side."""

    bids: list[ExchangeLevel]
    asks: list[ExchangeLevel]
    sequence: int
    time: Instant = None
    auction_mode: bool | None = None


class ExchangeTrade(Reply, frozen=True):
    """`side` is the maker's."""

    trade_id: int
    price: Amount
    size: Amount
    time: Instant
    side: Text = ""


class ExchangeCandle(Reply, frozen=True, array_like=True):
    """`time` is unix seconds; the order of the row is the exchange's."""

    time: int
    low: Amount
    high: Amount
    open: Amount
    close: Amount
    volume: Amount


class ExchangeTime(Reply, frozen=True):
    """`epoch` is unix seconds with a fraction."""

    iso: Instant
    epoch: Amount = None


class ExchangeAccount(Reply, frozen=True):
    """`balance` is `available` and `hold` together."""

    id: str
    currency: str
    balance: Amount = None
    hold: Amount = None
    available: Amount = None
    profile_id: Text = ""
    trading_enabled: bool | None = None


class ExchangeOrder(Reply, frozen=True):
    """`status` is open, pending, active, done, rejected. An order that was never filled and is cancelled is gone."""

    id: str
    product_id: Text = ""
    side: Text = ""
    type: Text = ""
    status: Text = ""
    price: Amount = None
    size: Amount = None
    funds: Amount = None
    specified_funds: Amount = None
    stop: Text = ""
    stop_price: Amount = None
    time_in_force: Text = ""
    expire_time: Instant = None
    post_only: bool | None = None
    created_at: Instant = None
    done_at: Instant = None
    done_reason: Text = ""
    reject_reason: Text = ""
    fill_fees: Amount = None
    filled_size: Amount = None
    executed_value: Amount = None
    settled: bool | None = None
    client_oid: Text = ""
    profile_id: Text = ""


class ExchangeFill(Reply, frozen=True):
    """`side` is ours; `liquidity` is M or T, or O for others."""

    trade_id: int
    product_id: str
    order_id: str
    side: str
    price: Amount
    size: Amount
    fee: Amount = None
    created_at: Instant = None
    liquidity: Text = ""
    settled: bool | None = None
    usd_volume: Amount = None
    user_id: Text = ""
    profile_id: Text = ""


class ExchangeFees(Reply, frozen=True):
    """Rates are fractions; the volume is that of thirty days."""

    maker_fee_rate: Amount
    taker_fee_rate: Amount
    usd_volume: Amount = None
