"""Several strategies on one product: each has its own part, what crosses is netted, risk judges the account's net."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from actors.behaviours.netting import NettingBehaviour
from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from actors.behaviours.strategy import StrategyBehaviour
from actors.strategies.protocol import Decision
from events.configuration import MarkSetting, RiskLimits, StrategySetting
from events.event import Event
from events.feeds import ExchangeReconciled
from events.market import MarkWentStale
from events.orders import (
    InternalCrossed,
    OrderApproved,
    OrderProposed,
    OrderRefused,
    OrderSubmitted,
    OrderWanted,
    WishesGathered,
)
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from events.strategy import DecisionMade
from events.terms import Action, OrderKind, OrderStatus, Side
from projections.attribution import attribution
from tests.actors.test_strategy_behaviour import BUY, CLOSE, HOLD, INTERVAL_S, Scripted, sample, tick
from tests.streams.desk import MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, D, listed
from tests.streams.orders import marked, order_reported, with_limits

#: Nine contracts at the mark, as many as BUY comes to at its guard price.
SELL = Decision(action=Action.SELL, reason="Down", target_notional=D(4_900))
SELL_FOUR = Decision(action=Action.SELL, reason="Down", target_notional=D(2_400))


def shared(one: Scripted, two: Scripted, *, limits: RiskLimits | None = None) -> Desk:
    """A session with strategies "a" and "b" on BIP at a mark of 50,000, ready to be asked at the next sample."""
    desk = Desk(
        OrdersBehaviour(),
        RiskBehaviour(),
        NettingBehaviour(),
        StrategyBehaviour("a", one),
        StrategyBehaviour("b", two),
        at=MONDAY,
    )
    settings = {name: StrategySetting(uses="test", product=BIP) for name in "ab"}
    marks = MarkSetting(interval_s=INTERVAL_S)
    desk.hear(with_limits(limits or RiskLimits(), strategies=settings, marks=marks), by="session")
    desk.hear(listed(BIP), marked("50000"))
    desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
    return desk


def fill_all(desk: Desk, said: Sequence[Event], part: str | None = None) -> list[Event]:
    """The exchange fills every order submitted at 50,000, whole or this much of it."""
    answers = []
    for order in of_kind(said, OrderSubmitted):
        filled = order.qty if part is None else D(part)
        status = OrderStatus.FILLED if filled == order.qty else OrderStatus.CANCELLED
        answers.append(
            order_reported(order.order, status, filled, qty=order.qty, side=order.side, kind=order.kind, at=desk.at)
        )
    return desk.hear(*answers, by="user") if answers else []


def held(desk: Desk) -> dict[str, object]:
    seat = desk.seats["netting"].behaviour
    portfolio = seat.state.account.portfolio
    return {row.strategy: row.qty for row in attribution(seat.state.virtuals, BIP, portfolio) if row.qty}


def orders(said: Sequence[Event]) -> list[tuple[str, Side, object]]:
    return [(order.strategy, order.side, order.qty) for order in of_kind(said, OrderSubmitted)]


def test_opposite_wishes_of_one_look_cross_at_the_mark_and_nothing_is_sent() -> None:
    desk = shared(Scripted(BUY), Scripted(SELL))
    said = sample(desk)
    assert [wanted.qty for wanted in of_kind(said, OrderWanted)] == [D(9), D(9)]
    assert len(of_kind(said, WishesGathered)) == 1
    (crossed,) = of_kind(said, InternalCrossed)
    assert (crossed.buyer, crossed.seller, crossed.qty, crossed.price) == ("a", "b", D(9), D(50_000))
    assert (crossed.value, crossed.buyer_qty, crossed.seller_qty) == (D(4_500), D(9), D(-9))
    assert of_kind(said, OrderProposed) == []
    assert held(desk) == {"a": D(9), "b": D(-9)}


def test_what_is_left_of_a_wish_is_proposed_in_the_name_of_its_strategy() -> None:
    desk = shared(Scripted(BUY), Scripted(SELL_FOUR))
    said = sample(desk)
    assert [crossed.qty for crossed in of_kind(said, InternalCrossed)] == [D(4)]
    assert orders(said) == [("a", Side.BUY, D(5))]
    fill_all(desk, said)
    assert held(desk) == {"a": D(9), "b": D(-4)}
    assert len(of_kind(sample(desk), OrderWanted)) == 0


def test_an_entry_that_was_crossed_in_part_counts_as_one() -> None:
    one = Scripted(BUY)
    desk = shared(one, Scripted(SELL_FOUR))
    fill_all(desk, sample(desk))
    sample(desk)
    assert (one.shown[-1].qty, one.shown[-1].entries, one.shown[-1].best_mark) == (D(9), 1, D(50_000))


def test_wishes_on_the_same_side_are_both_sent() -> None:
    desk = shared(Scripted(BUY), Scripted(BUY))
    said = sample(desk)
    assert orders(said) == [("a", Side.BUY, D(9)), ("b", Side.BUY, D(9))]
    fill_all(desk, said)
    assert held(desk) == {"a": D(9), "b": D(9)}


def test_risk_judges_the_accounts_net_with_both_orders_counted() -> None:
    large = Decision(action=Action.BUY, reason="Up", target_notional=D(15_000))
    said = sample(shared(Scripted(large), Scripted(large)))
    assert orders(said) == [("a", Side.BUY, D(29))]
    (refused,) = of_kind(said, OrderRefused)
    assert (refused.strategy, refused.code) == ("b", "exposure_symbol")


def test_each_strategy_sees_its_own_part_and_everybodys_room() -> None:
    one, two = Scripted(BUY), Scripted(HOLD)
    desk = shared(one, two)
    fill_all(desk, sample(desk))
    sample(desk)
    assert (one.shown[-1].qty, two.shown[-1].qty) == (D(9), D(0))
    assert (one.shown[-1].entry_price, two.shown[-1].entry_price) == (D(50_000), None)
    assert one.shown[-1].room_long == two.shown[-1].room_long


def test_a_close_leaves_the_strategys_own_part_alone() -> None:
    desk = shared(Scripted(BUY, CLOSE), Scripted(BUY, HOLD))
    fill_all(desk, sample(desk))
    said = sample(desk)
    (approved,) = of_kind(said, OrderApproved)
    assert (approved.strategy, approved.side, approved.qty, approved.reduce_only) == ("a", Side.SELL, D(9), True)
    fill_all(desk, said)
    assert held(desk) == {"b": D(9)}


def test_leaving_a_part_that_the_account_does_not_hold_is_split_by_risk() -> None:
    desk = shared(Scripted(BUY, HOLD, CLOSE), Scripted(HOLD, SELL_FOUR))
    fill_all(desk, sample(desk))
    fill_all(desk, sample(desk))
    assert held(desk) == {"a": D(9), "b": D(-4)}
    said = sample(desk)
    (wanted,) = of_kind(said, OrderWanted)
    assert (wanted.qty, wanted.reduce_only) == (D(9), False)  # the account is long 5 only
    fill_all(desk, said)
    assert held(desk) == {"b": D(-4)}


def test_an_exit_that_increases_the_accounts_net_reaches_no_further_than_an_entry_however_often_it_is_tried() -> None:
    desk = shared(Scripted(BUY, HOLD, CLOSE), Scripted(HOLD, SELL_FOUR))
    fill_all(desk, sample(desk))
    fill_all(desk, sample(desk))
    fill_all(desk, sample(desk), "0")
    for _ in range(40):
        fill_all(desk, tick(desk), "0")
    wanted = [record.event for record in desk.log if isinstance(record.event, OrderWanted)]
    exits = [each for each in wanted if each.strategy == "a" and each.side is Side.SELL]
    assert len(exits) > 3
    assert {each.limit_price for each in exits} == {D(49_750)}
    assert [record.event for record in desk.log if isinstance(record.event, OrderRefused)] == []


def test_a_close_of_one_and_an_entry_of_the_other_cross() -> None:
    desk = shared(Scripted(BUY, CLOSE), Scripted(HOLD, BUY))
    fill_all(desk, sample(desk))
    said = sample(desk)
    assert [(cross.buyer, cross.seller, cross.qty) for cross in of_kind(said, InternalCrossed)] == [("b", "a", D(9))]
    assert orders(said) == []
    assert held(desk) == {"b": D(9)}
    assert [event.action for event in of_kind(sample(desk), DecisionMade)] == [Action.HOLD, Action.HOLD]


def test_one_order_in_flight_holds_back_its_own_strategy_only() -> None:
    desk = shared(Scripted(BUY, BUY), Scripted(HOLD, BUY))
    sample(desk)
    said = sample(desk)
    reasons = {event.strategy: event.reason for event in of_kind(said, DecisionMade)}
    assert reasons["a"] == "Order in flight"
    assert orders(said) == [("b", Side.BUY, D(9))]


def test_a_close_stays_wanted_until_the_own_part_is_flat() -> None:
    desk = shared(Scripted(BUY, CLOSE), Scripted(BUY))
    fill_all(desk, sample(desk))
    fill_all(desk, sample(desk), "4")
    (wanted,) = of_kind(tick(desk), OrderWanted)
    assert (wanted.strategy, wanted.qty) == ("a", D(5))


@pytest.mark.parametrize("why", ["stale", "killed"])
def test_nothing_crosses_without_a_fresh_mark_or_behind_a_kill(why: str) -> None:
    desk = shared(Scripted(BUY, CLOSE), Scripted(HOLD, SELL))
    fill_all(desk, sample(desk))
    if why == "stale":
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="quiet"), by="marks")
    else:
        desk.hear(KillSwitchThrown(reason="test"), by="operator")
    said = sample(desk)
    assert of_kind(said, InternalCrossed) == []
    assert orders(said) == [("a", Side.SELL, D(9))]


@pytest.mark.parametrize(
    "other",
    [
        Decision(action=Action.SELL, reason="Down", target_notional=D(4_900), limit_price=D(50_005)),
        Decision(
            action=Action.SELL, reason="Up", target_notional=D(4_900), kind=OrderKind.LIMIT_GTC, limit_price=D(50_000)
        ),
    ],
)
def test_a_price_that_is_not_reached_and_an_order_that_rests_cross_nothing(other: Decision) -> None:
    said = sample(shared(Scripted(BUY), Scripted(other)))
    assert of_kind(said, InternalCrossed) == []


def test_two_ticks_in_a_turn_cross_once() -> None:
    desk = shared(Scripted(BUY, BUY), Scripted(SELL, SELL))
    said = desk.hear(ClockTicked(), ClockTicked(), by="clock", after=INTERVAL_S * SECOND)
    assert [cross.qty for cross in of_kind(said, InternalCrossed)] == [D(9)]


def test_a_strategy_goes_on_with_its_own_part_after_a_restart() -> None:
    one = Scripted(BUY)
    desk = shared(one, Scripted(SELL))
    sample(desk)
    settings = {name: StrategySetting(uses="test", product=BIP) for name in "ab"}
    desk.hear(with_limits(RiskLimits(), session="s-2", strategies=settings), by="session")
    desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
    sample(desk)
    desk.hear(marked("50000"), by="marks", after=60 * SECOND)
    tick(desk)
    assert one.shown[-1].qty == D(9)
