"""How far a thrown kill switch has come."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.orders import CancelRejected, CancelSubmitted, OrderSubmitted
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Side
from projections.cancels import RETRY_NS
from projections.kill import SESSION_CLOSED, KillProgress, KillState, kill_progress
from tests.streams.desk import SECOND, Desk, of_kind
from tests.streams.orders import order_reported, proposed, ready

GTC = OrderKind.LIMIT_GTC


@pytest.fixture
def desk() -> Desk:
    return ready(Desk(OrdersBehaviour(), RiskBehaviour()))


def rests(desk: Desk) -> str:
    asked = proposed(Side.BUY, "2", at=desk.at, kind=GTC, limit_price="49900")
    (intent,) = of_kind(desk.hear(asked, by="strategy:baseline"), OrderSubmitted)
    desk.hear(order_reported(intent.order, qty="2", kind=GTC, limit_price="49900"), by="user")
    return intent.order


def progress(desk: Desk) -> KillProgress:
    orders, risk = desk.seats["orders"].behaviour, desk.seats["risk"].behaviour
    assert isinstance(orders, OrdersBehaviour)
    assert isinstance(risk, RiskBehaviour)
    return kill_progress(
        is_killed=risk.state.account.limits.is_killed,
        orders=orders.state.orders,
        positions=orders.state.positions,
        cancels=orders.state.cancels,
    )


def throw(desk: Desk) -> list[str]:
    said = desk.hear(KillSwitchThrown(reason="enough"), by="operator", after=SECOND)
    return [cancel.order for cancel in of_kind(said, CancelSubmitted)]


def test_without_a_kill_there_is_nothing_to_throw(desk: Desk) -> None:
    rests(desk)
    assert progress(desk) == KillProgress(state=KillState.OFF)


def test_it_is_thrown_at_once_where_nothing_could_increase(desk: Desk) -> None:
    throw(desk)
    assert progress(desk).state is KillState.THROWN


def test_it_is_throwing_until_the_exchange_confirms_that_each_order_is_gone(desk: Desk) -> None:
    order = rests(desk)
    assert throw(desk) == [order]
    assert progress(desk) == KillProgress(state=KillState.THROWING, waiting_for=(order,))
    assert progress(desk).sentence == "throwing: 1 order still to be confirmed gone"
    desk.hear(order_reported(order, OrderStatus.CANCEL_QUEUED, qty="2", kind=GTC), by="user", after=SECOND)
    assert progress(desk).state is KillState.THROWING
    desk.hear(order_reported(order, OrderStatus.CANCELLED, qty="2", kind=GTC), by="user", after=SECOND)
    assert progress(desk) == KillProgress(state=KillState.THROWN)


def test_a_closed_session_takes_no_cancels_that_is_said_and_they_are_asked_for_again(desk: Desk) -> None:
    order = rests(desk)
    throw(desk)
    desk.hear(CancelRejected(order=order, code=SESSION_CLOSED, message=""), by="gateway", after=SECOND)
    assert progress(desk) == KillProgress(
        state=KillState.CANNOT_CANCEL, waiting_for=(order,), refused={order: SESSION_CLOSED}
    )
    assert SESSION_CLOSED in progress(desk).sentence
    again = desk.hear(ClockTicked(), by="clock", after=RETRY_NS)
    assert [cancel.order for cancel in of_kind(again, CancelSubmitted)] == [order]
    desk.hear(order_reported(order, OrderStatus.CANCELLED, qty="2", kind=GTC), by="user", after=SECOND)
    assert progress(desk).state is KillState.THROWN


def test_another_refusal_is_a_cancel_still_on_its_way(desk: Desk) -> None:
    order = rests(desk)
    throw(desk)
    desk.hear(CancelRejected(order=order, code="DUPLICATE_CANCEL_REQUEST", message=""), by="gateway", after=SECOND)
    assert progress(desk).state is KillState.THROWING


def test_an_exit_that_rests_is_kept_and_waited_for_by_nobody(desk: Desk) -> None:
    bought = order_reported("", OrderStatus.FILLED, "5", exchange_order="bought", limit_price=None)
    desk.hear(bought, by="user")
    exit_ = proposed(Side.SELL, "5", at=desk.at, kind=GTC, limit_price="51000", reduce_only=True)
    (intent,) = of_kind(desk.hear(exit_, by="strategy:baseline"), OrderSubmitted)
    desk.hear(order_reported(intent.order, side=Side.SELL, kind=GTC, limit_price="51000"), by="user")
    assert throw(desk) == []
    assert progress(desk).state is KillState.THROWN
    assert intent.qty == Decimal(5)


def test_every_order_that_could_increase_is_waited_for_whatever_product_it_is_of(desk: Desk) -> None:
    first = rests(desk)
    other = order_reported("", qty="1", exchange_order="other", kind=GTC, limit_price="3000", product="ETH-PERP")
    desk.hear(other, by="user")
    throw(desk)
    assert len(progress(desk).waiting_for) == 2
    assert first in progress(desk).waiting_for
