"""Cancel what rests at the exchange, once, without an intent: a cancel cannot add risk.

For the moment in which the log cannot be written any more, and for a kill without a running system.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice

import msgspec

from actors.connection.client.coinbase import CANCEL_BATCH, CoinbaseClient
from actors.connection.client.replies import Order
from actors.connection.errors import BrokerageError
from actors.connection.order_words import status_of
from events.terms import NANOSECONDS

#: What is PENDING or QUEUED is not listed as OPEN: it is looked for among all orders as old as this at most.
PENDING_WITHIN_NS = 3_600 * NANOSECONDS


class CancelAll(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked to be cancelled, what the exchange refused or did not answer (with its words), and what failed."""

    asked: tuple[str, ...]
    refused: dict[str, str]
    error: str | None = None  # the listing broke off: there may be more


def cancel_all_once(
    client: CoinbaseClient, *, product_ids: Sequence[str] = (), keep: Callable[[Order], bool] = lambda _: False
) -> CancelAll:
    """List what rests (of these products, or of the whole account) and cancel it in batches. Never raises for a fault
    of the exchange: says what it reached. An order taken for cancelling may still fill first.

    Brackets stay: they protect a position while nobody of ours watches it (trading rules A17).
    """
    error: str | None = None
    orders: list[Order] = []
    try:
        for order in resting(client, product_ids):
            orders.append(order)  # noqa: PERF402 - what was listed before a fault is kept
    except BrokerageError as fault:
        error = str(fault)
    wanted = [order.order_id for order in orders if not keep(order) and not is_bracket(order)]
    refused: dict[str, str] = {}
    for batch in _batches(wanted, CANCEL_BATCH):
        refused.update(_cancel(client, batch))
    return CancelAll(asked=tuple(wanted), refused=refused, error=error)


def is_bracket(order: Order) -> bool:
    return order.order_type == "BRACKET" or any(
        key.startswith("trigger_bracket") for key in order.order_configuration or {}
    )


def resting(client: CoinbaseClient, product_ids: Sequence[str] = ()) -> Iterator[Order]:
    """Every order that may still trade: what is listed as OPEN, of any age, and what is fresh and not yet open."""
    seen: set[str] = set()
    for order in chain(_open(client, product_ids), _fresh(client, product_ids)):
        if order.order_id not in seen and not status_of(order.status).is_final:
            seen.add(order.order_id)
            yield order


def _open(client: CoinbaseClient, product_ids: Sequence[str]) -> Iterator[Order]:
    return client.list_orders(product_ids=product_ids, order_status="OPEN")


def _fresh(client: CoinbaseClient, product_ids: Sequence[str]) -> Iterator[Order]:
    now = client.get_time().iso
    yield from client.list_orders(product_ids=product_ids, since=None if now is None else now - PENDING_WITHIN_NS)


def _cancel(client: CoinbaseClient, batch: Collection[str]) -> dict[str, str]:
    try:
        results = client.cancel_orders(list(batch))
    except BrokerageError as fault:
        return dict.fromkeys(batch, str(fault))
    return {result.order_id: result.failure_reason for result in results if not result.success}


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
