"""The seed's risk manager, alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.brokerage.live_risk import LiveRiskManager, ValidationError
from actors.brokerage.risk_config import RiskConfig
from actors.connection.errors import InvalidOrder
from events.catalog import ProductListed
from events.orders import OrderApproved, OrderProposed
from events.store import EventStore
from events.terms import NANOSECONDS

D = Decimal
MIDNIGHT = 1_772_409_600 * NANOSECONDS
BTC = ProductListed(
    product="BTC-PERP",
    exchange_id="BTC-PERP-INTX",
    venue="INTX",
    contract_size=D(1),
    price_increment=D("0.1"),
    size_increment=D("0.001"),
    min_size=D("0.001"),
)
LONG: Any = {"BTC-PERP": {"side": "long", "qty": D(1), "mark": D(50_000)}}


class Desk:
    """A manager, and the clock it reads."""

    def __init__(self, **limits: Any) -> None:
        self.at = MIDNIGHT
        self.risk = LiveRiskManager(RiskConfig(**limits), clock=lambda: self.at)

    def order(self, side: str = "buy", qty: str = "0.1", price: int = 50_000, **more: Any) -> OrderApproved | None:
        given: dict[str, Any] = {"product": BTC, "equity": D(100_000), "current_positions": {}} | more
        return self.risk.pre_trade_validate(symbol="BTC-PERP", side=side, qty=D(qty), price=D(price), **given)

    def refused(self, *args: Any, **more: Any) -> str:
        with pytest.raises(ValidationError) as refusal:
            self.order(*args, **more)
        return str(refusal.value)

    def said(self) -> list[object]:
        return [row["event_type"] for row in self.risk.event_store.tail("risk_engine", 100, ["metric"])]


@pytest.mark.parametrize(
    ("limits", "order", "message"),
    [
        ({"kill_switch_enabled": True}, {}, "Kill switch enabled - all trading halted"),
        ({"reduce_only_mode": True}, {}, "Reduce-only mode active - cannot increase position for BTC-PERP"),
        (
            {"leverage_max_per_symbol": {"BTC-PERP": 2}},
            {"qty": "5"},
            "Leverage 2.5x exceeds BTC-PERP cap of 2x (notional: 250000.000, equity: 100000)",
        ),
        ({"leverage_max_global": 2}, {"qty": "5"}, "Leverage 2.5x exceeds global cap of 2x"),
        (
            {"max_position_pct_per_symbol": 5},
            {"qty": "9"},
            "Insufficient liquidation buffer: 10.0% < 15.0% required (margin needed: 90000.00, equity: 100000)",
        ),
        (
            {"max_notional_per_symbol": {"BTC-PERP": 4_999}},
            {},
            "Symbol notional 5000.000 exceeds cap 4999 for BTC-PERP",
        ),
        ({}, {"qty": "0.5"}, "Symbol exposure 25.0% exceeds cap of 20.0% for BTC-PERP"),
        (
            {"max_exposure_pct": 0.6},
            {"current_positions": {"ETH-PERP": {"qty": D(-3), "notional": D(56_000)}}},
            "Total exposure 61.0% would exceed cap of 60.0% (new notional: 5000.000)",
        ),
    ],
)
def test_each_limit_refuses_in_the_words_of_the_seed(
    limits: dict[str, Any], order: dict[str, Any], message: str
) -> None:
    assert Desk(**limits).refused(**order).startswith(message)


def test_the_slippage_guard_compares_the_price_with_the_mark_and_not_with_itself() -> None:
    desk = Desk()
    desk.risk.update_mark("BTC-PERP", D(50_000))
    assert desk.order(price=50_250) is None
    expected = "Expected slippage 51 bps exceeds guard of 50 bps for BTC-PERP (price: 50255.0, mark: 50000)"
    assert desk.refused(price=50_255) == expected
    assert desk.order("sell", price=50_255) is None


def test_a_refusal_is_an_invalid_order_with_every_breach_and_recorded() -> None:
    desk = Desk(kill_switch_enabled=True)
    with pytest.raises(InvalidOrder) as refusal:
        desk.order(qty="1")
    assert isinstance(refusal.value, ValidationError)
    assert [breach.code for breach in refusal.value.breaches] == ["kill_switch", "exposure_symbol"]
    assert desk.said() == ["order_rejected"]


def test_what_is_held_counts_with_what_is_asked() -> None:
    held: Any = {"BTC-PERP": {"side": "long", "qty": D("0.35"), "mark": D(50_000)}}
    assert Desk().order(qty="0.05", current_positions=held) is None
    assert "22.5%" in Desk().refused(qty="0.1", current_positions=held)


def test_a_reducing_order_is_held_to_no_limit_on_increases() -> None:
    desk = Desk(max_position_pct_per_symbol=0.01, max_exposure_pct=0.01)
    assert desk.order("sell", "1", current_positions=LONG) is None


def test_an_order_past_the_position_is_cut_to_it_in_reduce_only_mode_and_both_sizes_are_recorded() -> None:
    desk = Desk(reduce_only_mode=True)
    approved = desk.order("sell", "2", current_positions=LONG)
    assert approved is not None
    assert (approved.asked, approved.qty, approved.reduce_only) == (D(2), D(1), True)
    log = desk.risk.event_store.log
    assert not isinstance(log, str)
    records = [record.event for record in log.records()]  # type: ignore[union-attr]  # in memory
    assert [type(event) for event in records] == [OrderProposed, OrderApproved]


def test_a_contract_of_a_hundredth_is_worth_a_hundredth() -> None:
    contract = msgspec.structs.replace(BTC, contract_size=D("0.01"), size_increment=D(1), min_size=D(1))
    assert Desk().order(qty="40", product=contract) is None
    assert "20.5%" in Desk().refused(qty="41", product=contract)
    unknown = msgspec.structs.replace(BTC, contract_size=None)
    assert Desk().refused(product=unknown) == "Contract size of BTC-PERP is unknown"


def test_an_inverse_contract_is_refused_with_the_reason() -> None:
    inverse = msgspec.structs.replace(BTC, quote_currency="BTC", underlying="BTC")
    expected = "BTC-PERP is an inverse contract, quoted in its underlying BTC: only linear ones trade"
    assert Desk().refused(product=inverse) == expected


def test_a_days_loss_at_its_limit_allows_only_reducing_and_is_said_once() -> None:
    desk = Desk(max_daily_loss_pct=0.02)
    assert not desk.risk.track_daily_pnl(D(100_000), {})
    assert not desk.risk.track_daily_pnl(D("98000.01"), {})
    assert [desk.risk.track_daily_pnl(D(98_000), {}) for _ in range(3)] == [True] * 3
    assert desk.risk.config.reduce_only_mode
    assert desk.said() == ["daily_loss_breach"]
    assert desk.refused() == "Reduce-only mode active - cannot increase position for BTC-PERP"


def test_a_new_day_counts_anew_and_releases_nothing_by_itself() -> None:
    desk = Desk(max_daily_loss_pct=0.02)
    desk.risk.track_daily_pnl(D(100_000))
    desk.risk.track_daily_pnl(D(97_000))
    desk.at += 86_400 * NANOSECONDS
    assert not desk.risk.track_daily_pnl(D(97_000))
    assert desk.risk.config.reduce_only_mode
    desk.risk.release(reason="looked at")
    assert desk.order() is None


def test_what_was_released_is_not_found_again_at_the_same_loss() -> None:
    desk = Desk(max_daily_loss_pct=0.02)
    desk.risk.track_daily_pnl(D(100_000))
    assert desk.risk.track_daily_pnl(D(98_000))
    desk.risk.release(reason="accepted")
    assert not desk.risk.track_daily_pnl(D(97_000))
    assert desk.risk.track_daily_pnl(D(96_000))


@pytest.mark.parametrize("word", ["liquidation_price", "liq_price"])
def test_liquidation_too_near_restricts_its_product_and_is_said_once_a_spell(word: str) -> None:
    desk = Desk()
    near: Any = {"side": "long", "qty": D(1), "mark": D(50_000), word: D(45_000)}
    assert desk.risk.check_liquidation_buffer("BTC-PERP", near, D(100_000))
    assert desk.risk.check_liquidation_buffer("BTC-PERP", near, D(100_000))
    assert desk.said() == ["liquidation_buffer_breach"]
    assert desk.refused() == "Reduce-only mode active - cannot increase position for BTC-PERP"
    assert desk.order("sell", "1", current_positions=LONG) is None
    desk.risk.release("BTC-PERP", reason="paid in")
    assert desk.order() is None


def test_a_liquidation_price_of_zero_is_none_and_equity_decides() -> None:
    position: Any = {"side": "long", "qty": D(10), "mark": D(50_000), "liquidation_price": D(0)}
    assert Desk().risk.check_liquidation_buffer("BTC-PERP", position, D(70_000))
    assert not Desk().risk.check_liquidation_buffer("BTC-PERP", position, D(80_000))


def test_an_unknown_distance_to_liquidation_counts_as_too_near() -> None:
    desk = Desk()
    assert desk.risk.check_liquidation_buffer("BTC-PERP", {"side": "long", "qty": D(1)}, D(100_000))
    assert desk.refused() == "Reduce-only mode active - cannot increase position for BTC-PERP"
    assert not desk.risk.check_liquidation_buffer("BTC-PERP", {"side": "long", "qty": D(0)}, D(100_000))


@pytest.mark.parametrize(
    ("changed", "error"), [({"equity": D("NaN")}, ValueError), ({"price": 1.5}, TypeError), ({"qty": 1}, TypeError)]
)
def test_what_is_no_exact_number_is_not_checked_but_refused_as_such(
    changed: dict[str, Any], error: type[Exception]
) -> None:
    given: dict[str, Any] = {"qty": D(1), "price": D(1), "equity": D(1)} | changed
    with pytest.raises(error):
        Desk().risk.pre_trade_validate(symbol="BTC-PERP", side="buy", product=BTC, current_positions={}, **given)


def test_a_mark_that_was_never_seen_is_stale_and_one_that_grows_old_too() -> None:
    desk = Desk()
    assert desk.risk.check_mark_staleness("BTC-PERP")
    desk.risk.update_mark("BTC-PERP", D(50_000))
    desk.at += 180 * NANOSECONDS
    assert not desk.risk.check_mark_staleness("BTC-PERP")
    desk.at += 1
    assert desk.risk.check_mark_staleness("BTC-PERP")
    assert desk.risk.check_mark_staleness("BTC-PERP")
    assert desk.said() == ["stale_mark_price"] * 2
    assert desk.refused() == "Mark price of BTC-PERP is stale or unknown"


def test_metrics_say_how_much_of_the_limits_is_used_and_are_a_row_of_their_own() -> None:
    desk = Desk()
    held = LONG | {"ETH-PERP": {"qty": D(-3), "notional": D(5_000)}}
    metrics = desk.risk.append_risk_metrics(D(100_000), held)
    assert (metrics.gross_notional, metrics.leverage) == (D(55_000), D("0.55"))
    assert metrics.largest_exposure_pct == D("0.5")
    assert metrics.liquidation_buffer is not None
    (row,) = desk.risk.event_store.tail("risk_engine", 10, ["metric"])
    assert (row["type"], row["event_type"], row["gross_notional"]) == ("risk_metrics", "risk_metrics", D(55_000))


def swings(size: Decimal, count: int = 21) -> list[Decimal]:
    """Marks whose returns are about `size` up, then down again."""
    return [D(50_000) * (1 + size) if place % 2 else D(50_000) for place in range(count)]


class TestVolatility:
    def check(self, desk: Desk, size: str, count: int = 21) -> Any:
        return desk.risk.check_volatility_circuit_breaker("BTC-PERP", swings(D(size), count))

    def test_the_breaker_goes_up_step_by_step_and_says_each_step_once(self) -> None:
        desk = Desk(enable_volatility_circuit_breaker=True)
        calm = self.check(desk, "0.0001")
        assert (calm["triggered"], calm["action"], calm["threshold"]) == (False, "none", None)
        assert calm["volatility"] == D("0.074378")
        for size, action in (("0.00022", "warning"), ("0.00028", "reduce_only"), ("0.0004", "kill_switch")):
            found = self.check(desk, size)
            assert (found["triggered"], found["action"]) == (True, action)
            self.check(desk, size)
        assert desk.said() == ["volatility_circuit_breaker"] * 3
        assert desk.risk.config.kill_switch_enabled
        assert desk.refused() == "Kill switch enabled - all trading halted"

    def test_too_few_marks_say_nothing(self) -> None:
        desk = Desk(enable_volatility_circuit_breaker=True)
        assert self.check(desk, "0.1", count=20)["volatility"] is None
        assert self.check(desk, "0.1", count=21)["action"] == "kill_switch"

    def test_while_it_is_switched_off_it_does_nothing(self) -> None:
        desk = Desk()
        assert self.check(desk, "0.1") == {
            "symbol": "BTC-PERP",
            "triggered": False,
            "action": "none",
            "volatility": None,
            "threshold": None,
            "periods": 20,
        }
        assert desk.order() is None

    def test_reduce_only_holds_the_product_until_it_was_calm_for_the_cooldown(self) -> None:
        desk = Desk(enable_volatility_circuit_breaker=True)
        self.check(desk, "0.00028")
        assert desk.refused() == "Reduce-only mode active - cannot increase position for BTC-PERP"
        assert desk.order("sell", "1", current_positions=LONG) is None
        desk.at += 30 * 60 * NANOSECONDS - 1
        assert self.check(desk, "0.0001")["action"] == "reduce_only"
        desk.at += 1
        assert self.check(desk, "0.0001")["action"] == "none"
        assert desk.order() is None

    def test_what_an_operator_restricted_is_not_released_by_a_calm_market(self) -> None:
        desk = Desk(enable_volatility_circuit_breaker=True, circuit_breaker_cooldown_minutes=0)
        near: Any = {"side": "long", "qty": D(1), "mark": D(50_000), "liquidation_price": D(45_000)}
        desk.risk.check_liquidation_buffer("BTC-PERP", near, D(100_000))
        self.check(desk, "0.00028")
        self.check(desk, "0.0001")
        assert desk.refused() == "Reduce-only mode active - cannot increase position for BTC-PERP"

    def test_at_the_intraday_threshold_entries_wait_and_exits_do_not(self) -> None:
        desk = Desk(enable_volatility_circuit_breaker=True, max_intraday_volatility_threshold=0.1)
        self.check(desk, "0.00019")
        assert desk.refused() == "Volatility of BTC-PERP is 14.1% a year, at or above 10.0%: no entries"
        assert desk.order("sell", "1", current_positions=LONG) is None

    def test_without_marks_given_those_that_were_told_count_one_a_minute(self) -> None:
        desk = Desk(enable_volatility_circuit_breaker=True)
        for place, mark in enumerate(swings(D("0.00022"))):
            for _ in range(2):  # the second of a minute is no sample
                desk.risk.update_mark("BTC-PERP", mark, at=MIDNIGHT + place * 60 * NANOSECONDS)
        found = desk.risk.check_volatility_circuit_breaker("BTC-PERP")
        assert (found["action"], found["volatility"]) == ("warning", D("0.163622"))
        desk.risk.update_mark("BTC-PERP", D(50_000), at=MIDNIGHT + 22 * 60 * NANOSECONDS)  # one is missing
        assert desk.risk.check_volatility_circuit_breaker("BTC-PERP")["volatility"] is None


class TestCorrelation:
    def told(self, other: str = "0.0002") -> Desk:
        """Marks of two products: the second moves by `other` where the first moves by 0.0002."""
        desk = Desk()
        for place in range(21):
            at = MIDNIGHT + place * 60 * NANOSECONDS
            desk.risk.update_mark("BTC-PERP", swings(D("0.0002"))[place], at=at)
            desk.risk.update_mark("ETH-PERP", swings(D(other))[place], at=at)
        return desk

    def held(self, other: str) -> Any:
        return {
            "BTC-PERP": {"qty": D(1), "mark": D(50_000)},
            "ETH-PERP": {"qty": D(other), "mark": D(50_000)},
        }

    def test_positions_that_move_as_one_are_a_risk_said_once(self) -> None:
        desk = self.told()
        assert desk.risk.check_correlation_risk(self.held("1"))
        assert desk.risk.check_correlation_risk(self.held("1"))
        assert desk.said() == ["correlation_risk"]
        assert not desk.risk.check_correlation_risk(self.held("-1"))
        assert desk.risk.check_correlation_risk(self.held("1"))
        assert desk.said() == ["correlation_risk"] * 2

    def test_of_products_that_move_against_each_other_the_same_side_is_a_hedge(self) -> None:
        assert not self.told("-0.0002").risk.check_correlation_risk(self.held("1"))
        assert self.told("-0.0002").risk.check_correlation_risk(self.held("-1"))

    def test_an_unknown_correlation_counts_as_the_worst_and_a_single_position_as_none(self) -> None:
        assert Desk().risk.check_correlation_risk(self.held("-1"))
        assert not Desk().risk.check_correlation_risk({"BTC-PERP": {"qty": D(1), "mark": D(50_000)}})


def test_a_store_over_a_file_is_not_written_to_by_another(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="written by its own system"):
        LiveRiskManager(event_store=EventStore(tmp_path))
