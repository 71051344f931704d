"""Law A18: for any interleaving of an order's reports and the lists of its fills, the books end as the list has it.

Reports are right to the contract and may be wrong by a cent; the list of fills may be late and in pieces, and every
line may come again; a fill may be taken back, or booked anew at another price. A restart may come anywhere.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.position import PositionBehaviour
from events.money import ZERO, use_exact_arithmetic
from events.orders import (
    FillCorrected,
    FillEntry,
    FillsConfirmed,
    FillsReported,
    FillsWanted,
    OrderFilled,
    OrderReported,
    OrderSubmitted,
)
from events.session import ClockTicked
from events.terms import FillKind, OrderStatus, Side
from projections.orders import KEPT_NS
from projections.portfolio import Portfolio
from tests.streams.desk import MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, listed, started
from tests.streams.orders import approved, order_reported

D = Decimal
SIZE = D("0.01")


class Line(NamedTuple):
    """A fill as the exchange lists it, and whether it is taken back later, and booked anew at which price."""

    lots: int
    price: int
    fee: Decimal
    is_reversed: bool
    anew_at: int | None


@st.composite
def trades(draw: st.DrawFn) -> list[Line]:
    prices = st.integers(9_900, 10_100).map(lambda tick: tick * 5)
    cents = st.integers(0, 50).map(lambda cent: cent * D("0.01"))
    line = st.builds(Line, st.integers(1, 3), prices, cents, st.booleans(), st.none() | prices)
    return draw(st.lists(line, min_size=1, max_size=4))


def entries_of(lines: list[Line]) -> list[FillEntry]:
    """The whole list, as it stands in the end; each line of a later time than the one before."""
    found: list[FillEntry] = []

    def add(number: int, kind: FillKind, line: Line, price: int, fee: Decimal) -> None:
        at = MONDAY + (len(found) + 1) * SECOND
        entry = FillEntry(
            entry=f"e{len(found)}",
            trade=f"t{number}",
            kind=kind,
            qty=D(line.lots),
            price=D(price),
            fee=fee,
            exchange_at=at,
        )
        found.append(entry)

    for number, line in enumerate(lines):
        add(number, FillKind.FILL, line, line.price, line.fee)
    for number, line in enumerate(lines):
        if line.is_reversed:
            add(number, FillKind.REVERSAL, line, line.price, -line.fee)
            if line.anew_at is not None:
                add(number, FillKind.CORRECTION, line, line.anew_at, line.fee)
    return found


class Books(NamedTuple):
    qty: Decimal
    value: Decimal
    fees: Decimal


def books_of(entries: list[FillEntry]) -> Books:
    """What a list adds up to, line by line."""
    qty = value = fees = ZERO
    for entry in entries:
        sign = -1 if entry.kind is FillKind.REVERSAL else 1
        qty, value, fees = (
            qty + sign * entry.qty,
            value + sign * entry.qty * entry.price * SIZE,
            fees + entry.fee,
        )
    return Books(qty, value, fees)


def reports_of(order: str, lines: list[Line], side: Side, cent: Decimal) -> list[OrderReported]:
    """The exchange's cumulative word after each fill, off by `cent` in value and fees, and its last."""
    qty, told = D(sum(line.lots for line in lines)), []
    filled = value = fees = ZERO
    for number, line in enumerate(lines, 1):
        filled, value = filled + line.lots, value + line.lots * line.price * SIZE
        fees += line.fee
        is_last = number == len(lines)
        told.append(
            order_reported(
                order,
                OrderStatus.FILLED if is_last else OrderStatus.OPEN,
                filled,
                value=value + cent,
                fees=fees + cent,
                qty=qty,
                side=side,
                at=MONDAY + number * SECOND,
            )
        )
    return told


RESTART = "restart"
A_DAY = "a day passes"


def counted(desk: Desk, side: Side) -> Books:
    """What the account holds, by a fold of its own over the whole log."""
    portfolio = Portfolio()
    for record in desk.log:
        portfolio.fold(record)
    position = portfolio.positions.of(BIP)
    return Books(side.sign * position.qty, side.sign * (position.cost - position.realized), position.fees)


@settings(max_examples=300)
@given(trades(), st.sampled_from(Side), st.sampled_from([ZERO, D("0.01"), D("-0.01")]), st.data())
@example([Line(1, 50_000, ZERO, True, None)], Side.SELL, ZERO, None)
def test_books_are_the_list_of_fills_whatever_came_first_and_however_often(
    lines: list[Line], side: Side, cent: Decimal, drawn: st.DataObject | None
) -> None:
    use_exact_arithmetic()
    desk = Desk(OrdersBehaviour(), PositionBehaviour())
    desk.hear(started(), listed(), by="session")
    qty = D(sum(line.lots for line in lines))
    (intent,) = of_kind(desk.hear(approved(side, qty), by="risk"), OrderSubmitted)
    reports, entries = reports_of(intent.order, lines, side, cent), entries_of(lines)
    desk.hear(reports[0], by="user")  # the exchange's id is known

    def lists(some: list[FillEntry]) -> FillsReported:
        return FillsReported(order="", exchange_order=f"x-{intent.order}", product=BIP, entries=tuple(some))

    pieces = st.lists(st.sampled_from(entries), min_size=1, max_size=4).map(lists)
    acts = st.lists(st.sampled_from(reports) | pieces | st.sampled_from([RESTART, A_DAY]), max_size=12)
    for act in [] if drawn is None else drawn.draw(acts):
        if act == RESTART:
            desk.hear(started(session=f"s-{len(desk.log)}"), by="session", after=SECOND)
        elif act == A_DAY:
            desk.hear(ClockTicked(), by="clock", after=KEPT_NS)
        else:
            assert not isinstance(act, str)
            desk.hear(act, by="user", after=SECOND)
    in_the_end: list[OrderReported | FillsReported] = [*reports, lists(entries)]
    for fact in in_the_end if drawn is None else drawn.draw(st.permutations(in_the_end)):
        desk.hear(fact, by="account", after=SECOND)
    desk.hear(ClockTicked(), by="clock", after=SECOND)
    desk.hear(lists(entries), by="gateway", after=SECOND)  # asked for once more where a report said another number

    assert counted(desk, side) == books_of(entries)
    orders = desk.seats["orders"].behaviour.state.orders
    assert orders.owing == {}
    assert orders.confirming.due == {}
    (*_, last) = [record.event for record in desk.log if isinstance(record.event, FillsConfirmed)]
    assert Books(last.qty, last.value, last.fees) == books_of(entries)


@settings(max_examples=200)
@given(trades(), st.data())
def test_a_line_counts_once_however_often_it_is_listed(lines: list[Line], drawn: st.DataObject) -> None:
    use_exact_arithmetic()
    entries = entries_of(lines)
    desk = Desk(OrdersBehaviour())
    desk.hear(started(), listed(), by="session")
    (intent,) = of_kind(desk.hear(approved(qty=D(sum(line.lots for line in lines))), by="risk"), OrderSubmitted)
    desk.hear(order_reported(intent.order), by="user")
    once = FillsReported(order=intent.order, exchange_order="", product=BIP, entries=tuple(entries))
    said = desk.hear(once, by="gateway", after=SECOND)
    again = drawn.draw(st.lists(st.sampled_from(entries), min_size=1, max_size=10))
    said_again = desk.hear(msgspec.structs.replace(once, entries=tuple(again)), by="account", after=SECOND)
    fills = [event for event in [*said, *said_again] if isinstance(event, OrderFilled)]
    total = Books(*(sum((getattr(fill, name) for fill in fills), ZERO) for name in ("qty", "value", "fee")))
    assert total == books_of(entries)
    assert not of_kind(said_again, FillCorrected)
    assert not of_kind(said_again, FillsConfirmed)


def test_the_list_is_asked_for_when_an_order_is_over_and_again_with_a_growing_pause_until_it_is_complete() -> None:
    desk = Desk(OrdersBehaviour())
    desk.hear(started(), listed(), by="session")
    (intent,) = of_kind(desk.hear(approved(), by="risk"), OrderSubmitted)
    desk.hear(order_reported(intent.order, OrderStatus.FILLED, "5"), by="user", after=SECOND)
    asked = []
    for second in range(1, 60):
        asked += [second for _ in of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), FillsWanted)]
    assert asked == [1, 6, 16, 36]
    desk.hear(started(session="s-2"), by="session", after=SECOND)  # a restart asks at once
    (wanted,) = of_kind(desk.hear(ClockTicked(), by="clock", after=SECOND), FillsWanted)
    assert (wanted.order, wanted.exchange_order, wanted.filled_qty) == (intent.order, f"x-{intent.order}", D(5))
    entry = FillEntry(
        entry="e", trade="t", kind=FillKind.FILL, qty=D(5), price=D(50_000), fee=D("0.35"), exchange_at=desk.at
    )
    said = desk.hear(
        FillsReported(order=intent.order, exchange_order=wanted.exchange_order, product=BIP, entries=(entry,)),
        by="gateway",
        after=SECOND,
    )
    assert [type(event) for event in said] == [FillCorrected, FillsConfirmed]
    (corrected,) = of_kind(said, FillCorrected)
    assert (corrected.qty, corrected.value, corrected.fee) == (D(0), D(0), D("0.35"))
    assert desk.hear(ClockTicked(), by="clock", after=3_600 * SECOND) == []


def test_on_paper_there_is_no_list_to_ask_for() -> None:
    desk = Desk(OrdersBehaviour())
    desk.hear(started(mode="paper"), listed(), by="session")
    (intent,) = of_kind(desk.hear(approved(), by="risk"), OrderSubmitted)
    desk.hear(order_reported(intent.order, OrderStatus.FILLED, "5"), by="paper", after=SECOND)
    assert desk.hear(ClockTicked(), by="clock", after=SECOND) == []
