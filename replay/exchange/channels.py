"""What a client may say over WebSocket: subscribe and unsubscribe, one channel a message.

A subscription is answered by the channel's snapshot and then by the cumulative list of subscriptions, as observed on
the real exchange. A bad token and an unknown channel get the same error, and no acknowledgement follows.
"""

from __future__ import annotations

from typing import cast

import orjson

from events.terms import Side
from replay.exchange import frames
from replay.exchange.hub import CHANNELS, MARKET_CHANNELS, PRIVATE_CHANNELS, PRODUCT_CHANNELS, Connection, Hub
from replay.exchange.times import rfc3339

AUTHENTICATION_FAILURE = "authentication failure"
TOO_FAST = "rate limit exceeded"
TOO_MANY_BOOKS = "too many L2 streams requested in a single session"

_SNAPSHOT_TRADES = 100
_SNAPSHOT_CANDLES = 100


class Refused(Exception):
    """The message is answered by this error."""


def read(text: str) -> tuple[str, str, list[str], str | None]:
    """A message as (type, channel, product ids, token). Raises `Refused`."""
    try:
        sent = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError):
        raise Refused("failed to parse the message") from None
    if not isinstance(sent, dict) or sent.get("type") not in ("subscribe", "unsubscribe"):
        raise Refused("type must be subscribe or unsubscribe")
    channel, products, token = sent.get("channel"), sent.get("product_ids") or [], sent.get("jwt")
    if not isinstance(channel, str) or channel not in CHANNELS:
        raise Refused(AUTHENTICATION_FAILURE)
    if not isinstance(products, list) or not all(isinstance(product, str) for product in products):
        raise Refused("product_ids must be a list of ids")
    if token is not None and not isinstance(token, str):
        raise Refused(AUTHENTICATION_FAILURE)
    return str(sent["type"]), channel, cast(list[str], products), token or None


def subscribe(hub: Hub, connection: Connection, channel: str, products: list[str]) -> None:
    """Send the snapshot, then the acknowledgement; updates follow. Raises `Refused`."""
    known = hub.venue.product.exchange_id
    strangers = [product for product in products if product != known]
    if channel in PRODUCT_CHANNELS and strangers:
        raise Refused(f"subscribe failed: unknown product {strangers[0]}")
    if channel in MARKET_CHANNELS and not products:
        raise Refused("subscribe failed: product_ids must be given")
    for shown_as, events in _snapshots(hub, channel):
        connection.post(shown_as, rfc3339(hub.venue.now), events)
    connection.subscribed[channel] = _shown(hub, channel)
    _acknowledge(hub, connection)


def unsubscribe(hub: Hub, connection: Connection, channel: str) -> None:
    """Drop a channel; with one product here, naming it or not is the same."""
    connection.subscribed.pop(channel, None)
    _acknowledge(hub, connection)


def _acknowledge(hub: Hub, connection: Connection) -> None:
    connection.post("subscriptions", rfc3339(hub.venue.now), frames.subscriptions(connection.subscribed))


def _shown(hub: Hub, channel: str) -> list[str]:
    if channel in PRIVATE_CHANNELS:
        return [hub.user]
    return ["heartbeats"] if channel == "heartbeats" else [hub.venue.product.exchange_id]


def _snapshots(hub: Hub, channel: str) -> list[tuple[str, str]]:
    """The frames that a new subscriber gets first, as (channel shown, events)."""
    venue = hub.venue
    product_id = venue.product.exchange_id
    if channel == "level2":
        book = venue.market.matching.book
        return [("l2_data", frames.book_snapshot(book.levels(Side.BUY), book.levels(Side.SELL), product_id))]
    if channel == "market_trades":
        return [(channel, frames.trades(venue.market.trades[-_SNAPSHOT_TRADES:], product_id, kind="snapshot"))]
    if channel in ("ticker", "ticker_batch"):
        return [(channel, frames.ticker(venue, kind="snapshot", with_quotes=channel == "ticker"))]
    if channel == "candles":
        return [(channel, frames.candles(hub.last_candles(_SNAPSHOT_CANDLES), product_id, kind="snapshot"))]
    if channel == "status":
        return [(channel, frames.status(venue))]
    if channel == "user":
        orders = list(venue.ledger.open.values())
        return [(channel, text) for text in frames.user_snapshot(orders, venue, portfolio=hub.portfolio)]
    if channel == "futures_balance_summary":
        return [(channel, frames.balance(venue, kind="snapshot"))]
    return []
