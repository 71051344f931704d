"""What the samples take for granted: a market on a local exchange, products, marks, positions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from events.catalog import ProductListed
from replay.exchange.pump import Start
from replay.exchange.server import ExchangeOptions
from tests.replay.exchange.market import BIP, ListTape, snapshot, trade
from tests.replay.exchange.running import Client, running

D = Decimal

#: A perpetual of one whole coin, as the seed's numbers assume; and the one of a hundredth that is traded.
WHOLE_COIN = ProductListed(
    product="BTC-PERP",
    exchange_id="BTC-PERP-INTX",
    venue="INTX",
    contract_size=D(1),
    price_increment=D("0.1"),
    size_increment=D("0.001"),
    min_size=D("0.001"),
)
HUNDREDTH = msgspec.structs.replace(
    WHOLE_COIN, exchange_id=BIP.exchange_id, contract_size=D("0.01"), size_increment=D(1), min_size=D(1)
)
LONG_ONE: dict[str, Any] = {"BTC-PERP": {"side": "long", "qty": D("1.0"), "mark": D(50_000)}}


@contextmanager
def exchange(folder: Path) -> Iterator[Client]:
    """A local exchange that has played a short tape and stands."""
    tape = ListTape([snapshot(0), trade(1, 60_010, 2), trade(2, 60_000, 3)])
    with running(ExchangeOptions(tape=tape, speed=None, start=Start.NOW, folder=folder)) as client:
        client.until_ended()
        yield client
