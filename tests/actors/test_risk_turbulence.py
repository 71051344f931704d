"""The volatility circuit breaker and the correlation guard of the running system (trading rules A22)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.behaviours.orders import OrdersBehaviour
from actors.behaviours.risk import RiskBehaviour
from events.configuration import RiskLimits
from events.event import Event
from events.orders import CancelAllOrdered, OrderApproved, OrderRefused
from events.risk import (
    CorrelationRiskCleared,
    CorrelationRiskFound,
    DayOpened,
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    MaintenanceRateAssumed,
    ReduceOnlyEntered,
    ReduceOnlyLeft,
    ReduceOnlyRequested,
    VolatilityLevelChanged,
)
from events.session import ClockTicked
from events.terms import Side, Turbulence
from tests.streams.desk import MINUTE, Desk, of_kind
from tests.streams.facts import BIP, ONE, D, listed
from tests.streams.orders import marked, position_of, proposed, ready

ON = RiskLimits(
    enable_volatility_circuit_breaker=True,
    volatility_window_periods=4,
    max_intraday_volatility_threshold=D(1),
    circuit_breaker_cooldown_minutes=3,
    max_exposure_pct=D(10),
    max_position_pct_per_symbol=D(10),
)
#: Swings of this size once a minute are calm, a warning, reduce-only and the kill switch: about 840 times that a year.
CALM, WARNING, REDUCE, KILL = "0.0001", "0.0002", "0.00025", "0.0004"


def desk_with(limits: RiskLimits = ON, **changes: Any) -> Desk:
    return ready(Desk(OrdersBehaviour(), RiskBehaviour()), msgspec.structs.replace(limits, **changes))


def swing(desk: Desk, size: str, count: int = 6, product: str = BIP) -> list[Event]:
    """One mark a minute, up by `size` and down again; what was said."""
    said: list[Event] = []
    for _ in range(count):
        is_up = (desk.at // MINUTE) % 2
        price = D(50_000) * (1 + D(size)) if is_up else D(50_000)
        said += desk.hear(marked(price, product=product), ClockTicked(), by="marks", after=MINUTE)
    return said


def steps(said: list[Event]) -> list[tuple[Turbulence, Turbulence]]:
    return [(event.before, event.level) for event in of_kind(said, VolatilityLevelChanged)]


def ask(desk: Desk, side: Side = Side.BUY, qty: str = "1", **what: Any) -> list[Event]:
    return desk.hear(proposed(side, qty, at=desk.at, **what), by="strategy:baseline")


def codes(desk: Desk) -> list[str]:
    return [breach.code for refused in of_kind(ask(desk), OrderRefused) for breach in refused.breaches]


class TestTheBreaker:
    def test_a_warning_is_said_once_and_restricts_nothing(self) -> None:
        desk = desk_with()
        assert steps(swing(desk, CALM)) == []
        said = swing(desk, WARNING)
        (step,) = of_kind(said, VolatilityLevelChanged)
        assert (step.product, step.level, step.threshold, step.periods) == (BIP, Turbulence.WARNING, D("0.15"), 4)
        assert step.volatility == D("0.167411")  # ln(1.0002) x sqrt(4 / 3) x sqrt(525,600) by another's reckoning
        assert [type(event) for event in said] == [VolatilityLevelChanged]
        assert codes(desk) == []

    def test_reduce_only_restricts_the_product_and_cancels_what_could_increase(self) -> None:
        desk = desk_with()
        said = swing(desk, REDUCE)
        assert steps(said)[-1][1] is Turbulence.REDUCE_ONLY
        entered = ReduceOnlyEntered(product=BIP, reason="volatility circuit breaker")
        assert of_kind(said, ReduceOnlyEntered) == [entered]
        assert of_kind(said, CancelAllOrdered) == [CancelAllOrdered(product=BIP, reason="volatility circuit breaker")]
        assert codes(desk) == ["reduce_only"]
        assert of_kind(ask(desk, product=ONE), OrderApproved)
        desk.hear(position_of("2"), by="orders")
        assert of_kind(ask(desk, Side.SELL, "2"), OrderApproved)

    def test_at_the_top_the_kill_switch_is_thrown_once_and_an_operators_reset_stands(self) -> None:
        desk = desk_with()
        said = swing(desk, KILL)
        assert len(of_kind(said, KillSwitchThrown)) == 1
        assert (
            CancelAllOrdered(product=None, reason=f"kill switch: {of_kind(said, KillSwitchThrown)[0].reason}") in said
        )
        assert codes(desk)[:2] == ["kill_switch", "reduce_only"]
        desk.hear(KillSwitchReset(reason="I see it"), by="operator")
        assert of_kind(swing(desk, KILL), KillSwitchThrown) == []
        assert codes(desk) == ["reduce_only"]

    def test_a_step_down_waits_until_it_was_calm_for_the_cooldown(self) -> None:
        desk = desk_with()
        swing(desk, REDUCE, 8)
        said = [swing(desk, CALM, 1) for _ in range(9)]
        fell = next(place for place, each in enumerate(said) if steps(each))
        volatile = [place for place in range(9) if place < 3]  # the window still holds large swings
        assert fell >= len(volatile)
        assert of_kind(said[fell], ReduceOnlyLeft) == [ReduceOnlyLeft(product=BIP, reason="volatility has calmed")]
        assert steps(said[fell])[0][0] is Turbulence.REDUCE_ONLY
        assert codes(desk) == []

    @pytest.mark.parametrize(("cooldown", "after"), [(0, 1), (1, 1), (2, 2), (5, 5)])
    def test_the_cooldown_is_counted_from_when_the_step_was_last_reached(self, cooldown: int, after: int) -> None:
        desk = desk_with(circuit_breaker_cooldown_minutes=cooldown, volatility_window_periods=2)
        swing(desk, REDUCE, 6)
        desk.hear(marked("50000"), ClockTicked(), by="marks", after=MINUTE)
        said = [desk.hear(ClockTicked(), by="clock", after=MINUTE) for _ in range(8)]
        assert next(place for place, each in enumerate(said, 1) if steps(each)) == after

    def test_a_gap_in_the_samples_neither_raises_a_step_nor_lowers_one(self) -> None:
        desk = desk_with()
        swing(desk, REDUCE)
        desk.at += 60 * MINUTE
        assert steps(swing(desk, CALM, 4)) == []
        assert codes(desk) == ["reduce_only"]
        assert steps(swing(desk, CALM, 1)) == [(Turbulence.REDUCE_ONLY, Turbulence.CALM)]

    def test_the_silence_of_a_halt_is_no_calm(self) -> None:
        desk = desk_with()
        swing(desk, REDUCE)
        desk.hear(listed(session_open=False), by="account")
        assert steps(swing(desk, "0", 8)) == []
        desk.hear(listed(), by="account")
        assert steps(swing(desk, CALM, 4)) == []
        assert codes(desk)[0] == "reduce_only"
        assert steps(swing(desk, CALM, 1)) == [(Turbulence.REDUCE_ONLY, Turbulence.CALM)]

    def test_two_ticks_in_one_turn_say_a_step_once(self) -> None:
        desk = desk_with()
        swing(desk, REDUCE, 4)
        up = marked(D(50_000) * (1 + D(REDUCE)))
        said = desk.hear(up, ClockTicked(), ClockTicked(), by="marks", after=MINUTE)
        assert len(steps(said)) == 1

    def test_a_restriction_of_the_operator_is_not_lifted_by_a_calm_market(self) -> None:
        desk = desk_with(circuit_breaker_cooldown_minutes=0)
        desk.hear(ReduceOnlyRequested(product=BIP, reason="mine"), by="operator")
        assert of_kind(swing(desk, REDUCE), ReduceOnlyEntered) == []
        said = swing(desk, CALM, 9)
        assert steps(said)[-1][1] is Turbulence.CALM
        assert of_kind(said, ReduceOnlyLeft) == []
        assert codes(desk) == ["reduce_only"]

    def test_at_the_intraday_threshold_entries_wait_until_the_next_sample_below(self) -> None:
        desk = desk_with(max_intraday_volatility_threshold=D("0.16"))
        swing(desk, WARNING)
        refused = of_kind(ask(desk), OrderRefused)[0]
        assert (refused.code, refused.message) == (
            "volatility",
            "Volatility of BIP is 16.7% a year, at or above 16.0%: no entries",
        )
        swing(desk, CALM)
        assert codes(desk) == []

    def test_thresholds_that_an_operator_let_cross_each_count_by_itself(self) -> None:
        desk = desk_with()
        desk.hear(LimitChanged(limit="volatility_reduce_only_threshold", value="0.16", reason="x"), by="operator")
        desk.hear(LimitChanged(limit="volatility_warning_threshold", value="0.9", reason="x"), by="operator")
        assert steps(swing(desk, WARNING)) == [(Turbulence.CALM, Turbulence.REDUCE_ONLY)]

    def test_switched_off_by_an_operator_it_lets_go(self) -> None:
        desk = desk_with()
        swing(desk, REDUCE)
        off = LimitChanged(limit="enable_volatility_circuit_breaker", value="false", reason="enough")
        desk.hear(off, by="operator")
        said = swing(desk, REDUCE, 1)
        assert steps(said) == [(Turbulence.REDUCE_ONLY, Turbulence.CALM)]
        assert len(of_kind(said, ReduceOnlyLeft)) == 1
        assert swing(desk, KILL) == []

    def test_switched_off_it_says_nothing(self) -> None:
        desk = desk_with(enable_volatility_circuit_breaker=False)
        assert [event for event in swing(desk, KILL) if not isinstance(event, DayOpened)] == []


class TestCorrelation:
    LIMITS = RiskLimits(enable_correlation_guard=True, volatility_window_periods=3)

    def both(self, desk: Desk, count: int, *, other: str = "0.0002") -> list[Event]:
        """A minute each: BIP swings by 0.0002, ONE by `other`."""
        said: list[Event] = []
        for _ in range(count):
            is_up = (desk.at // MINUTE) % 2
            marks = [
                marked(D(50_000) * (1 + D(size)) if is_up else D(50_000), product=product)
                for product, size in ((BIP, "0.0002"), (ONE, other))
            ]
            said += desk.hear(*marks, ClockTicked(), by="marks", after=MINUTE)
        return [event for event in said if isinstance(event, CorrelationRiskFound | CorrelationRiskCleared)]

    def test_positions_that_move_as_one_are_found_once_and_cleared_when_one_is_left(self) -> None:
        desk = desk_with(self.LIMITS)
        self.both(desk, 5)
        desk.hear(position_of("100"), by="orders")
        assert self.both(desk, 2) == []
        desk.hear(position_of("1", product=ONE, contract_size="1"), by="orders")
        (found,) = self.both(desk, 3)
        assert isinstance(found, CorrelationRiskFound)
        assert (found.limit, found.products, found.assumed) == (D("0.4"), (BIP, ONE), ())
        assert found.concentration == D(1)
        fill = position_of("-100")
        desk.hear(msgspec.structs.replace(fill, order="closes"), by="orders")
        assert self.both(desk, 3) == [CorrelationRiskCleared(concentration=None, limit=D("0.4"))]

    def test_a_hedge_is_no_concentration(self) -> None:
        desk = desk_with(self.LIMITS)
        self.both(desk, 5)
        desk.hear(position_of("100"), position_of("-1", product=ONE, contract_size="1"), by="orders")
        assert self.both(desk, 2) == []
        desk = desk_with(self.LIMITS)
        self.both(desk, 5, other="-0.0002")
        desk.hear(position_of("100"), position_of("1", product=ONE, contract_size="1"), by="orders")
        assert self.both(desk, 2, other="-0.0002") == []

    def test_what_is_unknown_counts_as_the_worst_and_is_named(self) -> None:
        desk = desk_with(self.LIMITS)
        desk.hear(position_of("100"), position_of("-1", product=ONE, contract_size="1"), by="orders")
        found = self.both(desk, 1)[0]
        assert isinstance(found, CorrelationRiskFound)
        assert found.assumed == (f"{BIP}/{ONE}",)

    def test_switched_off_it_says_nothing(self) -> None:
        desk = desk_with(RiskLimits())
        desk.hear(position_of("100"), position_of("1", product=ONE, contract_size="1"), by="orders")
        assert self.both(desk, 5) == []


class TestTheDefaultMaintenanceRate:
    def test_a_product_that_publishes_no_margin_is_counted_at_the_default_and_that_is_said_once(self) -> None:
        desk = Desk(OrdersBehaviour(), RiskBehaviour())
        said = desk.hear(listed(), listed(), listed(ONE))
        assert said == [MaintenanceRateAssumed(product=product, rate=Decimal("0.005")) for product in (BIP, ONE)]
        assert desk.hear(listed()) == []

    def test_nothing_is_assumed_of_a_product_with_rates_of_its_own_or_of_coins(self) -> None:
        desk = Desk(OrdersBehaviour(), RiskBehaviour())
        published = msgspec.structs.replace(listed(), overnight_margin={"long": D("0.2"), "short": D("0.3")})
        published = msgspec.convert(msgspec.to_builtins(published), type=type(published), strict=False)
        assert desk.hear(published) == []
        assert desk.hear(msgspec.structs.replace(listed(), venue="SPOT")) == []

    def test_a_rate_that_the_user_set_is_no_assumption(self) -> None:
        desk = desk_with(RiskLimits(night_mmr_per_symbol={ONE: D("0.1")}))
        assumed = [record.event for record in desk.log if isinstance(record.event, MaintenanceRateAssumed)]
        assert [event.product for event in assumed] == [BIP]
