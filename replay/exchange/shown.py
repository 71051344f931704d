"""What the public sees of the tape: its book in levels, its last trade, and the price the exchange marks by.

The book itself is the one that orders are matched against. A tape may tell it by levels or by best quotes alone; both
are told to subscribers as levels.
"""

from __future__ import annotations

from decimal import Decimal

from events.market import BookChanged, QuoteChanged
from events.money import ZERO
from events.terms import Level, Side
from projections.matching import Matching


def mark_of(matching: Matching) -> Decimal | None:
    """Median of best bid, best ask and last trade; with a side missing the last trade; before any trade the middle."""
    bid, ask, last = matching.book.best_bid(), matching.book.best_ask(), matching.last_trade
    if bid is None or ask is None:
        return last
    if last is None:
        return (bid[0] + ask[0]) / 2
    return sorted((bid[0], ask[0], last))[1]


def quote_as_levels(matching: Matching, quote: QuoteChanged) -> BookChanged | None:
    """What a quote changes in a book that knows nothing but quotes, as levels; None when it changes nothing.

    To be asked before the quote is matched. A whole book keeps to its own levels and does not hear quotes.
    """
    if matching.book.is_whole:
        return None
    bids = _replaced(matching.book.depth(Side.BUY), quote.bid, quote.bid_size)
    asks = _replaced(matching.book.depth(Side.SELL), quote.ask, quote.ask_size)
    if not bids and not asks:
        return None
    return BookChanged(product=quote.product, bids=bids, asks=asks, exchange_at=quote.exchange_at)


def _replaced(known: list[Level], price: Decimal | None, size: Decimal | None) -> tuple[Level, ...]:
    best: list[Level] = [] if price is None or not size else [(price, size)]
    gone = [(old, ZERO) for old, _ in known if not best or old != price]
    return tuple(gone + [level for level in best if level not in known])
