"""A bracket for each position: its size, its prices, when it is taken away, and what happens where none is taken."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.protection import ProtectionBehaviour, levels
from actors.behaviours.risk import RiskBehaviour
from events.configuration import OrderSetting, RiskLimits
from events.event import Event
from events.feeds import ExchangeReconciled
from events.orders import CancelSubmitted, OrderClosed, OrderRejected, OrderReported, OrderSubmitted
from events.position import DiscrepancyFound, PositionUnprotected
from events.risk import KillSwitchThrown, ReduceOnlyRequested
from events.session import ClockTicked, SessionStarted, StopRequested
from events.terms import OrderKind, OrderStatus, Side
from tests.streams.desk import SECOND, Desk, of_kind
from tests.streams.facts import BIP, listed
from tests.streams.orders import approved, marked, order_reported, proposed, with_limits

D = Decimal
BRACKET = OrderKind.TRIGGER_BRACKET_GTC
SETTING = OrderSetting(protective_bracket=True)


def begin() -> SessionStarted:
    return with_limits(RiskLimits(), orders=SETTING)


@pytest.fixture
def desk() -> Desk:
    return protected_desk()


def protected_desk() -> Desk:
    desk = Desk(OrdersBehaviour(), RiskBehaviour(), ProtectionBehaviour())
    desk.hear(begin(), by="session")
    desk.hear(listed(), marked("50000"), ExchangeReconciled(exchange_at=desk.at), by="account")
    return desk


def trade(desk: Desk, side: Side, qty: str, name: str) -> list[Event]:
    """The position changes by an order that is over at once."""
    report = order_reported("", OrderStatus.FILLED, qty, qty=qty, side=side, exchange_order=name, limit_price=None)
    return desk.hear(report, by="user", after=SECOND)


def tick(desk: Desk, seconds: int = 1) -> list[Event]:
    said: list[Event] = []
    for _ in range(seconds):
        said += desk.hear(ClockTicked(), marked("50000", at=desk.at), by="clock", after=SECOND)
    return said


def stands(desk: Desk, order: OrderSubmitted) -> None:
    desk.hear(as_reported(order), by="user")


def as_reported(order: OrderSubmitted, status: OrderStatus = OrderStatus.OPEN, filled: str = "0") -> OrderReported:
    return order_reported(
        order.order,
        status,
        filled,
        qty=order.qty,
        side=order.side,
        kind=order.kind,
        limit_price=None if order.limit_price is None else str(order.limit_price),
    )


def bracket(said: list[Event]) -> OrderSubmitted:
    (found,) = [each for each in of_kind(said, OrderSubmitted) if each.kind is BRACKET]
    return found


def cancelled(said: list[Event]) -> list[str]:
    return [cancel.order for cancel in of_kind(said, CancelSubmitted)]


def protected(desk: Desk, side: Side = Side.BUY, qty: str = "5") -> OrderSubmitted:
    trade(desk, side, qty, f"opened-{side}")
    placed = bracket(tick(desk))
    stands(desk, placed)
    return placed


def test_a_position_gets_a_reduce_only_bracket_of_its_size(desk: Desk) -> None:
    placed = protected(desk)
    assert (placed.side, placed.qty, placed.reduce_only, placed.strategy) == (Side.SELL, D(5), True, "protection")
    assert (placed.limit_price, placed.stop_price) == (D(55_000), D(47_500))
    assert not of_kind(tick(desk, 5), OrderSubmitted)


def test_a_short_is_protected_from_above(desk: Desk) -> None:
    placed = protected(desk, Side.SELL)
    assert (placed.side, placed.limit_price, placed.stop_price) == (Side.BUY, D(45_000), D(52_500))


@pytest.mark.parametrize(
    ("held", "mark", "take", "stop"),
    [
        (D(1), None, D(55_000), D(47_500)),
        (D(1), D(50_500), D(55_550), D(47_500)),
        (D(1), D(46_000), D(55_000), D(43_700)),  # the stop of the entry would be triggered at once
        (D(-1), D(50_500), D(45_000), D(53_025)),
    ],
)
def test_the_prices_are_never_those_that_the_market_has_passed(
    held: Decimal, mark: Decimal | None, take: Decimal, stop: Decimal
) -> None:
    assert levels(held, D(50_000), mark, SETTING) == (take, stop)


def test_after_a_fill_the_bracket_is_resized_once_the_old_one_is_confirmed_gone(desk: Desk) -> None:
    placed = protected(desk)
    trade(desk, Side.BUY, "2", "more")
    assert cancelled(tick(desk)) == [placed.order]
    waiting = tick(desk, 3)
    assert not cancelled(waiting)  # asked for once; the orders behaviour asks again
    assert not of_kind(waiting, OrderSubmitted)
    desk.hear(as_reported(placed, OrderStatus.CANCELLED), by="user")
    assert bracket(tick(desk)).qty == D(7)


def test_a_bracket_is_removed_when_the_position_is_flat(desk: Desk) -> None:
    placed = protected(desk)
    said = trade(desk, Side.SELL, "5", "out")
    assert cancelled([*said, *tick(desk)]) == [placed.order]
    desk.hear(as_reported(placed, OrderStatus.CANCELLED), by="user")
    assert not of_kind(tick(desk, 5), OrderSubmitted)


def test_a_flipped_position_gets_a_bracket_on_its_other_side(desk: Desk) -> None:
    placed = protected(desk)
    said = [*trade(desk, Side.SELL, "8", "flipped"), *tick(desk)]
    assert cancelled(said) == [placed.order]
    desk.hear(as_reported(placed, OrderStatus.CANCELLED), by="user")
    anew = bracket(tick(desk))
    assert (anew.side, anew.qty) == (Side.BUY, D(3))


def test_a_bracket_that_filled_in_part_covers_what_is_left(desk: Desk) -> None:
    placed = protected(desk)
    desk.hear(as_reported(placed, filled="2"), by="user")
    said = tick(desk, 5)
    assert not cancelled(said)
    assert not of_kind(said, OrderSubmitted)


def test_the_kill_switch_keeps_the_bracket_and_a_stop_keeps_it_too(desk: Desk) -> None:
    protected(desk)
    said = desk.hear(KillSwitchThrown(reason="enough"), by="operator")
    said += desk.hear(StopRequested(reason="the end"), by="operator")
    assert not cancelled([*said, *tick(desk, 3)])


def test_a_position_found_under_a_kill_is_still_protected(desk: Desk) -> None:
    desk.hear(KillSwitchThrown(reason="enough"), ReduceOnlyRequested(product=None, reason="enough"), by="operator")
    assert protected(desk).qty == D(5)


def test_while_a_flatten_goes_on_no_bracket_is_put_in_its_way(desk: Desk) -> None:
    placed = protected(desk)
    desk.hear(KillSwitchThrown(reason="enough", flatten=True), by="operator")
    assert cancelled(tick(desk)) == [placed.order]
    (exit_,) = of_kind(desk.hear(as_reported(placed, OrderStatus.CANCELLED), by="user"), OrderSubmitted)
    assert (exit_.qty, exit_.kind) == (D(5), OrderKind.LIMIT_IOC)
    desk.hear(as_reported(exit_, OrderStatus.CANCELLED, "2"), by="user")
    assert all(each.kind is not BRACKET for each in of_kind(tick(desk, 10), OrderSubmitted))


def test_it_steps_aside_for_an_exit_and_comes_back_for_what_is_left(desk: Desk) -> None:
    placed = protected(desk)
    desk.at += SECOND
    leaving = proposed(Side.SELL, "5", at=desk.at, limit_price="49750", reduce_only=True)
    assert cancelled(desk.hear(leaving, by="strategy:baseline")) == [placed.order]
    (exit_,) = of_kind(desk.hear(as_reported(placed, OrderStatus.CANCELLED), by="user"), OrderSubmitted)
    assert not of_kind(tick(desk, 2), OrderSubmitted)  # the exit is under way
    desk.hear(as_reported(exit_, OrderStatus.CANCELLED, "2"), by="user")
    assert not of_kind(tick(desk, 2), OrderSubmitted)  # its next step may follow
    assert bracket(tick(desk, 2)).qty == D(3)


def test_a_resting_exit_counts_against_the_position_and_the_bracket_takes_the_rest(desk: Desk) -> None:
    trade(desk, Side.BUY, "5", "opened")
    (rests,) = of_kind(
        desk.hear(approved(Side.SELL, "2", limit_price="51000", kind=OrderKind.LIMIT_GTC, reduce_only=True), by="risk"),
        OrderSubmitted,
    )
    stands(desk, rests)
    assert bracket(tick(desk)).qty == D(3)


def test_a_refused_bracket_is_tried_again_with_a_growing_pause_and_said_once(desk: Desk) -> None:
    trade(desk, Side.BUY, "5", "opened")
    tried: list[int] = []
    said: list[PositionUnprotected] = []
    for second in range(1, 40):
        for event in tick(desk):
            if isinstance(event, OrderSubmitted):
                tried.append(second)
                no = OrderRejected(order=event.order, code="IN_LIQUIDATION", message="no")
                desk.hear(no, by="gateway")
            elif isinstance(event, PositionUnprotected):
                said.append(event)
    assert tried == [1, 2, 4, 8, 16, 32]
    (unprotected,) = said
    assert (unprotected.product, unprotected.qty, unprotected.reason) == (BIP, D(5), "IN_LIQUIDATION: no")
    assert not unprotected.is_given_up


def test_where_the_exchange_takes_no_brackets_none_is_tried_again_in_the_session(desk: Desk) -> None:
    trade(desk, Side.BUY, "5", "opened")
    first = bracket(tick(desk))
    desk.hear(OrderRejected(order=first.order, code="UNSUPPORTED_ORDER_CONFIGURATION", message="no"), by="gateway")
    (unprotected,) = of_kind(tick(desk, 20), PositionUnprotected)
    assert unprotected.is_given_up
    desk.hear(begin(), by="session", after=SECOND)
    desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
    assert bracket(tick(desk, 2)).qty == D(5)


def test_nothing_is_placed_before_the_exchange_was_asked_or_while_the_position_is_in_doubt(desk: Desk) -> None:
    trade(desk, Side.BUY, "5", "opened")
    desk.hear(DiscrepancyFound(subject="position", product=BIP, ours=D(5), theirs=D(4)), by="position")
    assert not of_kind(tick(desk, 3), OrderSubmitted)
    other = Desk(OrdersBehaviour(), RiskBehaviour(), ProtectionBehaviour())
    other.hear(begin(), listed(), by="session")
    trade(other, Side.BUY, "5", "opened")
    assert not of_kind(tick(other, 3), OrderSubmitted)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.integers(1, 4)),
        st.tuples(st.just("sell"), st.integers(1, 4)),
        st.tuples(st.just("tick"), st.integers(1, 8)),
        st.tuples(st.just("answer"), st.integers(0, 3)),
        st.tuples(st.just("fill"), st.integers(1, 3)),
    ),
    max_size=25,
)


@settings(max_examples=200)
@given(ACTS)
def test_law_brackets_never_hold_more_than_the_position_and_in_the_end_hold_just_that(
    acts: list[tuple[str, int]],
) -> None:
    """An exchange that may answer late: brackets are taken, cancelled, filled in part while others trade."""
    desk = protected_desk()
    live: dict[str, OrderSubmitted] = {}
    filled: dict[str, int] = {}
    asked: set[str] = set()
    held = 0

    def hear(said: list[Event]) -> None:
        for event in said:
            if isinstance(event, OrderSubmitted):
                live[event.order], filled[event.order] = event, 0
                assert event.side is (Side.SELL if held > 0 else Side.BUY)
            elif isinstance(event, CancelSubmitted):
                asked.add(event.order)
            elif isinstance(event, OrderClosed):
                live.pop(event.order, None)
        resting = sum(int(order.qty) - filled[name] for name, order in live.items() if name not in asked)
        assert resting <= abs(held)

    def answer() -> None:
        for name in list(live):
            status = OrderStatus.CANCELLED if name in asked else OrderStatus.OPEN
            hear(desk.hear(as_reported(live[name], status, str(filled[name])), by="user", after=SECOND))

    for number, (act, amount) in enumerate(acts):
        if act == "tick":
            hear(tick(desk, amount))
        elif act == "answer":
            answer()
        elif act == "fill":
            for name, order in list(live.items())[:1]:
                lots = min(amount, int(order.qty) - filled[name])
                if name in asked or lots <= 0 or lots > abs(held):
                    continue
                filled[name] += lots
                held += order.side.sign * lots
                whole = filled[name] == int(order.qty)
                status = OrderStatus.FILLED if whole else OrderStatus.OPEN
                hear(desk.hear(as_reported(order, status, str(filled[name])), by="user", after=SECOND))
        else:
            side = Side(act)
            held += side.sign * amount
            trade(desk, side, str(amount), f"by-hand-{number}")
            asked.update(name for name in live)  # too large or too small now: whatever is said of them, they go
    for _ in range(4):
        answer()
        asked.intersection_update(live)
        hear(tick(desk, 10))
    assert sum(int(order.qty) - filled[name] for name, order in live.items()) == abs(held)
