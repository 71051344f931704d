"""The tape of a fortnight: both markets, and everything else that its plan lets happen, in order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from heapq import heappop, heappush, merge
from operator import itemgetter
from random import Random

import msgspec

from events.account import FundsMoved, MarginWindowChanged, SweepReported, TransferReported
from events.catalog import FundingRatePublished, ProductListed
from events.feeds import FeedGapFound
from events.market import BookChanged, BookSnapshotted, MarkReported, TradePrinted, TradesBusted
from events.record import AnyEvent
from events.risk import ReduceOnlyReleased
from events.terms import MarginWindow
from replay.tapes.fortnight import (
    DAY,
    HOUR,
    MINUTE,
    PRODUCTS,
    SECOND,
    START_PRICES,
    Fortnight,
    Span,
    margin_windows,
)
from replay.tapes.scene import Scene
from replay.tapes.tape import Moment

#: Sparse, so that fourteen days are played in half a minute.
EVENTS_PER_S = 0.02
_INDEX_EVERY = 5 * MINUTE
_LISTED_EVERY = 10 * MINUTE
_LATE_BY = 3 * HOUR
_MARKET = (TradePrinted, BookChanged, BookSnapshotted, MarkReported)
#: What the exchange would say again whenever it is asked; a restart hears it anew.
_ACCOUNT = (TransferReported, FundsMoved)


def happenings(plan: Fortnight, *, events_per_s: float = EVENTS_PER_S) -> list[Moment]:
    """The whole tape, also of the time in which nobody listens. Times never go back."""
    closed, gaps = plan.closed, plan.gaps
    streams = [_market(plan, product, number, events_per_s) for number, product in enumerate(PRODUCTS)]
    heard: list[Moment] = []
    for at, event in merge(sorted(_script(plan), key=itemgetter(0)), *streams, key=itemgetter(0)):
        if isinstance(event, _MARKET) and any(span.holds(at) for span in (*closed, *gaps)):
            continue  # nothing trades, or nobody tells
        heard.append((at, event))
    return heard


def told_at_start(tape: list[Moment], at: int) -> Iterator[AnyEvent]:
    """What a session that starts at `at` is told first: products, the margin window, and every transfer so far."""
    listed: dict[str, ProductListed] = {}
    window: MarginWindowChanged | None = None
    account: list[AnyEvent] = []
    for time, event in tape:
        if time >= at:
            break
        if isinstance(event, ProductListed):
            listed[event.product] = event
        elif isinstance(event, MarginWindowChanged):
            window = event
        elif isinstance(event, _ACCOUNT):
            account.append(event)
    yield from listed.values()
    if window is not None:
        yield window
    yield from account


def _market(plan: Fortnight, product: ProductListed, number: int, events_per_s: float) -> Iterator[Moment]:
    """One product: what its scene does, its jumps, its index, its rates, and a book whenever one is asked for."""
    name = product.product
    scene = Scene(
        product,
        lots=Random(plan.seed * 10 + number),  # noqa: S311  # a market to play with, no secret
        at=plan.start,
        start_price=START_PRICES[name],
        events_per_s=events_per_s,
    )
    yield scene.at, scene.snapshot()
    marks = sorted([*_jumps_of(plan, name), *((at, 1.0) for at in _books_asked_for(plan))])
    late: list[tuple[int, int, FundingRatePublished]] = []
    index_at = plan.start + _INDEX_EVERY
    while True:
        scene.wait()
        while (marks and marks[0][0] <= scene.at) or index_at <= scene.at or (late and late[0][0] <= scene.at):
            next_mark = marks[0][0] if marks else scene.at + 1
            next_late = late[0][0] if late else scene.at + 1
            if next_late <= min(next_mark, index_at):
                at, _, rate = heappop(late)
                yield at, rate
            elif next_mark <= index_at:
                at, factor = marks.pop(0)
                if factor != 1.0:
                    scene.jump(factor)
                yield at, scene.snapshot(at)
                yield at, scene.index(at)
            else:
                yield index_at, scene.index(index_at)
                index_at += _INDEX_EVERY
        if scene.at >= plan.end:
            return
        for at, event in scene.funding():
            assert isinstance(event, FundingRatePublished), "a scene's funding is rates"
            key = (name, event.boundary)
            if key in plan.late_rates:
                heappush(late, (event.boundary + _LATE_BY, event.boundary, event))
            elif key not in plan.without_rate:
                yield at, event
        yield from scene.act()


def _jumps_of(plan: Fortnight, product: str) -> list[tuple[int, float]]:
    return [(jump.at, jump.factor) for jump in (*plan.jumps, plan.crash) if jump.product == product]


def _books_asked_for(plan: Fortnight) -> list[int]:
    """Moments at which a whole book is sent: behind every gap, opening and start."""
    spans = (*plan.closed, *plan.gaps, *plan.down)
    return sorted(span.end + 3 * SECOND for span in spans)


def _script(plan: Fortnight) -> Iterator[Moment]:
    """What is not market: listings, halts, windows, gaps, money, and the exchange's and the operator's acts."""
    for product in PRODUCTS:
        yield plan.start, product
        for halt in plan.halts:
            yield from _shut(product, halt, msgspec.structs.replace(product, session_open=False))
        yield from _maintained(plan, product)
    for span, is_intraday in margin_windows():
        window = MarginWindow.INTRADAY if is_intraday else MarginWindow.OVERNIGHT
        yield span.start, MarginWindowChanged(window=window, ends_at=span.end, exchange_at=span.start)
    for number, gap in enumerate(plan.gaps):
        last = 1_000 * (number + 1)
        yield gap.end, FeedGapFound(feed="market", connection=1, last_seq=last, next_seq=last + 17)
    yield from _money(plan)
    for bust in plan.busts:
        at = bust.end + 5 * MINUTE
        yield (
            at,
            TradesBusted(
                product=plan.crash.product,
                after=bust.start,
                through=bust.end,
                reason="clearly erroneous",
                exchange_at=at,
            ),
        )
    for hours in (20, 44):
        reason = "the operator has looked at the crash"
        yield plan.crash.at + hours * HOUR, ReduceOnlyReleased(product=None, reason=reason)


def _shut(product: ProductListed, span: Span, shut: ProductListed) -> Iterator[Moment]:
    """A product is listed as shut for a while, again every ten minutes, and then as it was."""
    for at in range(span.start, span.end, _LISTED_EVERY):
        yield at, shut
    yield span.end, product


def _maintained(plan: Fortnight, product: ProductListed) -> Iterator[Moment]:
    span = plan.maintenance
    announced = msgspec.structs.replace(product, maintenance_starts_at=span.start, maintenance_ends_at=span.end)
    yield span.start - 4 * HOUR, announced
    yield from _shut(product, span, msgspec.structs.replace(announced, session_open=False, trading_disabled=True))


def _money(plan: Fortnight) -> Iterator[Moment]:
    """Two deposits, of which the first is moved to futures, a sweep back to spot, a withdrawal."""

    def wired(at: int, name: str, amount: int, reason: str) -> Moment:
        return at, TransferReported(transfer=name, amount=Decimal(amount), reason=reason, exchange_at=at)

    def moved(at: int, name: str, amount: int, reason: str) -> Moment:
        return at, FundsMoved(move=name, to_futures=Decimal(amount), reason=reason, exchange_at=at)

    first, swept = plan.start + DAY + 9 * HOUR, plan.start + 3 * DAY + 11 * HOUR
    yield wired(first, "deposit-1", 8_000, "deposit")
    yield moved(first + HOUR, "move-1", 5_000, "spot to futures")
    sweep = SweepReported(sweep="sweep-1", amount=Decimal(6_500), status="pending", exchange_at=swept)
    yield swept, sweep
    yield moved(swept + 5 * HOUR, "sweep-1", -6_500, "sweep")
    yield swept + 5 * HOUR, msgspec.structs.replace(sweep, status="done", exchange_at=swept + 5 * HOUR)
    yield wired(plan.start + 6 * DAY + 10 * HOUR, "withdrawal-1", -2_345, "withdrawal")
    again = plan.crash.at + 18 * HOUR
    yield wired(again, "deposit-2", 40_000, "deposit")
    yield moved(again + MINUTE, "move-2", 40_000, "spot to futures")
