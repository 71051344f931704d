"""One connection of the older Exchange: acknowledgements counted, every book followed with its evidence.

Each channel is subscribed by a message of its own, and each is answered by an acknowledgement of all channels so far:
one that names more than it should follows a lost one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.connection.auth import redacted
from actors.connection.errors import FeedBroken
from actors.connection.older_exchange.book import ExchangeBook
from actors.connection.older_exchange.messages import (
    ErrorMessage,
    ExchangeMessage,
    HeartbeatMessage,
    LastMatchMessage,
    MatchMessage,
    OtherMessage,
    SubscriptionsMessage,
    TickerMessage,
    facts_of,
    read_message,
)
from actors.connection.sequence import SequenceGap
from events.record import AnyEvent


class BookBroken(SequenceGap):
    """A message of one product is missing for certain. `last_seq`: up to where its numbers were accounted for."""

    def __init__(self, product_id: str, book: ExchangeBook, sequence: int) -> None:
        last = -1 if book.counted_to is None else book.counted_to
        super().__init__(last, sequence)
        self.args = (f"{product_id}: {book.fault}",)


class ExchangeHearing:
    """One connection, from its first message on. `books` are by the exchange's product id."""

    def __init__(self, channels: Sequence[str], products: Mapping[str, str]) -> None:
        """`channels` in the order of their subscribes; `products` maps the exchange's ids to ours."""
        self.books = {product_id: ExchangeBook() for product_id in products}
        self.is_whole = False  # every channel is acknowledged
        self._channels = tuple(channels)
        self._products = products
        self._acknowledged = 0
        self._held: list[AnyEvent] = []
        self._sequences: dict[str, int] = {}

    def hear(self, raw: bytes | str, received_at: int) -> list[AnyEvent]:
        """The facts of one message, in order; none until every channel is acknowledged, then all that were held back.

        `received_at`, nanoseconds UTC, is the time of a snapshot, which has none.
        Raises `FrameUnreadable`, `BookBroken`, and `FeedBroken` for an error and a lost acknowledgement.
        """
        message = read_message(raw)
        match message:
            case ErrorMessage():
                words = redacted(f"{message.message} {message.reason}".strip() or "no reason given", limit=200)
                raise FeedBroken(f"the exchange refused: {words}")
            case SubscriptionsMessage():
                self._acknowledge(message)
            case OtherMessage():
                pass
            case _:
                self._follow(message)
        self._held += facts_of(message, self._products, received_at)
        if not self.is_whole:
            return []
        held, self._held = self._held, []
        return held

    def _follow(self, message: ExchangeMessage) -> None:
        product_id: str = getattr(message, "product_id", "")
        book = self.books.get(product_id)
        if book is None:
            return
        if isinstance(message, (MatchMessage, LastMatchMessage, TickerMessage, HeartbeatMessage)):
            self._sequences[product_id] = message.sequence
        book.hear(message)
        if book.fault:
            raise BookBroken(product_id, book, self._sequences.get(product_id, 0))

    def _acknowledge(self, message: SubscriptionsMessage) -> None:
        have = {each.name: each.product_ids for each in message.channels}
        self._acknowledged += 1
        expected = self._channels[: self._acknowledged]
        missing = [name for name in expected if not {*self._products} <= {*have.get(name, ())}]
        if {*have} != {*expected} or missing:
            raise FeedBroken(f"acknowledgement {self._acknowledged} names {', '.join(sorted(have))}: one is missing")
        self.is_whole = self._acknowledged == len(self._channels)
