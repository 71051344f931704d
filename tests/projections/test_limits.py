"""The limits in force: what the configuration says, what operators changed, what the clock and the product add."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from events.account import MarginWindowChanged
from events.catalog import MarginRates
from events.codec import canonical_bytes
from events.configuration import Configuration, FeeSetting, RiskLimits
from events.record import AnyEvent, Record
from events.risk import (
    KillSwitchReset,
    KillSwitchThrown,
    LimitChanged,
    ReduceOnlyEntered,
    ReduceOnlyReleased,
    ReduceOnlyRequested,
)
from events.terms import MarginWindow, Side
from projections.limit_rules import LimitError, changed, minute_of
from projections.limits import Limits, initial_rate
from tests.streams.desk import HOUR, MONDAY
from tests.streams.facts import BIP, ONE, listed
from tests.streams.orders import with_limits

D = Decimal


def in_force(limits: RiskLimits | None = None, *events: AnyEvent) -> Limits:
    folded = Limits()
    for seq, event in enumerate((with_limits(limits or RiskLimits()), *events), 1):
        folded.fold(Record(seq=seq, at=MONDAY, by="test", event=event))
    return folded


def change(name: str, value: str) -> LimitChanged:
    return LimitChanged(limit=name, value=value, reason="test")


class TestChange:
    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("max_exposure_pct", "0.5", D("0.5")),
            ("reduce_only_mode", "yes", True),
            ("reduce_only_mode", "false", False),
            ("max_order_qty", "none", None),
            ("max_orders_per_minute", "7", 7),
            ("daytime_start_utc", "09:30", "09:30"),
            ("leverage_max_per_symbol", f"{BIP}:3, {ONE}-20DEC30-CDE:2.5", {BIP: D(3), ONE: D("2.5")}),
            ("leverage_max_per_symbol", "none", {}),
        ],
    )
    def test_a_limit_is_set_as_it_is_written(self, name: str, value: str, expected: object) -> None:
        assert getattr(in_force(None, change(name, value)).limits, name) == expected

    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("max_exposure", "1", "unknown limit 'max_exposure'; known are "),
            ("max_exposure_pct", "much", "max_exposure_pct cannot be 'much'"),
            ("max_exposure_pct", "80", "write a fraction: 0.8 for 80 %"),
            ("max_exposure_pct", "NaN", "it is no number"),
            ("max_exposure_pct", "none", "max_exposure_pct cannot be"),
            ("min_liquidation_buffer_pct", "1", "must be at least 0 and below 1"),
            ("leverage_max_global", "0", "must be above zero"),
            ("slippage_guard_bps", "-1", "must not be negative"),
            ("daytime_start_utc", "9 o'clock", "write it as"),
            ("leverage_max_per_symbol", "DOGE:3", f"names 'DOGE'; products here are {BIP}, {ONE}"),
            ("leverage_max_per_symbol", f"{BIP}:much", "cannot hold"),
            ("leverage_max_per_symbol", BIP, "cannot hold"),
            ("leverage_max_per_symbol", f"{BIP}:3,{BIP}-20DEC30-CDE:4", f"names {BIP} twice"),
            ("leverage_max_per_symbol", f"{BIP}:-3", "must be above zero"),
        ],
    )
    def test_what_cannot_be_taken_is_named_and_changes_nothing(self, name: str, value: str, why: str) -> None:
        before = in_force()
        with pytest.raises(LimitError) as error:
            changed(before.configuration, before.limits, name, value)
        assert why in str(error.value)
        assert in_force(None, change(name, value)).limits == before.limits

    def test_a_change_outlives_a_restart_until_the_file_says_something_new_there(self) -> None:
        tightened = change("max_exposure_pct", "0.3")
        assert in_force(None, tightened, with_limits(RiskLimits(), session="s-2")).limits.max_exposure_pct == D("0.3")
        edited = with_limits(RiskLimits(max_exposure_pct=D("0.6")), session="s-2")
        assert in_force(None, tightened, edited).limits.max_exposure_pct == D("0.6")
        elsewhere = with_limits(RiskLimits(max_decision_age_s=9), session="s-2")
        assert in_force(None, tightened, elsewhere).limits.max_exposure_pct == D("0.3")


GOOD: dict[object, tuple[str, object]] = {
    Decimal: ("0.5", D("0.5")),
    Decimal | None: ("0.5", D("0.5")),
    int: ("7", 7),
    int | None: ("7", 7),
    bool: ("true", True),
    str | None: ("09:30", "09:30"),
    dict[str, Decimal]: (f"{BIP}:0.5,{ONE}-20DEC30-CDE:0.25", {BIP: D("0.5"), ONE: D("0.25")}),
}
BAD: dict[object, tuple[str, ...]] = {
    Decimal: ("much", "NaN", "Infinity", "-1", "none"),
    Decimal | None: ("much", "NaN", "-1", "0"),
    int: ("much", "1.5", "-1"),
    int | None: ("much", "1.5", "0"),
    bool: ("maybe", "none"),
    str | None: ("9", "24:00", "09:60", "9:300", "0930"),
    dict[str, Decimal]: ("DOGE:0.5", BIP, f"{BIP}:", f"{BIP}:x", f"{BIP}:-1", f"{BIP}:0.5,{BIP}:0.5", f"{BIP}:NaN"),
}
FIELDS = {field.name: field.type for field in msgspec.structs.fields(RiskLimits)}


class TestEveryLimit:
    """Each can be set while the system runs; what cannot stand is refused by name, and changes nothing."""

    @pytest.mark.parametrize("name", FIELDS)
    def test_it_can_be_set_at_any_time(self, name: str) -> None:
        text, value = GOOD[FIELDS[name]]
        assert getattr(in_force(None, change(name, text)).limits, name) == value

    @pytest.mark.parametrize(("name", "text"), [(name, text) for name, kind in FIELDS.items() for text in BAD[kind]])
    def test_what_cannot_stand_is_refused_by_its_name_and_changes_nothing(self, name: str, text: str) -> None:
        before = in_force()
        with pytest.raises(LimitError) as refused:
            changed(before.configuration, before.limits, name, text)
        assert str(refused.value).startswith(f"{name} ")
        assert in_force(None, change(name, text)).limits == before.limits

    @pytest.mark.parametrize(
        ("name", "text", "sentence"),
        [
            ("max_order_qty", "0", "it must be above zero; give a quantity in contracts, or leave it out"),
            ("max_order_notional", "0", "it must be above zero; give an amount in USD, or leave it out"),
            ("max_price_distance_bps", "0", "it must be above zero; give basis points: 500 for 5 %, or leave it out"),
            ("max_notional_per_symbol", f"{BIP}:-1", "it must not be negative; give an amount in USD"),
            ("min_liquidation_buffer_pct", "15", "it must be at least 0 and below 1; write a fraction: 0.8 for 80 %"),
            ("max_exposure_pct", "80", "it must be above 0 and at most 10 (1000 %); write a fraction: 0.8 for 80 %"),
            ("max_exposure_pct", "0", "it must be above 0 and at most 10 (1000 %); write a fraction: 0.8 for 80 %"),
            ("max_correlated_concentration", "1.1", "it must be above 0 and at most 1; 1: all positions move as one"),
            ("max_correlated_concentration", "0", "it must be above 0 and at most 1; 1: all positions move as one"),
            ("volatility_window_periods", "1", "it must be from 2 to 240; give a whole number of returns"),
            ("volatility_window_periods", "241", "it must be from 2 to 240; give a whole number of returns"),
            ("max_exposure_pct", "NaN", "it is no number; write a fraction: 0.8 for 80 %"),
        ],
    )
    def test_the_refusal_says_what_is_wrong_and_what_to_write(self, name: str, text: str, sentence: str) -> None:
        with pytest.raises(LimitError) as refused:
            changed(Configuration(products=in_force().configuration.products), RiskLimits(), name, text)
        value = text.partition(":")[2] or text
        assert str(refused.value) == f"{name} cannot be {value}: {sentence}"

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("max_exposure_pct", "10"),
            ("max_correlated_concentration", "1"),
            ("volatility_window_periods", "2"),
            ("volatility_window_periods", "240"),
            ("min_liquidation_buffer_pct", "0"),
            ("slippage_guard_bps", "0"),
            ("circuit_breaker_cooldown_minutes", "0"),
        ],
    )
    def test_the_ends_of_a_range_belong_to_it(self, name: str, text: str) -> None:
        assert getattr(in_force(None, change(name, text)).limits, name) == D(text)

    @pytest.mark.parametrize(
        ("text", "value"), [("no", False), ("NO", False), ("yes", True), ("Yes", True), ("false", False)]
    )
    def test_a_switch_is_written_in_words(self, text: str, value: bool) -> None:
        was = RiskLimits(reduce_only_mode=not value)
        assert in_force(was, change("reduce_only_mode", text)).limits.reduce_only_mode is value

    @pytest.mark.parametrize("text", ["none", "None", "null", ""])
    def test_a_limit_is_taken_away_in_words(self, text: str) -> None:
        assert in_force(RiskLimits(max_order_qty=D(5)), change("max_order_qty", text)).limits.max_order_qty is None
        mapped = RiskLimits(max_notional_per_symbol={BIP: D(5)})
        if text != "null":
            assert in_force(mapped, change("max_notional_per_symbol", text)).limits.max_notional_per_symbol == {}

    def test_an_unknown_limit_is_answered_with_those_there_are(self) -> None:
        with pytest.raises(LimitError) as refused:
            changed(Configuration(), RiskLimits(), "max_exposur", "1")
        assert str(refused.value) == f"unknown limit 'max_exposur'; known are {', '.join(sorted(FIELDS))}"

    @pytest.mark.parametrize(("text", "minute"), [("00:00", 0), ("00:01", 1), ("01:30", 90), ("23:59", 1_439)])
    def test_a_time_of_day_is_a_minute(self, text: str, minute: int) -> None:
        assert minute_of(text) == minute

    def test_several_changes_add_up_and_the_last_of_a_limit_counts(self) -> None:
        changes = [change("max_exposure_pct", "0.3"), change("max_order_qty", "5"), change("max_exposure_pct", "0.4")]
        limits = in_force(None, *changes)
        assert (limits.limits.max_exposure_pct, limits.limits.max_order_qty) == (D("0.4"), D(5))
        assert list(limits.changes) == ["max_order_qty", "max_exposure_pct"]

    def test_a_limit_by_product_is_found_under_our_id_and_the_exchanges(self) -> None:
        for key in (BIP, f"{BIP}-20DEC30-CDE"):
            limits = in_force(RiskLimits(max_notional_per_symbol={key: D(7)}))
            assert (limits.max_notional(BIP), limits.max_notional(ONE)) == (D(7), None)
        assert in_force().max_notional("?") is None


class TestModes:
    def test_the_kill_switch_is_on_by_hand_or_by_configuration_and_a_reset_lifts_both(self) -> None:
        thrown = KillSwitchThrown(reason="fire")
        assert in_force(None, thrown).is_killed
        assert not in_force(None, thrown, KillSwitchReset(reason="out")).is_killed
        configured = RiskLimits(kill_switch_enabled=True)
        assert in_force(configured).is_killed
        assert not in_force(configured, KillSwitchReset(reason="out")).is_killed

    def test_reduce_only_holds_for_all_products_or_for_one(self) -> None:
        assert in_force(None, ReduceOnlyEntered(product=None, reason="loss")).why_reduce_only(BIP) == "loss"
        one = in_force(None, ReduceOnlyRequested(product=BIP, reason="caution"))
        assert (one.why_reduce_only(BIP), one.why_reduce_only(ONE)) == ("caution", None)
        assert in_force(RiskLimits(reduce_only_mode=True)).why_reduce_only(BIP) == "configured"

    def test_releasing_all_leaves_what_was_said_of_one(self) -> None:
        everything = ReduceOnlyReleased(product=None, reason="fine")
        both = (ReduceOnlyRequested(product=None, reason="a"), ReduceOnlyRequested(product=BIP, reason="b"))
        released = in_force(RiskLimits(reduce_only_mode=True), *both, everything)
        assert (released.why_reduce_only(BIP), released.why_reduce_only(ONE)) == ("b", None)


class TestAssumed:
    def test_the_default_maintenance_rate_is_assumed_only_where_there_is_no_other(self) -> None:
        assert in_force().assumed_rate(listed()) == D("0.005")
        for margins in ("intraday_margin", "overnight_margin"):
            for side in ("long", "short"):
                published = msgspec.structs.replace(listed(), **{margins: MarginRates(**{side: D("0.2")})})
                assert in_force().assumed_rate(published) is None
        for limit in ("day_mmr_per_symbol", "night_mmr_per_symbol"):
            own: dict[str, Any] = {limit: {BIP: D("0.1")}}
            assert in_force(RiskLimits(**own)).assumed_rate(listed()) is None
        other = RiskLimits(day_mmr_per_symbol={ONE: D("0.1")}, default_maintenance_margin_rate=D("0.01"))
        assert in_force(other).assumed_rate(listed()) == D("0.01")


class TestRates:
    @pytest.mark.parametrize(("hour", "cap", "rate"), [(8, 2, "0.2"), (9, 4, "0.1"), (16, 4, "0.1"), (17, 2, "0.2")])
    def test_day_and_night_have_limits_of_their_own(self, hour: int, cap: int, rate: str) -> None:
        limits = RiskLimits(
            daytime_start_utc="09:00",
            daytime_end_utc="17:00",
            day_leverage_max_per_symbol={BIP: D(4)},
            night_leverage_max_per_symbol={BIP: D(2)},
            day_mmr_per_symbol={BIP: D("0.1")},
            night_mmr_per_symbol={BIP: D("0.2")},
        )
        at = MONDAY + hour * HOUR
        assert in_force(limits).leverage_caps(BIP, listed=None, at=at) == [D(cap)]
        assert in_force(limits).maintenance_rate(listed(), Side.BUY, at=at) == D(rate)

    def test_a_day_may_reach_over_midnight(self) -> None:
        limits = RiskLimits(daytime_start_utc="22:00", daytime_end_utc="06:00", day_leverage_max_per_symbol={BIP: D(4)})
        caps = [in_force(limits).leverage_caps(BIP, listed=None, at=MONDAY + hour * HOUR) for hour in (5, 6, 21, 22)]
        assert caps == [[D(4)], [], [], [D(4)]]

    def test_without_a_daytime_the_limits_of_day_and_night_hold_both(self) -> None:
        limits = RiskLimits(
            day_leverage_max_per_symbol={BIP: D(4)},
            night_leverage_max_per_symbol={BIP: D(2)},
            day_mmr_per_symbol={BIP: D("0.1")},
            night_mmr_per_symbol={BIP: D("0.2")},
        )
        assert in_force(limits).leverage_caps(BIP, listed=D(10), at=MONDAY) == [D(4), D(2), D(10)]
        assert in_force(limits).maintenance_rate(listed(), Side.SELL, at=MONDAY) == D("0.2")

    @pytest.mark.parametrize(
        ("side", "rate", "maintenance"), [(Side.BUY, "0.2456", "0.16374152"), (Side.SELL, "0.3", "0.20001")]
    )
    def test_maintenance_is_two_thirds_of_the_stricter_window_of_the_side(
        self, side: Side, rate: str, maintenance: str
    ) -> None:
        rules = msgspec.structs.replace(
            listed(),
            intraday_margin=MarginRates(long=D("0.1"), short=D("0.1")),
            overnight_margin=MarginRates(long=D("0.2456"), short=D("0.3")),
        )
        assert initial_rate(rules, side) == D(rate)
        assert in_force().maintenance_rate(rules, side, at=MONDAY) == D(maintenance)

    def test_a_product_that_publishes_no_rates_has_the_default(self) -> None:
        assert initial_rate(listed(), Side.BUY) is None
        assert in_force().maintenance_rate(listed(), Side.BUY, at=MONDAY) == D("0.005")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, "100"),
        ({"max_daily_loss_pct": D("0.02")}, "2000"),
        ({"daily_loss_limit": D(500)}, "500"),
        ({"daily_loss_limit": D(500), "max_daily_loss_pct": D("0.001")}, "100"),
    ],
)
def test_the_daily_loss_limit_is_the_tighter_of_those_that_the_user_set(limits: dict[str, Any], expected: str) -> None:
    assert in_force(RiskLimits(**limits)).daily_loss_limit(D(100_000)) == D(expected)


def test_a_percentage_of_an_equity_below_zero_is_no_loss_at_all() -> None:
    assert in_force(RiskLimits(max_daily_loss_pct=D("0.02"))).daily_loss_limit(D(-5)) == D(0)


def test_what_an_order_is_reserved_to_cost_is_what_the_settings_say() -> None:
    charges = in_force(RiskLimits(slippage_guard_bps=D(20))).charges()
    fees = FeeSetting()
    assert (charges.rate, charges.per_contract, charges.allowance_bps) == (fees.taker_rate, fees.per_contract, D(20))


def test_limits_survive_a_snapshot_unchanged() -> None:
    window = MarginWindowChanged(window=MarginWindow.INTRADAY, ends_at=MONDAY + HOUR)
    limits = in_force(None, change("max_exposure_pct", "0.3"), KillSwitchThrown(reason="x", flatten=True), window)
    assert msgspec.json.decode(canonical_bytes(limits), type=Limits) == limits
    assert limits.configuration != Configuration()
