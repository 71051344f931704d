"""What our orders would have traded in a market that did not know them: one product's shown book and our orders in it.

Never generous. A taker gets what is shown, once: a level that it took stays taken until the market says something
new about that level. A resting order fills when trades print through its price, by no more than they traded; or at
its price, after the size that stood ahead of it has traded. What is not known counts against us.

    matching = Matching(product="BIP-20DEC30-CDE")
    matches = matching.market(event)      # TradePrinted, QuoteChanged, BookSnapshotted, BookChanged: our makers' fills
    placement = matching.place(order, side=..., qty=..., kind=..., limit_price=..., at=...)
    matching.cancel(order); matching.expire(at); matching.lose()

These four change the state. Who may not change it while deciding (a behaviour) asks `preview` for what `place` would
give and `filled_by` for what a print gives, and applies what became of it by `take`, `rest` and `fill`.
Quantities are in the exchange's unit, prices per base unit; contract size, fees and grids are the caller's business.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from events.event import Part
from events.market import BookChanged, BookSnapshotted, QuoteChanged, TradePrinted
from events.money import ZERO
from events.terms import OrderKind, Side
from projections.book import Book
from projections.liquidity import Liquidity
from projections.resting import Resting, is_better, trades_at

MarketEvent = TradePrinted | QuoteChanged | BookSnapshotted | BookChanged

POST_ONLY_WOULD_CROSS = "INVALID_LIMIT_PRICE_POST_ONLY"
NO_LIQUIDITY = "INVALID_NO_LIQUIDITY"
SELF_TRADE = "COMMANDER_REJECTED_NEW_ORDER"
UNSUPPORTED = "UNSUPPORTED_ORDER_CONFIGURATION"

_TAKE_ONLY = frozenset({OrderKind.LIMIT_IOC, OrderKind.LIMIT_FOK, OrderKind.MARKET_IOC, OrderKind.CLOSE_POSITION})
_RESTING = frozenset({OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTD})
_HALF = Decimal("0.5")
_MARKET = frozenset({OrderKind.MARKET_IOC, OrderKind.CLOSE_POSITION})


class Match(Part, frozen=True):
    """A part of our order that traded. A maker's price is its limit, a taker's that of the level it took."""

    order: str
    side: Side
    qty: Decimal
    price: Decimal
    is_maker: bool


class Placement(Part, frozen=True):
    """What becomes of an order on arrival. `code` is "" when accepted; then qty = matched + resting + cancelled."""

    code: str = ""
    message: str = ""
    matches: tuple[Match, ...] = ()
    resting: Decimal = ZERO
    cancelled: Decimal = ZERO

    @property
    def is_accepted(self) -> bool:
        return not self.code

    @property
    def matched(self) -> Decimal:
        """The quantity that traded at once."""
        return sum((match.qty for match in self.matches), ZERO)


class Print(Part, frozen=True):
    """A trade as far as it reaches our orders, best first: at most how much of it each could have had alone."""

    reaches: tuple[tuple[str, Decimal], ...] = ()


NO_PRINT = Print()


class Matching(msgspec.Struct, kw_only=True):
    """One product: its shown book, the last trade, our resting orders, and what we took from the levels shown."""

    product: str = ""
    liquidity: Liquidity = msgspec.field(default_factory=Liquidity)
    last_trade: Decimal | None = None
    bids: list[Resting] = msgspec.field(default_factory=list)  # best price first, then oldest
    asks: list[Resting] = msgspec.field(default_factory=list)

    # The market's word.

    def market(self, event: MarketEvent) -> list[Match]:
        """Take one market event in and fill our resting orders by it."""
        printed = self.hear(event)
        if not printed.reaches:
            return []
        matches = self.filled_by(printed)
        for match in matches:
            self.fill(match.order, match.qty)
        return matches

    def hear(self, event: MarketEvent) -> Print:
        """Take one market event into book and queues, and say how far it reaches. Fills nothing."""
        if isinstance(event, TradePrinted):
            self.last_trade = event.price
            return self._print(event) if self.bids or self.asks else NO_PRINT
        self.liquidity.hear(event)
        if self.bids or self.asks:
            self._see_levels()
        return NO_PRINT

    def filled_by(self, printed: Print) -> list[Match]:
        """What our orders, as they rest now, get of a print: best price first, then oldest, never more than printed."""
        matches: list[Match] = []
        used = ZERO
        for order, reach in printed.reaches:
            resting = self.get(order)
            if resting is None:
                continue
            qty = min(resting.leaves, reach - used)
            if qty > 0:
                used += qty
                matches.append(Match(order=order, side=resting.side, qty=qty, price=resting.price, is_maker=True))
        return matches

    def lose(self) -> None:
        """The feed is gone: the book is not known until the next snapshot or quote. Our orders rest on."""
        self.liquidity.lose()

    # Our word.

    def place(
        self,
        order: str,
        *,
        side: Side,
        qty: Decimal,
        kind: OrderKind,
        limit_price: Decimal | None,
        at: int,
        post_only: bool = False,
        expires_at: int | None = None,
    ) -> Placement:
        """Let an order arrive: it trades with what is shown, rests, or is refused by a code of the exchange."""
        found = self.preview(order, side=side, qty=qty, kind=kind, limit_price=limit_price, post_only=post_only)
        if found.matches:
            self.take(side, found.matched, limit_price=limit_price)
        if found.resting:
            assert limit_price is not None, "only an order with a limit rests"
            self.rest(order, side=side, price=limit_price, leaves=found.resting, at=at, expires_at=expires_at)
        return found

    def preview(
        self,
        order: str,
        *,
        side: Side,
        qty: Decimal,
        kind: OrderKind,
        limit_price: Decimal | None,
        post_only: bool = False,
    ) -> Placement:
        """What `place` would give now. Changes nothing."""
        assert qty > 0, f"an order of {qty} is refused before it comes here"
        if (kind not in _TAKE_ONLY and kind not in _RESTING) or (limit_price is None) != (kind in _MARKET):
            return Placement(code=UNSUPPORTED, message=f"{kind} with limit {limit_price} is not matched here")
        own = self._own_ahead(side, limit_price)
        if own is not None and limit_price is not None:
            return _self_trade(own)
        if post_only and self.liquidity.is_crossed_by(side, limit_price):
            return Placement(code=POST_ONLY_WOULD_CROSS, message=f"Post-only at {limit_price} would take liquidity")
        parts, left = self.liquidity.walk(side, qty, limit_price=limit_price)
        if own is not None and (left or trades_at(side, parts[-1][0], own.price)):
            return _self_trade(own)
        matches = tuple(Match(order=order, side=side, qty=part, price=at, is_maker=False) for at, part in parts)
        if kind in _MARKET and not matches:
            return Placement(code=NO_LIQUIDITY, message="The book shows nothing to trade with")
        if kind is OrderKind.LIMIT_FOK and left:
            return Placement(cancelled=qty)
        if kind in _RESTING:
            return Placement(matches=matches, resting=left)
        return Placement(matches=matches, cancelled=left)

    def take(self, side: Side, qty: Decimal, *, limit_price: Decimal | None) -> None:
        """An order of `side` took `qty` from the levels shown, best first: gone until the market names them anew."""
        self.liquidity.take(side, qty, limit_price=limit_price)

    def rest(
        self, order: str, *, side: Side, price: Decimal, leaves: Decimal, at: int, expires_at: int | None = None
    ) -> None:
        """Put an order into the book, behind everything shown at its price."""
        queue = self.bids if side is Side.BUY else self.asks
        place = len(queue)
        while place and is_better(side, price, queue[place - 1].price):
            place -= 1
        ahead = self.book.size_at(side, price)
        queue.insert(
            place,
            Resting(order=order, side=side, price=price, leaves=leaves, since=at, expires_at=expires_at, ahead=ahead),
        )

    def fill(self, order: str, qty: Decimal) -> None:
        """A resting order traded; nothing left takes it out of the book."""
        resting = self.get(order)
        if resting is None:
            return
        resting.leaves -= qty
        if resting.leaves <= 0:
            self.cancel(order)

    def cancel(self, order: str) -> Decimal | None:
        """Take an order out; its leaves, or None when it does not rest here."""
        for queue in (self.bids, self.asks):
            for place, resting in enumerate(queue):
                if resting.order == order:
                    del queue[place]
                    return resting.leaves
        return None

    def expire(self, at: int) -> list[Resting]:
        """Take out the orders whose time is over, bids first."""
        over = self.expired(at)
        for resting in over:
            self.cancel(resting.order)
        return over

    # Questions.

    @property
    def book(self) -> Book:
        """The book as the market shows it, our takes not counted."""
        return self.liquidity.book

    def expired(self, at: int) -> list[Resting]:
        """The resting orders whose time is over at `at`."""
        return [r for r in (*self.bids, *self.asks) if r.expires_at is not None and r.expires_at <= at]

    def get(self, order: str) -> Resting | None:
        """The resting order of this id."""
        for queue in (self.bids, self.asks):
            for resting in queue:
                if resting.order == order:
                    return resting
        return None

    def scratch(self) -> Matching:
        """A copy for trying our orders on. It shares the shown book: hear no market there."""
        return msgspec.structs.replace(
            self,
            liquidity=self.liquidity.scratch(),
            bids=[msgspec.structs.replace(resting) for resting in self.bids],
            asks=[msgspec.structs.replace(resting) for resting in self.asks],
        )

    def mark(self) -> Decimal | None:
        """The median of best bid, best ask and last trade; what is known of it otherwise; None when nothing is."""
        bid, ask, last = self.book.best_bid(), self.book.best_ask(), self.last_trade
        if bid is None or ask is None:
            return last
        if last is None:
            return (bid[0] + ask[0]) * _HALF
        return sorted((bid[0], ask[0], last))[1]

    # Private.

    def _own_ahead(self, side: Side, limit_price: Decimal | None) -> Resting | None:
        """Our own best resting order on the other side, where an order of `side` at this limit could meet it."""
        queue = self.asks if side is Side.BUY else self.bids
        if not queue or (limit_price is not None and not trades_at(side, limit_price, queue[0].price)):
            return None
        return queue[0]

    def _print(self, trade: TradePrinted) -> Print:
        """Move the queues by a trade, and say what of it each of our orders could have had."""
        found: list[tuple[str, Decimal]] = []
        for queue in (self.bids, self.asks):
            for resting in queue:
                reach = resting.reach_of(trade)
                if reach is None:
                    break  # the orders behind rest at worse prices
                if reach > 0:
                    found.append((resting.order, reach))
        return Print(reaches=tuple(found)) if found else NO_PRINT

    def _see_levels(self) -> None:
        """The book moved: no more can stand ahead of us than is shown at our price."""
        at = self.book.exchange_at
        for queue in (self.bids, self.asks):
            for resting in queue:
                resting.see(self.book.size_at(resting.side, resting.price), at=at)


def _self_trade(own: Resting) -> Placement:
    return Placement(code=SELF_TRADE, message=f"Would trade with our own order {own.order} at {own.price}")
