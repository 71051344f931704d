"""Streams of one product's market: snapshots, changes, quotes, trades, and what goes wrong on the way to us.

`market_streams` draws what an exchange could send: books never cross, trades happen at the best price and their levels
change with them. `disturbed` makes of it what a bad line delivers: gaps, duplicates, neighbours that change places.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

from events.feeds import FeedGapFound
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.terms import Level, Side

MarketEvent = TradePrinted | QuoteChanged | BookSnapshotted | BookChanged
PRODUCT = "BIP"
START = 1_000_000_000_000
#: Prices lie on whole numbers between these, close enough together that orders meet.
LOWEST, HIGHEST = 90, 110


class MarketWriter:
    """Draws one stream: a book in whole numbers, told event by event."""

    def __init__(self, draw: st.DrawFn, *, product: str) -> None:
        self._draw = draw
        self._product = product
        self._trades = 0
        self.at = START
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.events: list[MarketEvent] = []
        self._make_book()

    def number(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def go_on(self, *, with_books: bool) -> None:
        """One more thing happens, at the same nanosecond or up to 50 ms later."""
        self.at += self._draw(st.sampled_from((0, 1, 1_000_000, 50_000_000)))
        kinds = [self.trade, self.trade, self.quote]
        if with_books:
            kinds += [self.change, self.change, self.snapshot]
        self._draw(st.sampled_from(kinds))()
        if not with_books:
            self.quote()

    def snapshot(self) -> None:
        is_new = self._draw(st.booleans())
        if self.events and is_new:
            self._make_book()
        self.events.append(
            BookSnapshotted(
                product=self._product,
                bids=_levels(self.bids, best_first=True),
                asks=_levels(self.asks, best_first=False),
                exchange_at=self.at,
            )
        )

    def quote(self) -> None:
        bid, ask = max(self.bids, default=None), min(self.asks, default=None)
        self.events.append(
            QuoteChanged(
                product=self._product,
                bid=None if bid is None else Decimal(bid),
                bid_size=None if bid is None else Decimal(self.bids[bid]),
                ask=None if ask is None else Decimal(ask),
                ask_size=None if ask is None else Decimal(self.asks[ask]),
                exchange_at=self.at,
            )
        )

    def change(self) -> None:
        """A level of either side gets a new size, or goes."""
        if self._draw(st.booleans()):
            ladder, low, high = self.bids, LOWEST, min(self.asks, default=HIGHEST + 1) - 1
        else:
            ladder, low, high = self.asks, max(self.bids, default=LOWEST - 1) + 1, HIGHEST
        if low <= high:
            self._set(ladder, self.number(low, high), self.number(0, 9))

    def trade(self) -> None:
        """A taker hits the best level; the book says so before the print or after it."""
        aggressor = self._draw(st.sampled_from((Side.BUY, Side.SELL)))
        ladder = self.asks if aggressor is Side.BUY else self.bids
        if not ladder:
            return
        price = min(ladder) if aggressor is Side.BUY else max(ladder)
        size = self.number(1, ladder[price])
        self._trades += 1
        is_told = self._draw(st.booleans())
        printed = TradePrinted(
            product=self._product,
            trade_id=str(self._trades),
            price=Decimal(price),
            size=Decimal(size),
            aggressor=aggressor if is_told else None,
            exchange_at=self.at,
        )
        if self._draw(st.booleans()):
            self.events.append(printed)
            self._set(ladder, price, ladder[price] - size)
        else:
            self._set(ladder, price, ladder[price] - size)
            self.events.append(printed)

    def _set(self, ladder: dict[int, int], price: int, size: int) -> None:
        if size:
            ladder[price] = size
        elif ladder.pop(price, None) is None:
            return
        level = ((Decimal(price), Decimal(size)),)
        is_bid = ladder is self.bids
        self.events.append(
            BookChanged(
                product=self._product,
                bids=level if is_bid else (),
                asks=() if is_bid else level,
                exchange_at=self.at,
            )
        )

    def _make_book(self) -> None:
        middle = self.number(LOWEST + 4, HIGHEST - 4)
        self.bids = {middle - i: self.number(1, 9) for i in range(self.number(1, 4))}
        self.asks = {middle + 1 + i: self.number(1, 9) for i in range(self.number(1, 4))}


@st.composite
def market_streams(
    draw: st.DrawFn, *, product: str = PRODUCT, max_size: int = 30, with_books: bool = True
) -> list[MarketEvent]:
    """A market from its first snapshot on; without books, as best quotes and trades alone."""
    writer = MarketWriter(draw, product=product)
    if with_books:
        writer.snapshot()
    else:
        writer.quote()
    for _ in range(draw(st.integers(0, max_size))):
        writer.go_on(with_books=with_books)
    return [event for event in writer.events if with_books or not isinstance(event, BookChanged)]


@st.composite
def disturbed(draw: st.DrawFn, stream: st.SearchStrategy[list[MarketEvent]]) -> list[MarketEvent | FeedGapFound]:
    """A stream as a bad line delivers it. A gap loses events and is found; the rest goes unnoticed."""
    events: Sequence[MarketEvent] = draw(stream)
    delivered: list[MarketEvent | FeedGapFound] = []
    skip = 0
    for place, event in enumerate(events):
        if skip:
            skip -= 1
            continue
        fault = draw(st.sampled_from(("none", "none", "none", "none", "gap", "twice", "swapped")))
        if fault == "gap":
            skip = draw(st.integers(0, 3))
            delivered.append(FeedGapFound(feed="market", connection=1, last_seq=place, next_seq=place + skip + 1))
            continue
        if fault == "swapped" and delivered:
            delivered.insert(len(delivered) - 1, event)
        else:
            delivered.append(event)
        if fault == "twice":
            delivered.append(event)
    return delivered


def _levels(ladder: dict[int, int], *, best_first: bool) -> tuple[Level, ...]:
    return tuple((Decimal(price), Decimal(ladder[price])) for price in sorted(ladder, reverse=best_first))
