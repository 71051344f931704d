"""The market as the tape tells it: its book, its trades, its candles, and the price the exchange marks by.

The book shown is the one that orders are matched against. A tape may tell it by levels or by best quotes alone; both
are told to subscribers as levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from events.event import Event
from events.feeds import FeedGapFound
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.money import ZERO
from events.terms import Level, Side
from projections.matching import Match, Matching
from replay.exchange.candles import Candles

#: Trades kept for those who ask: at least the first number, at most the second.
_TRADES_SHOWN, _TRADES_KEPT = 1_000, 2_000


class Market:
    """One product's market, and our resting orders in it (`matching`)."""

    def __init__(self, product: str) -> None:
        self.product = product
        self.matching = Matching(product=product)
        self.candles = Candles()
        self.trades: list[TradePrinted] = []  # the latest, oldest first
        self._last_mark: Decimal | None = None

    def hear(self, at: int, event: Event) -> tuple[Event | None, Sequence[Match]]:
        """Take a fact of the tape: what the public sees of it, and which of our resting orders traded by it.

        Where the recording has a gap the book is empty until the tape knows it again.
        """
        if isinstance(event, TradePrinted):
            return event, self._hear_trade(event)
        if isinstance(event, BookChanged):
            return (event, self.matching.market(event)) if self.matching.book.is_whole else (None, ())
        if isinstance(event, QuoteChanged):
            return self._as_levels(event), self.matching.market(event)
        if isinstance(event, BookSnapshotted):
            return event, self.matching.market(event)
        if isinstance(event, FeedGapFound):
            self.matching.lose()
            return BookSnapshotted(product=self.product, bids=(), asks=(), exchange_at=at), ()
        return None, ()

    def best(self, side: Side) -> Level | None:
        """The best level of the side that buys or sells."""
        return self.matching.book.best(side)

    def mark(self) -> Decimal | None:
        """Median of best bid, best ask and last trade; with a side missing the last trade; before any the middle.

        The last known where the market shows none now; None before the first.
        """
        bid, ask, last = self.best(Side.BUY), self.best(Side.SELL), self.matching.last_trade
        if bid is None or ask is None:
            mark = last
        elif last is None:
            mark = (bid[0] + ask[0]) / 2
        else:
            mark = sorted((bid[0], ask[0], last))[1]
        self._last_mark = self._last_mark if mark is None else mark
        return self._last_mark

    def _hear_trade(self, trade: TradePrinted) -> Sequence[Match]:
        self.candles.take(trade)
        self.trades.append(trade)
        if len(self.trades) > _TRADES_KEPT:
            del self.trades[:-_TRADES_SHOWN]
        return self.matching.market(trade)

    def _as_levels(self, quote: QuoteChanged) -> BookChanged | None:
        """What a quote changes in a book that knows nothing but quotes; a whole book does not hear quotes."""
        if self.matching.book.is_whole:
            return None
        bids = _replaced(self.matching.book.depth(Side.BUY), quote.bid, quote.bid_size)
        asks = _replaced(self.matching.book.depth(Side.SELL), quote.ask, quote.ask_size)
        if not bids and not asks:
            return None
        return BookChanged(product=quote.product, bids=bids, asks=asks, exchange_at=quote.exchange_at)


def _replaced(known: list[Level], price: Decimal | None, size: Decimal | None) -> tuple[Level, ...]:
    best: list[Level] = [] if price is None or not size else [(price, size)]
    gone = [(old, ZERO) for old, _ in known if not best or old != price]
    return tuple(gone + [level for level in best if level not in known])
