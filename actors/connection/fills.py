"""The exchange's list of fills as facts: each line once, by its `entry_id`, grouped by order.

The list lags behind the user channel, and lines may be added much later: reversals and corrections of old trades.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.replies import Fill
from events.money import ZERO
from events.orders import FillEntry, FillsReported, FillsWanted
from events.terms import FillKind

log = logging.getLogger(__name__)

#: Fills of so many orders are asked for in one request.
ORDERS_AT_ONCE = 50
_KINDS = {"REVERSAL": FillKind.REVERSAL, "CORRECTION": FillKind.CORRECTION}


def entry_of(fill: Fill) -> FillEntry:
    """One line of the list. A type we have no word for is a fill, as SYNTHETIC is.

    A reversal's fee gives back what the fill had charged, whatever its sign there. Raises `ValueError` for a line
    without size, price or time, and for one whose size is money.
    """
    at = fill.sequence_timestamp or fill.trade_time
    if fill.price is None or not fill.size or at is None or fill.size_in_quote:
        raise ValueError(f"fill {fill.entry_id} of order {fill.order_id} has no size, price or time in contracts")
    kind, fee = _KINDS.get(fill.trade_type, FillKind.FILL), fill.commission or ZERO
    return FillEntry(
        entry=fill.entry_id,
        trade=fill.trade_id,
        kind=kind,
        qty=abs(fill.size),
        price=fill.price,
        fee=-abs(fee) if kind is FillKind.REVERSAL else fee,
        exchange_at=at,
        is_maker={"MAKER": True, "TAKER": False}.get(fill.liquidity_indicator),
    )


def reported(fills: Iterable[Fill], products: Mapping[str, str]) -> list[FillsReported]:
    """Lines grouped by order, each group in the order of time. `products` maps the exchange's ids to ours.

    A line that cannot be read is left out and logged: its order stays provisional, and is asked for again.
    """
    of_order: dict[tuple[str, str], list[FillEntry]] = {}
    for fill in fills:
        product = products.get(fill.product_id)
        if product is None:
            continue
        try:
            entry = entry_of(fill)
        except ValueError as error:
            log.warning("%s", error)
            continue
        of_order.setdefault((fill.order_id, product), []).append(entry)
    return [
        FillsReported(
            order="",
            exchange_order=exchange_order,
            product=product,
            entries=tuple(sorted(entries, key=lambda entry: (entry.exchange_at, entry.entry))),
        )
        for (exchange_order, product), entries in of_order.items()
    ]


def asked_for(
    client: CoinbaseClient, wanted: Sequence[FillsWanted], products: Mapping[str, str]
) -> list[FillsReported]:
    """The whole list of each order that is wanted. Raises `BrokerageError`; then nothing of it is told."""
    found: list[FillsReported] = []
    for batch in _batches([each.exchange_order for each in wanted if each.exchange_order], ORDERS_AT_ONCE):
        found += reported(client.list_fills(order_ids=batch), products)
    return found


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(items))
    while batch := list(islice(rest, size)):
        yield batch
