"""Opening a tape: its format is known by its content, not by its name."""

from __future__ import annotations

from pathlib import Path

from replay.tapes import binance, exchange_feed, recorded, tardis
from replay.tapes.lines import numbered_lines
from replay.tapes.tape import Tape, TapeUnreadable

_KNOWN = (
    'a tape that perptape recorded, a raw WebSocket session of a linear perpetual (`time {"stream": …}`), '
    "a table of trades or quotes (`exchange,symbol,timestamp,…`), or a recording of the older Exchange feed"
)


def open_tape(path: Path | str, *, product: str | None = None) -> Tape:
    """The tape in a file, compressed or not. `product` chooses, by the exchange's id, from a file that holds several.

    Raises `TapeUnreadable` when it is missing, empty, or of no known format.
    """
    path = Path(path)
    if path.is_dir():
        raise TapeUnreadable(path, None, "a folder", "name a file")
    first = next(numbered_lines(path), None)
    if first is None:
        raise TapeUnreadable(path, None, "the tape is empty", "record it again")
    number, line = first
    if exchange_feed.is_this_format(line):
        return exchange_feed.read_exchange_feed(path, product)
    for known, read in (
        (recorded.is_this_format, recorded.read_recorded),
        (binance.is_this_format, binance.read_binance),
        (tardis.is_this_format, tardis.read_tardis),
    ):
        if known(line):
            return read(path)
    beginning = line[:40].decode("utf-8", "replace")
    raise TapeUnreadable(path, number, f"no tape begins with {beginning!r}", f"what can be read: {_KNOWN}")
