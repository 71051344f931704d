"""The visible order book of one product: what is bid, what is offered, and whether the picture is whole.

A book is whole from a snapshot on, until its feed is lost. Changes before the first snapshot are dropped: they say
nothing about the levels they do not name. Where nothing but the best bid and ask is known, they are the book, of one
level a side, and it is not whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from events.event import Event
from events.market import BookChanged, BookSnapshotted, QuoteChanged
from events.terms import Level, Side


class Book(msgspec.Struct, kw_only=True):
    """Prices and their quantities, both sides ascending by price: the best bid stands last, the best ask first."""

    bid_prices: list[Decimal] = msgspec.field(default_factory=list)
    bid_sizes: list[Decimal] = msgspec.field(default_factory=list)
    ask_prices: list[Decimal] = msgspec.field(default_factory=list)
    ask_sizes: list[Decimal] = msgspec.field(default_factory=list)
    is_whole: bool = False
    exchange_at: int = 0  # of the latest event that counted, nanoseconds UTC

    def fold(self, event: Event) -> None:
        """Take any event of this product; those that say nothing about a book change nothing."""
        if isinstance(event, QuoteChanged):
            self.quote(event)
        elif isinstance(event, BookChanged):
            self.change(event)
        elif isinstance(event, BookSnapshotted):
            self.snapshot(event)

    def snapshot(self, event: BookSnapshotted) -> None:
        """Forget everything and start from here. The book is whole."""
        self.bid_prices, self.bid_sizes = _ascending(event.bids)
        self.ask_prices, self.ask_sizes = _ascending(event.asks)
        self.is_whole = True
        self.exchange_at = event.exchange_at

    def change(self, event: BookChanged) -> None:
        """Set the quantities of the levels named; zero removes. Dropped while the book is not whole."""
        if not self.is_whole:
            return
        if event.bids:
            _set_levels(self.bid_prices, self.bid_sizes, event.bids)
        if event.asks:
            _set_levels(self.ask_prices, self.ask_sizes, event.asks)
        self.exchange_at = event.exchange_at

    def quote(self, event: QuoteChanged) -> None:
        """Take the best bid and ask for the book. A whole book knows better and keeps to its own levels."""
        if self.is_whole:
            return
        if event.bid is None or not event.bid_size:
            self.bid_prices, self.bid_sizes = [], []
        else:
            self.bid_prices, self.bid_sizes = [event.bid], [event.bid_size]
        if event.ask is None or not event.ask_size:
            self.ask_prices, self.ask_sizes = [], []
        else:
            self.ask_prices, self.ask_sizes = [event.ask], [event.ask_size]
        self.exchange_at = event.exchange_at

    def lose(self) -> None:
        """The feed is gone: what was known is no longer known."""
        self.bid_prices, self.bid_sizes, self.ask_prices, self.ask_sizes = [], [], [], []
        self.is_whole = False

    def best_bid(self) -> Level | None:
        """The highest bid as (price, quantity); None while nobody is known to bid."""
        return (self.bid_prices[-1], self.bid_sizes[-1]) if self.bid_prices else None

    def best_ask(self) -> Level | None:
        """The lowest ask as (price, quantity); None while nobody is known to offer."""
        return (self.ask_prices[0], self.ask_sizes[0]) if self.ask_prices else None

    def best(self, side: Side) -> Level | None:
        """The best level of the side that buys or sells."""
        return self.best_bid() if side is Side.BUY else self.best_ask()

    def levels(self, side: Side) -> Iterator[Level]:
        """The levels of one side, best first, without copying."""
        if side is Side.BUY:
            return zip(reversed(self.bid_prices), reversed(self.bid_sizes), strict=True)
        return zip(self.ask_prices, self.ask_sizes, strict=True)

    def depth(self, side: Side, *, levels: int | None = None) -> list[Level]:
        """The best `levels` levels of one side, best first; all of them when None."""
        known = list(self.levels(side))
        return known if levels is None else known[:levels]

    def size_at(self, side: Side, price: Decimal) -> Decimal | None:
        """The quantity shown at a price, zero where none is; None where the visible part does not reach."""
        prices, sizes = (self.bid_prices, self.bid_sizes) if side is Side.BUY else (self.ask_prices, self.ask_sizes)
        if not prices:
            return None
        place = bisect_left(prices, price)
        if place < len(prices) and prices[place] == price:
            return sizes[place]
        is_beyond = place == 0 if side is Side.BUY else place == len(prices)
        return None if is_beyond else Decimal(0)

    @property
    def is_crossed(self) -> bool:
        """Whether somebody bids at or above the best ask: a book to be distrusted."""
        return bool(self.bid_prices) and bool(self.ask_prices) and self.bid_prices[-1] >= self.ask_prices[0]


def _ascending(levels: tuple[Level, ...]) -> tuple[list[Decimal], list[Decimal]]:
    kept = sorted(level for level in dict(levels).items() if level[1])
    return [price for price, _ in kept], [size for _, size in kept]


def _set_levels(prices: list[Decimal], sizes: list[Decimal], levels: tuple[Level, ...]) -> None:
    for price, size in levels:
        place = bisect_left(prices, price)
        is_known = place < len(prices) and prices[place] == price
        if not size:
            if is_known:
                del prices[place], sizes[place]
        elif is_known:
            sizes[place] = size
        else:
            prices.insert(place, price)
            sizes.insert(place, size)
