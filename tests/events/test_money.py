"""Money is exact, or it raises; whoever rounds says so."""

from __future__ import annotations

import threading
from decimal import Decimal, DivisionByZero, FloatOperation, Inexact, InvalidOperation
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.money import ONE, ZERO, ceil_to, floor_to, on_grid, plain, quotient, rounded, use_exact_arithmetic

amounts = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-(10**15), 10**15), st.integers(0, 8)
)
increments = st.sampled_from([Decimal(text) for text in ("1", "0.01", "0.5", "0.25", "5", "0.00000001", "0.3")])


def test_an_inexact_result_raises_and_a_float_is_refused() -> None:
    with pytest.raises(Inexact):
        ONE / Decimal(3)
    with pytest.raises(FloatOperation):
        Decimal(float("0.1"))
    with pytest.raises(DivisionByZero):
        quotient(ONE, ZERO, places=2)
    with pytest.raises(InvalidOperation):
        ZERO / ZERO


def test_a_new_thread_has_to_enter_the_context_itself() -> None:
    found: list[Decimal] = []

    def divide() -> None:
        found.append(ONE / Decimal(3))
        use_exact_arithmetic()
        try:
            found.append(ONE / Decimal(3))
        except Inexact:
            found.append(ZERO)

    thread = threading.Thread(target=divide)
    thread.start()
    thread.join()
    assert found[0] != ZERO
    assert found[1] == ZERO


@given(amount=amounts, increment=increments)
def test_flooring_and_ceiling_give_the_multiples_on_either_side(amount: Decimal, increment: Decimal) -> None:
    low, high = floor_to(amount, increment), ceil_to(amount, increment)
    assert low <= amount <= high
    assert Fraction(low) / Fraction(increment) == (Fraction(amount) / Fraction(increment)).__floor__()
    assert Fraction(high) / Fraction(increment) == (Fraction(amount) / Fraction(increment)).__ceil__()
    assert on_grid(low, increment)
    assert on_grid(amount, increment) == (low == high)


@given(numerator=amounts, denominator=amounts.filter(bool), places=st.integers(0, 12))
def test_a_quotient_is_off_by_at_most_half_its_last_place(
    numerator: Decimal, denominator: Decimal, places: int
) -> None:
    result = quotient(numerator, denominator, places=places)
    exact = Fraction(numerator) / Fraction(denominator)
    assert abs(Fraction(result) - exact) * 2 <= Fraction(1, 10**places)
    assert result.as_tuple().exponent == -places


@pytest.mark.parametrize(
    ("amount", "places", "expected"),
    [
        ("0.125", 2, "0.12"),
        ("0.135", 2, "0.14"),
        ("-0.125", 2, "-0.12"),
        ("1.5", 0, "2"),
        ("2.5", 0, "2"),
        ("7", 2, "7.00"),
    ],
)
def test_rounding_is_half_even(amount: str, places: int, expected: str) -> None:
    assert str(rounded(Decimal(amount), places=places)) == expected


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("1.500", "1.5"), ("2E+1", "20"), ("0.00", "0"), ("-0", "0"), ("100", "100"), ("-3.10", "-3.1"), ("1E-8", "1E-8")],
)
def test_equal_amounts_are_shown_alike(amount: str, shown: str) -> None:
    assert str(plain(Decimal(amount))) == shown
