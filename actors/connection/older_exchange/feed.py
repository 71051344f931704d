"""The older Exchange's feed, live: spot products for `api_mode="exchange"`, each book with its evidence.

The unbatched `level2` channel needs a key there; without one its changes come merged, and no evidence holds. A book
that is broken ends the connection as a gap does, and the next connection begins with fresh snapshots.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from actors.connection.capture.writing import FrameCapture
from actors.connection.feeds import Feed, FeedManners
from actors.connection.hearing import Wanted
from actors.connection.market_feed import MarketFacts
from actors.connection.older_exchange.book import BookStanding, ExchangeBook
from actors.connection.older_exchange.hearing import ExchangeHearing
from actors.connection.older_exchange.key import ExchangeKey
from actors.connection.socket import FeedSocket
from actors.door import FactDoor, Lane

LIVE_EXCHANGE_FEED = "wss://ws-feed.exchange.coinbase.com"
EXCHANGE_CHANNELS = ("level2", "ticker", "matches", "heartbeat")


class ExchangeFeed(Feed):
    """Tells trades, books and tickers of spot products; heartbeats come once a second for each product."""

    name = "market"
    lane = Lane.MARKET

    def __init__(
        self,
        door: FactDoor,
        url: str,
        products: Mapping[str, str],
        *,
        key: ExchangeKey,
        manners: FeedManners = FeedManners(),  # noqa: B008 - immutable
        capture: FrameCapture | None = None,
    ) -> None:
        """`products` maps the exchange's ids to ours."""
        whole = manners._replace(products_per_subscribe=max(1, len(products)))  # one acknowledgement a channel
        super().__init__(door, url, products, manners=whole, capture=capture)
        self._key = key
        self._facts = MarketFacts(products)
        self._books: Mapping[str, ExchangeBook] = {}

    def standing(self, product_id: str) -> BookStanding:
        """What is known of the book of one product of the exchange, on the present connection."""
        book = self._books.get(product_id)
        return BookStanding.EMPTY if book is None else book.standing

    def all_wanted(self) -> Sequence[Wanted]:
        return [Wanted(channel, tuple(self._products)) for channel in EXCHANGE_CHANNELS]

    def subscribe_message(self, wanted: Wanted) -> str:
        message = {"type": "subscribe", "product_ids": wanted.product_ids, "channels": [wanted.channel]}
        return msgspec.json.encode({**message, **self._key.subscribe_fields()}).decode()

    def hear_all(self, socket: FeedSocket) -> None:
        hearing = ExchangeHearing(EXCHANGE_CHANNELS, self._products)
        self._books = hearing.books
        due = time.monotonic() + self._manners.ack_timeout_s
        while True:
            was_whole = hearing.is_whole
            events = hearing.hear(self.receive(socket), self.received_at)
            if not hearing.is_whole:
                self.expect_before(due)
            elif not was_whole:
                self.tell_subscribed(None)
            fresh = self._facts.fresh(events)
            if fresh:
                self.tell(fresh)
