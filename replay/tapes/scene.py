"""One product's generated market as it goes along: weather, the other side's ladders, and what they make happen."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache, partial
from random import Random

from events.catalog import FundingRatePublished, ProductListed
from events.market import BookChanged, BookSnapshotted, MarkReported, TradePrinted
from events.terms import NANOSECONDS, Level, Side
from replay.tapes.quoting import Changes, Ladders
from replay.tapes.tape import Moment
from replay.tapes.weather import Weather

#: Things that happen in a quiet market, as a share of the mean rate; the rest comes in bursts that trades set off.
_QUIET = 0.5
_CONTAGION = 1.0


class Scene:
    """A market from `at` (ns UTC) on. `events_per_s` is about the mean over an hour; they come in bursts.

    Every price is a whole number of ticks, every size of contracts; `lots` decides all.
    """

    def __init__(self, product: ProductListed, *, lots: Random, at: int, start_price: int, events_per_s: float) -> None:
        self.at = at
        self._product = product
        self._events_per_s = events_per_s
        self._lots = lots
        self._weather = Weather(lots=lots, fair=float(start_price))
        self._tick = float(product.price_increment)
        self._ladders = Ladders(lots, fair_ticks=self._weather.fair / self._tick)
        self._price = lru_cache(maxsize=8192)(partial(_times, product.price_increment))
        self._size = lru_cache(maxsize=8192)(partial(_times, product.size_increment))
        self._interval = (product.funding_interval_s or 0) * NANOSECONDS
        self._boundary = (at // self._interval + 1) * self._interval if self._interval else 0
        self._trades = 0

    def wait(self) -> None:
        """Time passes until something happens: the sooner, the more excited the market is. Whole microseconds."""
        rate = _QUIET * self._events_per_s * (1.0 + self._weather.excitement)
        microseconds = max(1, int(self._lots.expovariate(rate) * 1e6))
        self.at += microseconds * 1_000
        self._weather.pass_seconds(microseconds / 1e6)

    def snapshot(self, at: int | None = None) -> BookSnapshotted:
        """The whole book as it stands, said now or at another time."""
        bids = sorted(self._ladders.bids.items(), reverse=True)
        asks = sorted(self._ladders.asks.items())
        return BookSnapshotted(
            product=self._product.product,
            bids=self._levels(bids),
            asks=self._levels(asks),
            exchange_at=self.at if at is None else at,
        )

    def index(self, at: int) -> MarkReported:
        """The fair price, to the tick, as the exchange's index."""
        index = self._price(round(self._weather.fair / self._tick))
        return MarkReported(product=self._product.product, mark=None, index=index, exchange_at=at)

    def jump(self, factor: float) -> None:
        """The fair price is another at once, the book with it, and everybody is awake."""
        self._weather.fair *= factor
        self._weather.excite(6.0)
        self._ladders.requote(self._weather.fair / self._tick, half_spread=2.0)

    def funding(self) -> Iterator[Moment]:
        """The rates of the boundaries that have passed, each at its boundary or as soon after as time allows."""
        while self._interval and self._boundary <= self.at:
            rate = Decimal(self._weather.next_funding_rate_millionths()).scaleb(-6)
            product = self._product.product
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
        self._weather.excite(_CONTAGION / self._events_per_s)
        for price, size in prints:
            self._trades += 1
            yield (
                self.at,
                TradePrinted(
                    product=self._product.product,
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
            product = self._product.product
            yield (
                self.at,
                BookChanged(product=product, bids=self._levels(bids), asks=self._levels(asks), exchange_at=self.at),
            )

    def _levels(self, changes: Changes) -> tuple[Level, ...]:
        return tuple([(self._price(price), self._size(size)) for price, size in changes])


def _times(increment: Decimal, count: int) -> Decimal:
    return increment * count
