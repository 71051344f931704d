"""Raw WebSocket sessions of a linear perpetual: `recv_time {"stream": …, "data": …}` a line.

Streams are trades, best quotes, depth changes and the mark price; a line without a stream is a depth snapshot that the
recorder asked for. The clock of a line is the recorder's and is not used: the exchange's own times are in the messages.

Depth follows the exchange's rule: changes count from the snapshot's `lastUpdateId` on and are chained by `pu`. Changes
before a snapshot, and after a break of the chain until the next one, are dropped: of a book without a beginning
nothing is known. A break is told as `FeedGapFound`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from events.catalog import FundingRatePublished
from events.feeds import FeedGapFound
from events.market import BookChanged, BookSnapshotted, MarkReported, QuoteChanged, TradePrinted
from events.terms import Level, Side
from replay.tapes.lines import numbered_lines, recording
from replay.tapes.listings import BTC_PERP, linear_btc_perpetual
from replay.tapes.ordering import in_exchange_order
from replay.tapes.tape import Moment, Tape, TapeUnreadable

_MS = 1_000_000
#: Depth changes kept while waiting for a snapshot; a recorder asks for one within the first second.
_MAX_WAITING = 10_000
_REMEDY = "a line of this format is a time, a space and one JSON message; cut the tape there or record it again"


class _Trade(msgspec.Struct, tag="trade", tag_field="e"):
    T: int
    t: int
    p: Decimal
    q: Decimal
    m: bool  # the buyer is the maker


class _Quote(msgspec.Struct, tag="bookTicker", tag_field="e"):
    T: int
    b: Decimal
    B: Decimal
    a: Decimal
    A: Decimal


class _Depth(msgspec.Struct, tag="depthUpdate", tag_field="e"):
    T: int
    U: int
    u: int
    pu: int
    b: tuple[Level, ...]
    a: tuple[Level, ...]


class _Mark(msgspec.Struct, tag="markPriceUpdate", tag_field="e"):
    E: int
    p: Decimal
    i: Decimal
    r: Decimal
    T: int  # the boundary that `r` is going to be the rate of


class _Snapshot(msgspec.Struct):
    lastUpdateId: int  # noqa: N815  # the exchange's own word
    T: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class _Message(msgspec.Struct):
    """A stream's message, or a snapshot, whose fields stand beside `stream`."""

    data: _Trade | _Quote | _Depth | _Mark | None = None


_messages = msgspec.json.Decoder(_Message)
_snapshots = msgspec.json.Decoder(_Snapshot)


def is_this_format(line: bytes) -> bool:
    """Whether the first line of a file looks like this."""
    clock, _, message = line.partition(b" ")
    return clock.isdigit() and message.startswith((b'{"stream":', b'{"lastUpdateId":'))


def read_binance(path: Path) -> Tape:
    """A recorded session as a tape. Raises `TapeUnreadable`, for damage inside while it is read."""
    return recording(path, linear_btc_perpetual(price_increment="0.1"), read=lambda: in_exchange_order(_moments(path)))


def _moments(path: Path) -> Iterator[Moment]:
    depth = _DepthChain()
    funding = _FundingWatch()
    for number, line in numbered_lines(path):
        clock, _, text = line.partition(b" ")
        try:
            if not clock.isdigit():
                raise msgspec.ValidationError("no time at the beginning")
            message = _messages.decode(text).data
            if isinstance(message, _Quote):
                yield message.T * _MS, _quote(message)
            elif isinstance(message, _Trade):
                if message.q:
                    yield message.T * _MS, _trade(message)
            elif isinstance(message, _Depth):
                yield from depth.change(message)
            elif isinstance(message, _Mark):
                yield from funding.mark(message)
            else:
                yield from depth.snapshot(_snapshots.decode(text))
        except msgspec.MsgspecError as error:
            raise TapeUnreadable(path, number, str(error), _REMEDY) from error


def _quote(message: _Quote) -> QuoteChanged:
    return QuoteChanged(
        product=BTC_PERP,
        bid=message.b,
        bid_size=message.B,
        ask=message.a,
        ask_size=message.A,
        exchange_at=message.T * _MS,
    )


def _trade(message: _Trade) -> TradePrinted:
    return TradePrinted(
        product=BTC_PERP,
        trade_id=str(message.t),
        price=message.p,
        size=message.q,
        aggressor=Side.SELL if message.m else Side.BUY,
        exchange_at=message.T * _MS,
    )


class _DepthChain:
    """Follows the chain of depth changes from a snapshot on. Quantities are absolute, so an overlap does no harm."""

    def __init__(self) -> None:
        self._last: int | None = None  # the last update id that counts; None while there is no book
        self._waiting: deque[_Depth] = deque(maxlen=_MAX_WAITING)

    def snapshot(self, message: _Snapshot) -> Iterator[Moment]:
        at = message.T * _MS
        yield at, BookSnapshotted(product=BTC_PERP, bids=message.bids, asks=message.asks, exchange_at=at)
        self._last = message.lastUpdateId
        waiting, self._waiting = self._waiting, deque(maxlen=_MAX_WAITING)
        for change in waiting:
            yield from self.change(change)

    def change(self, message: _Depth) -> Iterator[Moment]:
        if self._last is None:
            self._waiting.append(message)
        elif message.u > self._last:
            at = message.T * _MS
            if message.pu > self._last:
                gap = FeedGapFound(feed="market", connection=1, last_seq=self._last, next_seq=message.pu)
                self._last = None
                self._waiting.append(message)
                yield at, gap
                return
            self._last = message.u
            yield at, BookChanged(product=BTC_PERP, bids=message.b, asks=message.a, exchange_at=at)


class _FundingWatch:
    """Tells the rate of a boundary once it has passed: the last one announced for it."""

    def __init__(self) -> None:
        self._boundary = 0
        self._rate = Decimal(0)

    def mark(self, message: _Mark) -> Iterator[Moment]:
        at = message.E * _MS
        if self._boundary and self._boundary != message.T:
            boundary = self._boundary * _MS
            yield at, FundingRatePublished(product=BTC_PERP, boundary=boundary, rate=self._rate, exchange_at=at)
        self._boundary, self._rate = message.T, message.r
        yield at, MarkReported(product=BTC_PERP, mark=message.p, index=message.i, exchange_at=at)
