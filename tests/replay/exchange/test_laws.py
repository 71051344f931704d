"""Laws of the exchange: its books add up whatever is ordered; the same orders at the same times end the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from events.configuration import FeeSetting
from events.terms import NANOSECONDS, OrderKind, Side
from replay.exchange.orders import Order, Refusal
from replay.exchange.plans import AnyPlan, Attached, Bracket, Ladder, Stop, Twap
from replay.exchange.rules import VenueRules
from tests.replay.exchange.market import Fact, Trader, at, change, rate, snapshot, told, trade

RULES = VenueRules(
    start_cash=Decimal(5_000),
    fees=FeeSetting(maker_rate=Decimal("0.0004"), taker_rate=Decimal("0.0008"), per_contract=Decimal("0.14")),
)

ticks = st.integers(11_950, 12_050).map(lambda tick: tick * 5)
sides = st.sampled_from(Side)


@dataclass(frozen=True)
class Wish:
    """An order to place, or (`cancels`) an earlier one to cancel."""

    side: Side
    qty: int
    price: int | None
    kind: OrderKind
    post_only: bool
    ends_s: float
    cancels: int | None
    plan: AnyPlan | None = None
    attached: Attached | None = None


@st.composite
def facts(draw: st.DrawFn, seconds: float) -> Fact:
    price, size = draw(ticks), draw(st.integers(0, 30))
    kind = draw(st.sampled_from(("trade", "bid", "ask", "snapshot", "rate")))
    if kind == "trade":
        return trade(seconds, price, max(1, size), draw(sides))
    if kind == "bid":
        return change(seconds, bids=[(price, size)])
    if kind == "ask":
        return change(seconds, asks=[(price, size)])
    if kind == "snapshot":
        spread = draw(st.integers(1, 4)) * 5
        return snapshot(seconds, ((price, 10), (price - 10, 30)), ((price + spread, 10), (price + spread + 10, 30)))
    boundary_s = draw(st.integers(0, 12)) * 3_600
    return rate(seconds, boundary_s, str(Decimal(draw(st.integers(-50, 50))).scaleb(-5)))


@st.composite
def wishes(draw: st.DrawFn, seconds: float) -> Wish:
    kind = draw(st.sampled_from([OrderKind.MARKET_IOC, OrderKind.LIMIT_IOC, OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTD]))
    return Wish(
        side=draw(sides),
        qty=draw(st.integers(1, 25)),
        price=None if kind is OrderKind.MARKET_IOC else draw(ticks),
        kind=kind,
        post_only=draw(st.booleans()) and kind in (OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTD),
        ends_s=seconds + draw(st.integers(1, 20_000)),
        cancels=draw(st.none() | st.integers(0, 20)),
    )


@st.composite
def planned(draw: st.DrawFn, seconds: float) -> Wish:
    """An order that waits, guards, or comes in parts; prices so near that much of it happens."""
    side, limit, price = draw(sides), draw(ticks), Decimal(draw(ticks))
    plan: AnyPlan | None
    attached = None
    kind = draw(st.sampled_from(("stop", "bracket", "twap", "ladder", "attached")))
    if kind == "stop":
        plan = Stop(price=price, rises=draw(st.booleans()))
    elif kind == "bracket":
        plan = Bracket(stop_price=price)
    elif kind == "twap":
        starts, buckets = seconds + draw(st.integers(-100, 3_600)), draw(st.integers(1, 5))
        plan = Twap(starts_at=at(starts), buckets=buckets, bucket_ns=draw(st.integers(1, 1_000)) * NANOSECONDS)
    elif kind == "ladder":
        span = draw(st.integers(1, 20)) * 5
        plan = Ladder(count=draw(st.integers(2, 4)), lowest=Decimal(limit - span), highest=Decimal(limit))
        limit = limit if side is Side.BUY else limit - span
    else:
        plan, attached = None, Attached(limit_price=Decimal(limit) + side.sign * 50, stop_price=price)
    return Wish(
        side=side,
        qty=draw(st.integers(1, 25)),
        price=limit,
        kind=OrderKind.LIMIT_GTC,
        post_only=False,
        ends_s=seconds + draw(st.integers(1, 20_000)),
        cancels=None,
        plan=plan,
        attached=attached,
    )


@st.composite
def days(draw: st.DrawFn) -> list[Fact | Wish]:
    """Half a day, over funding boundaries and the settlement of 16:00, with steps from seconds to hours."""
    seconds = 1.0
    steps: list[Fact | Wish] = [snapshot(0), trade(1, 60_010)]
    for _ in range(draw(st.integers(1, 40))):
        seconds += draw(st.sampled_from((1, 1, 60, 1_800, 3_600)))
        steps.append(draw(st.one_of(facts(seconds), wishes(seconds), planned(seconds))))
    steps.append(trade(seconds + 1, 60_000))
    return steps


def played(steps: list[Fact | Wish]) -> tuple[Trader, list[Order], list[Refusal]]:
    one = Trader(rules=RULES)
    reports: list[Order] = []
    refusals: list[Refusal] = []
    for step in steps:
        if isinstance(step, tuple):
            one.hear(step)
        elif step.cancels is not None:
            earlier = one.venue.ledger.orders[step.cancels : step.cancels + 1]
            one.venue.cancel(earlier[0].order_id if earlier else "none")
        else:
            ends = step.kind is OrderKind.LIMIT_GTD or isinstance(step.plan, Twap)
            ticket = one.ticket(
                step.side,
                step.qty,
                step.price,
                kind=step.kind,
                post_only=step.post_only,
                ends_s=step.ends_s if ends else None,
                plan=step.plan,
                attached=step.attached,
            )
            taken = one.venue.create(ticket)
            if isinstance(taken, Refusal):
                refusals.append(taken)
        reports += one.venue.take_reports()
    return one, reports, refusals


@given(days())
def test_the_books_add_up_against_a_ledger_of_the_fills_in_rationals(steps: list[Fact | Wish]) -> None:
    one, _, _ = played(steps)
    books, marks = one.venue.books, one.venue.marks()
    qty = flow = fees = Fraction(0)
    for entry in one.venue.ledger.fills:
        signed = entry.order.ticket.side.sign * Fraction(entry.qty)
        qty += signed
        flow -= signed * Fraction(entry.price) / 100
        fees += Fraction(entry.fee)
    funding = sum((Fraction(entry.amount) for entry in books.fundings), Fraction(0))
    worth = qty * Fraction(marks["BTC-PERP"]) / 100
    assert Fraction(books.equity(marks)) == 5_000 + flow - fees + funding + worth
    paid = books.funding_paid + books.funding_accrued
    assert books.equity(marks) == 5_000 + books.realized - books.fees + paid + books.unrealized(marks)
    assert books.cash + books.day_unrealized(marks) == books.equity(marks) - books.funding_accrued
    assert Fraction(one.venue.holding.qty) == qty


@given(days())
def test_orders_are_what_their_fills_say_and_what_is_open_rests_in_the_book(steps: list[Fact | Wish]) -> None:
    one, _, _ = played(steps)
    ledger = one.venue.ledger
    for order in ledger.orders:
        mine = [entry for entry in ledger.fills if entry.order is order]
        assert order.filled == sum(entry.qty for entry in mine)
        assert order.fees == sum(entry.fee for entry in mine)
        assert order.fills == len(mine)
        assert (order.order_id in ledger.open) is order.is_open
        matching = one.venue.market.matching
        parts = [r for r in (*matching.bids, *matching.asks) if r.order.partition("/")[0] == order.order_id]
        resting = sum(part.leaves for part in parts)
        if isinstance(order.ticket.plan, Twap):
            assert resting <= order.leaves
        else:
            waits = isinstance(order.ticket.plan, Stop) and not order.is_triggered
            assert resting == (0 if waits else order.leaves)
    assert len({entry.entry_id for entry in ledger.fills}) == len(ledger.fills)


@given(days())
def test_brackets_never_close_more_than_there_is(steps: list[Fact | Wish]) -> None:
    one, _, _ = played(steps)
    held = one.venue.holding.qty
    brackets = [order for order in one.venue.ledger.open.values() if order.reduces_only]
    assert all(order.ticket.side.sign * held < 0 for order in brackets)
    assert sum(order.leaves for order in brackets) <= abs(held)


@given(days())
def test_reports_of_an_order_only_ever_grow_and_end_where_it_ended(steps: list[Fact | Wish]) -> None:
    one, reports, _ = played(steps)
    last: dict[str, Order] = {}
    for report in reports:
        before = last.get(report.order_id)
        if before is None:
            assert told(report.status.value, report.filled) == ("PENDING", 0)
        else:
            assert before.is_open
            assert report.filled >= before.filled
            assert report.fees >= before.fees
        last[report.order_id] = report
    assert list(last.values()) == one.venue.ledger.orders


@given(days())
def test_the_same_tape_and_the_same_orders_at_the_same_times_give_the_same_reports(steps: list[Fact | Wish]) -> None:
    first, second = played(steps), played(steps)
    assert first[1:] == second[1:]
    assert first[0].venue.books == second[0].venue.books
    assert [entry.entry_id for entry in first[0].venue.ledger.fills] == [
        entry.entry_id for entry in second[0].venue.ledger.fills
    ]


def test_time_between_facts_changes_nothing_but_what_falls_due_in_it() -> None:
    """Asking in between, as requests do, leaves the same books as the tape alone."""
    steps = [snapshot(0), trade(1, 60_010)]
    asked, alone = Trader(rules=RULES).hear(*steps), Trader(rules=RULES).hear(*steps)
    for one in (asked, alone):
        one.buy(5)
        one.hear(rate(3_599, 3_600, "0.0001"))
    for seconds in range(3_600, 8_000, 100):
        asked.venue.advance(at(seconds))
    later = trade(8_000, 61_000)
    assert asked.hear(later).venue.books == alone.hear(later).venue.books
