"""The frames of the exchange's WebSocket feed, as typed forms. Only fields that become events are named.

The envelope's `channel` chooses the form. Where the hot channels promise a decimal it is read as one, directly; the
slow channels read empty texts too (`Amount`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec

from actors.connection.amounts import Amount, Text
from actors.connection.client.replies import BalanceSummary


class Form(msgspec.Struct, frozen=True, gc=False):
    """The root of the forms inside a frame."""


class Trade(Form, frozen=True):
    product_id: str
    trade_id: str
    price: Decimal
    size: Decimal
    time: str
    side: str


class Trades(Form, frozen=True):
    trades: list[Trade]


class Quote(Form, frozen=True):
    """A row of `ticker`: its best prices. In a halt they are empty texts."""

    product_id: str
    best_bid: str = ""
    best_bid_quantity: str = ""
    best_ask: str = ""
    best_ask_quantity: str = ""


class Quotes(Form, frozen=True):
    tickers: list[Quote]


class Ticker(Form, frozen=True):
    """A row of `ticker_batch`: the last price and the day's figures, every five seconds if they changed."""

    product_id: str
    price: str = ""
    volume_24_h: str = ""
    low_24_h: str = ""
    high_24_h: str = ""
    low_52_w: str = ""
    high_52_w: str = ""
    price_percent_chg_24_h: str = ""


class Tickers(Form, frozen=True):
    tickers: list[Ticker]


class CandleRow(Form, frozen=True):
    """Five minutes from `start`, unix seconds as text. No flag says that it is closed."""

    product_id: str
    start: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class CandleRows(Form, frozen=True):
    candles: list[CandleRow]


class StatusRow(Form, frozen=True):
    """A product as the status channel names it: `id`, where REST says `product_id`."""

    id: str
    status: Text = ""
    status_message: Text = ""


class StatusRows(Form, frozen=True):
    products: list[StatusRow]


class Update(Form, frozen=True):
    """A level: `side` is bid or offer, `new_quantity` absolute, zero removes."""

    side: str
    price_level: Decimal
    new_quantity: Decimal


class Levels(Form, frozen=True):
    type: str
    product_id: str
    updates: list[Update]


class UserOrder(Form, frozen=True):
    """An order as the user channel tells it, cumulative. On a final status `leaves_quantity` is 0, whatever is left."""

    order_id: str
    product_id: str
    order_side: str
    status: str
    client_order_id: str | None = ""
    cumulative_quantity: Amount = None
    leaves_quantity: Amount = None
    filled_value: Amount = None
    total_fees: Amount = None
    limit_price: Amount = None
    order_type: str | None = ""
    time_in_force: str | None = ""
    cancel_reason: str | None = ""
    reject_reason: str | None = ""


class UserOrders(Form, frozen=True):
    type: str
    orders: list[UserOrder] = []


class Balance(Form, frozen=True):
    fcm_balance_summary: BalanceSummary


class Heartbeat(Form, frozen=True):
    """`heartbeat_counter` is a number, in older texts a text; `current_time` is nobody's business."""

    heartbeat_counter: int | str


class Subscribed(Form, frozen=True):
    """What this connection has, in sum: products by channel; for channels without products, some name."""

    subscriptions: dict[str, list[str] | None]


class Envelope(msgspec.Struct, frozen=True, gc=False, tag_field="channel"):
    timestamp: str
    sequence_num: int


class MarketTradesFrame(Envelope, frozen=True, tag="market_trades"):
    events: list[Trades]


class TickerFrame(Envelope, frozen=True, tag="ticker"):
    events: list[Quotes]


class TickerBatchFrame(Envelope, frozen=True, tag="ticker_batch"):
    events: list[Tickers]


class CandlesFrame(Envelope, frozen=True, tag="candles"):
    events: list[CandleRows]


class StatusFrame(Envelope, frozen=True, tag="status"):
    events: list[StatusRows]


class BookFrame(Envelope, frozen=True, tag="l2_data"):
    events: list[Levels]


class UserFrame(Envelope, frozen=True, tag="user"):
    events: list[UserOrders]


class BalanceFrame(Envelope, frozen=True, tag="futures_balance_summary"):
    events: list[Balance]


class HeartbeatFrame(Envelope, frozen=True, tag="heartbeats"):
    events: list[Heartbeat]


class SubscribedFrame(Envelope, frozen=True, tag="subscriptions"):
    events: list[Subscribed]


class OtherFrame(msgspec.Struct, frozen=True, gc=False):
    """A frame of a channel we take no events from, or an error, which has neither channel nor number."""

    channel: str = ""
    type: str = ""
    message: str = ""
    timestamp: str = ""
    sequence_num: int | None = None


KnownFrame: TypeAlias = (
    BookFrame
    | MarketTradesFrame
    | TickerFrame
    | TickerBatchFrame
    | CandlesFrame
    | StatusFrame
    | UserFrame
    | BalanceFrame
    | HeartbeatFrame
    | SubscribedFrame
)
