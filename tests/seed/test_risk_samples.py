"""The seed's samples of risk and strategy, run from its own text. A number in a name is the block's line."""

from __future__ import annotations

import ast
from decimal import Decimal
from typing import Any

import pytest

from actors.brokerage import LiveRiskManager, RiskConfig, ValidationError
from actors.strategies.protocol import Decision
from events.catalog import ProductListed
from events.funding import FundingAccrued
from events.log import MemoryLog
from events.record import Record
from events.store import EventStore
from events.terms import NANOSECONDS, Action, FundingStatus
from tests.seed.markets import HUNDREDTH, LONG_ONE, WHOLE_COIN
from tests.seed.samples import SEED, code, needs_the_seed, run

pytestmark = needs_the_seed

D = Decimal
MONDAY = 1_772_409_600 * NANOSECONDS  # 2026-03-02T00:00:00Z
_DECIMAL = "from decimal import Decimal"


class Clock:
    def __init__(self) -> None:
        self.at = MONDAY

    def __call__(self) -> int:
        return self.at


def limits() -> RiskConfig:
    """The limits that the seed itself sets."""
    config: RiskConfig = run(250)["config"]
    return config


def validate(product: ProductListed) -> LiveRiskManager:
    names = run(274, _DECIMAL, config=limits(), product=product, positions={})
    manager: LiveRiskManager = names["risk_manager"]
    return manager


def test_274_half_of_equity_in_one_symbol_is_refused() -> None:
    with pytest.raises(ValidationError) as refusal:
        validate(WHOLE_COIN)
    assert str(refusal.value) == "Symbol exposure 50.0% exceeds cap of 20.0% for BTC-PERP"


def test_274_one_contract_of_a_hundredth_is_worth_five_hundred_and_passes() -> None:
    validate(HUNDREDTH)


def test_295_the_guards_speak_on_a_day_that_goes_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    manager = LiveRiskManager(limits(), clock=clock)
    positions: dict[str, Any] = {
        "BTC-PERP": {"side": "long", "qty": D("1.0"), "mark": D(50_000), "liquidation_price": D(45_000)},
        "ETH-PERP": {"side": "short", "qty": D(1), "mark": D(3_000)},
    }
    assert not manager.track_daily_pnl(D(100_000), {})
    clock.at += 3_600 * NANOSECONDS
    run(295, risk_manager=manager, equity=D(97_000), positions_pnl={}, positions=positions)
    assert capsys.readouterr().out.splitlines() == [
        "Daily loss limit breached - reduce-only mode enabled",
        "Low buffer for BTC-PERP - reduce-only enabled",
        "Stale mark price - halting new orders",
    ]


def test_295_the_guards_are_silent_on_a_quiet_day(capsys: pytest.CaptureFixture[str]) -> None:
    manager = LiveRiskManager(limits(), clock=Clock())
    manager.track_daily_pnl(D(100_000), {})
    manager.update_mark("BTC-PERP", D(50_000))
    run(295, risk_manager=manager, equity=D("98000.01"), positions_pnl={}, positions=LONG_ONE)
    assert capsys.readouterr().out == ""


def test_321_reduce_only_refuses_an_increase_lets_a_reduction_pass_and_cuts_what_would_flip() -> None:
    rest = "price=Decimal('50000'), product=product, equity=Decimal('100000'),"
    repairs = {
        "    ...\n)": f"    {rest} current_positions=positions\n)",  # ... after keywords is no Python
        "    ...\n": f"    {rest}\n",
    }
    manager = LiveRiskManager(limits())
    names: dict[str, Any] = {"Decimal": D, "risk_manager": manager, "product": WHOLE_COIN, "positions": LONG_ONE}
    mode, first, second = ast.parse(code(321, repairs)).body
    assert isinstance(first, ast.Expr)
    assert isinstance(second, ast.Expr)
    exec(compile(ast.Module([mode], []), str(SEED), "exec"), names)
    with pytest.raises(ValidationError, match="Reduce-only mode active"):
        eval(compile(ast.Expression(first.value), str(SEED), "eval"), names)
    assert eval(compile(ast.Expression(second.value), str(SEED), "eval"), names) is None
    cut = manager.pre_trade_validate("BTC-PERP", "sell", D(2), D(50_000), WHOLE_COIN, D(100_000), LONG_ONE)
    assert cut is not None
    assert (cut.asked, cut.qty, cut.reduce_only) == (D(2), D(1), True)


def test_347_each_breach_is_one_risk_event_and_a_hundred_fundings_hide_none() -> None:
    log, clock = MemoryLog(), Clock()
    store = EventStore(log)
    manager = LiveRiskManager(limits(), event_store=store, clock=clock)
    manager.track_daily_pnl(D(100_000), {})
    near: Any = {"side": "long", "qty": D(1), "mark": D(50_000), "liquidation_price": D(49_000)}
    for _ in range(3):
        manager.track_daily_pnl(D(90_000), {})
        manager.check_liquidation_buffer("BTC-PERP", near, D(90_000))
        manager.check_mark_staleness("BTC-PERP")
    with pytest.raises(ValidationError):
        manager.pre_trade_validate("BTC-PERP", "buy", D(1), D(50_000), WHOLE_COIN, D(90_000), {})
    log.write([_funding(log.next_seq + hour, clock.at, hour) for hour in range(150)])
    log.commit()
    found = run(347, event_store=store)["risk_events"]
    assert [row["event_type"] for row in found] == [
        "daily_loss_breach",
        "liquidation_buffer_breach",
        "stale_mark_price",
        "order_rejected",
    ]


def _funding(seq: int, at: int, hour: int) -> Record:
    accrued = FundingAccrued(
        product="BTC-PERP",
        boundary=MONDAY + hour * 3_600 * NANOSECONDS,
        qty=D(1),
        mark=D(50_000),
        mark_source=None,
        rate=D("0.0001"),
        amount=D(-5),
        status=FundingStatus.FINAL,
    )
    return Record(seq=seq, at=at, by="funding", cause=1, event=accrued)


def test_553_a_cross_on_the_last_bar_buys_into_the_room_that_the_limits_leave() -> None:
    names = run(
        553,
        _DECIMAL,
        risk_manager=LiveRiskManager(limits()),
        position_state=None,
        mark_window=[D(49_000)] * 20,
        product=WHOLE_COIN,
    )
    decision = names["decision"]
    assert isinstance(decision, Decision)
    assert (decision.action, decision.reduce_only, decision.reason) == (Action.BUY, False, "Bullish MA crossover")
    assert (decision.target_notional, decision.leverage, decision.binding) == (
        D(20_000),
        D(2),
        "max_position_pct_per_symbol",
    )
