"""Recordings of the older Exchange feed of Coinbase: `{"recv_ts": …, "raw": "<message>"}` a line, several products.

One product of a recording is one tape: the one asked for, else the one that says most. Spot: no funding, no margin, one
unit is one unit. The grid is not in the feed and is taken from the digits of the book. The side of a `match` is the
maker's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from events.catalog import ProductListed
from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.terms import Level, Side
from replay.tapes.lines import numbered_lines, recording
from replay.tapes.ordering import in_exchange_order
from replay.tapes.tape import Moment, Tape, TapeUnreadable

_REMEDY = "a line of this format is {recv_ts, raw}; cut the tape there or record it again"


class _Line(msgspec.Struct):
    recv_ts: str
    raw: str


class _Snapshot(msgspec.Struct, tag="snapshot"):
    product_id: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class _Changes(msgspec.Struct, tag="l2update"):
    product_id: str
    changes: tuple[tuple[Side, Decimal, Decimal], ...]
    time: datetime


class _Match(msgspec.Struct, tag="match"):
    product_id: str
    trade_id: int
    side: Side
    price: Decimal
    size: Decimal
    time: datetime


class _Ticker(msgspec.Struct, tag="ticker"):
    product_id: str


class _LastMatch(msgspec.Struct, tag="last_match"):
    product_id: str


class _Subscriptions(msgspec.Struct, tag="subscriptions"):
    pass


_Message = _Snapshot | _Changes | _Match | _Ticker | _LastMatch | _Subscriptions
_lines = msgspec.json.Decoder(_Line)
_messages: msgspec.json.Decoder[_Message] = msgspec.json.Decoder(_Message)
#: A snapshot has no time of its own. It is put before its arrival, so that no change that follows it overtakes it.
_SNAPSHOT_LEAD_NS = 1_000_000_000
_SPOKEN = (_Snapshot, _Changes, _Match)


def is_this_format(line: bytes) -> bool:
    """Whether the first line of a file looks like this."""
    return line.startswith(b'{"recv_ts":')


def read_exchange_feed(path: Path, product: str | None = None) -> Tape:
    """One product of a recording as a tape. Raises `TapeUnreadable`, also for a product it does not hold."""
    spoken: Counter[str] = Counter()
    books: dict[str, _Snapshot] = {}
    for _, _, message in _read(path):
        if isinstance(message, _SPOKEN):
            spoken[message.product_id] += 1
        if isinstance(message, _Snapshot):
            books.setdefault(message.product_id, message)
    chosen = product or next((name for name, _ in spoken.most_common(1)), "")
    if chosen not in books:
        fault = f"no book of product {chosen!r}"
        raise TapeUnreadable(path, None, fault, f"name one of: {', '.join(sorted(books)) or 'none'}")
    return recording(path, _listing(books[chosen]), read=lambda: in_exchange_order(_moments(path, chosen)))


def _read(path: Path) -> Iterator[tuple[int, str, _Message]]:
    for number, line in numbered_lines(path):
        try:
            envelope = _lines.decode(line)
            yield number, envelope.recv_ts, _messages.decode(envelope.raw)
        except msgspec.MsgspecError as error:
            raise TapeUnreadable(path, number, str(error), _REMEDY) from error


def _moments(path: Path, product: str) -> Iterator[Moment]:
    for _, received, message in _read(path):
        if not isinstance(message, _SPOKEN) or message.product_id != product:
            continue
        if isinstance(message, _Snapshot):
            at = int(Decimal(received).scaleb(9)) - _SNAPSHOT_LEAD_NS
            yield at, BookSnapshotted(product=product, bids=message.bids, asks=message.asks, exchange_at=at)
        elif isinstance(message, _Changes):
            at = _nanoseconds(message.time)
            yield (
                at,
                BookChanged(
                    product=product,
                    bids=tuple((price, size) for side, price, size in message.changes if side is Side.BUY),
                    asks=tuple((price, size) for side, price, size in message.changes if side is Side.SELL),
                    exchange_at=at,
                ),
            )
        elif isinstance(message, _Match):
            at = _nanoseconds(message.time)
            yield (
                at,
                TradePrinted(
                    product=product,
                    trade_id=str(message.trade_id),
                    price=message.price,
                    size=message.size,
                    aggressor=message.side.opposite,
                    exchange_at=at,
                ),
            )


def _listing(book: _Snapshot) -> ProductListed:
    prices = [price for price, _ in (*book.bids, *book.asks)]
    sizes = [size for _, size in (*book.bids, *book.asks)]
    underlying, _, quote = book.product_id.partition("-")
    return ProductListed(
        product=book.product_id,
        exchange_id=book.product_id,
        venue="SPOT",
        contract_size=Decimal(1),
        price_increment=_finest(prices),
        size_increment=_finest(sizes),
        min_size=_finest(sizes),
        quote_currency=quote,
        underlying=underlying,
        display_name=book.product_id,
    )


def _finest(amounts: list[Decimal]) -> Decimal:
    exponents = [exponent for amount in amounts if isinstance(exponent := amount.as_tuple().exponent, int)]
    return Decimal(1).scaleb(min(exponents, default=0))


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp()) * 1_000_000_000 + time.microsecond * 1_000
