"""One book of the older Exchange, with the evidence that it is right.

A change of the book carries no number there, so a lost one leaves no gap. But it leaves traces, and all of them are
looked at: what a change says of a level and of the orders it is made of; the change that belongs to each trade; the
best prices that each ticker shows; the numbers of trades; and the product's sequence, which counts every step of the
matching engine. Between two trades the sequence can be accounted for to the last number, by rules that hold for all
of the recorded feed (received and open for an order that rests, done for one that goes, match for a trade):

    distance = 2 x sizes grown + 1 x sizes shrunk + what the two takers and the first maker took

What is left over is `unexplained`: orders that never rested (two numbers each), a maker that ended with others behind
it (one), or changes that were lost. An odd rest where the maker's end is known can only be a loss.

Before the first trade after the snapshot, and behind the last one, nothing counts the changes: `counted_from`,
`counted_to` and `uncounted` say so. A change lost in such a stretch is found only if one of the other traces shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from actors.connection.amounts import nanoseconds_of
from actors.connection.older_exchange.messages import (
    ChangesMessage,
    ExchangeMessage,
    HeartbeatMessage,
    LastMatchMessage,
    MatchMessage,
    OtherMessage,
    SnapshotMessage,
    TickerMessage,
    changed,
)
from actors.connection.older_exchange.orders import Queues
from events.market import BookSnapshotted
from events.money import ZERO
from events.terms import Side
from projections.book import Book

#: Channels run beside one another: what belongs to a trade may come so much later, by the exchange's time.
GRACE_NS = 250_000_000
#: Changes that are kept one by one between two trades; of older ones their count is enough.
_KEPT = 4_096
#: A subscription brings the last trade on both channels within this time of the first change.
FIRST_TRADE_NS = 1_000_000_000


class BookStanding(StrEnum):
    EMPTY = "no snapshot yet"
    UNCOUNTED = "nothing speaks against it, and nothing counts its changes yet"
    COUNTED = "every number from `counted_from` to `counted_to` is accounted for"
    DOUBTFUL = "among those numbers are some that nothing heard explains"
    BROKEN = "a message is missing for certain"


class _Change(NamedTuple):
    at: int
    side: Side
    price: Decimal
    grown: Decimal  # below zero: shrunk by so much


class ExchangeBook:
    """Hear every message of one product, in the order of arrival. Broken, it stays so until the next snapshot."""

    def __init__(self) -> None:
        self.book = Book()
        self.fault = ""  # the first certain sign of a missing message
        self.unexplained = 0  # sequence numbers that nothing heard explains, since the snapshot
        self.counted_from: int | None = None  # the sequence of the first trade since the snapshot
        self.counted_to: int | None = None  # of the last one
        self.uncounted = 0  # changes heard since then, or since the snapshot
        self._sizes: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
        self._queues = Queues()
        self._since: list[_Change] = []  # since the last trade that was accounted for, the latest ones
        self._counted = 0  # numbers that the ones before them explain
        self._rest: bool | None = None  # whether the first of them was what the last taker left over
        self._accounted: MatchMessage | None = None
        self._left_at_maker = ZERO  # size of the level of that trade right behind it
        self._waiting: list[MatchMessage] = []  # trades whose change is not here yet
        self._top: TickerMessage | None = None  # a ticker whose best prices are not the book's yet
        self._first_match: int | None = None  # the trade that the subscription began with
        self._first_ticker: int | None = None
        self._last_match: int | None = None
        self._last_ticker: int | None = None
        self._promised = 0  # the last trade that a heartbeat before the present one spoke of
        self._trades_at = 0
        self._began_at: int | None = None

    @property
    def standing(self) -> BookStanding:
        if self.fault:
            return BookStanding.BROKEN
        if not self.book.is_whole:
            return BookStanding.EMPTY
        if self.counted_to is None:
            return BookStanding.UNCOUNTED
        return BookStanding.DOUBTFUL if self.unexplained else BookStanding.COUNTED

    def hear(self, message: ExchangeMessage | OtherMessage) -> None:
        match message:
            case SnapshotMessage():
                self._snapshot(message)
            case ChangesMessage():
                self._changes(message)
            case MatchMessage():
                self._match(message)
            case LastMatchMessage():
                self._last_match = self._first_match = message.trade_id
            case TickerMessage():
                self._ticker(message)
            case HeartbeatMessage():
                self._heartbeat(message)
            case _:
                pass

    def _snapshot(self, message: SnapshotMessage) -> None:
        trades = self._first_match, self._first_ticker, self._last_match, self._last_ticker
        self.__init__()  # type: ignore[misc]  # everything anew, but for the numbers of trades
        self._first_match, self._first_ticker, self._last_match, self._last_ticker = trades
        self.book.snapshot(BookSnapshotted(product="", bids=message.bids, asks=message.asks, exchange_at=0))
        self._sizes = {Side.BUY: dict(message.bids), Side.SELL: dict(message.asks)}

    def _changes(self, message: ChangesMessage) -> None:
        if not self.book.is_whole:
            self._break("a change came before any snapshot")
            return
        at = nanoseconds_of(message.time)
        self._overdue(at)
        for side, price, size in message.changes:
            sizes = self._sizes[side]
            before = sizes.get(price, ZERO)
            if size == before:
                self._break(f"{side} {price} is said to become {size}, which it was: a change between is missing")
                continue
            self._queues.change(at, side, price, before, size)
            self._note(_Change(at, side, price, size - before))
            if size:
                sizes[price] = size
            else:
                del sizes[price]
        self.book.change(changed(message, ""))
        if self.book.is_crossed:
            self._break("bids reach asks")
        for waiting in list(self._waiting):
            self._pair(waiting)
        if self._top is not None and at <= nanoseconds_of(self._top.time) and self._shows(self._top):
            self._top = None

    def _note(self, change: _Change) -> None:
        self._since.append(change)
        self.uncounted += 1
        if len(self._since) > 2 * _KEPT:
            self._count(self._since[:_KEPT])
            del self._since[:_KEPT]

    def _count(self, changes: Sequence[_Change]) -> None:
        """Explain two numbers by each size that grew (received, open), one by each that shrank (done, or a trade)."""
        self._counted += sum(2 if each.grown > ZERO else 1 for each in changes)
        if self._rest is None and self._accounted is not None:
            at, side = nanoseconds_of(self._accounted.time), self._accounted.side
            self._rest = next((each.grown > ZERO for each in changes if each.at == at and each.side is not side), None)

    def _overdue(self, at: int) -> None:
        """What should have come before a change of this time."""
        if self._waiting and at > nanoseconds_of(self._waiting[0].time):
            self._break(f"trade {self._waiting[0].trade_id} has no change of its level")
        if self._top is not None and at > nanoseconds_of(self._top.time):
            self._break(f"the ticker of trade {self._top.trade_id} shows other best prices")
        if (late := self._queues.unpaired_before(at - GRACE_NS)) is not None:
            self._break(f"{late[0]} {late[1]} shrank by a size that no order there has")
        ends = {self._last_match, self._last_ticker}
        if len(ends) == 2 and None not in ends and at > self._trades_at + GRACE_NS:
            self._break(f"trades end at {self._last_match}, tickers at {self._last_ticker}")
        self._began_at = at if self._began_at is None else self._began_at
        if (self._last_match is None) != (self._last_ticker is None) and at > self._began_at + FIRST_TRADE_NS:
            self._break("the last trade came on one channel only")

    def _match(self, message: MatchMessage) -> None:
        if self._last_match is not None and message.trade_id != self._last_match + 1:
            self._break(f"trade {message.trade_id} follows {self._last_match}")
        elif self._last_match is None and self._first_ticker is not None and message.trade_id > self._first_ticker:
            self._break(f"trades begin with {message.trade_id}, tickers with {self._first_ticker}")
        self._last_match, self._trades_at = message.trade_id, nanoseconds_of(message.time)
        if self.book.is_whole:
            self._waiting.append(message)
            self._pair(message)

    def _pair(self, match: MatchMessage) -> None:
        """Find the change that the trade made, and account for all numbers up to it."""
        own = _Change(nanoseconds_of(match.time), match.side, match.price, -match.size)
        if match is not self._waiting[0] or own not in self._since:
            return
        self._waiting.pop(0)
        if not self._queues.trade(own.at, own.side, own.price, match.size):
            self._break(f"{own.side} {own.price} shrank by a size that no order there has")
        place = self._since.index(own)
        self._count(self._since[:place])
        del self._since[: place + 1]
        if self._accounted is None:
            self.counted_from = match.sequence
        else:
            self._account(self._accounted, match)
        self._accounted, self._counted, self._rest = match, 0, None
        later = sum((each.grown for each in self._since if each.side is own.side and each.price == own.price), ZERO)
        self._left_at_maker = self._sizes[own.side].get(own.price, ZERO) - later
        self.counted_to, self.uncounted = match.sequence, len(self._since)

    def _account(self, first: MatchMessage, then: MatchMessage) -> None:
        """Explain every number between two trades."""
        is_known = True
        explained = self._counted + 2
        if first.taker_order_id != then.taker_order_id:  # else: the first maker is done, the second trade
            # The first taker's end, the second's `received`, its trade. What the first one left over became an order,
            # whose `received` was before the first trade: of its two numbers one is not here.
            explained += -1 if self._rest else 1
            maker_is_done = not self._left_at_maker and first.maker_order_id != then.maker_order_id
            explained += maker_is_done
            is_known = maker_is_done or first.maker_order_id == then.maker_order_id
        rest = then.sequence - first.sequence - explained
        if rest < 0 or (rest % 2 and is_known):
            self._break(f"numbers {first.sequence} to {then.sequence} do not add up with the changes heard ({rest:+d})")
        else:
            self.unexplained += rest

    def _ticker(self, message: TickerMessage) -> None:
        if self._last_ticker is not None and message.trade_id != self._last_ticker + 1:
            self._break(f"the ticker of trade {message.trade_id} follows that of {self._last_ticker}")
        self._last_ticker = message.trade_id
        if self._first_ticker is None:
            self._first_ticker = message.trade_id
            if self._first_match is not None and message.trade_id > self._first_match:
                self._break(f"tickers begin with {message.trade_id}, trades with {self._first_match}")
            return  # it shows the best prices of the last trade, which the snapshot may be far behind
        if not self.book.is_whole:
            return
        self._trades_at = nanoseconds_of(message.time)
        if self._top is not None:
            self._break(f"the ticker of trade {self._top.trade_id} shows other best prices")
        self._top = None if self._shows(message) else message

    def _shows(self, ticker: TickerMessage) -> bool:
        bid, ask = self.book.best_bid(), self.book.best_ask()
        return (bid[0] if bid else ZERO, ask[0] if ask else ZERO) == (ticker.best_bid or ZERO, ticker.best_ask or ZERO)

    def _heartbeat(self, message: HeartbeatMessage) -> None:
        if self._last_match is not None and self._promised > self._last_match:
            self._break(f"trade {self._promised} was spoken of a heartbeat ago and has not come")
        self._promised = message.last_trade_id

    def _break(self, fault: str) -> None:
        self.fault = self.fault or fault
