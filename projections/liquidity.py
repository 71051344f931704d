"""What an order could take right now: the shown book, less what our own orders took from levels that have not changed.

The market does not know our orders, so its book goes on showing what we took. It stays taken until the market names
that level anew: in a snapshot, in a change of the level, or in a quote that differs on that side.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.market import BookChanged, BookSnapshotted, QuoteChanged
from events.money import ZERO
from events.terms import Level, Side
from projections.book import Book
from projections.resting import trades_at


class Liquidity(msgspec.Struct, kw_only=True):
    """A book and what is taken of it; `taken_*` holds (price, quantity), one entry a take."""

    book: Book = msgspec.field(default_factory=Book)
    taken_bids: list[Level] = msgspec.field(default_factory=list)
    taken_asks: list[Level] = msgspec.field(default_factory=list)

    def hear(self, event: QuoteChanged | BookSnapshotted | BookChanged) -> None:
        """Take the market's word on its levels; what it names anew is there again."""
        if self.taken_bids or self.taken_asks:
            self._give_back(event)
        self.book.fold(event)

    def lose(self) -> None:
        """The feed is gone, and with it all that was known."""
        self.book.lose()
        self.taken_bids, self.taken_asks = [], []

    def walk(self, side: Side, qty: Decimal, *, limit_price: Decimal | None) -> tuple[list[Level], Decimal]:
        """What an order of `side` would trade, best level first, and what of `qty` would be left."""
        taken = self.taken_asks if side is Side.BUY else self.taken_bids
        parts: list[Level] = []
        left = qty
        for price, size in self.book.levels(side.opposite):
            if not left or (limit_price is not None and not trades_at(side, limit_price, price)):
                break
            part = min(left, size - _taken_at(taken, price)) if taken else min(left, size)
            if part > 0:
                left -= part
                parts.append((price, part))
        return parts, left

    def take(self, side: Side, qty: Decimal, *, limit_price: Decimal | None) -> None:
        """An order of `side` took `qty`, best level first."""
        parts, _ = self.walk(side, qty, limit_price=limit_price)
        (self.taken_asks if side is Side.BUY else self.taken_bids).extend(parts)

    def is_crossed_by(self, side: Side, limit_price: Decimal | None) -> bool:
        """Whether an order of `side` with this limit meets the other side as shown."""
        best = self.book.best(side.opposite)
        return best is not None and (limit_price is None or trades_at(side, limit_price, best[0]))

    def scratch(self) -> Liquidity:
        """A copy to take from, over the same book."""
        return Liquidity(book=self.book, taken_bids=list(self.taken_bids), taken_asks=list(self.taken_asks))

    def _give_back(self, event: QuoteChanged | BookSnapshotted | BookChanged) -> None:
        if isinstance(event, BookSnapshotted):
            self.taken_bids, self.taken_asks = [], []
        elif isinstance(event, BookChanged):
            self.taken_bids = _without(self.taken_bids, event.bids)
            self.taken_asks = _without(self.taken_asks, event.asks)
        elif not self.book.is_whole:  # a quote restates both sides; only a side that differs is new
            if self.book.best_bid() != (event.bid, event.bid_size):
                self.taken_bids = []
            if self.book.best_ask() != (event.ask, event.ask_size):
                self.taken_asks = []


def _taken_at(taken: list[Level], price: Decimal) -> Decimal:
    return sum((qty for at, qty in taken if at == price), ZERO)


def _without(taken: list[Level], named: tuple[Level, ...]) -> list[Level]:
    if not taken or not named:
        return taken
    changed = {price for price, _ in named}
    return [level for level in taken if level[0] not in changed]
