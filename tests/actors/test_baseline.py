"""The baseline strategy, decision by decision."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from actors.brokerage.live_risk import LiveRiskManager
from actors.brokerage.risk_config import RiskConfig
from actors.brokerage.told_account import HeldPosition
from actors.strategies.baseline import BaselinePerpsStrategy, StrategyConfig, create_baseline_strategy
from actors.strategies.options import OptionError
from actors.strategies.protocol import Decision, View
from events.configuration import RiskLimits
from events.money import ONE
from events.terms import Action
from projections.bounds import Room

D = Decimal
FLAT = [100] * 10
#: Short average of 2 against long of 4: the last mark makes the short one cross.
UP = [100, 100, 100, 100, 103]
DOWN = [100, 100, 100, 100, 97]


def baseline(**options: Any) -> BaselinePerpsStrategy:
    return BaselinePerpsStrategy(StrategyConfig(**({"short_ma_period": 2, "long_ma_period": 4} | options)))


def seen(marks: Sequence[int | str], **more: Any) -> View:
    shown = tuple(D(mark) for mark in marks)
    given: dict[str, Any] = {
        "strategy": "baseline",
        "product": "BTC-PERP",
        "at": 0,
        "mark": shown[-1] if shown else None,
        "marks": shown,
        "equity": D(1_000),
        "contract_size": ONE,
        "room_long": Room(notional=D(5_000), limit="max_exposure_pct"),
        "room_short": Room(notional=D(5_000), limit="max_exposure_pct"),
    }
    return View(**(given | more))


def long(best: str = "100", qty: str = "1", **more: Any) -> dict[str, Any]:
    return {"qty": D(qty), "entry_price": D(100), "best_mark": D(best), "entries": 1, **more}


def act(decision: Decision) -> tuple[Action, str]:
    return decision.action, decision.reason


def test_a_bullish_cross_buys() -> None:
    decision = baseline().decide(seen(UP))
    assert act(decision) == (Action.BUY, "Bullish MA crossover")
    assert (decision.reduce_only, decision.leverage) == (False, D(2))
    assert decision.numbers["short_ma"] == D("101.5")
    assert decision.numbers["long_ma"] == D("100.75")


def test_a_bearish_cross_sells_only_with_shorts_enabled() -> None:
    assert act(baseline().decide(seen(DOWN))) == (Action.HOLD, "No signal")
    assert act(baseline(enable_shorts=True).decide(seen(DOWN))) == (Action.SELL, "Bearish MA crossover")


def test_a_cross_is_a_signal_once_and_not_for_as_long_as_it_lasts() -> None:
    assert act(baseline().decide(seen([*UP, 104]))) == (Action.HOLD, "No signal")
    assert act(baseline().decide(seen(FLAT))) == (Action.HOLD, "No signal")


def test_averages_that_touch_are_no_cross_yet() -> None:
    assert act(baseline().decide(seen([100, 100, 100, 100, 100]))) == (Action.HOLD, "No signal")
    assert act(baseline().decide(seen([98, 100, 100, 98, 104]))) == (Action.BUY, "Bullish MA crossover")


def test_too_few_marks_hold() -> None:
    assert act(baseline().decide(seen(UP[1:]))) == (Action.HOLD, "Not enough marks")


def test_a_decision_that_rests_on_candles_says_how_many() -> None:
    assert baseline().decide(seen(UP, marks_from_candles=3)).numbers["marks_from_candles"] == 3
    assert "marks_from_candles" not in baseline().decide(seen(UP)).numbers


def test_epsilon_asks_for_a_cross_that_is_wide_enough() -> None:
    # the short average is 0.75 above the long one, which is 73 bps of the mark
    assert act(baseline(ma_cross_epsilon_bps=72).decide(seen(UP)))[0] is Action.BUY
    assert act(baseline(ma_cross_epsilon_bps=73).decide(seen(UP)))[0] is Action.HOLD


def test_confirmation_waits_for_the_bars_after_the_cross_and_then_acts() -> None:
    strategy = baseline(ma_cross_confirm_bars=2)
    assert strategy.window == 7
    assert act(strategy.decide(seen([100, 100, *UP])))[0] is Action.HOLD
    assert act(strategy.decide(seen([100, *UP, 104])))[0] is Action.HOLD
    assert act(strategy.decide(seen([*UP, 104, 105])))[0] is Action.BUY
    assert act(strategy.decide(seen([*UP, 104, 90])))[0] is Action.HOLD
    assert act(strategy.decide(seen([*UP[1:], 104, 105, 106])))[0] is Action.HOLD


class TestExit:
    def test_the_opposite_cross_closes(self) -> None:
        decision = baseline().decide(seen(DOWN, **long()))
        assert act(decision) == (Action.CLOSE, "Exit long on bearish signal")
        assert decision.reduce_only
        short = long(qty="-1")
        assert act(baseline().decide(seen(UP, **short))) == (Action.CLOSE, "Exit short on bullish signal")

    def test_the_trailing_stop_follows_the_best_mark_since_entry(self) -> None:
        marks = ["51000", "50900", "50400"]
        decision = baseline().decide(seen(marks, **long(best="51000")))
        assert act(decision) == (Action.CLOSE, "Trailing stop hit (peak: 51000, stop: 50490, current: 50400)")

    def test_the_trailing_stop_is_hit_at_its_price_and_not_before(self) -> None:
        strategy = baseline()
        assert act(strategy.decide(seen(["50490"], **long(best="51000"))))[0] is Action.CLOSE
        assert act(strategy.decide(seen(["50490.1"], **long(best="51000"))))[0] is Action.HOLD

    def test_a_shorts_stop_lies_above_its_lowest_mark(self) -> None:
        short = long(best="50000", qty="-1")
        reason = "Trailing stop hit (peak: 50000, stop: 50500, current: 50500)"
        assert act(baseline().decide(seen(["50500"], **short))) == (Action.CLOSE, reason)
        assert act(baseline().decide(seen(["50499"], **short)))[0] is Action.HOLD

    def test_the_stop_needs_no_window_only_a_mark(self) -> None:
        assert act(baseline().decide(seen([98], **long())))[0] is Action.CLOSE
        assert act(baseline().decide(seen([], **long()))) == (Action.HOLD, "Not enough marks")

    def test_a_close_that_did_not_fill_is_decided_again(self) -> None:
        strategy, view = baseline(), seen(["50400"], **long(best="51000"))
        assert strategy.decide(view) == strategy.decide(view)
        assert strategy.decide(view).action is Action.CLOSE


class TestModes:
    def test_reduce_only_forces_the_exit_even_without_a_mark(self) -> None:
        why = {"reduce_only": "daily loss limit reached"}
        assert act(baseline().decide(seen([], **long(), **why))) == (Action.CLOSE, "Reduce-only mode active")
        assert act(baseline().decide(seen(UP, **why))) == (Action.HOLD, "Reduce-only mode - no new entries")

    def test_with_new_entries_disabled_exits_and_stop_still_work(self) -> None:
        strategy = baseline(disable_new_entries=True)
        assert act(strategy.decide(seen(UP))) == (Action.HOLD, "New entries disabled")
        assert act(strategy.decide(seen(DOWN, **long()))) == (Action.CLOSE, "Exit on bearish signal")
        assert act(strategy.decide(seen([98], **long())))[0] is Action.CLOSE

    def test_behind_a_kill_it_leaves_but_does_not_enter(self) -> None:
        assert act(baseline().decide(seen(UP, is_killed=True))) == (Action.HOLD, "Kill switch enabled - no new entries")
        assert act(baseline().decide(seen(DOWN, **long(), is_killed=True)))[0] is Action.CLOSE


class TestSize:
    def test_the_target_is_leverage_times_equity(self) -> None:
        decision = baseline().decide(seen(UP))
        assert (decision.target_notional, decision.binding) == (D(2_000), "target_leverage")

    @pytest.mark.parametrize(
        ("options", "room", "target", "binding"),
        [
            ({"position_fraction": "0.25"}, "5000", "500", "target_leverage"),
            ({}, "1500", "1500", "max_exposure_pct"),
            ({"max_trade_usd": 700}, "1500", "700", "max_trade_usd"),
            ({}, "0", "0", "max_exposure_pct"),
        ],
    )
    def test_what_binds_is_named(self, options: dict[str, Any], room: str, target: str, binding: str) -> None:
        left = Room(notional=D(room), limit="max_exposure_pct")
        decision = baseline(**options).decide(seen(UP, room_long=left))
        assert (decision.target_notional, decision.binding) == (D(target), binding)

    def test_unknown_equity_holds(self) -> None:
        assert act(baseline().decide(seen(UP, equity=None))) == (Action.HOLD, "Equity unknown")

    def test_max_adds_counts_the_first_entry_too(self) -> None:
        once = baseline(max_adds=1).decide(seen(UP, **long()))
        assert act(once) == (Action.HOLD, "Bullish crossover, but no more adds (max_adds 1)")
        again = baseline(max_adds=2).decide(seen(UP, **long()))
        assert act(again) == (Action.BUY, "Bullish MA crossover")
        full = baseline(max_adds=2).decide(seen(UP, **long(entries=2)))
        assert full.action is Action.HOLD

    def test_an_add_fills_up_to_the_target_leverage_and_not_beyond(self) -> None:
        decision = baseline(max_adds=2, target_leverage=2).decide(seen(UP, **long(qty="5")))
        assert decision.target_notional == D(2_000) - 5 * 103


class TestOptions:
    def test_options_are_read_from_text_numbers_and_floats(self) -> None:
        options = {"short_ma_period": "3", "target_leverage": 1.5, "enable_shorts": "true", "max_trade_usd": "250.5"}
        config = create_baseline_strategy(options).config
        assert (config.short_ma_period, config.target_leverage, config.enable_shorts) == (3, D("1.5"), True)
        assert config.max_trade_usd == D("250.5")

    def test_the_seeds_configuration_goes_through_its_dict(self) -> None:
        config = StrategyConfig(
            short_ma_period=5,
            long_ma_period=20,
            target_leverage=2,  # type: ignore[arg-type]  # as the seed writes it
            trailing_stop_pct=0.01,  # type: ignore[arg-type]  # as the seed writes it
            enable_shorts=False,
            max_adds=1,
            disable_new_entries=False,
        )
        assert create_baseline_strategy(config=config.__dict__, risk_manager=None).config == config
        assert config.trailing_stop_pct == D("0.01")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"short_ma": 3}, "unknown option 'short_ma'; known here: short_ma_period, "),
            ({"max_adds": "many"}, "max_adds: expected `int`"),
            ({"max_adds": 0}, "max_adds counts the first entry"),
            ({"short_ma_period": 20}, "long_ma_period must be above short_ma_period"),
            ({"trailing_stop_pct": 1}, "trailing_stop_pct must be a fraction"),
            ({"target_leverage": "0"}, "target_leverage must be above zero"),
        ],
    )
    def test_a_wrong_option_is_named(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(OptionError) as error:
            create_baseline_strategy(options)
        assert message.lower() in str(error.value).lower()


class Manager(NamedTuple):
    config: RiskLimits


class TestSeedKeywords:
    def test_the_seeds_keywords_decide_as_a_view_does(self) -> None:
        strategy = create_baseline_strategy({"short_ma_period": 2, "long_ma_period": 4}, Manager(RiskLimits()))
        decision = strategy.decide(
            symbol="BTC-PERP",
            current_mark=D(103),
            position_state=None,
            recent_marks=[D(100)] * 4,
            equity=D(100_000),
            product=None,
        )
        assert act(decision) == (Action.BUY, "Bullish MA crossover")
        assert (decision.target_notional, decision.reduce_only) == (D(20_000), False)
        assert decision.binding == "max_position_pct_per_symbol"

    def test_the_seeds_stop_sequence_closes_at_the_third_mark(self) -> None:
        strategy = create_baseline_strategy({})
        held = {"qty": D("0.1"), "side": "long", "entry": D(50_000)}
        decisions = [
            strategy.decide(symbol="BTC-PERP", current_mark=D(mark), position_state=held, equity=D(10_000))  # type: ignore[arg-type]  # a plain dict, as the seed passes it
            for mark in (51_000, 50_900, 50_400)
        ]
        assert [decision.action for decision in decisions] == [Action.HOLD, Action.HOLD, Action.CLOSE]
        assert "stop: 50490" in decisions[-1].reason

    def test_without_recent_marks_it_keeps_its_own_window(self) -> None:
        strategy = create_baseline_strategy({"short_ma_period": 2, "long_ma_period": 4})
        actions = [strategy.decide(symbol="X", current_mark=D(mark), equity=D(1_000)).action for mark in UP]
        assert actions == [Action.HOLD] * 4 + [Action.BUY]

    def test_the_risk_managers_reduce_only_mode_is_obeyed(self) -> None:
        strategy = create_baseline_strategy({}, Manager(RiskLimits(reduce_only_mode=True)))
        held = {"qty": D(1), "side": "short", "entry": D(100)}
        decision = strategy.decide(symbol="X", current_mark=D(100), position_state=held, equity=D(1_000))  # type: ignore[arg-type]  # a plain dict, as the seed passes it
        assert act(decision) == (Action.CLOSE, "Reduce-only mode active")

    def test_a_product_that_the_risk_manager_restricts_is_left_and_not_entered(self) -> None:
        manager = LiveRiskManager(RiskConfig(), clock=lambda: 1)
        near: HeldPosition = {"side": "long", "qty": D(1), "mark": D(100), "liquidation_price": D(99)}
        assert manager.check_liquidation_buffer("BTC-PERP", near, D(10_000))
        for symbol, reason in (("BTC-PERP", "Reduce-only mode - no new entries"), ("ETH-PERP", "Bullish MA crossover")):
            strategy = create_baseline_strategy({"short_ma_period": 2, "long_ma_period": 4}, manager)
            marks = [D(mark) for mark in UP]
            decision = strategy.decide(
                symbol=symbol, current_mark=marks[-1], recent_marks=marks[:-1], equity=D(1_000), product=None
            )
            assert decision.reason == reason

    @pytest.mark.parametrize(
        ("limits", "target", "binding"),
        [
            ({"capital_cap_usd": D(500)}, D(100), "max_position_pct_per_symbol"),
            ({"max_order_notional": D(50)}, D(50), "max_order_notional"),
            ({}, D(200), "max_position_pct_per_symbol"),
        ],
    )
    def test_the_caps_in_money_bind_the_seeds_keywords_too(
        self, limits: dict[str, Any], target: Decimal, binding: str
    ) -> None:
        strategy = create_baseline_strategy({"short_ma_period": 2, "long_ma_period": 4}, Manager(RiskLimits(**limits)))
        marks = [D(mark) for mark in UP]
        decision = strategy.decide(
            symbol="BTC-PERP", current_mark=marks[-1], recent_marks=marks[:-1], equity=D(1_000), product=None
        )
        assert (decision.target_notional, decision.binding) == (target, binding)
