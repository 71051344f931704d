"""A strategy at its desk: what it is shown, when it is asked, and what becomes of its decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from actors.behaviour import Seat
from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from actors.behaviours.strategy import StrategyBehaviour
from actors.strategies.baseline import BaselinePerpsStrategy
from actors.strategies.protocol import Decision, View
from events.configuration import MarkSetting, RiskLimits, StrategySetting
from events.event import Event
from events.feeds import ExchangeReconciled
from events.market import MarkHistoryReported, MarkWentStale
from events.orders import OrderApproved, OrderFilled, OrderProposed, OrderRefused, OrderRejected, OrderSubmitted
from events.risk import ReduceOnlyRequested
from events.session import ClockTicked, StopRequested
from events.strategy import DecisionMade, StrategyFailed, StrategyPaused, StrategyResumed
from events.terms import Action, OrderKind, OrderStatus, Side
from tests.streams.desk import HOUR, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, listed
from tests.streams.orders import marked, order_reported, position_of, with_limits

D = Decimal
INTERVAL_S = 10
INTERVAL = INTERVAL_S * SECOND

HOLD = Decision(action=Action.HOLD, reason="Waiting")
BUY = Decision(action=Action.BUY, reason="Up", target_notional=D(5_000))
SELL = Decision(action=Action.SELL, reason="Down", target_notional=D(5_000))
CLOSE = Decision(action=Action.CLOSE, reason="Enough", reduce_only=True)


class Scripted:
    """Says what the test wants next, HOLD when it wants nothing, and keeps what it was shown."""

    window = 5

    def __init__(self, *decisions: Decision | Callable[[View], Decision]) -> None:
        self.decisions = list(decisions)
        self.shown: list[View] = []

    def decide(self, view: View) -> Decision:
        self.shown.append(view)
        following = self.decisions.pop(0) if self.decisions else HOLD
        return following if isinstance(following, Decision) else following(view)


def at_desk(strategy: Any, *, limits: RiskLimits | None = None, equity: str = "100000") -> Desk:
    """A session with one strategy on BIP, everything known, ready to be asked at the next sample."""
    desk = Desk(OrdersBehaviour(), RiskBehaviour(), StrategyBehaviour("s", strategy), at=MONDAY)
    settings = {"s": StrategySetting(uses="test", product=BIP)}
    marks = MarkSetting(interval_s=INTERVAL_S)
    desk.hear(with_limits(limits or RiskLimits(), equity=equity, strategies=settings, marks=marks), by="session")
    desk.hear(listed(BIP), marked("50000"))
    desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
    return desk


def candles(desk: Desk, *closes: str, until: int | None = None) -> MarkHistoryReported:
    """Candles of one interval each, the last of which ended as the present interval began."""
    end = desk.at // INTERVAL * INTERVAL if until is None else until
    first = end - (len(closes) - 1) * INTERVAL
    told = tuple((first + place * INTERVAL, D(close)) for place, close in enumerate(closes))
    return MarkHistoryReported(product=BIP, interval_s=INTERVAL_S, closes=told, exchange_at=desk.at)


def sample(desk: Desk, price: str | None = None) -> list[Event]:
    """The next interval begins, at a new mark where one is given."""
    facts = [] if price is None else [marked(price, at=desk.at)]
    if facts:
        desk.hear(*facts, by="marks", after=INTERVAL - SECOND)
        return desk.hear(ClockTicked(), by="clock", after=SECOND)
    return desk.hear(ClockTicked(), by="clock", after=INTERVAL)


def tick(desk: Desk) -> list[Event]:
    return desk.hear(ClockTicked(), by="clock", after=SECOND)


def decided(said: Sequence[Event]) -> DecisionMade:
    (decision,) = of_kind(said, DecisionMade)
    return decision


def proposal(said: Sequence[Event]) -> OrderProposed:
    (proposed,) = of_kind(said, OrderProposed)
    return proposed


def answered(desk: Desk, said: Sequence[Event], status: OrderStatus, filled: str = "0") -> list[Event]:
    """The exchange's answer to the one order submitted, at 50,000."""
    (order,) = of_kind(said, OrderSubmitted)
    report = order_reported(order.order, status, filled, qty=order.qty, side=order.side, kind=order.kind, at=desk.at)
    return desk.hear(report, by="user")


class TestAsking:
    def test_it_is_asked_once_an_interval_of_session_time_and_hold_is_said_too(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        said = [event for _ in range(INTERVAL_S * 3 - 1) for event in tick(desk)]
        assert [event.action for event in of_kind(said, DecisionMade)] == [Action.HOLD] * 3
        assert len(strategy.shown) == 3

    def test_the_window_holds_one_mark_a_sample_and_the_latest_last(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        for price in ("50000", "50010", "50020", "50030", "50040", "50050"):
            sample(desk, price)
        assert strategy.shown[-1].marks == (D(50_010), D(50_020), D(50_030), D(50_040), D(50_050))
        assert strategy.shown[-1].mark == D(50_050)

    @pytest.mark.parametrize("missing", ["stale", "silent"])
    def test_a_missing_sample_is_a_gap_and_the_window_starts_anew(self, missing: str) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        sample(desk, "50000")
        sample(desk, "50010")
        if missing == "stale":
            desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="feed lost"), by="marks")
            sample(desk)
            assert (strategy.shown[-1].marks, strategy.shown[-1].mark) == ((), None)
        else:
            desk.at += INTERVAL
        sample(desk, "50020")
        assert strategy.shown[-1].marks == (D(50_020),)

    def test_closes_of_the_exchanges_candles_fill_the_window_at_the_start_and_are_marked_as_such(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        desk.hear(candles(desk, "49970", "49980", "49990"), by="account")
        sample(desk, "50000")
        assert strategy.shown[-1].marks == (D(49_970), D(49_980), D(49_990), D(50_000))
        assert strategy.shown[-1].marks_from_candles == 3
        for price in ("50010", "50020", "50030"):
            sample(desk, price)
        assert strategy.shown[-1].marks_from_candles == 1  # of the five that it wants to see
        sample(desk, "50040")
        assert strategy.shown[-1].marks_from_candles == 0

    def test_candles_that_come_after_the_first_sample_fill_as_well(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        sample(desk, "50000")
        history = candles(desk, "49980", "49990", until=desk.at - INTERVAL)
        desk.hear(history, by="account")
        sample(desk, "50010")
        assert strategy.shown[-1].marks == (D(49_980), D(49_990), D(50_000), D(50_010))

    def test_a_candle_that_is_missing_ends_what_is_filled(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        whole = candles(desk, "49970", "49980", "49990")
        desk.hear(msgspec.structs.replace(whole, closes=(whole.closes[0], whole.closes[2])), by="account")
        sample(desk, "50000")
        assert strategy.shown[-1].marks == (D(49_990), D(50_000))

    def test_candles_fill_no_gap_that_comes_later_and_those_of_another_product_or_pace_nothing(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        history = candles(desk, "49970", "49980", "49990")
        between = tuple((at + SECOND, close) for at, close in history.closes)
        desk.hear(msgspec.structs.replace(history, product="OTHER"), by="account")
        desk.hear(msgspec.structs.replace(history, closes=between), by="account")
        sample(desk, "50000")
        assert (strategy.shown[-1].marks, strategy.shown[-1].marks_from_candles) == ((D(50_000),), 0)
        desk.hear(history, by="account")
        desk.at += INTERVAL
        sample(desk, "50010")
        assert (strategy.shown[-1].marks, strategy.shown[-1].marks_from_candles) == ((D(50_010),), 0)

    def test_nothing_is_asked_before_the_exchange_was_reconciled_in_this_session(self) -> None:
        strategy = Scripted(BUY)
        desk = at_desk(strategy)
        settings = {"s": StrategySetting(uses="test", product=BIP)}
        desk.hear(with_limits(RiskLimits(), session="s-2", strategies=settings), by="session")
        said = desk.hear(ClockTicked(), by="clock", after=60 * SECOND)
        assert decided(said).reason == "Waiting for the exchange to be reconciled"
        assert strategy.shown == []

    def test_a_session_that_does_not_name_the_strategy_leaves_it_silent(self) -> None:
        desk = at_desk(Scripted(BUY))
        desk.hear(with_limits(RiskLimits(), session="s-2"), by="session")
        desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
        assert of_kind(sample(desk, "50000"), DecisionMade) == []

    def test_it_is_shown_its_position_its_room_and_its_memory(self) -> None:
        remembering = Decision(action=Action.HOLD, reason="Waiting", memory={"seen": "1"})
        strategy = Scripted(remembering)
        desk = at_desk(strategy)
        desk.hear(position_of("4", price="49000"), by="orders")
        sample(desk)
        sample(desk)
        view = strategy.shown[-1]
        assert (view.qty, view.entry_price, view.entries, view.memory) == (D(4), D(49_000), 1, {"seen": "1"})
        assert view.best_mark == D(49_000)
        assert view.equity == D(100_000) + 4 * 10
        assert view.room_long.limit == "max_position_pct_per_symbol"
        # a fifth of equity, less four contracts at the guard price of 50,250
        assert view.room_long.notional == D("20008.00") - 4 * D("502.50")

    def test_the_best_mark_since_entry_outlives_a_restart(self) -> None:
        strategy = Scripted()
        desk = at_desk(strategy)
        desk.hear(position_of("4"), by="orders")
        desk.hear(marked("50700"), marked("50300"), by="marks")
        settings = {"s": StrategySetting(uses="test", product=BIP)}
        desk.hear(with_limits(RiskLimits(), session="s-2", strategies=settings), by="session")
        desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
        desk.hear(ClockTicked(), by="clock", after=60 * SECOND)
        assert strategy.shown[-1].best_mark == D(50_700)


class TestEntering:
    def test_a_decision_becomes_a_proposal_in_whole_contracts_at_the_guard_price(self) -> None:
        desk = at_desk(Scripted(BUY))
        said = sample(desk)
        assert decided(said).action is Action.BUY
        wanted = proposal(said)
        assert (wanted.side, wanted.kind, wanted.limit_price) == (Side.BUY, OrderKind.LIMIT_IOC, D(50_250))
        assert wanted.qty == D(9)  # 5,000 at 502.50 a contract
        assert (wanted.strategy, wanted.as_of, wanted.mark) == ("s", desk.at, D(50_000))
        assert len(of_kind(said, OrderSubmitted)) == 1

    def test_a_strategys_own_kind_and_price_are_kept_on_the_grid(self) -> None:
        resting = Decision(
            action=Action.SELL,
            reason="Above",
            target_notional=D(5_000),
            kind=OrderKind.LIMIT_GTC,
            limit_price=D("50501"),
            post_only=True,
        )
        strategy = Scripted(resting, resting)
        desk = at_desk(strategy)
        said = sample(desk)
        wanted = proposal(said)
        assert (wanted.kind, wanted.limit_price, wanted.post_only) == (OrderKind.LIMIT_GTC, D(50_505), True)
        assert wanted.qty == D(9)  # 5,000 at 505.05 a contract
        answered(desk, said, OrderStatus.OPEN)
        assert len(of_kind(sample(desk), OrderProposed)) == 1  # what rests is not in flight
        assert [order.leaves for order in strategy.shown[-1].open_orders] == [D(9)]

    def test_a_stop_and_an_end_that_a_strategy_asks_for_are_in_the_intent(self) -> None:
        breakout = Decision(
            action=Action.BUY,
            reason="If it breaks out",
            target_notional=D(5_000),
            kind=OrderKind.STOP_LIMIT_GTD,
            limit_price=D(50_200),
            stop_price=D("50148"),
            good_until=MONDAY + HOUR,
        )
        said = sample(at_desk(Scripted(breakout)))
        (intent,) = of_kind(said, OrderSubmitted)
        assert (intent.kind, intent.limit_price) == (OrderKind.STOP_LIMIT_GTD, D(50_200))
        assert (intent.stop_price, intent.good_until) == (D(50_145), MONDAY + HOUR)  # a buy's stop triggers no later

    def test_a_decision_without_a_target_or_a_mark_is_a_hold(self) -> None:
        desk = at_desk(Scripted(Decision(action=Action.BUY, reason="Up"), BUY))
        assert decided(sample(desk)).reason == "Up, but less than one contract fits under target_notional"
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="feed lost"), by="marks")
        assert decided(sample(desk)).reason == "Up, but the mark is stale or the product unknown"

    def test_more_than_the_room_is_cut_to_it_and_risk_lets_it_pass(self) -> None:
        desk = at_desk(Scripted(Decision(action=Action.BUY, reason="Up", target_notional=D(10**9))))
        said = sample(desk)
        assert proposal(said).qty == D(39)  # 20,000 at 502.50
        assert decided(said).reason == "Up (sized by max_position_pct_per_symbol)"
        assert len(of_kind(said, OrderApproved)) == 1

    def test_room_for_less_than_one_contract_is_a_hold_that_names_the_limit(self) -> None:
        desk = at_desk(Scripted(BUY), limits=RiskLimits(max_position_pct_per_symbol=D("0.005")))
        said = sample(desk)
        assert of_kind(said, OrderProposed) == []
        decision = decided(said)
        assert decision.action is Action.HOLD
        assert decision.reason == "Up, but less than one contract fits under max_position_pct_per_symbol"

    def test_nothing_more_is_proposed_while_an_order_is_in_flight(self) -> None:
        desk = at_desk(Scripted(BUY, BUY, BUY))
        first = sample(desk)
        again = sample(desk)
        assert decided(again).reason == "Order in flight"
        answered(desk, first, OrderStatus.CANCELLED)
        assert len(of_kind(sample(desk), OrderProposed)) == 1

    def test_two_ticks_in_a_turn_never_order_twice(self) -> None:
        desk = at_desk(Scripted(BUY, BUY))
        said = desk.hear(ClockTicked(), ClockTicked(), by="clock", after=INTERVAL)
        assert len(of_kind(said, OrderProposed)) == 1
        desk = at_desk(Scripted(CLOSE, CLOSE))
        desk.hear(position_of("4"), by="orders")
        said = desk.hear(ClockTicked(), ClockTicked(), by="clock", after=INTERVAL)
        assert len(of_kind(said, OrderProposed)) == 1

    def test_two_ticks_in_a_turn_take_one_step_out_of_a_position(self) -> None:
        desk = at_desk(Scripted(CLOSE))
        desk.hear(position_of("4"), by="orders")
        answered(desk, sample(desk), OrderStatus.CANCELLED, "2")
        said = desk.hear(ClockTicked(), ClockTicked(), by="clock", after=SECOND)
        assert len(of_kind(said, OrderProposed)) == 1

    def test_an_add_is_sized_so_that_the_whole_position_keeps_the_orders_own_leverage(self) -> None:
        desk = at_desk(
            Scripted(Decision(action=Action.BUY, reason="Up", target_notional=D(10_000), leverage=D("0.15"))),
        )
        desk.hear(position_of("10"), by="orders")
        said = sample(desk)
        assert proposal(said).qty == D(19)  # 15,000 at the guard price of 502.50 is 29 contracts, 10 of them held
        assert decided(said).reason == "Up (sized by the order's own leverage)"
        assert len(of_kind(said, OrderApproved)) == 1

    def test_a_refusal_is_taken_and_the_strategy_is_asked_again(self) -> None:
        desk = at_desk(Scripted(BUY, BUY))
        desk.hear(ReduceOnlyRequested(product=None, reason="caution"), by="operator")
        said = sample(desk)
        assert len(of_kind(said, OrderRefused)) == 1
        assert len(of_kind(sample(desk), OrderRefused)) == 1

    def test_entries_are_counted_by_orders_and_start_anew_with_the_position(self) -> None:
        strategy = Scripted(BUY, HOLD, BUY)
        desk = at_desk(strategy)
        answered(desk, sample(desk), OrderStatus.FILLED, "9")
        sample(desk)
        assert strategy.shown[-1].entries == 1
        answered(desk, sample(desk), OrderStatus.FILLED, "9")
        sample(desk)
        assert strategy.shown[-1].entries == 2


class TestLeaving:
    def held(self, *decisions: Decision) -> Desk:
        desk = at_desk(Scripted(*decisions))
        desk.hear(position_of("6"), by="orders")
        return desk

    def test_a_close_asks_for_the_whole_position_reduce_only(self) -> None:
        wanted = proposal(sample(self.held(CLOSE)))
        assert (wanted.side, wanted.qty, wanted.reduce_only) == (Side.SELL, D(6), True)
        assert (wanted.kind, wanted.limit_price, wanted.reason) == (OrderKind.LIMIT_IOC, D(49_750), "Enough")

    def test_a_close_without_a_position_is_a_hold(self) -> None:
        said = sample(at_desk(Scripted(CLOSE)))
        assert (decided(said).action, decided(said).reason) == (Action.HOLD, "Enough (already flat)")

    def test_a_close_stays_wanted_until_flat_though_the_strategy_says_hold(self) -> None:
        desk = self.held(CLOSE)
        answered(desk, sample(desk), OrderStatus.CANCELLED, "4")
        second = tick(desk)
        assert (proposal(second).qty, proposal(second).limit_price) == (D(2), D(49_500))
        answered(desk, second, OrderStatus.CANCELLED)
        steps = [event for _ in range(INTERVAL_S) for event in tick(desk)]
        third = proposal(steps)
        assert third.limit_price == D(49_250)
        answered(desk, steps, OrderStatus.FILLED, "2")
        assert [event for _ in range(60) for event in of_kind(tick(desk), OrderProposed)] == []

    def test_a_refused_exit_comes_again_with_a_pause_that_doubles(self) -> None:
        desk = self.held(CLOSE)
        desk.hear(listed(BIP, session_open=False))
        sample(desk)
        asked_at = [desk.at for _ in range(40) if of_kind(tick(desk), OrderProposed)]
        pauses = [(later - earlier) // SECOND for earlier, later in pairwise(asked_at)]
        assert pauses == [2, 4, 8, 16]

    def test_a_rejected_exit_comes_again(self) -> None:
        desk = self.held(CLOSE)
        (order,) = of_kind(sample(desk), OrderSubmitted)
        desk.hear(OrderRejected(order=order.order, code="NO", message="no"), by="gateway")
        assert proposal(tick(desk)).qty == D(6)

    def test_in_the_end_the_exchange_itself_is_asked_to_close(self) -> None:
        desk = self.held(CLOSE)
        desk.hear(listed(BIP, session_open=False))
        said = sample(desk)
        for _ in range(40):
            said += tick(desk)
        kinds = [event.kind for event in of_kind(said, OrderProposed)]
        assert kinds[:6] == [OrderKind.LIMIT_IOC] * 4 + [OrderKind.CLOSE_POSITION, OrderKind.LIMIT_IOC]

    def test_an_exit_needs_no_fresh_mark(self) -> None:
        desk = self.held(CLOSE)
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="feed lost"), by="marks")
        said = sample(desk)
        assert proposal(said).limit_price == D(49_250)
        assert len(of_kind(said, OrderApproved)) == 1

    def test_no_entry_while_a_close_is_wanted(self) -> None:
        desk = self.held(CLOSE, BUY)
        answered(desk, sample(desk), OrderStatus.CANCELLED, "3")
        desk.hear(listed(BIP, session_open=False))
        tick(desk)
        tick(desk)
        assert decided(sample(desk)).reason == "Up, but still leaving (Enough)"

    def test_what_is_wanted_outlives_a_snapshot(self) -> None:
        desk = self.held(CLOSE)
        answered(desk, sample(desk), OrderStatus.CANCELLED, "4")
        copy = Seat(StrategyBehaviour("s", Scripted()))
        copy.restore(desk.seats["strategy:s"].snapshot())
        state = copy.behaviour.state
        assert (state.watch.leaving.reason, state.watch.held) == ("Enough", D(2))


class TestPausing:
    def test_a_strategy_that_raises_is_paused_until_resumed(self) -> None:
        def broken(_view: View) -> Decision:
            raise KeyError("colour")

        desk = at_desk(Scripted(broken, BUY))
        (failed,) = of_kind(sample(desk), StrategyFailed)
        assert (failed.strategy, failed.error) == ("s", "KeyError: 'colour'")
        said = sample(desk)
        assert decided(said).reason == "Paused: it failed: KeyError: 'colour'"
        desk.hear(StrategyResumed(strategy="s", reason="mended"), by="operator")
        assert decided(sample(desk)).action is Action.BUY

    def test_what_is_no_decision_is_a_failure(self) -> None:
        desk = at_desk(Scripted(lambda _view: "buy"))  # type: ignore[arg-type, return-value]  # what a user might return
        assert of_kind(sample(desk), StrategyFailed)[0].error == "TypeError: decide() returned str, not a Decision"

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"reason": 5}, "Expected `str`, got `int`"),
            ({"memory": {"a": 1}}, "Expected `str`, got `int`"),
            ({"target_notional": 5000.5}, "decide() returned 5000.5 as target_notional, which is no finite Decimal"),
            ({"numbers": {"a": D("Infinity")}}, "as a, which is no finite Decimal"),
        ],
    )
    def test_a_decision_that_could_not_be_read_again_is_never_written(self, fields: dict[str, Any], error: str) -> None:
        wrong = Decision(**{"action": Action.BUY, "reason": "x", "target_notional": D(5_000), **fields})
        (failed,) = of_kind(sample(at_desk(Scripted(wrong))), StrategyFailed)
        assert error in failed.error

    def test_an_address_in_an_error_does_not_reach_the_log(self) -> None:
        def broken(_view: View) -> Decision:
            raise ValueError(f"no {object()!r}")

        (failed,) = of_kind(sample(at_desk(Scripted(broken))), StrategyFailed)
        assert failed.error == "ValueError: no <object object at 0x…>"

    def test_an_operator_pauses_and_resumes(self) -> None:
        desk = at_desk(Scripted(BUY))
        desk.hear(StrategyPaused(strategy="s", reason="lunch"), by="operator")
        assert decided(sample(desk)).reason == "Paused: lunch"
        desk.hear(StrategyPaused(strategy="other", reason="x"), StrategyResumed(strategy="s", reason=""), by="operator")
        assert decided(sample(desk)).action is Action.BUY

    def test_nothing_is_proposed_once_the_run_shall_stop(self) -> None:
        desk = at_desk(Scripted(CLOSE))
        desk.hear(position_of("6"), by="orders")
        answered(desk, sample(desk), OrderStatus.CANCELLED, "2")
        desk.hear(StopRequested(reason="the end"), by="operator")
        assert of_kind(tick(desk), OrderProposed) == []
        assert decided(sample(desk)).reason == "Stopping"


def test_the_baseline_trades_from_cross_to_stop_through_risk_and_orders() -> None:
    desk = at_desk(BaselinePerpsStrategy())
    for _ in range(22):
        sample(desk, "50000")
    entered = sample(desk, "50100")
    assert decided(entered).reason == "Bullish MA crossover (sized by max_position_pct_per_symbol)"
    answered(desk, entered, OrderStatus.FILLED, str(proposal(entered).qty))
    sample(desk, "50600")
    left = sample(desk, "50090")
    assert decided(left).reason == "Trailing stop hit (peak: 50600, stop: 50094, current: 50090)"
    said = answered(desk, left, OrderStatus.FILLED, str(proposal(left).qty))
    assert len(of_kind(said, OrderFilled)) == 1
    assert desk.seats["risk"].behaviour.state.account.held(BIP) == 0
