"""Law: matching gives never more than was shown or traded, never worse than the limit, and always the same."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from events.codec import canonical_bytes
from events.feeds import FeedGapFound
from events.market import BookChanged, BookSnapshotted, TradePrinted
from events.terms import OrderKind, Side
from projections.matching import Match, Matching, Placement
from tests.streams.market import HIGHEST, LOWEST, MarketEvent, disturbed, market_streams

D = Decimal
KINDS = (
    OrderKind.LIMIT_IOC,
    OrderKind.LIMIT_GTC,
    OrderKind.LIMIT_GTC,
    OrderKind.LIMIT_GTD,
    OrderKind.LIMIT_FOK,
    OrderKind.MARKET_IOC,
)


class Placed(msgspec.Struct, frozen=True):
    """An order to place at this point of a stream."""

    order: str
    side: Side
    qty: Decimal
    kind: OrderKind
    limit_price: Decimal | None
    post_only: bool


class Withdrawn(msgspec.Struct, frozen=True):
    """A cancel at this point of a stream."""

    order: str


Step = MarketEvent | FeedGapFound | Placed | Withdrawn
Outcome = list[Match] | Placement | Decimal | None


@st.composite
def days(draw: st.DrawFn, *, is_line_bad: bool = False) -> list[Step]:
    """A market with orders and cancels of ours between its events."""
    streams = market_streams(with_books=draw(st.integers(0, 3)) > 0)
    market: list[MarketEvent | FeedGapFound] = list(draw(disturbed(streams) if is_line_bad else streams))
    steps: list[Step] = []
    for event in market:
        steps.append(event)
        for _ in range(draw(st.sampled_from((0, 0, 1, 2)))):
            number = len(steps)
            if draw(st.integers(0, 4)) == 0:
                steps.append(Withdrawn(order=str(draw(st.integers(0, number)))))
                continue
            kind = draw(st.sampled_from(KINDS))
            limit = None if kind is OrderKind.MARKET_IOC else D(draw(st.integers(LOWEST, HIGHEST)))
            side, qty = draw(st.sampled_from(Side)), D(draw(st.integers(1, 12)))
            steps.append(Placed(str(number), side, qty, kind, limit, draw(st.integers(0, 3)) == 0))
    return steps


def take(matching: Matching, step: Step, at: int) -> Outcome:
    if isinstance(step, Placed):
        return matching.place(
            step.order,
            side=step.side,
            qty=step.qty,
            kind=step.kind,
            limit_price=step.limit_price,
            at=at,
            post_only=step.post_only,
            expires_at=at + 40_000_000 if step.kind is OrderKind.LIMIT_GTD else None,
        )
    if isinstance(step, Withdrawn):
        return matching.cancel(step.order)
    if isinstance(step, FeedGapFound):
        matching.lose()
        return None
    matching.expire(step.exchange_at)
    return matching.market(step)


def run(matching: Matching, steps: list[Step], at: int = 0) -> list[Outcome]:
    outcomes = []
    for step in steps:
        if not isinstance(step, Placed | Withdrawn | FeedGapFound):
            at = max(at, step.exchange_at)
        outcomes.append(take(matching, step, at))
    return outcomes


def matches_of(outcome: Outcome) -> tuple[Match, ...]:
    if isinstance(outcome, Placement):
        return outcome.matches
    return tuple(outcome) if isinstance(outcome, list) else ()


@given(days(is_line_bad=True))
def test_an_order_never_trades_more_than_its_quantity_nor_worse_than_its_limit(steps: list[Step]) -> None:
    outcomes = run(Matching(), steps)
    orders = {step.order: step for step in steps if isinstance(step, Placed)}
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for match in (match for outcome in outcomes for match in matches_of(outcome)):
        order = orders[match.order]
        filled[match.order] += match.qty
        assert 0 < filled[match.order] <= order.qty
        if order.limit_price is not None:
            assert order.side.sign * match.price <= order.side.sign * order.limit_price
        if match.is_maker:
            assert match.price == order.limit_price


@given(days(is_line_bad=True))
def test_quantity_is_never_lost_on_arrival(steps: list[Step]) -> None:
    for step, outcome in zip(steps, run(Matching(), steps), strict=True):
        if isinstance(step, Placed):
            assert isinstance(outcome, Placement)
            if outcome.is_accepted:
                assert outcome.matched + outcome.resting + outcome.cancelled == step.qty
            else:
                assert not outcome.matches
                assert outcome.resting == outcome.cancelled == 0


@given(days())
def test_takers_never_take_more_of_a_level_than_was_shown_since_the_market_last_named_it(steps: list[Step]) -> None:
    matching = Matching()
    shown: dict[tuple[Side, Decimal], Decimal] = {}
    is_whole = False
    for step, outcome in zip(steps, run(matching, steps), strict=True):
        if isinstance(step, BookSnapshotted):
            is_whole = True
            shown = {(Side.BUY, p): s for p, s in step.bids} | {(Side.SELL, p): s for p, s in step.asks}
        elif isinstance(step, BookChanged):
            shown |= {(Side.BUY, p): s for p, s in step.bids} | {(Side.SELL, p): s for p, s in step.asks}
        elif isinstance(step, Placed) and is_whole:
            for match in matches_of(outcome):
                level = (match.side.opposite, match.price)
                shown[level] -= match.qty
                assert shown[level] >= 0


@given(days(is_line_bad=True))
def test_makers_never_get_more_of_a_trade_than_was_traded_nor_of_one_that_did_not_reach_them(steps: list[Step]) -> None:
    for step, outcome in zip(steps, run(Matching(), steps), strict=True):
        makers = [match for match in matches_of(outcome) if match.is_maker]
        if not makers:
            continue
        assert isinstance(step, TradePrinted)
        assert sum(match.qty for match in makers) <= step.size
        for match in makers:
            is_through = match.side.sign * step.price < match.side.sign * match.price
            assert is_through or (step.price == match.price and step.aggressor is not match.side)


@given(days())
def test_at_its_price_a_maker_gets_only_what_traded_beyond_the_least_that_stood_there(steps: list[Step]) -> None:
    """The queue ahead is never shorter than the smallest size shown at the price since arrival."""
    matching = Matching()
    least: dict[str, Decimal] = {}
    traded: dict[str, Decimal] = defaultdict(Decimal)
    through: dict[str, Decimal] = defaultdict(Decimal)
    filled: dict[str, Decimal] = defaultdict(Decimal)
    at = 0
    for step in steps:
        if isinstance(step, TradePrinted):
            for resting in (*matching.bids, *matching.asks):
                if step.price == resting.price:
                    traded[resting.order] += step.size
                elif resting.side.sign * step.price < resting.side.sign * resting.price:
                    through[resting.order] += step.size
        if not isinstance(step, Placed | Withdrawn | FeedGapFound):
            at = max(at, step.exchange_at)
        for match in matches_of(take(matching, step, at)):
            if match.is_maker:
                filled[match.order] += match.qty
        for resting in (*matching.bids, *matching.asks):
            size = matching.book.size_at(resting.side, resting.price)
            if size is not None:
                least[resting.order] = min(least.get(resting.order, size), size)
    for order, qty in filled.items():
        assert qty <= through[order] + max(D(0), traded[order] - least.get(order, D(0)))


@given(days(is_line_bad=True))
def test_the_same_day_gives_the_same_matches_and_the_same_state(steps: list[Step]) -> None:
    one, other = Matching(), Matching()
    assert run(one, steps) == run(other, steps)
    assert canonical_bytes(one) == canonical_bytes(other)


@given(days(is_line_bad=True), st.data())
def test_a_snapshot_in_the_middle_and_the_rest_equal_the_whole(steps: list[Step], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(steps)))
    whole = Matching()
    outcomes = run(whole, steps)
    part = Matching()
    run(part, steps[:cut])
    restored = msgspec.json.decode(canonical_bytes(part), type=Matching)
    assert restored == part
    at = max(
        (step.exchange_at for step in steps[:cut] if not isinstance(step, Placed | Withdrawn | FeedGapFound)), default=0
    )
    assert run(restored, steps[cut:], at) == outcomes[cut:]
    assert canonical_bytes(restored) == canonical_bytes(whole)


@given(days(is_line_bad=True))
def test_asking_what_an_order_would_get_changes_nothing_and_is_what_it_then_gets(steps: list[Step]) -> None:
    matching = Matching()
    at = 0
    for step in steps:
        if isinstance(step, Placed):
            before = canonical_bytes(matching)
            asked = matching.preview(
                step.order,
                side=step.side,
                qty=step.qty,
                kind=step.kind,
                limit_price=step.limit_price,
                post_only=step.post_only,
            )
            assert canonical_bytes(matching) == before
            assert take(matching, step, at) == asked
            continue
        if not isinstance(step, Withdrawn | FeedGapFound):
            at = max(at, step.exchange_at)
        take(matching, step, at)


@given(days(is_line_bad=True))
def test_trying_orders_on_a_scratch_leaves_the_original_alone(steps: list[Step]) -> None:
    matching = Matching()
    run(matching, steps)
    before = canonical_bytes(matching)
    scratch = matching.scratch()
    for queue in (scratch.bids, scratch.asks):
        for resting in list(queue):
            scratch.fill(resting.order, D(1))
    scratch.place("new", side=Side.BUY, qty=D(5), kind=OrderKind.MARKET_IOC, limit_price=None, at=0)
    scratch.place("newer", side=Side.SELL, qty=D(5), kind=OrderKind.LIMIT_GTC, limit_price=D(LOWEST), at=0)
    assert canonical_bytes(matching) == before
