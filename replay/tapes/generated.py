"""A market that never was: seeded, on the exchange's grid, with trades, depth, spreads, jumps, trends and funding.

The same settings give the same tape to the byte, in any process. Prices and sizes are whole ticks and whole contracts;
floats only decide which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from random import Random

import msgspec

from events.catalog import MarginRates, ProductListed
from events.codec import canonical_bytes
from events.terms import NANOSECONDS
from replay.tapes.listings import BTC_PERP
from replay.tapes.scene import Scene
from replay.tapes.tape import Moment, Tape

#: Raised when the same settings give another tape than before.
VERSION = 1
#: 2026-03-02T14:00:00Z, a Monday.
DEFAULT_START = 1_772_460_000 * NANOSECONDS

#: The bitcoin perpetual of Coinbase Derivatives as it was listed in April 2026: nano contracts, a grid of 5 dollars.
BIP = ProductListed(
    product=BTC_PERP,
    exchange_id="BIP-20DEC30-CDE",
    venue="CDE",
    contract_size=Decimal("0.01"),
    price_increment=Decimal(5),
    size_increment=Decimal(1),
    min_size=Decimal(1),
    max_size=Decimal(5_000),
    underlying="BTC",
    display_name="BTC PERP",
    contract_expiry=1_924_012_800 * NANOSECONDS,  # 2030-12-20T16:00:00Z
    funding_interval_s=3_600,
    intraday_margin=MarginRates(long=Decimal("0.1000185"), short=Decimal("0.1000008")),
    overnight_margin=MarginRates(long=Decimal("0.245625"), short=Decimal("0.306375")),
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a generated tape is made of. `events_per_s` is about the mean over an hour; they come in bursts."""

    seed: int = 1
    start: int = DEFAULT_START
    duration_s: int | None = None  # None: without end
    events_per_s: int = 10
    start_price: int = 68_930
    product: ProductListed = BIP


def generated_tape(
    *,
    seed: int = 1,
    start: int = DEFAULT_START,
    duration_s: int | None = None,
    events_per_s: int = 10,
    start_price: int = 68_930,
    product: ProductListed = BIP,
) -> Tape:
    """A tape of a market drawn by `seed`, from `start` (ns UTC) for `duration_s` seconds, or without end.

    Raises `ValueError` for a rate outside 1 to 1,000 events a second, or a price below a hundred ticks.
    """
    if not 1 <= events_per_s <= 1_000:
        raise ValueError(f"events_per_s is {events_per_s}, must be 1 to 1,000")
    if start_price < 100 * product.price_increment:
        raise ValueError(f"start_price is {start_price}, must be at least 100 ticks of {product.price_increment}")
    settings = Settings(
        seed=seed,
        start=start,
        duration_s=duration_s,
        events_per_s=events_per_s,
        start_price=start_price,
        product=product,
    )
    return Tape(
        name=f"generated-{seed}",
        product=product,
        digest=hashlib.sha256(b"%d|" % VERSION + canonical_bytes(settings)).hexdigest(),
        start=start,
        read=partial(_moments, settings),
    )


def _moments(settings: Settings) -> Iterator[Moment]:
    scene = Scene(
        settings.product,
        lots=Random(settings.seed),  # noqa: S311  # a market to play with, no secret
        at=settings.start,
        start_price=settings.start_price,
        events_per_s=settings.events_per_s,
    )
    end = None if settings.duration_s is None else settings.start + settings.duration_s * NANOSECONDS
    yield scene.at, scene.snapshot()
    while True:
        scene.wait()
        if end is not None and scene.at >= end:
            return
        yield from scene.funding()
        yield from scene.act()
