"""Orders: whatever order, however often and however late reports come, they count once; and the log is all there is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from actors.behaviour import Seat
from actors.behaviours.orders import OrdersBehaviour
from events.event import Event
from events.money import ZERO
from events.orders import (
    CancelAllOrdered,
    CancelApproved,
    OrderClosed,
    OrderFilled,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReported,
    OrderSubmitted,
)
from events.record import AnyEvent
from events.session import ClockTicked
from events.terms import OrderStatus, Origin, Side
from projections.orders import KEPT_NS
from tests.streams.desk import SECOND, Desk, of_kind
from tests.streams.facts import listed, started
from tests.streams.orders import approved, lives, order_reported

D = Decimal


class Total(NamedTuple):
    qty: Decimal
    value: Decimal
    fees: Decimal


def counted(events: Sequence[Event], order: str) -> Total:
    fills = [event for event in of_kind(events, OrderFilled) if event.order == order]
    return Total(
        sum((fill.qty for fill in fills), ZERO),
        sum((fill.value for fill in fills), ZERO),
        sum((fill.fee for fill in fills), ZERO),
    )


def last_word(reports: list[OrderReported]) -> Total:
    """The cumulative numbers of the greatest report, by quantity, then by the exchange's time."""
    last = max(reports, key=lambda report: (report.filled_qty, report.exchange_at, report.fees, report.filled_value))
    return Total(last.filled_qty, last.filled_value, last.fees)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[OrderReported], list[list[OrderReported]]]:
    """A life, and some of its reports delivered in any order, any number of times, grouped into turns."""
    life = draw(lives("ORDER"))
    heard = draw(st.lists(st.sampled_from(life), min_size=1, max_size=25))
    turns: list[list[OrderReported]] = [[]]
    for report in heard:
        if draw(st.booleans()):
            turns.append([])
        turns[-1].append(report)
    return heard, [turn for turn in turns if turn]


def named(report: OrderReported, order: str) -> OrderReported:
    changed = {name: getattr(report, name) for name in report.__struct_fields__}
    return OrderReported(**(changed | {"order": order, "exchange_order": f"x-{order}"}))


@given(deliveries(), st.lists(st.sampled_from([SECOND, KEPT_NS]), min_size=25, max_size=25))
def test_reports_count_once_in_any_order_any_number_of_times_and_days_late(
    delivered: tuple[list[OrderReported], list[list[OrderReported]]], pauses: list[int]
) -> None:
    heard, turns = delivered
    desk = Desk(OrdersBehaviour())
    desk.hear(started(), listed(), by="session")
    (submitted,) = of_kind(desk.hear(approved(qty="10"), by="risk"), OrderSubmitted)
    said: list[Event] = []
    for turn, pause in zip(turns, pauses, strict=False):
        said += desk.hear(ClockTicked(), *(named(report, submitted.order) for report in turn), by="user", after=pause)
    assert counted(said, submitted.order) == last_word(heard)
    is_over = any(report.status.is_final for report in heard)
    assert bool(of_kind(said, OrderClosed)) is is_over


@given(deliveries(), st.data())
def test_the_order_in_which_reports_come_decides_nothing(
    delivered: tuple[list[OrderReported], list[list[OrderReported]]], data: st.DataObject
) -> None:
    heard, _ = delivered
    totals = []
    for reports in (heard, data.draw(st.permutations(heard))):
        desk = Desk(OrdersBehaviour())
        desk.hear(started(), listed(), by="session")
        said: list[Event] = []
        for report in reports:
            said += desk.hear(named(report, "manual"), by="account", after=SECOND)
        totals.append(counted(said, "manual"))
    assert totals[0] == totals[1] == last_word(heard)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, AnyEvent | int]]:
    """Anything that can be said about a few orders, legal or absurd. An integer stands for the n-th order of ours."""
    kinds = [
        "approve",
        "report",
        "reject",
        "unknown",
        "not_found",
        "cancel",
        "cancel_all",
        "tick",
        "session",
        "foreign",
    ]
    steps = draw(st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 3), st.integers(0, 10)), max_size=30))
    return [(kind, which * 100 + amount) for kind, which, amount in steps]


def play(desk: Desk, history: list[tuple[str, AnyEvent | int]]) -> None:
    ours: list[str] = []
    for number, (kind, drawn) in enumerate(history):
        assert isinstance(drawn, int)
        which, amount = divmod(drawn, 100)
        order = ours[which % len(ours)] if ours else "nobody"
        facts: list[AnyEvent] = []
        if kind == "approve":
            side = Side.BUY if amount % 2 else Side.SELL
            said = desk.hear(approved(side, "10", proposal=f"p-{number}"), by="risk", after=SECOND)
            ours += [event.order for event in of_kind(said, OrderSubmitted)]
            continue
        if kind in ("report", "foreign"):
            status = OrderStatus.FILLED if amount == 10 else list(OrderStatus)[which + 1]
            known = desk.seats["orders"].behaviour.state.orders.get(order)
            facts.append(
                order_reported(
                    order if kind == "report" else "",
                    status,
                    D(amount),
                    qty="10",
                    side=known.side if known is not None and kind == "report" else Side.BUY,
                    exchange_order=None if kind == "report" else f"foreign-{which}",
                    at=desk.at + amount,
                    origin=Origin.OURS if kind == "report" else Origin.FOREIGN,
                )
            )
        elif kind == "reject":
            facts.append(OrderRejected(order=order, code="c", message="m"))
        elif kind == "unknown":
            facts.append(OrderOutcomeUnknown(order=order, error="e"))
        elif kind == "not_found":
            facts.append(OrderNotFound(order=order, listings=2))
        elif kind == "cancel":
            facts.append(CancelApproved(order=order, reason="r"))
        elif kind == "cancel_all":
            facts.append(CancelAllOrdered(product=None, reason="r"))
        elif kind == "session":
            facts.append(started(session=f"s-{number}"))
        facts.append(ClockTicked())
        desk.hear(*facts, by="user", after=(amount + 1) * 10 * SECOND)


@given(histories(), st.integers(0, 40))
def test_state_is_what_a_reader_folds_and_a_snapshot_with_the_rest_is_the_whole(
    history: list[tuple[str, AnyEvent | int]], cut: int
) -> None:
    desk = Desk(OrdersBehaviour())
    desk.hear(started(), listed(), by="session")
    play(desk, history)
    whole = desk.states()["orders"]

    reader = Seat(OrdersBehaviour())
    for record in desk.log:
        reader.follow(record)
    assert reader.snapshot() == whole

    ends = [i for i, record in enumerate(desk.log) if i + 1 == len(desk.log) or not desk.log[i + 1].is_decision]
    place = ends[cut % len(ends)] + 1
    first, rest = Seat(OrdersBehaviour()), Seat(OrdersBehaviour())
    for record in desk.log[:place]:
        first.follow(record)
    rest.restore(first.snapshot())
    assert rest.snapshot() == first.snapshot()
    for record in desk.log[place:]:
        rest.follow(record)
    assert rest.snapshot() == whole


@given(histories())
def test_every_fill_adds_up_to_what_its_order_is_known_to_have_traded(
    history: list[tuple[str, AnyEvent | int]],
) -> None:
    desk = Desk(OrdersBehaviour())
    desk.hear(started(), listed(), by="session")
    play(desk, history)
    orders = desk.seats["orders"].behaviour.state.orders
    said = [record.event for record in desk.log]
    for order in [*orders.open.values(), *orders.closed.values()]:
        assert counted(said, order.order) == Total(order.told_qty, order.told_value, order.told_fees)
    assert orders.owing == {}
