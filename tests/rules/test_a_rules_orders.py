"""Rules A9 to A13 of the trading rules: how an order passes and leaves. Each by its name."""

from __future__ import annotations

import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.connection.client.limits import RequestLimiter, Urgency
from actors.connection.errors import RateLimitError
from events.configuration import RiskLimits
from events.market import MarkWentStale
from events.orders import (
    OrderApproved,
    OrderLapsed,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderSubmitted,
)
from events.risk import KillSwitchThrown
from events.session import ClockTicked
from events.terms import OrderKind, OrderStatus, Side
from projections.exits import step_order
from projections.exposure import Exposure, Pending
from tests.actors.test_strategy_behaviour import CLOSE, HOLD, Scripted, answered, at_desk, candles, sample, tick
from tests.rules.gate import WIDE, asked, at_gate, codes
from tests.streams.desk import MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, D, listed
from tests.streams.orders import approved, marked, order_reported, position_of

TICK = ClockTicked()


class TestA09OrderOfChecks:
    @pytest.mark.parametrize(("limit", "passes"), [("58605", True), ("58610", False)])
    def test_a09_a_buy_reaches_no_further_through_the_mark_than_the_slippage_guard(
        self, limit: str, passes: bool
    ) -> None:
        """58,605 is 49.73 bps above a mark of 58,315, and 58,610 is 50.59."""
        desk = at_gate()
        desk.hear(marked("58315"), by="marks")
        assert isinstance(asked(desk, Side.BUY, "3", limit_price=limit), OrderApproved) is passes

    def test_a09_every_breached_check_is_recorded_and_the_first_gives_the_message(self) -> None:
        desk = at_gate()
        desk.hear(KillSwitchThrown(reason="enough"), by="operator")
        refused = asked(desk, Side.BUY, "1100", limit_price="50000")
        assert isinstance(refused, OrderRefused)
        assert {"kill_switch", "exposure_symbol", "leverage_global"} <= codes(refused)
        assert refused.message == refused.breaches[0].message == "Kill switch enabled - all trading halted"

    def test_a09_an_exit_with_a_stale_mark_leaves_as_a_limit_ioc_with_a_wider_band(self) -> None:
        desk = at_gate(WIDE)
        desk.hear(position_of("5"), by="orders")
        fresh = asked(desk, Side.SELL, "1")
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="quiet"), by="marks")
        stale = asked(desk, Side.SELL, "1", proposal="p-2")
        assert isinstance(fresh, OrderApproved)
        assert isinstance(stale, OrderApproved)
        assert fresh.limit_price is not None
        assert stale.limit_price is not None
        assert stale.limit_price < fresh.limit_price < D(50_000)


class TestA10ExpiryAndLanes:
    def test_a10_an_entry_is_good_for_two_seconds_and_then_lapses_unsent(self) -> None:
        approval = asked(at_gate(), Side.BUY, "1")
        assert isinstance(approval, OrderApproved)
        assert approval.expires_at == MONDAY + 2 * SECOND
        desk = Desk(OrdersBehaviour(), at=MONDAY + 3 * SECOND)
        desk.hear(listed(BIP))
        said = desk.hear(approved(expires_at=MONDAY + 2 * SECOND), by="risk")
        assert of_kind(said, OrderSubmitted) == []
        assert len(of_kind(said, OrderLapsed)) == 1

    def test_a10_a_fifth_of_the_window_is_kept_for_exits(self) -> None:
        limiter = RequestLimiter(10)
        for _ in range(8):
            limiter.take(Urgency.ENTRIES, patience_s=0)
        with pytest.raises(RateLimitError):
            limiter.take(Urgency.ENTRIES, patience_s=0)
        for _ in range(2):
            limiter.take(Urgency.EXITS, patience_s=0)


class TestA11Reservations:
    def test_a11_the_worst_side_counts_with_all_that_rests(self) -> None:
        """Long 2 with a buy of 3 and a sell of 4: long 5 or short 2; 5 contracts at 58,315 are worth 2,915.75."""
        held = Exposure(product=BIP, contract_size=D("0.01"), price=D(58_315), held=D(2))
        worst = held.with_all(
            [Pending(side=Side.BUY, qty=D(3), price=None), Pending(side=Side.SELL, qty=D(4), price=None)]
        )
        assert (worst.load(Side.BUY), worst.load(Side.SELL), worst.notional) == (D(5), D(2), D("2915.75"))

    def test_a11_an_unknown_outcome_counts_until_the_exchange_speaks(self) -> None:
        desk = at_gate(RiskLimits(max_notional_per_symbol={BIP: D(2_600)}))
        first = asked(desk, Side.BUY, "3", limit_price="50000")
        assert isinstance(first, OrderApproved)
        (sent,) = (r.event for r in desk.log if isinstance(r.event, OrderSubmitted))
        desk.hear(OrderOutcomeUnknown(order=sent.order, error="timed out"), by="gateway")
        assert "max_notional" in codes(asked(desk, Side.BUY, "3", proposal="p-2", limit_price="50000"))
        gone = order_reported(sent.order, OrderStatus.CANCELLED, qty="3", at=desk.at)
        desk.hear(gone, by="user")
        assert isinstance(asked(desk, Side.BUY, "3", proposal="p-3", limit_price="50000"), OrderApproved)


class TestA12WhatAStrategySees:
    def test_a12_a_missing_sample_is_a_gap_and_the_window_begins_anew(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        sample(desk, "50000")
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="quiet"), by="marks")
        sample(desk)
        sample(desk, "50020")
        assert strategy.shown[-1].marks == (D(50_020),)

    def test_a12_candles_of_the_exchange_fill_the_window_at_the_start_marked_as_such(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        desk.hear(candles(desk, "49980", "49990"), by="account")
        sample(desk, "50000")
        view = strategy.shown[-1]
        assert (view.marks, view.marks_from_candles) == ((D(49_980), D(49_990), D(50_000)), 2)


class TestA13HowOrdersLeave:
    def test_a13_a_close_stays_wanted_until_flat_with_a_wider_band_at_each_step(self) -> None:
        """Mark 58,315: exits of a long sell down to 58,025, then 57,735."""
        desk = at_desk(Scripted(CLOSE, HOLD))
        desk.hear(position_of("6", price="58315"), marked("58315"), by="orders")
        first = sample(desk)
        answered(desk, first, OrderStatus.CANCELLED)
        second = [event for _ in range(2) for event in tick(desk)]
        limits = [order.limit_price for said in (first, second) for order in of_kind(said, OrderSubmitted)]
        assert limits == [D(58_025), D(57_735)]

    def test_a13_close_position_comes_last(self) -> None:
        steps = [
            step_order(step, side=Side.SELL, price=D(58_315), is_fresh=True, guard_bps=D(50), increment=D(5)).kind
            for step in range(6)
        ]
        assert steps == [OrderKind.LIMIT_IOC] * 4 + [OrderKind.CLOSE_POSITION, OrderKind.LIMIT_IOC]
