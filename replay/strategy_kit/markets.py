"""Markets that put a strategy to the test, told as phases: each lasts some seconds, and does one thing to it.

Everything is legal: the book never crosses, trades happen at the best price, time goes on. What is random in a phase
follows from its own `lot`, so a stream is known by its phases, and a shorter stream is a simpler one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from random import Random

import msgspec

from events.catalog import FundingRatePublished
from events.codec import canonical_bytes
from events.feeds import FeedGapFound
from events.market import BookSnapshotted, TradePrinted
from events.record import AnyEvent
from events.risk import KillSwitchReset, KillSwitchThrown, ReduceOnlyReleased, ReduceOnlyRequested
from events.session import StopRequested
from events.terms import NANOSECONDS, Level, Side
from replay.tapes import Tape
from replay.tapes.generated import BIP
from replay.tapes.tape import Moment

#: 2026-03-02T13:59:30Z: the first funding boundary is half a minute away.
START = 1_772_459_970 * NANOSECONDS
LONGEST_S = 120
#: Ticks of 5 dollars.
_FIRST_PRICE, _LOWEST_PRICE, _HIGHEST_PRICE = 12_000, 2_000, 60_000
_HOUR_NS = 3_600 * NANOSECONDS
_REASON = "the strategy kit"
#: Of an hour, in millionths: from what nobody minds to what everybody trades.
_RATES = (0, 3, -3, 10, -10, 30, -30, 150, -150, 1_000, -1_000)

#: What a phase does, the plainest first.
KINDS = ("walk", "trend", "jump", "thin", "silence", "hours", "gap", "halt", "restrict", "kill", "flatten")


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """`slope` is in ticks: a second of a trend, a twentieth of a jump."""

    kind: str = "walk"
    seconds: int = 1
    slope: int = 0
    lot: int = 0


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A whole market. With `stops`, the session is asked to stop before the last phase, and the market goes on."""

    phases: tuple[Phase, ...]
    stops: bool = False

    @property
    def weight(self) -> tuple[int, int, int, int]:
        """What makes a stream simpler than another: fewer phases, less time, less movement."""
        return (
            len(self.phases),
            sum(phase.seconds for phase in self.phases),
            sum(abs(phase.slope) + KINDS.index(phase.kind) for phase in self.phases) + self.stops,
            sum(phase.lot for phase in self.phases),
        )


def tape_of(stream: Stream) -> Tape:
    """The stream as a tape; the same stream gives the same tape."""
    return Tape(
        name="strategy-kit",
        product=BIP,
        digest=hashlib.sha256(canonical_bytes(stream)).hexdigest(),
        start=START,
        read=partial(_moments, stream),
    )


def _moments(stream: Stream) -> Iterator[Moment]:
    scene = _Scene()
    yield scene.told(scene.book())
    for place, phase in enumerate(stream.phases):
        if stream.stops and place == len(stream.phases) - 1:
            yield scene.told(StopRequested(reason=_REASON))
        yield from scene.play(phase)


class _Scene:
    """One market as it goes along."""

    def __init__(self) -> None:
        self._at = START
        self._price = _FIRST_PRICE
        self._depth = 40
        self._trades = 0
        self._boundary = (START // _HOUR_NS + 1) * _HOUR_NS
        self._lots = Random(0)  # noqa: S311  # a market to play with, no secret

    def told(self, event: AnyEvent) -> Moment:
        return self._at, event

    def play(self, phase: Phase) -> Iterator[Moment]:
        self._lots = Random(phase.lot)  # noqa: S311  # as above
        self._depth = 1 if phase.kind == "thin" else 40
        yield from self._begin(phase)
        for _ in range(phase.seconds):
            yield from self._second(phase)
        for event in _ENDS.get(phase.kind, ()):
            yield self.told(event)

    def _begin(self, phase: Phase) -> Iterator[Moment]:
        if phase.kind == "jump":
            self._move(20 * phase.slope)
        elif phase.kind == "silence":
            yield from self._pass(phase.seconds * 10)
        elif phase.kind == "gap":
            yield self.told(FeedGapFound(feed="market", connection=1, last_seq=1, next_seq=3))
            yield from self._pass(40)
        for event in _BEGINNINGS.get(phase.kind, ()):
            yield self.told(event)

    def _second(self, phase: Phase) -> Iterator[Moment]:
        yield from self._pass(600 if phase.kind == "hours" else 1)
        self._move(self._lots.randrange(-2, 3) + (phase.slope if phase.kind == "trend" else 0))
        if phase.kind == "halt":
            return
        yield self.told(self.book())
        if self._lots.random() < 0.5:
            yield self.told(self._trade())

    def _pass(self, seconds: int) -> Iterator[Moment]:
        """Time goes on; the rate of each boundary on the way is published as soon as somebody may hear it."""
        self._at += seconds * NANOSECONDS
        while self._boundary <= self._at:
            rate = Decimal(self._lots.choice(_RATES)).scaleb(-6)
            product, boundary = BIP.product, self._boundary
            yield self.told(
                FundingRatePublished(product=product, boundary=boundary, rate=rate, exchange_at=boundary),
            )
            self._boundary += _HOUR_NS

    def _move(self, ticks: int) -> None:
        self._price = min(max(self._price + ticks, _LOWEST_PRICE), _HIGHEST_PRICE)

    def book(self) -> BookSnapshotted:
        """Three levels a side, around the price."""
        return BookSnapshotted(
            product=BIP.product,
            bids=tuple(self._level(-1 - place) for place in range(3)),
            asks=tuple(self._level(1 + place) for place in range(3)),
            exchange_at=self._at,
        )

    def _level(self, ticks: int) -> Level:
        return BIP.price_increment * (self._price + ticks), Decimal(self._depth)

    def _trade(self) -> TradePrinted:
        side = self._lots.choice((Side.BUY, Side.SELL))
        self._trades += 1
        return TradePrinted(
            product=BIP.product,
            trade_id=str(self._trades),
            price=BIP.price_increment * (self._price + side.sign),
            size=Decimal(1),
            aggressor=side,
            exchange_at=self._at,
        )


_BEGINNINGS: dict[str, Sequence[AnyEvent]] = {
    "halt": (msgspec.structs.replace(BIP, session_open=False),),
    "restrict": (ReduceOnlyRequested(product=None, reason=_REASON),),
    "kill": (KillSwitchThrown(reason=_REASON),),
    "flatten": (KillSwitchThrown(reason=_REASON, flatten=True),),
}
_ENDS: dict[str, Sequence[AnyEvent]] = {
    "halt": (BIP,),
    "restrict": (ReduceOnlyReleased(product=None, reason=_REASON),),
    "kill": (KillSwitchReset(reason=_REASON),),
    "flatten": (KillSwitchReset(reason=_REASON),),
}
