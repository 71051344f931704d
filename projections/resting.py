"""One of our orders in a book of others, and what stands before it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.market import TradePrinted
from events.money import ZERO
from events.terms import Side


class Resting(msgspec.Struct, kw_only=True):
    """One of our orders in the book.

    `ahead` is the most that can stand before it at its price; None while that is not known. `shown` and `shown_at`
    are the level's latest size, which bounds `ahead` for trades after it: of a trade and a book of the same moment
    nobody knows which contains which.
    """

    order: str
    side: Side
    price: Decimal
    leaves: Decimal
    since: int  # nanoseconds UTC; a trade at or before it is not ours
    expires_at: int | None = None
    ahead: Decimal | None = None
    shown: Decimal | None = None
    shown_at: int = 0

    def see(self, shown: Decimal | None, *, at: int) -> None:
        """The book says how much is shown at our price (None: it does not reach there)."""
        if shown is None:
            return
        self._settle(before=at)
        self.shown, self.shown_at = shown, at

    def reach_of(self, trade: TradePrinted) -> Decimal | None:
        """How much of a trade gets past the queue to this order; None when it printed at a better price for others.

        Worked: 10 ahead of our bid at 100. 4 sold at 100: reach 0, 6 ahead. 9 sold at 100: reach 3, 0 ahead.
        1 sold at 99: whoever stood ahead of us is gone, reach 1.
        """
        if is_better(self.side, trade.price, self.price):
            return None
        if trade.exchange_at <= self.since:
            return ZERO
        self._settle(before=trade.exchange_at)
        if trade.price != self.price:
            self.ahead = ZERO
            return trade.size
        if trade.aggressor is self.side or self.ahead is None:
            return ZERO
        reach = trade.size - self.ahead
        self.ahead = max(ZERO, -reach)
        return max(ZERO, reach)

    def _settle(self, *, before: int) -> None:
        """Let the level as last shown bound the queue, once something later than it is heard."""
        if self.shown is not None and self.shown_at < before:
            self.ahead = self.shown if self.ahead is None else min(self.ahead, self.shown)
            self.shown = None


def trades_at(side: Side, limit_price: Decimal, price: Decimal) -> bool:
    """Whether an order of `side` with this limit trades at `price`."""
    return price <= limit_price if side is Side.BUY else price >= limit_price


def is_better(side: Side, price: Decimal, than: Decimal) -> bool:
    """Whether `price` stands before `than` in the queue of `side`."""
    return price > than if side is Side.BUY else price < than
