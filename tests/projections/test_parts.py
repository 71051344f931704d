"""An order cut into parts is still the order."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from projections.parts import entered_by, ladder, weights_by_difference, weights_by_ratio

ONE, FIVE = Decimal(1), Decimal(5)
units = st.integers(1, 5_000)
counts = st.integers(1, 50)


def test_the_parts_of_a_time_are_as_equal_as_whole_contracts_allow() -> None:
    assert [entered_by(Decimal(10), part, of=4, increment=ONE) for part in range(5)] == [0, 2, 5, 7, 10]


@given(units, counts)
def test_all_parts_of_a_time_are_the_order(qty: int, count: int) -> None:
    entered = [entered_by(Decimal(qty), part, of=count, increment=ONE) for part in range(count + 1)]
    assert [entered[0], entered[-1]] == [Decimal(0), Decimal(qty)]
    parts = [after - before for before, after in pairwise(entered)]
    assert max(parts) - min(parts) <= 1


def test_a_ladder_spaces_prices_evenly_and_shares_by_weight() -> None:
    weights = [Decimal(1), Decimal(2), Decimal(2)]
    rungs = ladder(
        Decimal(10),
        lowest=Decimal(100),
        highest=Decimal(120),
        weights=weights,
        price_increment=FIVE,
        size_increment=ONE,
    )
    assert rungs == [(Decimal(price), Decimal(size)) for price, size in ((100, 2), (110, 4), (120, 4))]


def test_the_parts_of_a_time_are_whole_increments_of_fractions_too() -> None:
    tenth = Decimal("0.1")
    entered = [entered_by(Decimal("1.05"), part, of=4, increment=tenth) for part in range(5)]
    assert entered == [0, Decimal("0.2"), Decimal("0.5"), Decimal("0.7"), 1]


def test_a_ladder_of_two_stands_at_both_ends() -> None:
    rungs = ladder(
        Decimal(3),
        lowest=Decimal(100),
        highest=Decimal(120),
        weights=[ONE, ONE],
        price_increment=FIVE,
        size_increment=ONE,
    )
    assert rungs == [(Decimal(100), ONE), (Decimal(120), Decimal(2))]


def test_a_ladder_in_fractions_is_the_order_too() -> None:
    tenth = Decimal("0.1")
    rungs = ladder(
        ONE, lowest=Decimal(100), highest=Decimal(110), weights=[ONE, ONE], price_increment=FIVE, size_increment=tenth
    )
    assert rungs == [(Decimal(100), Decimal("0.5")), (Decimal(110), Decimal("0.5"))]


@given(units, counts, st.integers(0, 400), st.integers(1, 9))
def test_a_ladder_is_the_order_on_the_grid_between_its_ends(qty: int, count: int, span: int, ratio: int) -> None:
    lowest, highest = Decimal(1_000), Decimal(1_000 + 5 * span)
    weights = weights_by_ratio(count, Decimal(ratio))
    rungs = ladder(
        Decimal(qty), lowest=lowest, highest=highest, weights=weights, price_increment=FIVE, size_increment=ONE
    )
    assert sum(size for _, size in rungs) == qty
    assert all(lowest <= price <= highest and price % 5 == 0 and size >= 0 for price, size in rungs)
    assert rungs[0][0] == lowest
    assert count == 1 or rungs[-1][0] == highest
    assert [price for price, _ in rungs] == sorted(price for price, _ in rungs)


def test_weights_end_at_their_ratio_or_differ_by_their_difference() -> None:
    assert weights_by_ratio(3, Decimal(3)) == [2, 4, 6]
    assert weights_by_ratio(2, Decimal(3)) == [1, 3]
    assert weights_by_difference(Decimal(30), 3, FIVE) == [15, 30, 45]
    assert weights_by_difference(Decimal(10), 3, FIVE)[0] < 0
