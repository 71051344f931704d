"""What of the market the log has already: the last trade of each product, so that no snapshot tells it again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from events.lifting import decode_lifting
from events.log.backwards import newest_lines
from events.market import TradePrinted


def last_trades(log: Path, products: Iterable[str]) -> dict[str, str]:
    """The id of the last trade that a log has of each product; products without any are left out.

    Read from the log's end, so it costs what was written since the product last traded; name only products that did.
    """
    found: dict[str, str] = {}
    for product in products:
        # A trade's line begins with its product: `"event":{"type":"TradePrinted","product":"BTC-PERP"`.
        beginning = f'TradePrinted","product":{msgspec.json.encode(product).decode()[:-1]}'
        for line in newest_lines(log, frozenset({beginning}), 1):
            event = decode_lifting(line.text).event
            assert isinstance(event, TradePrinted) and event.product == product, f"{line.file} at byte {line.offset}"
            found[product] = event.trade_id
    return found
