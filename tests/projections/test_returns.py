"""Returns, volatility, correlation and concentration, held against Python's own statistics."""

from __future__ import annotations

import math
import statistics
from decimal import Decimal, getcontext, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.returns import (
    RETURNS_KEPT,
    Concentration,
    Returns,
    concentration,
    correlation,
    log_return,
    volatility,
)

D = Decimal
returns = st.lists(st.integers(-10_000, 10_000).map(lambda n: D(n).scaleb(-6)), min_size=2, max_size=30)


def test_a_return_is_the_logarithm_of_the_ratio() -> None:
    assert log_return(D(100), D(101)) == D("0.009950330853")
    assert log_return(D(101), D(100)) == D("-0.009950330853")
    assert log_return(D(7), D(7)) == 0


def test_two_tenthousandths_a_minute_are_fourteen_and_a_half_percent_a_year() -> None:
    swings = [D("0.0002"), D("-0.0002")] * 2_000
    assert volatility(swings, interval_s=60) == D("0.145015")
    assert volatility(swings[:2], interval_s=60) == D("0.205056")  # of two, the sample's: times the root of 2
    assert volatility(swings[:2], interval_s=3_600) == D("0.026473")


@given(returns)
def test_volatility_is_the_samples_deviation_times_the_root_of_a_years_intervals(drawn: list[Decimal]) -> None:
    expected = statistics.stdev(map(float, drawn)) * math.sqrt(31_536_000 / 60)
    assert abs(float(volatility(drawn, interval_s=60)) - expected) < 1e-5


@given(returns, returns)
def test_correlation_is_that_of_the_latest_returns_which_both_have(ours: list[Decimal], theirs: list[Decimal]) -> None:
    count = min(len(ours), len(theirs))
    found = correlation(ours, theirs)
    a, b = [*map(float, ours[-count:])], [*map(float, theirs[-count:])]
    if found is None:
        assert len(set(a)) == 1 or len(set(b)) == 1
    else:
        assert abs(float(found) - statistics.correlation(a, b)) < 1e-5


def test_correlation_of_too_little_is_unknown() -> None:
    assert correlation([D(1)], [D(1), D(2)]) is None
    assert correlation([D(1), D(2)], [D(3), D(3)]) is None
    assert correlation([D(1), D(2)], [D(3), D(5)]) == 1
    assert correlation([D(9), D(1), D(2)], [D(5), D(3)]) == -1


def test_the_digits_do_not_hang_on_the_threads_precision() -> None:
    swings = [D("0.0002"), D("-0.0001"), D("0.0003")]
    here = volatility(swings, interval_s=60)
    with localcontext(getcontext()) as context:
        context.prec = 50
        assert volatility(swings, interval_s=60) == here


class TestTheWindow:
    def test_it_holds_one_return_less_than_marks_and_forgets_the_oldest(self) -> None:
        window = Returns()
        for place in range(RETURNS_KEPT + 5):
            window.sample(D(100 + place))
        assert len(window.returns) == RETURNS_KEPT
        assert window.returns[-1] == log_return(D(RETURNS_KEPT + 103), D(RETURNS_KEPT + 104))

    @pytest.mark.parametrize("gap", [None, D(0), D(-1)])
    def test_a_gap_or_a_price_that_is_none_starts_it_anew(self, gap: Decimal | None) -> None:
        window = Returns()
        for mark in (D(100), D(101), gap):
            window.sample(mark)
        assert (window.mark, window.returns) == (None, [])
        window.sample(D(103))
        assert window.returns == []
        window.sample(D(104))
        assert window.returns == [log_return(D(103), D(104))]

    def test_volatility_needs_all_periods_and_takes_the_latest(self) -> None:
        window = Returns()
        for mark in (1, 100, 101, 100, 101):
            window.sample(D(mark))
        assert window.volatility(5, interval_s=60) is None
        assert window.volatility(3, interval_s=60) == volatility(window.returns[-3:], interval_s=60)
        assert window.volatility(4, interval_s=60) == volatility(window.returns, interval_s=60)


class TestConcentration:
    UP = (D(1), D(2), D(4))

    def of(self, one: str, other: str, *, against: bool = False, **more: str) -> Concentration | None:
        sign = -1 if against else 1
        known = {"a": self.UP, "b": [sign * each for each in self.UP]}
        worths = {"a": D(one), "b": D(other)} | {name: D(worth) for name, worth in more.items()}
        return concentration(worths, known, periods=3)

    def test_what_moves_as_one_is_one(self) -> None:
        assert self.of("6000", "4000") == Concentration(D(1), ())
        assert self.of("6000", "-4000") == Concentration(D("0.04"), ())
        assert self.of("6000", "-4000", against=True) == Concentration(D(1), ())

    def test_fewer_than_two_positions_are_none(self) -> None:
        assert self.of("6000", "0") is None
        assert concentration({}, {}, periods=3) is None

    def test_an_unknown_pair_counts_as_the_worst_and_is_named(self) -> None:
        assert self.of("3", "-3", c="-4") == Concentration(D("0.64"), ("a/c", "b/c"))
        few = concentration({"a": D(1), "b": D(-1)}, {"a": self.UP, "b": self.UP}, periods=4)
        assert few == Concentration(D(1), ("a/b",))

    def test_only_the_latest_returns_count(self) -> None:
        known = {"a": (D(9), *self.UP), "b": (D(-9), *self.UP)}
        assert concentration({"a": D(1), "b": D(1)}, known, periods=3) == Concentration(D(1), ())

    def test_uncorrelated_equal_positions_are_half_of_one_thing(self) -> None:
        known = {"a": (D(1), D(-1), D(1), D(-1)), "b": (D(1), D(1), D(-1), D(-1))}
        assert concentration({"a": D(5), "b": D(5)}, known, periods=4) == Concentration(D("0.5"), ())
