"""Faults of an older risk engine: limits, checks before an order, guards (protocol sheet 8.8 to 8.10)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from actors.brokerage import LiveRiskManager, RiskConfig
from actors.strict import ConfigurationError
from events.configuration import RiskLimits
from events.event import Event
from events.feeds import ExchangeReconciled
from events.market import MarkWentStale
from events.orders import OrderApproved, OrderRefused
from events.risk import DailyLossBreached, DayOpened, ReduceOnlyEntered, ReduceOnlyRequested
from events.session import ClockTicked
from events.terms import NANOSECONDS, OrderKind, OrderStatus, Side
from tests.rules.gate import WIDE, asked, at_gate, codes
from tests.streams.desk import HOUR, MONDAY, SECOND, Desk, of_kind
from tests.streams.facts import BIP, ONE, D, listed
from tests.streams.orders import marked, order_reported, position_of, proposed, with_limits


class TestLimits:
    @pytest.mark.parametrize("text", ["BTC-PERP", "BTC-PERP:", "BTC-PERP:ten", "BTC-PERP:3,BTC-PERP:4"])
    def test_8_8_a_malformed_limit_is_an_error_and_never_no_limit(self, text: str) -> None:
        with pytest.raises(ConfigurationError, match="RISK_LEVERAGE_MAX_PER_SYMBOL"):
            RiskConfig.from_env({"RISK_LEVERAGE_MAX_PER_SYMBOL": text})


class TestGate:
    def test_8_9_an_order_is_held_to_the_mark_and_not_to_its_own_price(self) -> None:
        answer = asked(at_gate(), Side.BUY, "3", limit_price="50500")
        assert "slippage" in codes(answer)
        assert isinstance(asked(at_gate(), Side.BUY, "3", limit_price="50250"), OrderApproved)

    def test_8_9_what_is_held_already_counts(self) -> None:
        desk = at_gate()
        desk.hear(position_of("38"), by="orders")  # 19,000 of the 20,000 that are allowed
        assert "exposure_symbol" in codes(asked(desk, Side.BUY, "3"))
        assert isinstance(asked(desk, Side.BUY, "1", proposal="p-2"), OrderApproved)

    def test_8_9_what_reduces_is_held_to_no_limit_on_increases(self) -> None:
        desk = at_gate()
        desk.hear(position_of("90"), by="orders")  # 45 % of equity
        answer = asked(desk, Side.SELL, "90")
        assert isinstance(answer, OrderApproved)
        assert (answer.qty, answer.reduce_only) == (D(90), True)

    def test_8_9_an_order_past_the_position_does_not_flip_it_in_reduce_only_mode(self) -> None:
        desk = at_gate(WIDE)
        desk.hear(position_of("3"), by="orders")
        desk.hear(ReduceOnlyRequested(product=None, reason="test"), by="operator")
        answer = asked(desk, Side.SELL, "8")
        assert isinstance(answer, OrderApproved)
        assert (answer.asked, answer.qty, answer.reduce_only) == (D(8), D(3), True)

    def test_8_9_reduce_only_for_one_product_binds_that_product(self) -> None:
        desk = at_gate()
        desk.hear(ReduceOnlyRequested(product=BIP, reason="test"), by="operator")
        assert "reduce_only" in codes(asked(desk, Side.BUY, "1"))
        desk = at_gate(WIDE)
        desk.hear(ReduceOnlyRequested(product=ONE, reason="test"), by="operator")
        assert isinstance(asked(desk, Side.BUY, "1"), OrderApproved)

    def test_8_9_what_rests_counts(self) -> None:
        desk = at_gate()
        resting = order_reported("o-9", qty="38", kind=OrderKind.LIMIT_GTC, limit_price="50000", at=desk.at)
        desk.hear(resting, by="user")
        assert "exposure_symbol" in codes(asked(desk, Side.BUY, "3"))
        gone = order_reported(
            "o-9", OrderStatus.CANCELLED, qty="38", kind=OrderKind.LIMIT_GTC, limit_price="50000", at=desk.at
        )
        desk.hear(gone, by="user")
        assert isinstance(asked(desk, Side.BUY, "3", proposal="p-2"), OrderApproved)

    def test_8_9_the_contract_size_counts(self) -> None:
        # three contracts of a hundredth are worth 1,500; three whole coins are worth 150,000
        assert isinstance(asked(at_gate(), Side.BUY, "3"), OrderApproved)
        assert "exposure_symbol" in codes(asked(at_gate(), Side.BUY, "3", product=ONE))

    @pytest.mark.parametrize("qty", ["0", "-1", "0.4"])
    def test_8_9_a_size_that_is_none_is_refused(self, qty: str) -> None:
        assert isinstance(asked(at_gate(), Side.BUY, qty), OrderRefused)

    def test_8_9_nothing_increases_on_a_stale_mark_or_an_unknown_equity(self) -> None:
        desk = at_gate()
        desk.hear(MarkWentStale(product=BIP, age_ms=9_000, reason="quiet"), by="marks")
        assert isinstance(asked(desk, Side.BUY, "1", limit_price="50000"), OrderRefused)
        desk = Desk(OrdersBehaviour(), RiskBehaviour())
        desk.hear(with_limits(RiskLimits()), listed(BIP), listed(ONE, contract_size="1"), marked("50000"))
        desk.hear(ExchangeReconciled(exchange_at=desk.at), by="account")
        desk.hear(position_of("1", product=ONE, contract_size="1"), by="orders")  # a product without any mark
        assert isinstance(asked(desk, Side.SELL, "1"), OrderRefused)


def breaches(said: list[Event]) -> list[DailyLossBreached]:
    return of_kind(said, DailyLossBreached)


def day(desk: Desk, price: str, *, after: int = SECOND) -> list[Event]:
    """A second later, at this mark."""
    desk.hear(marked(price, at=desk.at + after), by="marks", after=after)
    return desk.hear(ClockTicked(), by="clock")


class TestGuards:
    def test_8_10_the_days_loss_is_of_the_day_and_rolls_at_midnight_utc(self) -> None:
        desk = at_gate(RiskLimits(daily_loss_limit=D(300)))
        desk.hear(position_of("10"), by="orders")
        day(desk, "50000")
        assert breaches(day(desk, "47500", after=HOUR)) == []  # 250 lost
        opened = of_kind(day(desk, "47500", after=24 * HOUR), DayOpened)
        assert [each.equity for each in opened] == [D(99_750)]
        assert breaches(day(desk, "45000", after=HOUR)) == []  # 250 more, on another day

    def test_8_10_a_loss_survives_a_restart_and_is_said_once(self) -> None:
        limits = RiskLimits(daily_loss_limit=D(300))
        desk = at_gate(limits)
        desk.hear(position_of("10"), by="orders")
        day(desk, "50000")
        day(desk, "47500")
        desk.hear(with_limits(limits, session="s-2"), by="session")
        assert len(breaches(day(desk, "46999"))) == 1
        assert [breaches(day(desk, "46000")) for _ in range(3)] == [[], [], []]

    def test_8_10_a_liquidation_price_of_zero_is_none_and_no_safe_distance(self) -> None:
        manager = LiveRiskManager(RiskConfig(), clock=lambda: MONDAY)
        manager.update_mark(BIP, D(50_000))
        thin = {"side": "long", "qty": D(100), "mark": D(50_000), "liquidation_price": D(0)}
        assert manager.check_liquidation_buffer(BIP, thin, D(100_000))  # type: ignore[arg-type]  # a plain dict, as users write

    def test_8_10_a_mark_that_was_never_seen_is_stale(self) -> None:
        now = [MONDAY]
        manager = LiveRiskManager(RiskConfig(), clock=lambda: now[0])
        assert manager.check_mark_staleness(BIP)
        manager.update_mark(BIP, D(50_000))
        assert not manager.check_mark_staleness(BIP)
        now[0] += 181 * NANOSECONDS
        assert manager.check_mark_staleness(BIP)

    def test_8_10_volatility_is_a_year_of_the_samples_it_is_made_of(self) -> None:
        """Returns of +-0.1 % a minute are 72.5 % a year; taken for days they would be 1.6 %."""
        marks = [D(50_000) * (D("1.001") if place % 2 else D(1)) for place in range(21)]
        manager = LiveRiskManager(
            RiskConfig(enable_volatility_circuit_breaker=True, max_intraday_volatility_threshold=D("0.15")),
            clock=lambda: MONDAY,
            mark_interval_s=60,
        )
        found = manager.check_volatility_circuit_breaker(BIP, marks)
        measured = found["volatility"]
        assert isinstance(measured, Decimal)
        assert D("0.70") < measured < D("0.76")


def test_8_9_a_guard_of_this_turn_is_seen_by_the_gate_before_it_is_in_the_log() -> None:
    desk = at_gate(RiskLimits(daily_loss_limit=D(300)))
    desk.hear(position_of("10"), by="orders")
    day(desk, "50000")
    desk.hear(marked("46000", at=desk.at), by="marks")
    said = desk.hear(ClockTicked(), proposed(Side.BUY, "1", at=desk.at), by="clock")
    assert len(of_kind(said, ReduceOnlyEntered)) == 1
    assert of_kind(said, OrderApproved) == []
