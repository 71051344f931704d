"""Fourteen days in which everything happens that can happen to an account: two products, generated, drawn by a seed.

Jumps, data that is missing, restarts, a maintenance, both margin windows, two Friday halts with the start of summer
time between them, hours without a rate and rates that come late, deposits, a withdrawal, a sweep, trades that the
exchange takes back, and a crash that no leverage survives. The market is drawn by the seed, and so is when most of
this happens; the calendar is March 2026's, and what an exchange would say, the tape says: nobody computes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from random import Random

from events.catalog import MarginRates, ProductListed
from events.terms import NANOSECONDS
from replay.tapes.generated import BIP

SECOND = NANOSECONDS
MINUTE = 60 * NANOSECONDS
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: 2026-03-02T00:00:00Z, a Monday.
START = 1_772_409_600 * NANOSECONDS
DAYS = 14
#: New York's summer time begins on Sunday the 8th: from then on its clock is an hour nearer to UTC.
SUMMER = START + 6 * DAY + 7 * HOUR

#: The ether perpetual of Coinbase Derivatives: a tenth of an ether, a grid of half a dollar.
ETP = ProductListed(
    product="ETH-PERP",
    exchange_id="ETP-20DEC30-CDE",
    venue="CDE",
    contract_size=Decimal("0.1"),
    price_increment=Decimal("0.5"),
    size_increment=Decimal(1),
    min_size=Decimal(1),
    max_size=Decimal(5_000),
    underlying="ETH",
    display_name="ETH PERP",
    contract_expiry=BIP.contract_expiry,
    funding_interval_s=3_600,
    intraday_margin=MarginRates(long=Decimal("0.1000185"), short=Decimal("0.1000008")),
    overnight_margin=MarginRates(long=Decimal("0.2456"), short=Decimal("0.3064")),
)
PRODUCTS = (BIP, ETP)
START_PRICES = {BIP.product: 68_930, ETP.product: 3_600}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, nanoseconds UTC; its end is not in it."""

    start: int
    end: int

    def holds(self, at: int) -> bool:
        return self.start <= at < self.end

    def meets(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Life:
    """One session of the system: from its start to its end, in order or killed."""

    span: Span
    is_killed: bool


@dataclass(frozen=True, slots=True)
class Jump:
    """The fair price of a product changes by a factor at once."""

    at: int
    product: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fortnight:
    """What is to happen. Times in nanoseconds UTC; `lever` is when a reckless strategy takes all the room there is."""

    seed: int
    start: int
    end: int
    lives: tuple[Life, ...]
    halts: tuple[Span, ...]
    maintenance: Span
    gaps: tuple[Span, ...]
    jumps: tuple[Jump, ...]
    crash: Jump
    lever: Span
    busts: tuple[Span, ...]  # of the crash's product
    without_rate: frozenset[tuple[str, int]]  # (product, boundary): no rate is ever published
    late_rates: frozenset[tuple[str, int]]  # published three hours late

    @property
    def closed(self) -> tuple[Span, ...]:
        """When nothing trades."""
        return (*self.halts, self.maintenance)

    @property
    def down(self) -> tuple[Span, ...]:
        """When the system does not run."""
        spans = [life.span for life in self.lives]
        return tuple(Span(before.end, after.start) for before, after in pairwise(spans))


def fortnight(seed: int) -> Fortnight:
    """The plan that this seed draws."""
    lots = Random(seed)  # noqa: S311  # a market to play with, no secret
    halts = tuple(_new_york(day, 17, 18) for day in (4, 11))
    maintenance = Span(START + 8 * DAY + 6 * HOUR, START + 8 * DAY + 7 * HOUR + 30 * MINUTE)
    crash_at = START + 10 * DAY + 15 * HOUR + lots.randrange(60) * MINUTE
    crash = Jump(at=crash_at, product=ETP.product, factor=0.80)
    lever = Span(crash_at - 6 * HOUR, crash_at)
    bust = Span(lever.start + 10 * MINUTE, lever.start + 35 * MINUTE)
    quiet = Span(lever.start - 2 * HOUR, crash_at + 2 * HOUR)
    lives = _lives(lots, quiet)
    gaps = tuple(_spans(lots, count=8, longest=25 * MINUTE, apart_from=[quiet]))
    jumps = tuple(_jumps(lots, quiet))
    halted = {(product.product, halt.end) for halt in halts for product in PRODUCTS}
    without_rate = frozenset(halted | _hours(lots, 4, quiet))
    return Fortnight(
        seed=seed,
        start=START,
        end=START + DAYS * DAY,
        lives=lives,
        halts=halts,
        maintenance=maintenance,
        gaps=gaps,
        jumps=jumps,
        crash=crash,
        lever=lever,
        busts=(bust,),
        without_rate=without_rate,
        late_rates=frozenset(_hours(lots, 8, quiet) - without_rate),
    )


def margin_windows() -> Iterator[tuple[Span, bool]]:
    """The windows of the fortnight in order, and whether they are intraday: weekdays from 8 to 16 in New York."""
    at = START
    for day in range(DAYS):
        if day % 7 < 5:
            intraday = _new_york(day, 8, 16)
            yield Span(at, intraday.start), False
            yield intraday, True
            at = intraday.end
    yield Span(at, _new_york(DAYS, 8, 16).start), False


def _new_york(day: int, start: int, end: int) -> Span:
    """From one hour to another of New York's day."""
    midnight = START + day * DAY
    behind = 5 if midnight < SUMMER else 4
    return Span(midnight + (start + behind) * HOUR, midnight + (end + behind) * HOUR)


def _lives(lots: Random, quiet: Span) -> tuple[Life, ...]:
    """About eleven sessions: two restarts lie over a settlement, the others anywhere; half of them are kills."""
    over_settlements = [
        Span(at - lots.randrange(1, 20) * MINUTE, at + lots.randrange(1, 20) * MINUTE)
        for at in (START + lots.randrange(1, 5) * DAY + 4 * HOUR, START + lots.randrange(5, 9) * DAY + 16 * HOUR)
    ]
    others = _spans(lots, count=8, longest=90 * MINUTE, apart_from=[quiet, *over_settlements])
    downs = sorted([*over_settlements, *others], key=lambda span: span.start)
    kills = [number % 2 == 0 for number in range(len(downs))]
    lots.shuffle(kills)
    starts = [START, *(down.end for down in downs)]
    ends = [*(down.start for down in downs), START + DAYS * DAY]
    return tuple(
        Life(Span(start, end), is_killed) for start, end, is_killed in zip(starts, ends, [*kills, False], strict=True)
    )


def _spans(lots: Random, *, count: int, longest: int, apart_from: list[Span]) -> list[Span]:
    """Stretches anywhere in the fortnight, from two seconds on, that meet neither each other nor what they must not."""
    found: list[Span] = []
    while len(found) < count:
        start = START + lots.randrange(HOUR, DAYS * DAY - 3 * HOUR)
        length = max(2 * SECOND, int(longest * lots.random() ** 3))
        span = Span(start, start + length)
        around = Span(start - 30 * MINUTE, span.end + 30 * MINUTE)
        if not any(around.meets(other) for other in (*found, *apart_from)):
            found.append(span)
    return found


def _jumps(lots: Random, quiet: Span) -> Iterator[Jump]:
    """Twelve, of one to five per cent, any time but near the crash."""
    count = 0
    while count < 12:
        at = START + lots.randrange(2 * HOUR, DAYS * DAY - HOUR)
        if not quiet.holds(at):
            count += 1
            size = lots.uniform(0.01, 0.05) * lots.choice((-1, 1))
            yield Jump(at=at, product=lots.choice(PRODUCTS).product, factor=1.0 + size)


def _hours(lots: Random, count: int, quiet: Span) -> set[tuple[str, int]]:
    """Funding boundaries of either product."""
    found: set[tuple[str, int]] = set()
    while len(found) < count:
        at = START + lots.randrange(6, DAYS * 24 - 30) * HOUR
        if not quiet.holds(at):
            found.add((lots.choice(PRODUCTS).product, at))
    return found
