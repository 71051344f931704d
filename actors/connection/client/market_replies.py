"""What the REST surface answers about products and their markets, typed as in `replies`."""

from __future__ import annotations

import msgspec

from actors.connection.amounts import Amount, Instant, Text
from actors.connection.client.reading import Reply


class ServerTime(Reply, frozen=True):
    iso: Instant
    epoch_seconds: str = msgspec.field(name="epochSeconds", default="")
    epoch_millis: str = msgspec.field(name="epochMillis", default="")


class MarginRate(Reply, frozen=True):
    long_margin_rate: Amount = None
    short_margin_rate: Amount = None


class PerpetualDetails(Reply, frozen=True):
    funding_rate: Amount = None
    funding_time: Instant = None
    max_leverage: Amount = None
    open_interest: Amount = None
    base_asset_uuid: Text = ""
    underlying_type: Text = ""


class FutureDetails(Reply, frozen=True):
    """CDE fills the outer funding fields, INTX filled the inner ones: read outer first, then `perpetual_details`."""

    venue: Text = ""
    contract_code: Text = ""
    contract_expiry: Instant = None
    contract_size: Amount = None
    contract_root_unit: Text = ""
    contract_expiry_type: Text = ""
    perpetual_details: PerpetualDetails | None = None
    funding_interval: Text = ""
    funding_rate: Amount = None
    funding_time: Instant = None
    intraday_margin_rate: MarginRate | None = None
    overnight_margin_rate: MarginRate | None = None
    settlement_price: Amount = None
    index_price: Amount = None
    open_interest: Amount = None
    risk_managed_by: Text = ""
    group_description: Text = ""
    group_short_description: Text = ""
    contract_expiry_timezone: Text = ""
    contract_expiry_name: Text = ""
    contract_display_name: Text = ""
    display_name: Text = ""
    time_to_expiry_ms: Amount = None
    non_crypto: bool | None = None
    twenty_four_by_seven: bool | None = None
    futures_asset_type: Text = ""


class Maintenance(Reply, frozen=True):
    start_time: Instant = None
    end_time: Instant = None


class TradingSession(Reply, frozen=True):
    is_session_open: bool = True
    open_time: Instant = None
    close_time: Instant = None
    session_state: Text = ""
    after_hours_order_entry_disabled: bool | None = None
    closed_reason: Text = ""
    maintenance: Maintenance | None = None


class Product(Reply, frozen=True):
    product_id: str
    price: Amount = None
    base_increment: Amount = None
    quote_increment: Amount = None
    price_increment: Amount = None
    base_min_size: Amount = None
    base_max_size: Amount = None
    quote_min_size: Amount = None
    quote_currency_id: Text = ""
    base_currency_id: Text = ""
    display_name: Text = ""
    product_type: Text = ""
    product_venue: Text = ""
    status: Text = ""
    is_disabled: bool = False
    trading_disabled: bool = False
    cancel_only: bool = False
    limit_only: bool = False
    post_only: bool = False
    view_only: bool = False
    auction_mode: bool | None = None
    new: bool | None = None
    new_at: Instant = None
    watched: bool | None = None
    alias: Text = ""
    alias_to: list[str] | None = None
    base_name: Text = ""
    quote_name: Text = ""
    base_display_symbol: Text = ""
    quote_display_symbol: Text = ""
    quote_max_size: Amount = None
    volume_24h: Amount = None
    approximate_quote_24h_volume: Amount = None
    price_percentage_change_24h: Amount = None
    volume_percentage_change_24h: Amount = None
    mid_market_price: Amount = None
    fcm_trading_session_details: TradingSession | None = None
    future_product_details: FutureDetails | None = None


class Products(Reply, frozen=True):
    products: list[Product]
    num_products: int | None = None


class PriceLevel(Reply, frozen=True):
    price: Amount
    size: Amount


class PriceBook(Reply, frozen=True):
    product_id: str
    bids: list[PriceLevel]
    asks: list[PriceLevel]
    time: Instant = None


class PriceBooks(Reply, frozen=True):
    pricebooks: list[PriceBook]


class ProductBook(Reply, frozen=True):
    pricebook: PriceBook
    last: Amount = None
    mid_market: Amount = None
    spread_bps: Amount = None
    spread_absolute: Amount = None


class MarketTrade(Reply, frozen=True):
    """`side` is the maker's."""

    trade_id: str
    product_id: str
    price: Amount
    size: Amount
    time: Instant
    side: Text = ""
    bid: Amount = None
    ask: Amount = None
    exchange: Text = ""


class Ticker(Reply, frozen=True):
    trades: list[MarketTrade]
    best_bid: Amount = None
    best_ask: Amount = None


class Candle(Reply, frozen=True):
    """`start` is unix seconds, as text."""

    start: str
    low: Amount
    high: Amount
    open: Amount
    close: Amount
    volume: Amount


class Candles(Reply, frozen=True):
    candles: list[Candle]
