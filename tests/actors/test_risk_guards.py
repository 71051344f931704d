"""The guards of risk, to the letter: days, the distance to liquidation, exits that no longer fit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.configuration import RiskLimits
from events.event import Event
from events.market import MarkWentStale
from events.orders import CancelAllOrdered, CancelApproved, OrderApproved, OrderSubmitted
from events.risk import (
    CloseRequested,
    DailyLossBreached,
    DayOpened,
    KillSwitchThrown,
    LimitChanged,
    LiquidationBufferBreached,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyReleased,
)
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Origin, Side
from tests.streams.desk import HOUR, MINUTE, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, ONE, D, filled
from tests.streams.orders import marked, order_reported, position_of, proposed, ready

WIDE = RiskLimits(max_exposure_pct=D(10), max_position_pct_per_symbol=D(10), min_liquidation_buffer_pct=D(0))
DAY = 24 * HOUR
TICK = ClockTicked()


def desk_at(at: int = MONDAY, *, equity: str = "10000", **limits: Any) -> Desk:
    desk = Desk(OrdersBehaviour(), RiskBehaviour(), at=at)
    return ready(desk, msgspec.structs.replace(WIDE, **limits), equity=equity)


def tick(desk: Desk, *marks: str, after: int = SECOND) -> list[Event]:
    return desk.hear(*[marked(price) for price in marks], TICK, by="marks", after=after)


class TestDays:
    def test_the_loss_of_a_day_is_said_with_its_start_its_limit_and_what_is_left(self) -> None:
        desk = desk_at()
        tick(desk, after=0)
        desk.hear(position_of("100"), by="orders")
        assert tick(desk, "49880") == [
            DailyLossBreached(loss=D(120), limit=D(100), start_equity=D(10_000), equity=D("9880.00")),
            ReduceOnlyEntered(product=None, reason="daily loss limit reached"),
            CancelAllOrdered(product=None, reason="daily loss limit reached"),
        ]

    @pytest.mark.parametrize(
        ("last", "first", "reconstructed"),
        [
            (MINUTE, MINUTE, False),
            (MINUTE + 1, MINUTE, True),
            (MINUTE, MINUTE + 1, True),
            (MINUTE + 1, 0, False),  # the tick is midnight itself
            (1, 1, False),
        ],
    )
    def test_midnight_was_seen_within_a_minute_on_both_sides(self, last: int, first: int, reconstructed: bool) -> None:
        desk = desk_at(MONDAY - last)
        tick(desk, after=0)
        (opened,) = of_kind(tick(desk, after=last + first), DayOpened)
        assert (opened.day, opened.reconstructed) == (MONDAY, reconstructed)

    def test_a_midnight_that_was_seen_takes_the_equity_after_it_though_it_was_higher_before(self) -> None:
        desk = desk_at(MONDAY - SECOND)
        desk.hear(position_of("100"), by="orders")
        tick(desk, "50010", after=0)
        (opened,) = of_kind(tick(desk, "50005", after=2 * SECOND), DayOpened)
        assert opened == DayOpened(day=MONDAY, equity=D("10005.00"))

    def test_of_a_midnight_that_was_not_seen_the_higher_equity_counts(self) -> None:
        for before, after, start in (("50010", "50005", "10010.00"), ("50005", "50010", "10010.00")):
            desk = desk_at(MONDAY - HOUR)
            desk.hear(position_of("100"), by="orders")
            tick(desk, before, after=0)
            (opened,) = of_kind(tick(desk, after, after=2 * HOUR), DayOpened)
            assert opened == DayOpened(day=MONDAY, equity=D(start), reconstructed=True)

    def test_a_new_day_that_releases_says_so(self) -> None:
        desk = desk_at(daily_loss_auto_release=True)
        tick(desk, after=0)
        desk.hear(position_of("100"), by="orders")
        tick(desk, "49880")
        said = tick(desk, after=DAY)
        assert ReduceOnlyLeft(product=None, reason="a new day") in said
        assert of_kind(tick(desk, after=DAY), ReduceOnlyLeft) == []

    def test_releasing_one_product_grants_no_loss_and_releasing_a_day_that_is_not_lost_neither(self) -> None:
        for product, spoils in ((BIP, False), (None, True)):
            desk = desk_at()
            tick(desk, after=0)
            desk.hear(position_of("100"), by="orders")
            if spoils:
                tick(desk, "49950")
                desk.hear(ReduceOnlyReleased(product=product, reason="x"), by="operator")
                assert len(of_kind(tick(desk, "49900"), DailyLossBreached)) == 1
            else:
                tick(desk, "49880")
                desk.hear(ReduceOnlyReleased(product=product, reason="x"), by="operator")
                assert of_kind(tick(desk, "49700"), DailyLossBreached) == []
                released = ReduceOnlyReleased(product=None, reason="x")
                desk.hear(released, by="operator")
                assert of_kind(tick(desk, "49601"), DailyLossBreached) == []
                assert len(of_kind(tick(desk, "49600"), DailyLossBreached)) == 1

    def test_a_release_while_equity_is_unknown_grants_nothing(self) -> None:
        desk = desk_at()
        tick(desk, after=0)
        desk.hear(position_of("100"), by="orders")
        tick(desk, "49880")
        desk.hear(position_of("1", product="NEW"), by="orders")
        desk.hear(ReduceOnlyReleased(product=None, reason="x"), by="operator")
        state = desk.seats["risk"].behaviour.state
        assert (state.day.granted, state.day.is_breached) == (D(0), False)

    def test_the_first_day_of_1970_is_a_day(self) -> None:
        desk = desk_at(SECOND)
        assert of_kind(tick(desk, after=0), DayOpened)[0].day == 0
        desk.hear(position_of("100"), by="orders")
        assert len(of_kind(tick(desk, "49900"), DailyLossBreached)) == 1

    def test_a_stale_mark_values_a_loss_but_opens_no_day(self) -> None:
        desk = desk_at()
        tick(desk, after=0)
        desk.hear(position_of("100"), by="orders")
        desk.hear(marked("49900"), MarkWentStale(product=BIP, age_ms=1, reason="x"), by="marks")
        assert len(of_kind(tick(desk), DailyLossBreached)) == 1
        assert of_kind(tick(desk, after=DAY), DayOpened) == []


class TestTheDistanceToLiquidation:
    def test_what_is_found_is_said_to_the_letter_and_what_equals_the_limit_is_far_enough(self) -> None:
        desk = desk_at(equity="100000", min_liquidation_buffer_pct=D("0.195"), daily_loss_limit=D(10**6))
        tick(desk, after=0)
        desk.hear(position_of("10", product=ONE, contract_size="1"), by="orders")
        assert of_kind(tick(desk), LiquidationBufferBreached) == []  # (100,000 - 2,500) / 500,000
        near = marked("49999", product=ONE)
        said = desk.hear(near, TICK, by="marks", after=SECOND)
        assert said == [
            LiquidationBufferBreached(buffer=D("0.19498400"), limit=D("0.195")),
            ReduceOnlyEntered(product=None, reason="liquidation is too near"),
            CancelAllOrdered(product=None, reason="liquidation is too near"),
        ]


class TestExitsThatNoLongerFit:
    def opened(self, *sizes: str, kind: OrderKind = OrderKind.LIMIT_GTC, **what: Any) -> tuple[Desk, list[str]]:
        """Long 5, with exits of these sizes resting; their ids."""
        desk = desk_at(equity="1000000")
        desk.hear(position_of("5"), by="orders")
        names = []
        for place, qty in enumerate(sizes):
            asked = proposed(
                Side.SELL,
                qty,
                at=desk.at,
                proposal=f"p-{place}",
                reduce_only=True,
                kind=kind,
                limit_price="60000",
            )
            said = desk.hear(msgspec.structs.replace(asked, **what), by="strategy:baseline")
            names.append(of_kind(said, OrderSubmitted)[0].order)
            report = order_reported(names[-1], side=Side.SELL, qty=qty, kind=kind, limit_price="60000")
            desk.hear(report, by="user")
        return desk, names

    def shrink(self, desk: Desk, qty: str) -> list[Event]:
        fill = filled(Side.SELL, qty, "50000", at=desk.at, order="manual", origin=Origin.FOREIGN)
        return desk.hear(fill, by="orders")

    def gone(self, desk: Desk, name: str, qty: str, status: OrderStatus = OrderStatus.CANCELLED) -> list[Event]:
        report = order_reported(name, status, side=Side.SELL, qty=qty, kind=OrderKind.LIMIT_GTC, limit_price="60000")
        return desk.hear(report, by="user")

    def test_the_newest_is_cut_and_what_still_fits_of_it_is_placed_again_once_it_is_gone(self) -> None:
        desk, (first, second) = self.opened("2", "3", post_only=True)
        said = self.shrink(desk, "2")
        assert of_kind(said, CancelApproved) == [
            CancelApproved(order=second, reason="the position is smaller than its exits", keeps=D(1))
        ]
        assert of_kind(self.shrink_no_more(desk), CancelApproved) == [], "asked for once"
        (again,) = of_kind(self.gone(desk, second, "3"), OrderApproved)
        assert (again.product, again.side, again.asked, again.qty) == (BIP, Side.SELL, D(1), D(1))
        assert (again.kind, again.limit_price, again.reduce_only) == (OrderKind.LIMIT_GTC, D(60_000), True)
        assert (again.post_only, again.strategy, again.proposal != "p-1") == (True, "baseline", True)
        assert first in desk.seats["risk"].behaviour.state.account.orders.open

    def shrink_no_more(self, desk: Desk) -> list[Event]:
        return desk.hear(TICK, by="clock", after=SECOND)

    def test_when_an_order_ends_and_triggers_goes_with_what_is_placed_again(self) -> None:
        ends = MONDAY + HOUR
        desk, (name,) = self.opened(
            "5", kind=OrderKind.STOP_LIMIT_GTD, stop_price=D(61_000), good_until=ends, post_only=False
        )
        (cancel,) = of_kind(self.shrink(desk, "2"), CancelApproved)
        assert cancel.keeps == D(3)
        report = order_reported(
            name, OrderStatus.CANCELLED, side=Side.SELL, qty="5", kind=OrderKind.STOP_LIMIT_GTD, limit_price="60000"
        )
        (again,) = of_kind(desk.hear(report, by="user"), OrderApproved)
        assert (again.qty, again.stop_price, again.good_until) == (D(3), D(61_000), ends)

    def test_of_one_that_does_not_fit_at_all_nothing_is_placed_again(self) -> None:
        desk, (_, second) = self.opened("2", "3")
        (cancel,) = of_kind(self.shrink(desk, "3"), CancelApproved)
        assert (cancel.order, cancel.keeps) == (second, None)
        assert of_kind(self.gone(desk, second, "3"), OrderApproved) == []

    def test_of_one_that_ended_otherwise_nothing_is_placed_again(self) -> None:
        desk, (_, second) = self.opened("2", "3")
        self.shrink(desk, "2")
        assert of_kind(self.gone(desk, second, "3", OrderStatus.EXPIRED), OrderApproved) == []

    def test_of_one_that_leaves_at_once_nothing_is_kept(self) -> None:
        desk = desk_at(equity="1000000")
        desk.hear(position_of("5"), by="orders")
        asked = proposed(Side.SELL, "5", at=desk.at, reduce_only=True)
        name = of_kind(desk.hear(asked, by="strategy:baseline"), OrderSubmitted)[0].order
        desk.hear(order_reported(name, side=Side.SELL), by="user")
        assert of_kind(self.shrink(desk, "2"), CancelApproved) == [
            CancelApproved(order=name, reason="the position is smaller than its exits")
        ]


class TestFlattening:
    def killed(self) -> Desk:
        desk = desk_at(equity="1000000")
        desk.hear(position_of("5"), position_of("-1", product=ONE, contract_size="1"), by="orders")
        desk.hear(KillSwitchThrown(reason="fire", flatten=True), by="operator")
        return desk

    def test_each_product_is_left_by_an_order_of_its_own_name_though_another_is_on_its_way(self) -> None:
        desk = self.killed()
        first = of_kind(tick(desk), OrderApproved)
        assert len({event.proposal for event in first}) == 2
        name = next(
            event.order
            for record in desk.log
            if isinstance(event := record.event, OrderSubmitted) and event.product == ONE
        )
        over = order_reported(name, OrderStatus.CANCELLED, side=Side.BUY, qty="1", product=ONE)
        desk.hear(over, by="user")
        (again,) = of_kind(tick(desk), OrderApproved)
        assert (again.product, again.side, again.strategy) == (ONE, Side.BUY, "risk")
        assert again.proposal not in {event.proposal for event in first}

    def test_an_exit_that_rests_is_no_way_out(self) -> None:
        desk = desk_at(equity="1000000")
        desk.hear(position_of("5"), by="orders")
        asked = proposed(Side.SELL, "2", at=desk.at, reduce_only=True, kind=OrderKind.LIMIT_GTC, limit_price="60000")
        name = of_kind(desk.hear(asked, by="strategy:baseline"), OrderSubmitted)[0].order
        report = order_reported(name, side=Side.SELL, qty="2", kind=OrderKind.LIMIT_GTC, limit_price="60000")
        desk.hear(report, by="user")
        desk.hear(KillSwitchThrown(reason="fire", flatten=True), by="operator")
        (leaving,) = of_kind(tick(desk), OrderApproved)
        assert leaving.qty == D(3)

    def test_a_mode_that_is_configured_says_why_it_cancels(self) -> None:
        desk = desk_at(equity="1000000")
        asked = proposed(at=desk.at, kind=OrderKind.LIMIT_GTC, limit_price="49000")
        desk.hear(asked, by="strategy:baseline")
        said = desk.hear(LimitChanged(limit="reduce_only_mode", value="true", reason="x"), by="operator")
        assert of_kind(said, CancelAllOrdered) == [
            CancelAllOrdered(product=None, reason="configured: nothing may increase")
        ]

    def test_a_step_that_filled_something_is_followed_at_once_and_no_wider(self) -> None:
        desk = desk_at(equity="1000000")
        desk.hear(position_of("5"), by="orders")
        desk.hear(KillSwitchThrown(reason="fire", flatten=True), by="operator")
        limits = []
        for filled_qty in ("0", "0", "0", "2", "0"):
            steps: list[OrderApproved] = []
            while not steps:
                said = tick(desk)
                steps = of_kind(said, OrderApproved)
            limits.append(steps[0].limit_price)
            name = of_kind(said, OrderSubmitted)[0].order
            over = order_reported(name, OrderStatus.CANCELLED, filled_qty, side=Side.SELL, qty=steps[0].qty, at=desk.at)
            desk.hear(over, by="user")
        assert limits == [D(49_750), D(49_500), D(49_250), D(49_000), D(49_500)]

    def test_why_a_position_is_left_is_kept(self) -> None:
        desk = desk_at(equity="1000000")
        desk.hear(position_of("5"), position_of("-1", product=ONE, contract_size="1"), by="orders")
        desk.hear(CloseRequested(product=BIP, reason="enough"), by="operator")
        desk.hear(KillSwitchThrown(reason="fire", flatten=True), by="operator")
        tick(desk)
        state = desk.seats["risk"].behaviour.state
        assert {product: leaving.reason for product, leaving in state.flattening.items()} == {
            BIP: "operator: enough",
            ONE: "kill switch",
        }
        assert state.session == "s-1"
