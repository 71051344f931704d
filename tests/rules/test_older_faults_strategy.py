"""Faults of an older baseline strategy (protocol sheet 8.11)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from actors.strategies.baseline import BaselinePerpsStrategy, StrategyConfig
from events.configuration import RiskLimits, StrategySetting
from events.event import Event
from events.feeds import ExchangeReconciled
from events.orders import OrderProposed, OrderSubmitted
from events.session import ClockTicked
from events.terms import Action, OrderStatus, Side
from tests.actors.test_baseline import DOWN, FLAT, UP, act, long, seen
from tests.actors.test_strategy_behaviour import CLOSE, HOLD, Scripted, answered, at_desk, sample, tick
from tests.streams.desk import SECOND, Desk, of_kind
from tests.streams.facts import BIP, filled
from tests.streams.orders import marked, position_of, with_limits

D = Decimal


def baseline(**options: Any) -> BaselinePerpsStrategy:
    return BaselinePerpsStrategy(StrategyConfig(**({"short_ma_period": 2, "long_ma_period": 4} | options)))


def test_8_11_exit_only_mode_still_watches_the_trailing_stop() -> None:
    view = seen([100, 99], **long(best="101"))
    decision = baseline(disable_new_entries=True).decide(view)
    assert act(decision) == (Action.CLOSE, "Trailing stop hit (peak: 101, stop: 99.99, current: 99)")


def test_8_11_confirmation_bars_come_after_the_cross() -> None:
    strategy = baseline(ma_cross_confirm_bars=1)
    assert act(strategy.decide(seen([*FLAT[:1], *UP])))[0] is Action.HOLD
    assert act(strategy.decide(seen([*UP, 104]))) == (Action.BUY, "Bullish MA crossover")
    assert act(strategy.decide(seen([*DOWN, 104])))[0] is Action.HOLD


def trailing(desk: Desk, price: str) -> list[Event]:
    """The next look, at a new mark."""
    return sample(desk, price)


def test_8_11_the_trailing_stop_begins_at_the_true_entry() -> None:
    desk = at_desk(baseline(trailing_stop_pct="0.01"))
    desk.hear(position_of("4", price="51000"), by="orders")
    (wanted,) = of_kind(trailing(desk, "50400"), OrderProposed)
    assert wanted.reason == "Trailing stop hit (peak: 51000, stop: 50490, current: 50400)"


def test_8_11_a_close_that_does_not_fill_forgets_no_peak() -> None:
    strategy = Scripted(CLOSE, HOLD)
    desk = at_desk(strategy)
    desk.hear(position_of("4"), by="orders")
    desk.hear(marked("50800"), marked("50000"), by="marks")
    answered(desk, sample(desk), OrderStatus.CANCELLED)
    steps = [event for _ in range(4) for event in tick(desk)]
    assert len(of_kind(steps, OrderSubmitted)) == 1
    answered(desk, steps, OrderStatus.CANCELLED)
    sample(desk)
    assert strategy.shown[-1].best_mark == D(50_800)


def test_8_11_a_restart_keeps_the_peak() -> None:
    desk = at_desk(baseline())
    desk.hear(position_of("4"), by="orders")
    desk.hear(marked("51000"), by="marks")
    settings = {"s": StrategySetting(uses="test", product=BIP)}
    desk.hear(with_limits(RiskLimits(), session="s-2", strategies=settings), by="session")
    desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
    desk.hear(marked("50400", at=desk.at), by="marks")
    (wanted,) = of_kind(desk.hear(ClockTicked(), by="clock", after=60 * SECOND), OrderProposed)
    assert wanted.reason == "Trailing stop hit (peak: 51000, stop: 50490, current: 50400)"


def test_8_11_a_new_position_in_the_same_product_has_a_new_peak() -> None:
    strategy = Scripted()
    desk = at_desk(strategy)
    for number, (side, price) in enumerate(((Side.BUY, "50000"), (Side.SELL, "52000"), (Side.BUY, "50000"))):
        desk.hear(filled(side, "4", price, at=desk.at, order=f"o-{number}"), by="orders", after=SECOND)
        desk.hear(marked(price), by="marks")
    sample(desk)
    assert strategy.shown[-1].best_mark == D(50_000)


def test_8_11_a_cap_in_money_holds_after_leverage() -> None:
    decision = baseline(target_leverage=3, max_trade_usd=500).decide(seen(UP))
    assert (decision.target_notional, decision.binding) == (D(500), "max_trade_usd")
