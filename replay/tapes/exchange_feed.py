"""Recordings of the older Exchange feed of Coinbase: `{"recv_ts": …, "raw": "<message>"}` a line, several products.

One product of a recording is one tape: the one asked for, else the one that says most. Spot: no funding, no margin, one
unit is one unit. The grid is not in the feed and is taken from the digits of the book. The side of a `match` is the
maker's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from actors.connection.errors import FrameUnreadable
from actors.connection.older_exchange.messages import (
    ChangesMessage,
    ExchangeMessage,
    MatchMessage,
    OtherMessage,
    SnapshotMessage,
    facts_of,
    read_message,
)
from events.catalog import ProductListed
from events.market import BookChanged, BookSnapshotted, TradePrinted
from replay.tapes.lines import numbered_lines, recording
from replay.tapes.ordering import in_exchange_order
from replay.tapes.tape import Moment, Tape, TapeUnreadable

_REMEDY = "a line of this format is {recv_ts, raw}; cut the tape there or record it again"


class _Line(msgspec.Struct):
    recv_ts: str
    raw: str


_lines = msgspec.json.Decoder(_Line)
#: A snapshot has no time of its own. It is put before its arrival, so that no change that follows it overtakes it.
_SNAPSHOT_LEAD_NS = 1_000_000_000
_SPOKEN = (SnapshotMessage, ChangesMessage, MatchMessage)


def is_this_format(line: bytes) -> bool:
    """Whether the first line of a file looks like this."""
    return line.startswith(b'{"recv_ts":')


def read_exchange_feed(path: Path, product: str | None = None) -> Tape:
    """One product of a recording as a tape. Raises `TapeUnreadable`, also for a product it does not hold."""
    spoken: Counter[str] = Counter()
    books: dict[str, SnapshotMessage] = {}
    for _, _, message in _read(path):
        if isinstance(message, _SPOKEN):
            spoken[message.product_id] += 1
        if isinstance(message, SnapshotMessage):
            books.setdefault(message.product_id, message)
    chosen = product or next((name for name, _ in spoken.most_common(1)), "")
    if chosen not in books:
        fault = f"no book of product {chosen!r}"
        raise TapeUnreadable(path, None, fault, f"name one of: {', '.join(sorted(books)) or 'none'}")
    return recording(path, _listing(books[chosen]), read=lambda: in_exchange_order(_moments(path, chosen)))


def _read(path: Path) -> Iterator[tuple[int, str, ExchangeMessage | OtherMessage]]:
    for number, line in numbered_lines(path):
        try:
            envelope = _lines.decode(line)
            yield number, envelope.recv_ts, read_message(envelope.raw)
        except (msgspec.MsgspecError, FrameUnreadable) as error:
            raise TapeUnreadable(path, number, str(error), _REMEDY) from error


def _moments(path: Path, product: str) -> Iterator[Moment]:
    for _, received, message in _read(path):
        if not isinstance(message, _SPOKEN) or message.product_id != product:
            continue
        at = int(Decimal(received).scaleb(9)) - _SNAPSHOT_LEAD_NS
        for event in facts_of(message, {product: product}, at):
            assert isinstance(event, (BookSnapshotted, BookChanged, TradePrinted)), "what is spoken of"
            yield event.exchange_at, event


def _listing(book: SnapshotMessage) -> ProductListed:
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
