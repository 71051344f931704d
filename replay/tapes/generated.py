"""A market that never was: seeded, on the exchange's grid, with trades, depth, spreads, jumps, trends and funding.

The same settings give the same tape to the byte, in any process. Prices and sizes are whole ticks and whole contracts;
floats only decide which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache, partial
from random import Random

import msgspec

from events.catalog import FundingRatePublished, MarginRates, ProductListed
from events.codec import canonical_bytes
from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.terms import NANOSECONDS, Level, Side
from replay.tapes.listings import BTC_PERP
from replay.tapes.quoting import Changes, Ladders
from replay.tapes.tape import Moment, Tape
from replay.tapes.weather import Weather

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


#: Things that happen in a quiet market, as a share of the mean rate; the rest comes in bursts that trades set off.
_QUIET = 0.5
_CONTAGION = 1.0


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
    scene = _Scene(settings)
    end = None if settings.duration_s is None else settings.start + settings.duration_s * NANOSECONDS
    yield scene.at, scene.snapshot()
    while True:
        scene.wait()
        if end is not None and scene.at >= end:
            return
        yield from scene.funding()
        yield from scene.act()


class _Scene:
    """One generated market as it goes along."""

    def __init__(self, settings: Settings) -> None:
        self.at = settings.start
        self._settings = settings
        self._lots = Random(settings.seed)  # noqa: S311  # a market to play with, no secret
        self._weather = Weather(lots=self._lots, fair=float(settings.start_price))
        self._tick = float(settings.product.price_increment)
        self._ladders = Ladders(self._lots, fair_ticks=self._weather.fair / self._tick)
        self._price = lru_cache(maxsize=8192)(partial(_times, settings.product.price_increment))
        self._size = lru_cache(maxsize=8192)(partial(_times, settings.product.size_increment))
        self._interval = (settings.product.funding_interval_s or 0) * NANOSECONDS
        self._boundary = (settings.start // self._interval + 1) * self._interval if self._interval else 0
        self._trades = 0

    def wait(self) -> None:
        """Time passes until something happens: the sooner, the more excited the market is. Whole microseconds."""
        rate = _QUIET * self._settings.events_per_s * (1.0 + self._weather.excitement)
        microseconds = max(1, int(self._lots.expovariate(rate) * 1e6))
        self.at += microseconds * 1_000
        self._weather.pass_seconds(microseconds / 1e6)

    def snapshot(self) -> BookSnapshotted:
        bids = sorted(self._ladders.bids.items(), reverse=True)
        asks = sorted(self._ladders.asks.items())
        return BookSnapshotted(
            product=self._settings.product.product,
            bids=self._levels(bids),
            asks=self._levels(asks),
            exchange_at=self.at,
        )

    def funding(self) -> Iterator[Moment]:
        """The rates of the boundaries that have passed, each at its boundary or as soon after as time allows."""
        while self._interval and self._boundary <= self.at:
            rate = Decimal(self._weather.next_funding_rate_millionths()).scaleb(-6)
            product = self._settings.product.product
            yield (
                self.at,
                FundingRatePublished(product=product, boundary=self._boundary, rate=rate, exchange_at=self._boundary),
            )
            self._boundary += self._interval

    def act(self) -> Iterator[Moment]:
        """One thing happens: somebody trades, the market requotes, or a size changes."""
        lot = self._lots.random()
        if lot < 0.2 + 0.01 * self._weather.excitement:
            yield from self._trade()
        elif lot < 0.75:
            half_spread = 0.55 * self._weather.spread * (1.0 + 0.25 * self._weather.excitement)
            yield from self._change(*self._ladders.requote(self._weather.fair / self._tick, half_spread=half_spread))
        else:
            yield from self._change(*self._ladders.resize())

    def _trade(self) -> Iterator[Moment]:
        ladders = self._ladders
        middle = (ladders.best_bid + ladders.best_ask) / 2
        pull = max(-0.4, min(0.4, (self._weather.fair / self._tick - middle) * 0.15))
        buys = self._lots.random() < 0.5 + pull
        contracts = 1 + int(self._lots.lognormvariate(1.0, 1.1))
        prints, changes = ladders.take(buys=buys, contracts=contracts)
        self._weather.excite(_CONTAGION / self._settings.events_per_s)
        for price, size in prints:
            self._trades += 1
            yield (
                self.at,
                TradePrinted(
                    product=self._settings.product.product,
                    trade_id=str(self._trades),
                    price=self._price(price),
                    size=self._size(size),
                    aggressor=Side.BUY if buys else Side.SELL,
                    exchange_at=self.at,
                ),
            )
        yield from self._change([], changes) if buys else self._change(changes, [])

    def _change(self, bids: Changes, asks: Changes) -> Iterator[Moment]:
        if bids or asks:
            product = self._settings.product.product
            yield (
                self.at,
                BookChanged(product=product, bids=self._levels(bids), asks=self._levels(asks), exchange_at=self.at),
            )

    def _levels(self, changes: Changes) -> tuple[Level, ...]:
        return tuple([(self._price(price), self._size(size)) for price, size in changes])


def _times(increment: Decimal, count: int) -> Decimal:
    return increment * count
