"""Tables of trades or of best quotes as Tardis sells them: a header, then one event a line, times in microseconds.

`timestamp` is the exchange's time, `local_timestamp` that of the recorder; `side` of a trade is its taker's. One file
holds one kind of event; `merged` puts trades and quotes together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from events.market import QuoteChanged, TradePrinted
from events.terms import Side
from replay.tapes.lines import numbered_lines, recording
from replay.tapes.listings import BTC_PERP, linear_btc_perpetual
from replay.tapes.ordering import in_exchange_order
from replay.tapes.tape import Moment, Tape, TapeUnreadable

_US = 1_000
_TRADES = {"symbol", "timestamp", "id", "side", "price", "amount"}
_QUOTES = {"symbol", "timestamp", "ask_amount", "ask_price", "bid_price", "bid_amount"}
_SYMBOL = "BTCUSDT"
_SIDES = {"buy": Side.BUY, "sell": Side.SELL, "unknown": None}
Row = Mapping[str, str]


def is_this_format(line: bytes) -> bool:
    """Whether the first line of a file looks like this."""
    return line.startswith(b"exchange,symbol,timestamp,local_timestamp,")


def read_tardis(path: Path) -> Tape:
    """A table as a tape. Raises `TapeUnreadable`, for damage inside while it is read."""
    # Its prices lie on a grid of 0.01; the exchange has since widened it to 0.1.
    return recording(path, linear_btc_perpetual(price_increment="0.01"), read=lambda: in_exchange_order(_moments(path)))


def _moments(path: Path) -> Iterator[Moment]:
    lines = numbered_lines(path)
    _, header = next(lines)
    columns = header.decode("ascii", "replace").split(",")
    event_of = _event_of(path, set(columns))
    for number, line in lines:
        values = line.decode("ascii", "replace").split(",")
        try:
            row = dict(zip(columns, values, strict=True))
            if row["symbol"] != _SYMBOL:
                raise ValueError(f"symbol {row['symbol']!r} is not {_SYMBOL!r}")
            at = int(row["timestamp"]) * _US
            yield at, event_of(row, at)
        except (ValueError, KeyError, InvalidOperation) as error:
            raise TapeUnreadable(path, number, _fault(error), "cut the table there or fetch it again") from error


def _event_of(path: Path, columns: set[str]) -> Callable[[Row, int], TradePrinted | QuoteChanged]:
    if columns >= _TRADES:
        return _trade
    if columns >= _QUOTES:
        return _quote
    fault = f"a table with columns {', '.join(sorted(columns))}"
    raise TapeUnreadable(path, 1, fault, "only tables of trades and of quotes are known")


def _trade(row: Row, at: int) -> TradePrinted:
    return TradePrinted(
        product=BTC_PERP,
        trade_id=row["id"],
        price=Decimal(row["price"]),
        size=Decimal(row["amount"]),
        aggressor=_SIDES[row["side"]],
        exchange_at=at,
    )


def _quote(row: Row, at: int) -> QuoteChanged:
    return QuoteChanged(
        product=BTC_PERP,
        bid=_amount(row["bid_price"]),
        bid_size=_amount(row["bid_amount"]),
        ask=_amount(row["ask_price"]),
        ask_size=_amount(row["ask_amount"]),
        exchange_at=at,
    )


def _amount(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _fault(error: Exception) -> str:
    if isinstance(error, InvalidOperation):
        return "a price or an amount is no number"
    return f"unknown word {error}" if isinstance(error, KeyError) else str(error)
