"""The touch of one product: its best bid, best ask and last trade, and the price that follows from them.

The price is the median of the three while the touch is known and uncrossed; the middle of bid and ask when nothing has
traded yet; the last trade while the touch is not known; else there is none (trading rules A6).

A touch is known in a spell of its feed: what was seen before the feed was lost, or before a message was missed, says
nothing about now until a snapshot or a quote comes. The last trade stays in the median, which it cannot carry past
the bid or the ask; alone it counts only when it was printed in this spell.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.terms import MarkSource
from projections.book import Book

_HALF = Decimal("0.5")


class Touch(msgspec.Struct, kw_only=True):
    """Times are the exchange's, nanoseconds UTC; spells are counted by whoever follows the feed."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    touch_at: int = 0
    touch_spell: int = -1
    trade: Decimal | None = None
    trade_at: int = 0
    trade_spell: int = -1
    book: Book = msgspec.field(default_factory=Book)

    @property
    def seen_at(self) -> int:
        """When the exchange last said anything about this product."""
        return self.touch_at if self.touch_at > self.trade_at else self.trade_at

    def print(self, event: TradePrinted, spell: int) -> None:
        """Take a trade. One older than the last known changes nothing but the spell."""
        if event.exchange_at >= self.trade_at:
            self.trade = event.price
            self.trade_at = event.exchange_at
        self.trade_spell = spell

    def quote(self, event: QuoteChanged, spell: int) -> None:
        """Take the best bid and ask as stated. The newer word counts, a book's or a quote's."""
        if event.exchange_at >= self.touch_at or self.touch_spell != spell:
            self.bid, self.ask = event.bid, event.ask
            self.touch_at = event.exchange_at
            self.touch_spell = spell

    def snapshot(self, event: BookSnapshotted, spell: int) -> None:
        """Take a whole book."""
        self.book.snapshot(event)
        self._read_book(event.exchange_at, spell)

    def change(self, event: BookChanged, spell: int) -> None:
        """Take changes to a book; dropped while there is no whole one."""
        if self.book.is_whole:
            self.book.change(event)
            self._read_book(event.exchange_at, spell)

    def price(self, spell: int) -> tuple[Decimal, MarkSource, int] | None:
        """The price, what it rests on, and since when by the exchange's time. None when there is nothing to go by.

        A trade that stands alone because the touch is crossed does so since the touch was last heard of.
        """
        bid, ask, trade = self.bid, self.ask, self.trade
        if self.touch_spell == spell and bid is not None and ask is not None and bid < ask:
            if trade is None:
                return (bid + ask) * _HALF, MarkSource.MID, self.touch_at
            median = bid if trade < bid else ask if trade > ask else trade
            return median, MarkSource.BOOK_AND_TRADE, self.seen_at
        if trade is not None and self.trade_spell == spell:
            return trade, MarkSource.TRADE, self.seen_at if self.touch_spell == spell else self.trade_at
        return None

    def _read_book(self, exchange_at: int, spell: int) -> None:
        if exchange_at >= self.touch_at or self.touch_spell != spell:
            book = self.book
            self.bid = book.bid_prices[-1] if book.bid_prices else None
            self.ask = book.ask_prices[0] if book.ask_prices else None
            self.touch_at = exchange_at
            self.touch_spell = spell
